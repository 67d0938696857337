"""What a run needs: packages, builds, and the servers that were chosen."""

import os
import shutil
import subprocess

from lab.peers import FLOORS, KINDS, PERF, Peer, which

ROOT = PERF.parent
PACKAGES = {"nginx": "nginx-light", "haproxy": "haproxy", "wrk": "wrk"}
BUILT = ROOT / "target" / "release"


def install(names):
    """Installs Debian's packages of these programs where they are missing."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = [PACKAGES[name] for name in names if name in PACKAGES and not shutil.which(name)]
    if not missing:
        return
    print("installing", *missing, flush=True)
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "check": True}
    environment = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive"]
    subprocess.run([*environment, "apt-get", "update", "-q"], **quiet)
    subprocess.run([*environment, "apt-get", "install", "-q", "-y", "--no-install-recommends",
                    *missing], **quiet)


def cargo(package, target, *rest):
    """One release build."""
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "--manifest-path",
                    str(package / "Cargo.toml"), "--target-dir", str(target), *rest],
                   check=True, cwd=ROOT, stdin=subprocess.DEVNULL)


def gateways(options):
    """Names and programs of the gateways to measure; builds the release where none is given."""
    found = {}
    for given in options.frys or []:
        name, separator, program = given.partition("=")
        name, program = (name, program) if separator else ("frys", given)
        if name in found or (separator and name in KINDS and name != "frys"):
            raise SystemExit(f"--frys {given}: the name {name} is taken")
        if not os.access(program, os.X_OK):
            raise SystemExit(f"--frys {given}: cannot run {program}")
        found[name] = os.path.abspath(program)
    if not found:
        cargo(ROOT, ROOT / "target", "--bin", "frys")
        found["frys"] = str(BUILT / "frys")
    return found


def upstream(options):
    """The test upstream: as given, or the release build of `frys-upstream`."""
    if options.upstream:
        return os.path.abspath(options.upstream)
    cargo(ROOT, ROOT / "target", "--bin", "frys-upstream")
    return str(BUILT / "frys-upstream")


def peers(options, frys):
    """The servers that were chosen, the gateways first; what was asked for and is not there ends
    the run, what is merely known and not there is left out."""
    programs = dict(pair(given) for given in options.program or [])
    asked = options.peers.split(",") if options.peers else None
    for name in asked or []:
        if name not in KINDS:
            raise SystemExit(f"--peers {name}: known are {', '.join(KINDS)}")
    found = []
    for kind in KINDS:
        if asked is not None and kind not in asked:
            continue
        if kind == "frys":
            found += [Peer.known(name, kind, program) for name, program in frys.items()]
            continue
        program = which(kind, programs)
        if program:
            found.append(Peer.known(kind, kind, os.path.abspath(program)))
        elif asked is not None:
            raise SystemExit(f"--peers {kind}: not on PATH; --program {kind}=PATH names it")
    if options.floors or options.engines:
        found += floors(options)
    return found + [Peer.command_line(given) for given in options.server or []]


def floors(options):
    """The smallest relays of perf/engines."""
    folder = options.engines
    if not folder:
        engines = PERF / "engines"
        if not engines.is_dir():
            raise SystemExit("--floors: perf/engines is not there; --engines names built ones")
        cargo(engines, engines / "target")
        folder = engines / "target" / "release"
    return [Peer.floor(name, os.path.abspath(folder)) for name in FLOORS]


def pair(given):
    """NAME=PATH."""
    name, _, program = given.partition("=")
    if name not in KINDS or not os.access(program, os.X_OK):
        raise SystemExit(f"--program {given}: give NAME=PATH of {', '.join(KINDS)}")
    return name, program
