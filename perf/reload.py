#!/usr/bin/env python3
"""Reloads under load: what clients see while a gateway comes to new configurations.

    perf/reload.py reloads   10 reloads a second under 80 % load, 10,000 routes; then none
    perf/reload.py compile   a reload of 100,000 routes and 1,000 clusters under load
    perf/reload.py download  one download over 100 reloads

It prints one line of JSON for each run. Everything is on loopback and ends by itself.
"""

import argparse
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Bench:
    """An upstream and a gateway in front of it."""

    def __init__(self, options, routes, clusters):
        self.options = options
        self.folder = tempfile.TemporaryDirectory()
        self.file = pathlib.Path(self.folder.name) / "frys.toml"
        self.port, self.admin, self.upstream = free_port(), free_port(), free_port()
        self.routes, self.clusters = routes, clusters
        self.texts = [self.text(variant) for variant in range(2)]
        self.write(0)
        self.started = []
        self.run([options.upstream, "--listen", f"127.0.0.1:{self.upstream}", "--threads", "1"])
        self.began = time.monotonic()
        self.gateway = self.run([options.frys, "run", "--config", str(self.file)])
        self.wait()

    def text(self, variant):
        lines = [
            f'listen_addr = "127.0.0.1:{self.port}"',
            "workers = 1",
            "reload = { watch = false }",
            "[admin]",
            f'address = "127.0.0.1:{self.admin}"',
        ]
        for number in range(self.clusters):
            weight = 1 + (variant if number % 10 == 0 else 0)
            lines.append(f"[clusters.c{number}]")
            lines.append(
                "upstreams = [{ url = \"http://127.0.0.1:%d\", weight = %d }]"
                % (self.upstream, weight)
            )
        for number in range(self.routes):
            # A tenth of the routes is another one in each variant.
            name = f"v{variant}" if number % 10 == 9 else "s"
            lines.append("[[routes]]")
            lines.append(f'path = "/{name}/{number}/*"')
            lines.append(f'cluster = "c{number % self.clusters}"')
        return "\n".join(lines) + "\n"

    def write(self, variant):
        self.file.write_text(self.texts[variant % 2])

    def run(self, command):
        log = open(os.path.join(self.folder.name, f"log-{len(self.started)}"), "wb")
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.started.append(child)
        return child

    def wait(self):
        for _ in range(3000):
            try:
                if self.ask("GET", "/ready")[0] == 200:
                    return
            except OSError:
                pass
            if self.gateway.poll() is not None:
                sys.exit((pathlib.Path(self.folder.name) / "log-1").read_text())
            time.sleep(0.01)
        sys.exit("the gateway is not ready")

    def ask(self, method, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=30)
        connection.request(method, path)
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response.status, body

    def resident_mib(self):
        status = pathlib.Path(f"/proc/{self.gateway.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def turns(self):
        """The counts of turns by how long they took, each count under its bucket's upper end."""
        stats = json.loads(self.ask("GET", "/stats")[1])
        turn = next(stage for stage in stats["stages"] if stage["name"] == "turn")
        return {below_ns: count for _, below_ns, count in turn["buckets_ns"]}

    def load(self, rate, seconds):
        paths = [f"/s/{number}/x" for number in range(0, self.routes, max(1, self.routes // 500))]
        targets = pathlib.Path(self.folder.name) / "targets"
        targets.write_text("".join(f"http://127.0.0.1:{self.port}{path}\n" for path in paths))
        command = [self.options.frys, "bench", "--json", "--quiet", "--duration", f"{seconds}s"]
        command += ["--connections", "64", "--threads", "1", "--rate", str(rate)]
        command += ["--urls", str(targets)]
        # Files, since nobody reads a pipe while the reloads go on.
        self.out = open(pathlib.Path(self.folder.name) / "result", "w+b")
        child = subprocess.Popen(command, stdout=self.out, stderr=subprocess.DEVNULL)
        child.out = self.out
        return child

    def close(self):
        for child in reversed(self.started):
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
        self.folder.cleanup()


def turns_between(before, after):
    """Of the timed turns between two looks: how many, and the ends of the longest ones' buckets."""
    counts = {below: count - before.get(below, 0) for below, count in after.items()}
    filled = sorted(below for below, count in counts.items() if count > 0)
    over = sum(count for below, count in counts.items() if below > 1_000_000)
    longest_us = [below / 1e3 for below in filled[-3:]]
    return {"timed": sum(counts.values()), "longest_us": longest_us, "over_1_ms": over}


def outcome(load):
    load.wait(timeout=300)
    load.out.seek(0)
    text = load.out.read()
    if load.returncode == 2:
        sys.exit("the load could not be made")
    seen = json.loads(text)["seen"]
    return {
        "rate": seen["rate"],
        "requests": seen["requests"],
        "connections_opened": seen["connections_opened"],
        "errors": {kind: count for kind, count in seen["errors"].items() if count},
        "latency": {
            name: value
            for name, value in seen["latency"].items()
            if name in ("p50_us", "p99_us", "p999_us", "p9999_us", "max_us")
        },
    }


def reload_until_over(bench, load, every):
    """Reloads, one as soon as its time has come and the one before is answered."""
    took, resident, next_at = [], [], time.monotonic() + 1
    while load.poll() is None:
        pause = next_at - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        next_at += every
        bench.write(len(took) + 1)
        began = time.monotonic()
        status, text = bench.ask("POST", "/config/reload")
        took.append(time.monotonic() - began)
        resident.append(bench.resident_mib())
        if status != 200:
            sys.exit(f"a reload was answered {status}: {text}")
    return took, resident


def milliseconds(took):
    ordered = sorted(took)
    return {"p50": ordered[len(ordered) // 2] * 1e3, "max": ordered[-1] * 1e3}


def reloads(options):
    bench = Bench(options, 10_000, 100)
    try:
        rows = {"rate": options.rate}
        for name in ("without", "with"):
            resident, turns = [bench.resident_mib()], bench.turns()
            load = bench.load(options.rate, options.seconds)
            row = {}
            if name == "with":
                took, after = reload_until_over(bench, load, 1 / options.reloads)
                row = {"reloads": len(took), "reload_ms": milliseconds(took)}
                resident += [after[len(after) // 2], after[-1], max(after)]
            row["seen"] = outcome(load)
            row["resident_mib"] = resident + [bench.resident_mib()]
            row["turns"] = turns_between(turns, bench.turns())
            rows[name] = row
        latencies = [rows[name]["seen"]["latency"] for name in ("without", "with")]
        without, with_reloads = (latency["p999_us"] for latency in latencies)
        rows["p99_9_ratio"] = with_reloads / without
        rows["generations"] = json.loads(bench.ask("GET", "/stats")[1])["generations"]
        return rows
    finally:
        bench.close()


def compile_large(options):
    bench = Bench(options, 100_000, 1_000)
    started = time.monotonic() - bench.began
    try:
        text_mib = len(bench.texts[0]) / 2**20
        rows = {"start_s": started, "text_mib": text_mib}
        for name in ("without", "with"):
            resident, turns = [bench.resident_mib()], bench.turns()
            load = bench.load(options.rate, options.seconds)
            row = {}
            if name == "with":
                took, after = reload_until_over(bench, load, 3)
                row = {"reloads": len(took), "reload_ms": milliseconds(took)}
                resident += after
            row["seen"] = outcome(load)
            row["resident_mib"] = resident + [bench.resident_mib()]
            row["turns"] = turns_between(turns, bench.turns())
            rows[name] = row
        return rows
    finally:
        bench.close()


def download(options):
    bench = Bench(options, 1_000, 10)
    size, rate, head = 40_000_000, 4_000_000, b""
    try:
        with socket.create_connection(("127.0.0.1", bench.port)) as client:
            client.settimeout(60)
            # The test upstream sends so many bytes at so many a second.
            path = f"/s/0/x?bytes={size}&rate={rate}"
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            while b"\r\n\r\n" not in head:
                head += client.recv(65536)
            received = len(head.split(b"\r\n\r\n", 1)[1])
            client.setblocking(False)
            at_reload = 0
            for count in range(1, 101):
                bench.write(count)
                status, text = bench.ask("POST", "/config/reload")
                if status != 200:
                    sys.exit(f"a reload was answered {status}: {text}")
                received += drained(client)
                at_reload = received
            generations = json.loads(bench.ask("GET", "/stats")[1])["generations"]
            client.settimeout(60)
            while received < size and (piece := client.recv(1 << 20)):
                received += len(piece)
            return {
                "bytes": size,
                "received": received,
                "received_at_the_last_reload": at_reload,
                "reloads": 100,
                "generations": generations,
            }
    finally:
        bench.close()


def drained(client):
    """How many bytes are there, without waiting for more."""
    count = 0
    try:
        while piece := client.recv(1 << 20):
            count += len(piece)
    except BlockingIOError:
        pass
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["reloads", "compile", "download"])
    target = ROOT / "target" / "release"
    parser.add_argument("--frys", default=str(target / "frys"))
    parser.add_argument("--upstream", default=str(target / "frys-upstream"))
    parser.add_argument("--rate", type=int, default=8_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--reloads", type=float, default=10, help="a second, of `reloads`")
    options = parser.parse_args()
    runs = {"reloads": reloads, "compile": compile_large, "download": download}
    print(json.dumps(runs[options.what](options)))


if __name__ == "__main__":
    main()
