"""What was measured on, and with what; a short name that says nothing of whose machine it is."""

import datetime
import os
import platform
import re
import subprocess

from lab.peers import PERF, Place


def processor():
    """The processor's model."""
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def name_of(model, cores):
    """A stable name of a machine: model and cores."""
    words = re.sub(r"\((r|tm)\)|@.*|\b(processor|cpu|core)\b|\d+-core", " ", model.lower())
    return "-".join(re.findall(r"[a-z0-9]+", words)) + f"-{cores}"


def name():
    """This machine's."""
    return name_of(processor(), os.cpu_count() or 1)


def about(peers, load):
    """Machine, commit, versions, time."""
    def git(*rest):
        return subprocess.run(["git", *rest], cwd=PERF, check=False, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL).stdout.strip()

    return {
        "machine": name(), "processor": processor(), "cores": os.cpu_count(),
        "allowed_cores": len(Place.allowed()), "kernel": platform.release(),
        "commit": git("rev-parse", "--short", "HEAD"),
        "has_changes": bool(git("status", "--porcelain", "--untracked-files=no")),
        "load": load.name,
        "versions": {peer.name: peer.version() for peer in peers if peer.kind != "command"},
        "when": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    }


def stamp(when):
    """A file's name of a time."""
    return when.replace(":", "").replace("+0000", "Z")
