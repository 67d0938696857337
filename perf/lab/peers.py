"""Servers under measurement: what is known of each kind, and a configuration from a template."""

import os
import pathlib
import shlex
import shutil
import subprocess

from lab.processes import Process, free_port
from lab.tables import TABLES, One
from lab.tokens import Issuer

PERF = pathlib.Path(__file__).resolve().parent.parent
PROBE = "/small"


class Kind:
    """A kind of server: its command after the program, and what its version is asked with."""

    def __init__(self, command, version, also=(), environment=None):
        self.command, self.version = command, version
        self.also, self.environment = also, environment or {}


# A program that sizes its threads by the machine is told how many cores it has.
GO = {"GOMAXPROCS": "@WORKERS@", "XDG_DATA_HOME": "@FOLDER@", "XDG_CONFIG_HOME": "@FOLDER@"}
KINDS = {
    "frys": Kind(["run", "--config", "@CONFIG@"], ["--version"]),
    "nginx": Kind(["-p", "@FOLDER@", "-c", "@CONFIG@"], ["-v"]),
    "haproxy": Kind(["-db", "-f", "@CONFIG@"], ["-v"]),
    "caddy": Kind(["run", "--config", "@CONFIG@"], ["version"], environment=GO),
    "traefik": Kind(["--configFile=@CONFIG@"], ["version"], also=["traefik-routes.yml"],
                    environment=GO),
    "envoy": Kind(["-c", "@CONFIG@", "--concurrency", "@WORKERS@", "--disable-hot-restart",
                   "--log-level", "error"], ["--version"]),
}
FLOORS = {
    "floor-frys": ["floor-frys"],
    "floor-monoio-d": ["floor-monoio", "--deferred"],
    "floor-monoio": ["floor-monoio"],
    "floor-glommio": ["floor-glommio"],
    "floor-tokio": ["floor-tokio"],
    "floor-epoll": ["floor-epoll"],
}
FLOOR_ARGUMENTS = ["--listen", "127.0.0.1:@PORT@", "--upstream", "@UPSTREAM@", "--core", "@CORE@"]


class Peer:
    """One server: a kind with a program, or any command that takes a port."""

    def __init__(self, name, kind, command, environment=None, also=(), plain_only=False):
        self.name, self.kind, self.command = name, kind, command
        self.environment, self.also, self.plain_only = environment or {}, also, plain_only
        self.port, self.process, self.running = None, None, None
        self.template = None

    @classmethod
    def known(cls, name, kind, program, template=None):
        """A server of one of KINDS; with a template instead of the scenario's, if there is one."""
        about = KINDS[kind]
        found = cls(name, kind, [program, *about.command], about.environment, about.also)
        found.template = template
        return found

    @classmethod
    def command_line(cls, text):
        """`NAME=COMMAND` with @PORT@, @UPSTREAM@, @CORE@, @WORKERS@ and @FOLDER@ in it."""
        name, _, command = text.partition("=")
        if not command or "@PORT@" not in command:
            raise SystemExit(f"--server {text}: give NAME=COMMAND with @PORT@ in the command")
        return cls(name, "command", shlex.split(command))

    @classmethod
    def floor(cls, name, folder):
        """One of the smallest relays of perf/engines: GETs of known length, one thread."""
        program, *options = FLOORS[name]
        command = [str(pathlib.Path(folder) / program), *options, *FLOOR_ARGUMENTS]
        return cls(name, "floor", command, plain_only=True)

    def takes(self, scenario):
        """Whether it can serve the scenario."""
        if self.kind in KINDS:
            return self.kind in scenario.configurations
        return not self.plain_only or (scenario.traffic.is_plain and scenario.workers == 1)

    def start(self, scenario, place, routes_count=1):
        """Starts it for the scenario, unless it already runs as the scenario needs it."""
        template = self.template or scenario.configurations.get(self.kind)
        table = scenario.traffic.urls
        wanted = (template, scenario.workers, scenario.cores, table, routes_count)
        if self.process and self.running == wanted:
            return self
        self.stop()
        self.port, self.running = free_port(), wanted
        cores = place.server_cores(scenario.cores)
        values = {
            "PORT": self.port, "ADMIN": free_port(), "UPSTREAM": place.upstream,
            "UPSTREAM_PORT": place.upstream.rpartition(":")[2], "FOLDER": place.folder,
            "WORKERS": scenario.workers, "CORE": min(cores),
            "ROUTES": self.routes(scenario, routes_count),
        }
        if scenario.traffic.token:
            values["PUBLIC_KEY"] = Issuer(place.folder).public_key
        folder = pathlib.Path(place.folder)
        if template:
            suffix = pathlib.Path(template).suffix
            values["CONFIG"] = folder / f"{self.name}-{routes_count}{suffix}"
            values["CONFIG"].write_text(filled((PERF / "peers" / template).read_text(), values))
        for extra in self.also:
            (folder / extra).write_text(filled((PERF / "peers" / extra).read_text(), values))
        command = [filled(part, values) for part in self.command]
        environment = {name: filled(value, values) for name, value in self.environment.items()}
        self.process = Process(command, cores, folder / f"{self.name}.out", environment)
        self.process.wait_for(self.port, PROBE)
        return self

    def routes(self, scenario, count):
        """The scenario's routes in the words of this kind of server."""
        table = TABLES.get(scenario.traffic.urls, One())
        words = getattr(table, self.kind, None)
        return words(count) if words else ""

    def stop(self):
        """Stops it, if it runs."""
        if self.process:
            self.process.stop()
            self.process = None

    def version(self):
        """What the program says of its version, the gateway with its commit; None for a command."""
        if self.kind not in KINDS:
            return None
        done = subprocess.run([self.command[0], *KINDS[self.kind].version], check=False, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=20)
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines()]
        named = [line for line in lines if any(letter.isdigit() for letter in line)]
        wanted = named[:2] if self.kind == "frys" else named[:1]
        return f"{self.name}: {', '.join(wanted)}" if wanted else None


class Place:
    """Where servers run: the upstream's address, a folder for files, and the cores."""

    def __init__(self, upstream, folder):
        self.upstream, self.folder = upstream, folder

    @staticmethod
    def allowed():
        """The cores that this process may use, ascending."""
        return sorted(os.sched_getaffinity(0))

    @classmethod
    def server_cores(cls, count):
        """The first cores."""
        return set(cls.allowed()[:count])

    @classmethod
    def load_cores(cls):
        """The second core, for the upstream and the load."""
        return {cls.allowed()[1]}


def filled(text, values):
    """The text with each @NAME@ replaced."""
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return text


def which(name, programs):
    """The program of a kind: as given by a flag, or on PATH."""
    return programs.get(name) or shutil.which(name)
