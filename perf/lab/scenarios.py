"""Scenario files: what is asked of which servers, which figure counts and what it is to reach."""

import pathlib
import tomllib

from lab.peers import KINDS, PERF
from lab.tables import TABLES

FIGURES = {
    # name: (in words, unit, whether more is better, whether the control variable applies)
    "per_cpu_second": ("requests per CPU-second", "/CPU-s", True, True),
    "p50_us": ("p50", "ms", False, True),
    "p99_us": ("p99", "ms", False, True),
    "p999_us": ("p99.9", "ms", False, True),
    "idle_bytes": ("memory of an idle client", "KiB", False, False),
    "base_bytes": ("resident size without clients", "MiB", False, False),
}
HALF_OF = ["itself", *KINDS]


class Malformed(Exception):
    """A scenario file that cannot be used: which file, which key, why."""

    def __init__(self, file, key, why):
        super().__init__(f"{file}: {key}: {why}")
        self.file, self.key = file, key


class Table:
    """One table of a scenario file; what is not taken from it is refused."""

    def __init__(self, file, name, content):
        self.file, self.name, self.content = file, name, dict(content)

    def fault(self, key, why):
        """The refusal of one key."""
        return Malformed(self.file, f"{self.name}.{key}" if self.name else key, why)

    def take(self, key, kinds, default=None, required=False):
        """The value of a key, of one of the types."""
        if key not in self.content:
            if required:
                raise self.fault(key, "is missing")
            return default
        value = self.content.pop(key)
        kinds = kinds if isinstance(kinds, tuple) else (kinds,)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            names = " or ".join(kind.__name__ for kind in kinds)
            raise self.fault(key, f"must be {names}, is {value!r}")
        return value

    def count(self, key, default=None, required=False):
        """A whole number above zero."""
        value = self.take(key, int, default, required)
        if value is not None and value < 1:
            raise self.fault(key, f"must be at least 1, is {value}")
        return value

    def number(self, key, default=None):
        """A number above zero."""
        value = self.take(key, (int, float), default)
        if value is not None and value <= 0:
            raise self.fault(key, f"must be above 0, is {value}")
        return value

    def choice(self, key, known, default=None, required=False):
        """One of the known words."""
        value = self.take(key, str, default, required)
        if value is not None and value not in known:
            raise self.fault(key, f"must be one of {', '.join(known)}, is {value!r}")
        return value

    def table(self, key, required=False):
        """A table below this one."""
        name = f"{self.name}.{key}" if self.name else key
        return Table(self.file, name, self.take(key, dict, {}, required))

    def tables(self, key):
        """The tables of an array."""
        entries = self.take(key, list, [])
        if not all(isinstance(entry, dict) for entry in entries):
            raise self.fault(key, "must be tables")
        return [Table(self.file, f"{key}[{at}]", entry) for at, entry in enumerate(entries)]

    def end(self):
        """Refuses what nobody took."""
        for key in self.content:
            raise self.fault(key, "is not known")


class Traffic:
    """What the clients do."""

    def __init__(self, table):
        self.targets = table.take("targets", list, [])
        path = table.take("path", str)
        self.urls = table.choice("urls", list(TABLES))
        given = [bool(self.targets), path is not None, self.urls is not None]
        if sum(given) != 1:
            raise table.fault("path", "give one of path, targets and urls")
        self.targets = self.targets if path is None else [path]
        for target in self.targets:
            if not isinstance(target, str) or not target.split(" ")[-1].startswith("/"):
                raise table.fault("targets" if path is None else "path",
                                  f"must end in a path that begins with /, is {target!r}")
        self.method = table.take("method", str)
        self.host = table.take("host", str)
        self.body_bytes = table.count("body_bytes")
        self.connections = table.count("connections", required=True)
        self.rate = table.number("rate")
        self.half_of = table.choice("half_of", HALF_OF)
        if self.rate and self.half_of:
            raise table.fault("half_of", "stands beside rate; give one of them")
        self.arrivals = table.choice("arrivals", ["constant", "poisson"])
        if self.arrivals and not self.is_open:
            raise table.fault("arrivals", "needs rate or half_of")
        self.new_connections = table.take("new_connections", bool, False)
        self.think = table.take("think", str)
        self.read_rate = table.take("read_rate", str)
        headers = table.table("headers")
        self.headers = {name: headers.take(name, str) for name in list(headers.content)}
        self.token = table.take("token", bool, False)
        self.idle = table.take("idle", bool, False)
        table.end()

    @property
    def is_open(self):
        """Whether requests are due at a rate."""
        return bool(self.rate or self.half_of)

    @property
    def is_plain(self):
        """GETs on kept connections and nothing else, which every server can take."""
        return not (self.method or self.body_bytes or self.new_connections or self.urls
                    or self.headers or self.token)

    @property
    def wrk_can(self):
        """Whether wrk can make it."""
        return (self.is_plain and not self.is_open and not self.idle and not self.think
                and not self.read_rate and len(self.targets) == 1)


