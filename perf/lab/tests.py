"""Tests of the lab's reader and statistics: `python3 -m unittest lab.tests` in perf/."""

import base64
import json
import math
import os
import pathlib
import random
import re
import tempfile
import tomllib
import unittest

from lab import judge, load, loading, machine, page, table
from lab.load import Bench
from lab.measure import entrants
from lab.peers import FLOORS, KINDS, PERF, Peer
from lab.processes import Usage
from lab.scenarios import Malformed, read, read_all, shown
from lab.tables import TABLES

GOOD = """
about = "small"
[traffic]
path = "/small"
connections = 64
[configurations]
frys = "frys.toml"
nginx = "nginx.conf"
[figure]
name = "per_cpu_second"
[[reach]]
of = "nginx"
at_least = 1.5
"""


def scenario(text=GOOD):
    """The scenario of a file with this text."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "given.toml"
        file.write_text(text)
        return read(file)


def samples(*costs):
    """Samples of these costs."""
    return [{"per_cpu_second": cost, "rate": cost / 2, "p50_us": 100.0, "p99_us": 1000.0,
             "errors": 0, "core_share": 0.5, "rss_most": 2**20, "rss_before": 2**20}
            for cost in costs]


class Scenarios(unittest.TestCase):
    """The reader of scenario files."""

    def refused(self, key, text):
        """The text is refused, with the file's name and the key."""
        with self.assertRaises(Malformed) as caught:
            scenario(text)
        self.assertEqual((caught.exception.file, caught.exception.key), ("given.toml", key))
        self.assertTrue(str(caught.exception).startswith(f"given.toml: {key}: "))

    def test_reads_all_scenarios_of_the_lab(self):
        self.assertIn("small-64", read_all())
        self.assertEqual(len(read_all()), len(list((PERF / "scenarios").glob("*.toml"))))

    def test_takes_name_and_defaults(self):
        found = scenario()
        self.assertEqual((found.name, found.workers, found.cores), ("given", 1, 1))
        self.assertEqual(found.judged, ["per_cpu_second"])

    def test_refuses_unknown_keys(self):
        self.refused("traffic.pth", GOOD.replace("path", "pth"). replace(
            "[traffic]", "[traffic]\npath = '/x'"))
        self.refused("speed", "speed = 1\n" + GOOD)
        self.refused("reach[0].off", GOOD.replace("of = ", "off = "))

    def test_refuses_wrong_types_and_values(self):
        self.refused("traffic.connections", GOOD.replace("64", '"64"'))
        self.refused("traffic.connections", GOOD.replace("64", "true"))
        self.refused("traffic.connections", GOOD.replace("64", "0"))
        self.refused("traffic.path", GOOD.replace("/small", "small"))
        self.refused("figure.name", GOOD.replace("per_cpu_second", "speed"))
        self.refused("reach[0].at_least", GOOD.replace("at_least = 1.5", "at_least = -1"))

    def test_refuses_what_is_missing(self):
        self.refused("about", GOOD.replace('about = "small"', ""))
        self.refused("traffic.connections", GOOD.replace("connections = 64", ""))
        self.refused("traffic.path", GOOD.replace('path = "/small"', ""))
        self.refused("configurations.frys", GOOD.replace('frys = "frys.toml"', ""))
        self.refused("reach[0].at_least", GOOD.replace("at_least = 1.5", ""))

    def test_refuses_configurations_that_are_not_there(self):
        self.refused("configurations.nginx", GOOD.replace("nginx.conf", "nginx.cfg"))
        self.refused("configurations.apache", GOOD.replace("nginx = ", "apache = "))

    def test_refuses_two_rates_and_what_is_no_toml(self):
        both = GOOD.replace("[configurations]", 'rate = 10\nhalf_of = "nginx"\n[configurations]')
        self.refused("traffic.half_of", both)
        self.refused("traffic.arrivals",
                     GOOD.replace("[configurations]", 'arrivals = "poisson"\n[configurations]'))
        self.refused("TOML", "about = ")

    def test_variants_are_counts_or_templates(self):
        two = '\n[variants]\nfrys-a = 7\nfrys-b = "frys.toml"\n'
        self.assertEqual(scenario(GOOD + two).variants, {"frys-a": 7, "frys-b": "frys.toml"})
        self.refused("variants.frys-b", GOOD + two.replace("frys.toml", "frys.tml"))
        nginx, frys = (Peer.known(name, name, name) for name in ("nginx", "frys"))
        found = entrants(scenario(GOOD + two), [frys, nginx])
        self.assertEqual([(peer.name, peer.template, count) for peer, count in found],
                         [("frys-a", None, 7), ("frys-b", "frys.toml", 1), ("nginx", None, 1)])

    def test_fields_and_a_token_are_sent(self):
        text = GOOD.replace("[configurations]", "token = true\nheaders = { X-A = '1' }\n"
                            "[configurations]", 1)
        with tempfile.TemporaryDirectory() as folder:
            found = Bench("frys", folder).command(Peer.known("frys", "frys", "frys"),
                                                  scenario(text).traffic, 1)
            self.assertIn("X-A: 1", found)
            bearer = next(word for word in found if word.startswith("Authorization: Bearer "))
            head, content, signature = bearer.split()[-1].split(".")
            self.assertEqual(json.loads(base64.urlsafe_b64decode(head))["alg"], "RS256")
            self.assertEqual(len(base64.urlsafe_b64decode(signature + "==")), 256)
            self.assertIn(b"exp", base64.urlsafe_b64decode(content + "=="))
        self.assertFalse(scenario(text).traffic.is_plain)

    def test_floors_take_plain_loads_of_one_worker_only(self):
        floor = Peer.floor(next(iter(FLOORS)), "engines")
        known = read_all()
        self.assertTrue(floor.takes(known["small-64"]))
        for name in ("upload-1m", "fresh", "idle-10000"):
            self.assertFalse(floor.takes(known[name]), name)


