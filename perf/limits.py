#!/usr/bin/env python3
"""How exactly workers hold a rate limit together.

    perf/limits.py --frys target/release/frys [--seconds 60] [--rates 1000,20000]

For each rate it starts a gateway with two workers and one limit over all requests, asks for more
than it lets pass from 64 connections of `frys bench`, and holds what passed against rate x time +
burst. It prints one line of JSON for each rate, and ends with 1 where one is off by more than a
percent and the leases. Everything is on loopback and ends by itself.
"""

import argparse
import json
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

WORKERS = 2
CLIENTS = 64


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, path):
    """GETs a page of the gateway or of its admin server: its text."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        wire.sendall(head.encode())
        text = b""
        while piece := wire.recv(65536):
            text += piece
    return text.decode("utf-8", "replace")


def counted(admin):
    """Requests that the limit let pass and refused, by its counters."""
    found = {"passed": 0, "refused": 0}
    for line in ask(admin, "/metrics").splitlines():
        if line.startswith("frys_filter_decisions_total{"):
            for outcome in found:
                if f'decision="{outcome}"' in line:
                    found[outcome] += int(float(line.rsplit(" ", 1)[1]))
    return found


def wait(port, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if " 200 " in ask(port, "/ready").split("\n")[0]:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise SystemExit("the gateway did not become ready")


def measure(options, rate):
    burst = max(rate // 10, 100)
    port, admin = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "frys.toml"
        file.write_text(
            f'listen_addr = "127.0.0.1:{port}"\nworkers = {WORKERS}\n'
            f'[admin]\naddress = "127.0.0.1:{admin}"\n'
            '[[routes]]\nid = "all"\npath = "/*"\nrespond = {}\n'
            f"rate_limit = {{ requests_per_second = {rate}, burst_size = {burst},"
            ' key = "global" }\n'
        )
        gateway = subprocess.Popen([options.frys, "run", "--config", str(file)])
        try:
            wait(admin)
            asked = options.times * rate
            began = time.monotonic()
            load = subprocess.run(
                [options.frys, "bench", f"http://127.0.0.1:{port}/x",
                 "--connections", str(CLIENTS), "--rate", str(asked),
                 "--duration", f"{options.seconds}s", "--warm-up", "0s", "--json"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                timeout=options.seconds + 30, check=False,
            )
            took = time.monotonic() - began
            outcome = counted(admin)
        finally:
            gateway.send_signal(signal.SIGTERM)
            gateway.wait(timeout=40)
    if not load.stdout:
        raise SystemExit("the load generator said nothing")
    span = options.span or options.seconds
    wanted = rate * span + burst
    lease = max(1, min(rate // 1000, burst // (8 * WORKERS)))
    apart = outcome["passed"] - wanted
    bound = wanted / 100 + WORKERS * lease
    line = {
        "rate": rate, "burst": burst, "workers": WORKERS, "clients": CLIENTS, "seconds": span,
        "took": round(took, 2), "lease": lease, **outcome, "wanted": wanted,
        "apart_percent": round(100 * apart / wanted, 3), "holds": abs(apart) <= bound,
    }
    print(json.dumps(line), flush=True)
    return line["holds"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--frys", default="target/release/frys")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--span", type=float, help="seconds that count, where the load is longer")
    parser.add_argument("--times", type=int, default=2, help="how much more is asked for")
    parser.add_argument("--rates", default="1000,20000")
    options = parser.parse_args()
    if not 1 <= options.seconds <= 300:
        raise SystemExit("between 1 and 300 seconds")
    held = [measure(options, int(rate)) for rate in options.rates.split(",")]
    sys.exit(0 if all(held) else 1)


if __name__ == "__main__":
    main()
