"""Processes under measurement: how one is started, what its tree costs, how it is stopped."""

import os
import pathlib
import resource
import signal
import socket
import subprocess
import threading
import time

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
START_SECONDS_MAX = 20


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


class Usage:
    """CPU time of a tree of processes at one moment."""

    def __init__(self, user_ticks, system_ticks, threads):
        self.user_ticks, self.system_ticks, self.threads = user_ticks, system_ticks, threads

    def since(self, before):
        """Seconds since `before`: all, in user space, and by which clock.

        The scheduler counts nanoseconds for each thread, but forgets a thread that ended; then the
        processes' ticks are all that is left.
        """
        user = self.user_ticks - before.user_ticks
        ticks = user + self.system_ticks - before.system_ticks
        seconds, clock = ticks / TICKS_PER_SECOND, "ticks"
        if before.threads and before.threads.keys() <= self.threads.keys():
            spent = sum(ran - before.threads.get(thread, 0)
                        for thread, ran in self.threads.items())
            seconds, clock = spent / 1e9, "schedstat"
        return {"cpu_seconds": seconds, "cpu_ticks_seconds": ticks / TICKS_PER_SECOND,
                "user_share": user / ticks if ticks else None, "cpu_clock": clock}


class Process:
    """One child that is stopped by its own id, with what its tree of processes costs."""

    def __init__(self, command, cores, log, environment=None):
        self.log = log
        with open(log, "wb") as out:
            self.child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                preexec_fn=pinned(cores), env={**os.environ, **(environment or {})},
            )

    def wait_for(self, port, path):
        """Waits until a GET of `path` is answered with 200."""
        end = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < end and self.child.poll() is None:
            if answers(port, path):
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

    def usage(self):
        """CPU time of all its processes so far, by both of the kernel's counts."""
        user, system, threads = 0, 0, {}
        for pid in self.pids():
            fields = stat_fields(pid)
            if fields:
                user, system = user + int(fields[11]), system + int(fields[12])
                threads.update(thread_nanoseconds(pid))
        return Usage(user, system, threads)

    def rss_bytes(self):
        """Resident bytes of all its processes; a page that several share counts in each."""
        pages = 0
        for pid in self.pids():
            try:
                pages += int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
            except (OSError, IndexError):
                pass
        return pages * PAGE_BYTES

    def pss_bytes(self):
        """Resident bytes with shared pages divided among those who share; None if not readable."""
        total = 0
        for pid in self.pids():
            try:
                text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                return None
            total += sum(int(line.split()[1]) * 1024 for line in text.splitlines()
                         if line.startswith("Pss:"))
        return total

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


def answers(port, path):
    """Whether a GET is answered with 200: a port may listen before its routes are known."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as stream:
            stream.sendall(request.encode())
            return b" 200" in stream.recv(64)[:16]
    except OSError:
        return False


def stat_fields(pid):
    """The fields of /proc/PID/stat after the name; None where the process is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text[text.rindex(")") + 2:].split()


def thread_nanoseconds(pid):
    """Nanoseconds that each thread has run; empty where the kernel does not say."""
    found = {}
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            text = pathlib.Path(f"/proc/{pid}/task/{thread}/schedstat").read_text()
            found[(pid, thread)] = int(text.split()[0])
    except (OSError, IndexError):
        pass
    return found


def established(port):
    """How many connections to `port` are open."""
    count = 0
    with open("/proc/net/tcp", encoding="ascii") as lines:
        for line in lines:
            fields = line.split()
            if fields[3] == "01" and fields[1].endswith(f":{port:04X}"):
                count += 1
    return count


class RssWatch(threading.Thread):
    """The largest resident size of a process while a load runs."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.stopped, self.most = process, threading.Event(), 0
        self.start()

    def run(self):
        while not self.stopped.wait(0.25):
            self.most = max(self.most, self.process.rss_bytes())

    def end(self):
        """Stops watching and returns the largest size."""
        self.stopped.set()
        self.join()
        return max(self.most, self.process.rss_bytes())