class Statistics(unittest.TestCase):
    """Intervals and verdicts."""

    def test_quantiles_are_those_of_the_tables(self):
        for probability, freedom, value in [(0.975, 1, 12.706), (0.975, 4, 2.776), (0.95, 9, 1.833),
                                            (0.995, 3, 5.841), (0.9995, 8, 5.041),
                                            (0.975, 1000, 1.962)]:
            found = judge.student_quantile(probability, freedom)
            self.assertAlmostEqual(found, value, 3)
        self.assertAlmostEqual(judge.student_quantile(0.025, 4), -2.776, 3)

    def test_paired_ratio_is_the_geometric_mean_with_its_interval(self):
        found = judge.paired([2, 4, 8], [1, 2, 4])
        self.assertAlmostEqual(found.ratio, 2)
        self.assertAlmostEqual(found.low, 2)
        spread = judge.paired([2, 1, 2, 1], [1, 1, 1, 1])
        self.assertAlmostEqual(spread.ratio, math.sqrt(2))
        self.assertLess(spread.low, 1)
        self.assertIsNone(judge.paired([1, 2], [1, 1]).low)
        self.assertIsNone(judge.paired([None], [1]))

    def test_intervals_of_equal_runs_hold_one_as_often_as_they_say(self):
        source = random.Random(4711)
        held = 0
        for _ in range(400):
            runs = [[math.exp(source.gauss(0, 0.1)) for _ in range(5)] for _ in range(2)]
            held += not judge.welch(*runs).excludes_one()
        self.assertGreaterEqual(held, 400 * 0.92)

    def test_a_slower_gateway_is_told_though_the_machine_drifts(self):
        drift = [1.0, 0.6, 1.3, 0.8, 1.1]
        def run(factor):
            noise = [1.00, 1.01, 0.99, 1.005, 0.995]
            return {"given": {
                "frys": samples(*(150 * factor * d * n for d, n in zip(drift, noise))),
                "nginx": samples(*(100 * d for d in drift))}}
        known = {"given": scenario()}
        same, = judge.changes(known, run(1), run(1))
        worse, = judge.changes(known, run(0.85), run(1))
        better, = judge.changes(known, run(1.2), run(1))
        self.assertEqual([c.verdict for c in (same, worse, better)],
                         ["not moved", "worse", "better"])
        self.assertEqual(worse.control, "nginx")
        self.assertAlmostEqual(worse.interval.ratio, 0.85)

    def test_small_changes_and_few_rounds_are_no_moves(self):
        known = {"given": scenario()}
        def run(*costs):
            return {"given": {"frys": samples(*costs), "nginx": samples(*[100] * len(costs))}}
        small, = judge.changes(known, run(101, 101, 101), run(100, 100, 100))
        few, = judge.changes(known, run(50, 50), run(100, 100))
        self.assertEqual((small.verdict, few.verdict), ("not moved", "too few rounds"))

    def test_more_latency_is_worse(self):
        interval = judge.Interval(1.5, 1.2, 1.9)
        self.assertEqual(judge.Change("x", "p99_us", None, interval).verdict, "worse")
        self.assertEqual(judge.Change("x", "per_cpu_second", None, interval).verdict, "better")


