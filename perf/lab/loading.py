"""What it takes to load a table of many routes, and to hold it."""

import pathlib
import resource
import statistics
import subprocess
import time

from lab.peers import Place
from lab.processes import Process, free_port, pinned
from lab.tables import Mixed

ROUTES_COUNT = 100_000
# Most seconds to load them, and most bytes that a route holds above its own text.
SECONDS_MAX, ROUTE_BYTES_MAX = 2.0, 300
SETTLED_SECONDS = 3


def written(count, ports):
    """A configuration of so many routes."""
    listener, admin, upstream = ports
    return (f"listen_addr = '127.0.0.1:{listener}'\nworkers = 1\n"
            f"[admin]\naddress = '127.0.0.1:{admin}'\n"
            f"[clusters.lab]\nupstreams = [{{ url = 'http://127.0.0.1:{upstream}' }}]\n"
            + Mixed().frys(count))


def route_bytes(many, one, text_bytes, count):
    """What each route holds above its own text."""
    return (many - one - text_bytes) / count


def checked(frys, path):
    """CPU and wall seconds of one `frys check`."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([frys, "check", "--config", str(path)], stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, timeout=120, check=True,
                   preexec_fn=pinned(Place.load_cores()))
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, wall


def running(frys, folder, count):
    """Seconds until a gateway of so many routes is ready, and what it holds a while later."""
    ports = [free_port() for _ in range(3)]
    path = pathlib.Path(folder) / f"routes-{count}.toml"
    path.write_text(written(count, ports))
    began = time.monotonic()
    process = Process([frys, "run", "--config", str(path)], Place.server_cores(1),
                      f"{folder}/routes-{count}.out")
    process.wait_for(ports[1], "/ready")
    ready = time.monotonic() - began
    try:
        time.sleep(SETTLED_SECONDS)
        return ready, process.rss_bytes(), path
    finally:
        process.stop()


def load(stand):
    """Seconds to check and to start, and bytes that each route holds."""
    _, one, _ = running(stand.frys, stand.folder, 1)
    starts = [running(stand.frys, stand.folder, ROUTES_COUNT) for _ in range(stand.rounds)]
    path = starts[0][2]
    runs = [checked(stand.frys, path) for _ in range(stand.rounds)]
    cpu, wall = (statistics.median(values) for values in zip(*runs))
    ready = statistics.median(start[0] for start in starts)
    held = statistics.median(start[1] for start in starts)
    each = route_bytes(held, one, path.stat().st_size, ROUTES_COUNT)
    print(f"  load      {ROUTES_COUNT} routes: check {cpu:.2f} s CPU, {wall:.2f} s; "
          f"ready after {ready:.2f} s (at most {SECONDS_MAX})", flush=True)
    print(f"  load      {each:.0f} bytes a route above its text (at most {ROUTE_BYTES_MAX}): "
          f"{held / 1e6:.1f} MB, of one route {one / 1e6:.1f} MB", flush=True)
