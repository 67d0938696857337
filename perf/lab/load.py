"""The load: `frys bench` for everything, wrk as a second opinion on closed loops of GETs."""

import json
import pathlib
import re
import subprocess

from lab.peers import Place
from lab.processes import pinned
from lab.tables import TABLES
from lab.tokens import Issuer

# Percentiles of the curves that are kept; their distances double towards the tail.
CURVE = [0, 25, 50, 75, 87.5, 90, 93.75, 95, 96.875, 98.4375, 99, 99.21875, 99.5, 99.609375,
         99.8046875, 99.9, 99.95, 99.975, 99.99, 100]
SECONDS_MAX = 180
IDLE_ARRIVALS_PER_S = 2000


class Bench:
    """`frys bench`, pinned beside the upstream, on one thread."""

    name = "frys bench"

    def __init__(self, program, folder):
        self.program, self.folder = program, pathlib.Path(folder)

    def command(self, peer, traffic, seconds, rate=None):
        """The command line for one load."""
        base = f"http://127.0.0.1:{peer.port}"
        command = [self.program, "bench", "--json", "-t", "1", "-c", str(traffic.connections),
                   "-d", f"{seconds * 1000:.0f}ms", "--warm-up", "0s"]
        if traffic.urls:
            file = self.folder / f"{traffic.urls}-{peer.port}.urls"
            file.write_text("\n".join(base + path for path in TABLES[traffic.urls].paths()) + "\n")
            command += ["--urls", str(file)]
        if traffic.method:
            command += ["-X", traffic.method]
        if traffic.host:
            command += ["-H", f"Host: {traffic.host}"]
        for name, value in traffic.headers.items():
            command += ["-H", f"{name}: {value}"]
        if traffic.token:
            command += ["-H", f"Authorization: Bearer {Issuer(self.folder).token()}"]
        if traffic.body_bytes:
            file = self.folder / f"body-{traffic.body_bytes}"
            file.write_bytes(b"x" * traffic.body_bytes)
            command += ["--body-file", str(file)]
        if rate:
            command += ["--rate", f"{rate:.0f}", "--arrivals", traffic.arrivals or "constant"]
        for flag, value in (("--think", traffic.think), ("--read-rate", traffic.read_rate)):
            command += [flag, value] if value else []
        command += ["--new-connections"] if traffic.new_connections else []
        return command + [at_base(target, base) for target in traffic.targets]

    def run(self, peer, traffic, seconds, rate=None):
        """Makes one load and returns what it saw."""
        return seen(json.loads(run(self.command(peer, traffic, seconds, rate))))

    def idle(self, peer, traffic, seconds):
        """Starts clients that ask once and then only stay; returns the child. They come at a rate
        that every server keeps up with: what is measured is clients, not a burst of requests."""
        command = self.command(peer, traffic, seconds, IDLE_ARRIVALS_PER_S)
        command += ["--think", "600s", "-n", str(traffic.connections)]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True,
                                preexec_fn=pinned(Place.load_cores()))


class Wrk:
    """wrk, pinned the same way."""

    name = "wrk"

    def __init__(self, program):
        self.program = program

    def run(self, peer, traffic, seconds, rate=None):
        """Makes one load of whole seconds and returns what it saw."""
        assert rate is None
        text = run([
            self.program, "-t1", f"-c{traffic.connections}", f"-d{max(1, round(seconds))}s",
            "--latency", "--timeout", "10s",
            f"http://127.0.0.1:{peer.port}{traffic.targets[0].split()[-1]}",
        ])
        errors = sum(int(n) for n in re.findall(r"(?:connect|read|write|timeout) (\d+)", text))
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        errors += int(refused.group(1)) if refused else 0
        return {
            "requests": int(re.search(r"(\d+) requests in", text).group(1)), "errors": errors,
            "rate": float(re.search(r"Requests/sec:\s*([\d.]+)", text).group(1)),
            "p50_us": microseconds(text, "50%"), "p99_us": microseconds(text, "99%"),
        }


def run(command):
    """Runs one load on the loader's core and returns what it printed."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS_MAX,
        preexec_fn=pinned(Place.load_cores()), check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n"
                         f"{done.stdout}{done.stderr}")
    return done.stdout


def at_base(target, base):
    """A target with its path made a URL."""
    *words, path = target.split()
    return " ".join([*words, base + path])


def seen(report):
    """What the lab keeps of a report of `frys bench`."""
    found, client = report["seen"], report["client"]
    latency, lateness = found["latency"], client.get("lateness") or {}
    return {
        "requests": found["requests"], "rate": found["rate"],
        "errors": sum(found["errors"].values()),
        "errors_by_kind": {kind: n for kind, n in found["errors"].items() if n},
        "asked_rate": report["asked"]["rate"],
        "p50_us": latency["p50_us"], "p99_us": latency["p99_us"], "p999_us": latency["p999_us"],
        "max_us": latency["max_us"], "curve": thinned(latency["curve"]),
        "client_core_share": client["cpu_share_max"], "client_is_limit": client["is_limit"],
        "client_lateness_p99_us": lateness.get("p99_us"), "warnings": client["warnings"],
    }


def thinned(curve):
    """The curve at the percentiles that are kept."""
    found = []
    for wanted in CURVE:
        value = next((us for percentile, us in curve if percentile >= wanted), None)
        if value is not None:
            found.append([wanted, value])
    return found


def microseconds(text, share):
    """A latency of wrk's distribution."""
    value, unit = re.search(rf"{re.escape(share)}\s+([\d.]+)(us|ms|s|m)\b", text).groups()
    return float(value) * {"us": 1, "ms": 1e3, "s": 1e6, "m": 6e7}[unit]