class Reports(unittest.TestCase):
    """Costs, curves, aims and the page."""

    def test_costs_come_from_the_scheduler_unless_a_thread_ended(self):
        before = Usage(100, 50, {(1, "1"): 10**9, (1, "2"): 0})
        after = Usage(150, 60, {(1, "1"): 15 * 10**8, (1, "2"): 10**8, (1, "3"): 10**7})
        ticks = 60 / os.sysconf("SC_CLK_TCK")
        found = after.since(before)
        self.assertAlmostEqual(found["cpu_seconds"], 0.61)
        self.assertEqual(found["cpu_clock"], "schedstat")
        self.assertAlmostEqual(found["user_share"], 50 / 60)
        ended = Usage(150, 60, {(1, "1"): 15 * 10**8}).since(before)
        self.assertEqual((ended["cpu_seconds"], ended["cpu_clock"]), (ticks, "ticks"))

    def test_curves_keep_the_first_point_at_or_above_a_percentile(self):
        curve = [(0.0, 1.0), (50.0, 2.0), (99.1, 3.0), (100.0, 9.0)]
        found = dict(load.thinned(curve))
        self.assertEqual((found[50], found[75], found[99], found[100]), (2.0, 3.0, 3.0, 9.0))

    def test_targets_keep_their_words(self):
        self.assertEqual(load.at_base("weight=2 PUT /x", "http://a:1"), "weight=2 PUT http://a:1/x")

    def test_aims_against_the_best_take_the_better(self):
        given = scenario(GOOD.replace('of = "nginx"', 'of = "best"'))
        by_peer = {"frys": samples(300, 300, 300), "nginx": samples(100, 100, 100),
                   "haproxy": samples(200, 200, 200), "floor-frys": samples(400, 400, 400)}
        (_, other, interval, met), = table.reached(given, by_peer)
        self.assertEqual((other, round(interval.ratio, 6), met), ("haproxy", 1.5, True))

    def test_machines_have_short_names(self):
        self.assertEqual(machine.name_of("AMD EPYC", 2), "amd-epyc-2")
        self.assertEqual(machine.name_of("Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", 8),
                         "intel-xeon-e5-2680-v4-8")

    def test_values_are_shown_in_their_unit(self):
        self.assertEqual(shown("p99_us", 1500), "1.50")
        self.assertEqual(shown("idle_bytes", 2560), "2.50")
        self.assertEqual(shown("per_cpu_second", 45624.4), "45,624")

    def test_route_tables_are_as_long_as_was_asked_for(self):
        for table in TABLES.values():
            routes = table.frys(200)
            self.assertEqual(routes.count("[[routes]]"), 201)
            self.assertEqual(len(set(routes.split("[[routes]]"))), 202)
        self.assertEqual(TABLES["routes"].frys(1).count("[[routes]]"), 1)
        self.assertEqual(TABLES["regexes"].nginx(200).count("location ~"), 200)

    def test_requests_of_the_regex_table_match_one_pattern_each(self):
        table = TABLES["regexes"]
        patterns = [re.compile(table.pattern.format(n=number)) for number in range(20)]
        for path in table.paths()[:20]:
            self.assertEqual(sum(bool(pattern.match(path)) for pattern in patterns), 1)

    def test_a_command_needs_a_port(self):
        peer = Peer.command_line("mine=relay --listen 127.0.0.1:@PORT@")
        self.assertEqual((peer.name, peer.kind, peer.command[0]), ("mine", "command", "relay"))
        self.assertNotIn(peer.kind, KINDS)
        with self.assertRaises(SystemExit):
            Peer.command_line("mine=relay")

    def test_the_page_stands_alone(self):
        about = {"machine": "m-2", "processor": "M", "cores": 2, "kernel": "6", "commit": "abc",
                 "when": "2026-11-24T00:00:00+00:00", "versions": {"frys": "frys <1>"},
                 "load": "frys bench", "has_changes": False}
        by_peer = {"frys": samples(150, 160, 155), "nginx": samples(100, 90, 95)}
        document = {"about": about, "rounds": 3, "seconds": 1, "results": {"given": by_peer},
                    "highest_rates": {}}
        text = page.render(json.loads(json.dumps(document)), [scenario()])
        self.assertIn("frys &lt;1&gt;", text)
        self.assertEqual(text.count("<svg"), text.count("</svg>"))
        for outside in ("http:", "https:", "src=", "url(", "@import"):
            self.assertNotIn(outside, text)


class Loading(unittest.TestCase):
    """The configuration of many routes, and what each holds."""

    def test_a_configuration_has_its_routes_and_ports(self):
        for count, routes in ((1, 1), (2000, 2001)):
            read_back = tomllib.loads(loading.written(count, (1, 2, 3)))
            self.assertEqual(len(read_back["routes"]), routes)
            self.assertEqual(read_back["listen_addr"], "127.0.0.1:1")
            self.assertEqual(read_back["admin"]["address"], "127.0.0.1:2")
            self.assertIn(":3", read_back["clusters"]["lab"]["upstreams"][0]["url"])

    def test_a_route_does_not_answer_for_its_text_or_for_the_first(self):
        self.assertEqual(loading.route_bytes(50_000, 20_000, 10_000, 100), 200)


if __name__ == "__main__":
    unittest.main()
