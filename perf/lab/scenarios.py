"""What is measured: each scenario drives one peer for some seconds and gives one sample."""

import json
import os
import re
import subprocess
import threading
import time

from lab.peers import pinned

LOAD_CORE = 1


class Loader:
    """The load generators, pinned beside the upstream."""

    def __init__(self, load, wrk):
        self.load_program, self.wrk_program = load, wrk

    def wrk(self, peer, path, connections, seconds):
        """A closed loop of GETs on keep-alive connections."""
        text = run([
            self.wrk_program, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
            "--timeout", "10s", f"http://127.0.0.1:{peer.port}{path}",
        ])
        requests = int(re.search(r"(\d+) requests in", text).group(1))
        errors = sum(int(n) for n in re.findall(r"(?:connect|read|write|timeout) (\d+)", text))
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        errors += int(refused.group(1)) if refused else 0
        return {
            "requests": requests, "errors": errors,
            "rate": float(re.search(r"Requests/sec:\s*([\d.]+)", text).group(1)),
            "p50_us": microseconds(text, "50%"), "p99_us": microseconds(text, "99%"),
        }

    def load(self, peer, seconds, *arguments):
        """Our own generator: uploads, fresh connections, open loops."""
        text = run([
            self.load_program, "--target", f"127.0.0.1:{peer.port}", "--seconds", str(seconds),
            "--warm-up", "0", *arguments,
        ])
        return json.loads(text)

    def idle(self, peer, connections):
        """Opens idle keep-alive clients; returns the child that holds them and its report."""
        child = subprocess.Popen(
            [self.load_program, "--target", f"127.0.0.1:{peer.port}", "--idle",
             "--connections", str(connections)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=pinned({LOAD_CORE}),
        )
        return child, json.loads(child.stdout.readline())


def run(command):
    """Runs one load on the loader's core and returns what it printed."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180,
        preexec_fn=pinned({LOAD_CORE}), check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def microseconds(text, share):
    """A latency of wrk's distribution."""
    value, unit = re.search(rf"{re.escape(share)}\s+([\d.]+)(us|ms|s|m)\b", text).groups()
    return float(value) * {"us": 1, "ms": 1e3, "s": 1e6, "m": 6e7}[unit]


class RssWatch(threading.Thread):
    """The largest resident size of a peer while a load runs."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.stopped, self.most = process, threading.Event(), 0
        self.start()

    def run(self):
        while not self.stopped.wait(0.2):
            self.most = max(self.most, self.process.rss_bytes())

    def end(self):
        """Stops watching and returns the largest size."""
        self.stopped.set()
        self.join()
        return max(self.most, self.process.rss_bytes())


def measured(peer, seconds, drive):
    """One sample: warms up shortly, then counts requests against the peer's CPU time."""
    drive(min(0.5, seconds) if drive.fine else 1)
    before, began, rss = peer.process.cpu_seconds(), time.monotonic(), peer.process.rss_bytes()
    watch = RssWatch(peer.process)
    sample = drive(seconds)
    sample["rss_most"] = watch.end()
    sample["rss_before"] = rss
    sample["cpu_seconds"] = peer.process.cpu_seconds() - before
    sample["core_share"] = sample["cpu_seconds"] / (time.monotonic() - began)
    sample["per_cpu_second"] = sample["requests"] / max(sample["cpu_seconds"], 0.01)
    return sample


def gets(path, connections):
    """A scenario of keep-alive GETs."""

    def scenario(loader, peer, seconds, _state):
        def drive(time_s):
            return loader.wrk(peer, path, connections, max(1, round(time_s)))

        drive.fine = False
        return measured(peer, seconds, drive)

    return scenario


def loads(*arguments):
    """A scenario of our own generator; a callable argument is asked for its value."""

    def scenario(loader, peer, seconds, state):
        given = [part(state) if callable(part) else part for part in arguments]

        def drive(time_s):
            return loader.load(peer, time_s, *given)

        drive.fine = True
        return measured(peer, seconds, drive)

    return scenario


def idle(connections):
    """Memory of idle keep-alive clients, on a peer of two workers that was just started."""

    def scenario(loader, peer, _seconds, _state):
        peer.stop()
        peer.start(workers=2, cores=range(os.cpu_count() or 2))
        time.sleep(1)
        base = peer.process.rss_bytes()
        child, report = loader.idle(peer, connections)
        time.sleep(1)
        full = peer.process.rss_bytes()
        child.communicate("")
        peer.stop()
        peer.start()
        return {
            "requests": report["requests"], "errors": report["errors"], "rate": report["rate"],
            "base_bytes": base, "idle_bytes": (full - base) / connections,
        }

    return scenario


# name: (what runs, which peers, what to reach)
SCENARIOS = {
    "small-64": (gets("/small", 64), "all", "1.6 x nginx, 1.6 x haproxy"),
    "small-1": (gets("/small", 1), "all", "1.0 x nginx"),
    "small-512": (gets("/small", 512), "all", "1.5 x nginx"),
    "16k": (gets("/16k", 64), "all", "1.3 x the better"),
    "1m": (gets("/1m", 16), "all", "1.4 x the better"),
    "upload-1m": (
        loads("--method", "PUT", "--path", "/upload", "--body-bytes", str(1024 * 1024),
              "--connections", "16"),
        "all", "1.2 x the better, RSS flat",
    ),
    "fresh": (loads("--fresh", "--connections", "64"), "all", "1.2 x nginx"),
    "paced": (
        loads("--rate", lambda state: f"{state['nginx_rate'] / 2:.0f}", "--connections", "128"),
        "all", "p99 not above nginx's",
    ),
    "idle-10000": (idle(10_000), "all", "2.5 KiB a client, base 12 MiB"),
    "routes": (
        loads("--paths", lambda state: state["paths"], "--connections", "64"),
        "routes", "3 % of throughput",
    ),
}
