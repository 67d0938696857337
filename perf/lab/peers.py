"""Servers under measurement: how each is started, what it costs, how it is stopped."""

import os
import pathlib
import resource
import signal
import socket
import subprocess
import time

PERF = pathlib.Path(__file__).resolve().parent.parent
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def free_port():
    """A port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pinned(cores):
    """A function for a child: pin it to `cores` and raise its limit of open files."""

    def prepare():
        os.sched_setaffinity(0, cores)
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    return prepare


class Process:
    """One child that is stopped by its own id, with what its tree of processes costs."""

    def __init__(self, command, cores, log):
        self.log = log
        with open(log, "wb") as out:
            self.child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                preexec_fn=pinned(cores),
            )

    def wait_for(self, port, seconds=20):
        """Waits until the port answers."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.child.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return self
            time.sleep(0.02)
        text = pathlib.Path(self.log).read_text(errors="replace")
        self.stop()
        raise SystemExit(f"{self.child.args[0]} did not start:\n{text[-2000:]}")

    def pids(self):
        """The child and all below it."""
        parents = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                fields = stat_fields(int(entry))
                if fields:
                    parents.setdefault(int(fields[1]), []).append(int(entry))
        found, queue = [], [self.child.pid]
        while queue:
            pid = queue.pop()
            found.append(pid)
            queue.extend(parents.get(pid, []))
        return found

    def cpu_seconds(self):
        """User and system time of all its processes so far."""
        ticks = 0
        for pid in self.pids():
            fields = stat_fields(pid)
            if fields:
                ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS_PER_SECOND

    def rss_bytes(self):
        """Resident bytes of all its processes, pages that they share counted once each."""
        pages = 0
        for pid in self.pids():
            try:
                pages += int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
            except (OSError, IndexError):
                pass
        return pages * PAGE_BYTES

    def stop(self):
        """Ends the child; returns its exit status."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        return self.child.returncode


def stat_fields(pid):
    """The fields of /proc/PID/stat after the name; None where the process is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text[text.rindex(")") + 2:].split()


class Peer:
    """One server under measurement."""

    def __init__(self, name, command, template, upstream, folder, routes=""):
        self.name, self.command, self.template = name, command, template
        self.upstream, self.folder, self.routes = upstream, folder, routes
        self.port, self.process = None, None

    def start(self, workers=1, cores=(0,)):
        """Starts it with a configuration made from its template."""
        self.port = free_port()
        text = (PERF / self.template).read_text()
        values = {
            "PORT": self.port, "ADMIN": free_port(), "UPSTREAM": self.upstream,
            "FOLDER": self.folder, "WORKERS": workers, "ROUTES": self.routes,
        }
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        suffix = pathlib.Path(self.template).suffix
        config = pathlib.Path(self.folder) / f"{self.name}{suffix}"
        config.write_text(text)
        command = [part.replace("@CONFIG@", str(config)) for part in self.command]
        log = pathlib.Path(self.folder) / f"{self.name}.out"
        self.process = Process(command, set(cores), log).wait_for(self.port)
        return self

    def stop(self):
        """Stops it, if it runs."""
        if self.process:
            status = self.process.stop()
            self.process = None
            return status
        return None
