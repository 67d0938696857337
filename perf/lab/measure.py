"""Rounds: each drives every scenario on every server, and the order of the servers turns."""

import copy
import json
import time

from lab.load import SECONDS_MAX
from lab.peers import Peer
from lab.processes import RssWatch, established

WARM_UP_SECONDS_MAX = 0.5
# A probe of the highest rate is a closed loop; its longest rounds say no more than these.
PROBE_SECONDS_MAX = 2
PROBES_COUNT = 3
PROBE_CONNECTIONS = 64
# 10,000 clients have come after 5 s; the generator holds them this long.
IDLE_HOLD_SECONDS = 12
IDLE_STEADY_SECONDS = 1.0
STEADY_BYTES = 64 * 1024
POLL_SECONDS = 0.1


class Lab:
    """What a run measures with."""

    def __init__(self, place, bench, load, seconds, say=print):
        self.place, self.bench, self.load, self.seconds = place, bench, load, seconds
        self.say, self.highest = say, {}

    def rate_of(self, scenario, peer, peers):
        """The rate of an open loop; None in a closed one. Highest rates are measured once."""
        traffic = scenario.traffic
        if not traffic.half_of:
            return traffic.rate
        whose = peer
        if traffic.half_of != "itself":
            whose = next((other for other in peers if other.kind == traffic.half_of), peers[0])
        if whose.name not in self.highest:
            self.highest[whose.name] = self.highest_rate(scenario, whose)
            self.say(f"highest rate of {whose.name}: {self.highest[whose.name]:,.0f}/s")
        return self.highest[whose.name] / 2

    def highest_rate(self, scenario, peer):
        """The highest rate of a closed loop with the scenario's targets, the best of some."""
        traffic = copy.copy(scenario.traffic)
        traffic.connections, traffic.half_of = PROBE_CONNECTIONS, None
        peer.start(scenario, self.place)
        seconds = min(self.seconds, PROBE_SECONDS_MAX)
        return max(self.bench.run(peer, traffic, seconds)["rate"] for _ in range(PROBES_COUNT))

    def sample(self, scenario, peer, peers, routes_count=1):
        """One sample of one server."""
        if scenario.traffic.idle:
            return self.idle_sample(scenario, peer)
        rate = self.rate_of(scenario, peer, peers)
        peer.start(scenario, self.place, routes_count)
        load = self.load if scenario.traffic.wrk_can else self.bench
        load.run(peer, scenario.traffic, min(WARM_UP_SECONDS_MAX, self.seconds), rate)
        process = peer.process
        rss, before, began = process.rss_bytes(), process.usage(), time.monotonic()
        watch = RssWatch(process)
        found = load.run(peer, scenario.traffic, self.seconds, rate)
        elapsed = time.monotonic() - began
        found.update(process.usage().since(before))
        found.update(rss_before=rss, rss_most=watch.end(), load=load.name)
        found["core_share"] = found["cpu_seconds"] / elapsed
        found["per_cpu_second"] = found["requests"] / max(found["cpu_seconds"], 1e-3)
        return found

    def idle_sample(self, scenario, peer):
        """Memory of clients that only stay, on a server that was just started."""
        peer.stop()
        peer.start(scenario, self.place)
        process, count = peer.process, scenario.traffic.connections
        base = steady(process, lambda: True, 5)
        base_pss = process.pss_bytes()
        child = self.bench.idle(peer, scenario.traffic, IDLE_HOLD_SECONDS)
        full = steady(process, lambda: established(peer.port) >= count, IDLE_HOLD_SECONDS - 1)
        full_pss, open_count = process.pss_bytes(), established(peer.port)
        out, problems = child.communicate(timeout=SECONDS_MAX)
        if child.returncode != 0:
            raise SystemExit(f"idle clients of {peer.name} failed:\n{out}{problems}")
        peer.stop()
        report = json.loads(out)["seen"]
        missing = max(0, count - min(open_count, report["requests"]))
        found = {
            "requests": report["requests"], "rate": report["rate"], "load": self.bench.name,
            "errors": sum(report["errors"].values()) + missing, "open_count": open_count,
            "base_bytes": base, "idle_bytes": max(0, full - base) / count,
        }
        if base_pss is not None and full_pss is not None:
            found.update(base_pss_bytes=base_pss, idle_pss_bytes=(full_pss - base_pss) / count)
        return found


def steady(process, condition, seconds):
    """The resident size once the condition holds and the size has not grown for a while; after
    `seconds` whatever it is then."""
    end = time.monotonic() + seconds
    most, since = process.rss_bytes(), time.monotonic()
    while time.monotonic() < end:
        time.sleep(POLL_SECONDS)
        now = process.rss_bytes()
        if now > most + STEADY_BYTES or not condition():
            since = time.monotonic()
        most = max(most, now)
        if time.monotonic() - since >= IDLE_STEADY_SECONDS:
            break
    return process.rss_bytes()


def entrants(scenario, peers):
    """Who is measured in a scenario: pairs of a server and its number of routes."""
    if scenario.variants:
        subject = next((peer for peer in peers if peer.kind == "frys"), None)
        if not subject:
            return []
        others = [peer for peer in peers if peer.kind != "frys" and peer.takes(scenario)]
        return ([variant(name, subject.command[0], given)
                 for name, given in scenario.variants.items()]
                + [(peer, scenario.routes_count) for peer in others])
    return [(peer, scenario.routes_count) for peer in peers if peer.takes(scenario)]


def variant(name, program, given):
    """A gateway with so many routes, or with this template."""
    if isinstance(given, str):
        return Peer.known(name, "frys", program, given), 1
    return Peer.known(name, "frys", program), given


def rounds(lab, scenarios, peers, count):
    """All rounds: the samples of each scenario by server, in the servers' order."""
    field = {scenario.name: entrants(scenario, peers) for scenario in scenarios}
    results = {name: {peer.name: [] for peer, _ in found} for name, found in field.items() if found}
    began = time.monotonic()
    try:
        for number in range(count):
            for scenario in scenarios:
                entered = field[scenario.name]
                turn = number % max(1, len(entered))
                for peer, routes_count in entered[turn:] + entered[:turn]:
                    sample = lab.sample(scenario, peer, peers, routes_count)
                    results[scenario.name][peer.name].append(sample)
                lab.say(f"[{time.monotonic() - began:4.0f}s] round {number + 1} of {count}: "
                        f"{scenario.name}")
    finally:
        for entered in field.values():
            for peer, _ in entered:
                peer.stop()
        for peer in peers:
            peer.stop()
    return results