class Reach:
    """A figure to reach: against another server of the same rounds, or by itself."""

    def __init__(self, table, figure):
        self.figure = table.choice("figure", list(FIGURES), figure)
        self.of = table.take("of", str)
        self.at_least, self.at_most = table.number("at_least"), table.number("at_most")
        if (self.at_least is None) == (self.at_most is None):
            raise table.fault("at_least", "give one of at_least and at_most")
        table.end()

    def __str__(self):
        bound = self.at_least if self.at_least is not None else self.at_most
        sign = "at least" if self.at_least is not None else "at most"
        words, unit = FIGURES[self.figure][:2]
        value = f"{bound:g} x {self.of}" if self.of else f"{shown(self.figure, bound)} {unit}"
        return f"{words} {sign} {value}"

    def met(self, value):
        """Whether a value, or a ratio, reaches it."""
        return value >= self.at_least if self.at_least is not None else value <= self.at_most


class Scenario:
    """One file of perf/scenarios."""

    def __init__(self, name, content, file):
        table = Table(file, "", content)
        self.name = name
        self.about = table.take("about", str, required=True)
        self.order = table.take("order", int, 100)
        self.traffic = Traffic(table.table("traffic", required=True))
        servers = table.table("servers")
        self.workers, self.cores = servers.count("workers", 1), servers.count("cores", 1)
        servers.end()
        self.routes_count = table.count("routes", 1)
        self.configurations = configurations(table.table("configurations", required=True))
        figure = table.table("figure", required=True)
        self.figure = figure.choice("name", list(FIGURES), required=True)
        figure.end()
        if self.traffic.idle != self.figure.endswith("_bytes"):
            raise figure.fault("name", "idle traffic and figures in bytes go together")
        self.variants = variants(table.table("variants"))
        self.reach = [Reach(entry, self.figure) for entry in table.tables("reach")]
        table.end()

    @property
    def judged(self):
        """The figures that perf/check compares: the one that counts and those to reach."""
        return list(dict.fromkeys([self.figure] + [reach.figure for reach in self.reach]))


def configurations(table):
    """Which template each kind of server is started with."""
    found = {}
    for kind in list(table.content):
        if kind not in KINDS:
            raise table.fault(kind, "is no known kind of server")
        found[kind] = table.take(kind, str)
        if not (PERF / "peers" / found[kind]).is_file():
            raise table.fault(kind, f"perf/peers/{found[kind]} is not there")
    if "frys" not in found:
        raise table.fault("frys", "is missing")
    return found


def variants(table):
    """Names of several gateways of one program, and of each how many routes it has, or which
    template it is started with."""
    found = {}
    for name in list(table.content):
        if isinstance(table.content[name], str):
            found[name] = table.take(name, str)
            if not (PERF / "peers" / found[name]).is_file():
                raise table.fault(name, f"perf/peers/{found[name]} is not there")
        else:
            found[name] = table.count(name)
    if len(found) == 1:
        raise table.fault(next(iter(found)), "one variant has nothing beside it")
    return found


def read(file):
    """One scenario; its name is the file's."""
    file = pathlib.Path(file)
    try:
        content = tomllib.loads(file.read_text())
    except tomllib.TOMLDecodeError as error:
        raise Malformed(file.name, "TOML", str(error)) from error
    return Scenario(file.stem, content, file.name)


def read_all(folder=PERF / "scenarios"):
    """All scenarios by name, in their order."""
    found = [read(file) for file in sorted(pathlib.Path(folder).glob("*.toml"))]
    return {scenario.name: scenario
            for scenario in sorted(found, key=lambda scenario: (scenario.order, scenario.name))}


def shown(figure, value):
    """A figure's value in its unit."""
    unit = FIGURES[figure][1]
    divisor = {"ms": 1000, "KiB": 1024, "MiB": 2**20}.get(unit)
    return f"{value / divisor:.2f}" if divisor else f"{value:,.0f}"
