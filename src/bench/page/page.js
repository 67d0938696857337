// The page: what was found first, then the runs one at a time, then what was asked for.

const found = JSON.parse(document.getElementById("document").textContent);
const page = document.getElementById("page");

const section = (title, ...content) => {
  const kept = content.flat().filter(Boolean);
  return kept.length > 0 ? make("section", {}, make("h2", {}, title), kept) : null;
};
const facts = (pairs) => make("dl", { class: "facts" }, pairs.filter(Boolean)
  .map(([name, text]) => make("div", {}, make("dt", {}, name), make("dd", {}, text))));
const note = (text, of) => make("p", { class: of || "note" }, text);
const several = (n, noun) => count(n) + " " + noun + (n === 1 ? "" : "s");

// Head ------------------------------------------------------------------------------------------

function heading() {
  const first = found.runs[0] && found.runs[0].report;
  const when = first && first.started_unix_s > 0
    ? new Date(first.started_unix_s * 1000).toISOString().slice(0, 16).replace("T", " ") + " UTC"
    : null;
  const by = first ? "frys " + first.frys : null;
  return make("header", {}, make("h1", {}, found.title),
    make("p", { class: "what" }, [by, when].filter(Boolean).join(" · ")),
    found.notes.map((text) => note(text)));
}

function overall() {
  return [
    found.sweep ? section("Search", figureOf(sweepFigure(found.sweep))) : null,
    found.table && found.table.columns.length > 0
      ? section("Result", grid(found.table.columns, found.table.rows, "Result")) : null,
    found.runs.length > 1
      ? section("Runs side by side", figureOf(percentileFigure(found.runs)), runsTable()) : null,
  ];
}

function runsTable() {
  const rows = found.runs.map(({ name, report: { seen, client } }) => [name, rate(seen.rate),
    ...["mean_us", "p50_us", "p99_us", "p999_us", "max_us"].map((key) =>
      shown(seen.latency, key)), share(errorsShare(seen)),
    client.is_limit ? "generator was the limit" : ""]);
  return grid(["run", "answers", "mean", "p50", "p99", "p99.9", "max", "errors", ""], rows,
    "Runs side by side");
}

// One run ---------------------------------------------------------------------------------------

const NEEDED = { p50_us: 2, p75_us: 4, p90_us: 10, p99_us: 100, p999_us: 1e3, p9999_us: 1e4,
  p99999_us: 1e5 };

const FIGURES = [["mean", "mean_us"], ["min", "min_us"], ["p50", "p50_us"], ["p75", "p75_us"],
  ["p90", "p90_us"], ["p99", "p99_us"], ["p99.9", "p999_us"], ["p99.99", "p9999_us"],
  ["p99.999", "p99999_us"], ["max", "max_us"]];

// A percentile that fewer than one request would decide is none.
const shown = (latency, key) =>
  (latency && latency.count >= (NEEDED[key] || 1) ? time(latency[key]) : NOTHING);

const errorsTotal = (seen) => Object.values(seen.errors).reduce((sum, n) => sum + n, 0);

// An answer of another status is an answer too, and counted among them.
function errorsShare(seen) {
  const total = errorsTotal(seen);
  return total === 0 ? 0 : total / (seen.requests + total - seen.errors.non_2xx);
}

function banner({ client, objective }) {
  const warnings = client.warnings.map((text) => make("li", {}, text));
  const list = warnings.length > 0 ? make("ul", {}, warnings) : null;
  return [
    client.is_limit ? make("div", { class: "banner bad", role: "alert" },
      make("strong", {}, "The generator, not the server, may have been the limit."),
      " Do not take the figures for the server's.", list)
      : list && make("div", { class: "banner doubt", role: "note" },
        make("strong", {}, "To be doubted:"), list),
    objective && objective.terms.length > 0 ? verdict(objective) : null,
  ];
}

function verdict(objective) {
  const word = (met) => (met ? "✓ met" : "✗ missed");
  const terms = objective.terms.map((term) => make("li", {},
    make("code", {}, term.term), " " + word(term.met) + ", measured " + measured(term)));
  return make("div", { class: "banner " + (objective.met ? "good" : "bad") },
    make("strong", {}, "Objective " + (objective.met ? "met" : "missed")),
    make("ul", {}, terms));
}

// In the unit that the term is written in.
function measured({ term, measured: value }) {
  const text = term.trim();
  if (text.endsWith("%") || text.startsWith("error")) return share(value);
  return text.endsWith("/s") || !text.endsWith("s") ? rate(value) : time(value);
}

function tiles({ asked, seen }) {
  const isOpen = isNumber(asked.rate);
  const reached = isOpen && asked.rate > 0
    ? share(seen.rate / asked.rate) + " of " + rate(asked.rate) : "closed loop";
  const tile = (name, value, under) => make("div", { class: "tile" },
    make("dt", {}, name), make("dd", {}, value), make("dd", { class: "under" }, under || ""));
  const since = isOpen ? "since due" : "raw, since sent";
  const corrected = (key) => (seen.corrected
    ? shown(seen.corrected, key) + " corrected" : since);
  return make("dl", { class: "tiles" },
    tile("answers", rate(seen.rate), reached),
    tile("p50", shown(seen.latency, "p50_us"), corrected("p50_us")),
    tile("p99", shown(seen.latency, "p99_us"), corrected("p99_us")),
    tile("p99.9", shown(seen.latency, "p999_us"), corrected("p999_us")),
    tile("max", shown(seen.latency, "max_us"), corrected("max_us")),
    tile("errors", share(errorsShare(seen)), count(errorsTotal(seen)) + " of "
      + count(seen.requests + errorsTotal(seen) - seen.errors.non_2xx)));
}

function latencyTable({ asked, seen, client }) {
  const isOpen = isNumber(asked.rate);
  const all = [[isOpen ? "since due" : "raw, since sent", seen.latency],
    ["since sent", seen.service],
    ["omission-corrected", seen.corrected], ["connect", seen.connect],
    ["sent late by", client.lateness]];
  const kinds = all.filter(([, latency]) => latency);
  const row = ([name, key]) => [name, ...kinds.map(([, latency]) => shown(latency, key))];
  const counts = ["count", ...kinds.map(([, latency]) => count(latency.count))];
  return section("Latency in numbers",
    grid(["", ...kinds.map(([name]) => name)], [counts, ...FIGURES.map(row)], "Latency"),
    note("A percentile is left out where fewer requests were counted than it takes for one to "
      + "exceed it."));
}

// The gateway's side beside the client's --------------------------------------------------------

function joined({ seen, gateway }) {
  if (!gateway) return null;
  const rows = gateway.stages.map((stage) => [stage.name.replaceAll("_", " "), count(stage.count),
    ...["mean_us", "p50_us", "p99_us", "p999_us"].map((key) => time(stage[key]))]);
  const four = (latency) => ["mean_us", "p50_us", "p99_us", "p999_us"]
    .map((key) => shown(latency, key));
  rows.push(["whole of the gateway", count(gateway.total.count), ...four(gateway.total)],
    ["outside of the gateway", "", time(gateway.outside_mean_us), "", "", ""],
    ["as the client saw it", count(seen.latency.count), ...four(seen.latency)]);
  return section("Client and gateway", stagesFigure(seen, gateway),
    grid(["", "count", "mean", "p50", "p99", "p99.9"], rows, "Stages"),
    facts([["requests finished", count(gateway.requests)],
      ["CPU time", seconds(gateway.cpu_s)],
      ["CPU time of a request", time(gateway.cpu_us_per_request)]]));
}

// Means one after the other, as a request passes through them. Where only some requests pass a
// stage its mean may be greater than its part, so that they do not add up: then each begins at 0.
function stageBars(seen, gateway) {
  const means = gateway.stages.map((stage) => Math.max(stage.mean_us || 0, 0));
  const sum = means.reduce((total, mean) => total + mean, 0);
  const whole = Math.max(gateway.total.mean_us || 0, 0);
  const addsUp = sum <= whole * 1.02;
  let from = 0;
  const bars = gateway.stages.map((stage, at) => {
    const bar = { name: stage.name.replaceAll("_", " "), from: addsUp ? from : 0,
      length: means[at], of: "fill-c0" };
    from += means[at];
    return bar;
  });
  if (addsUp && whole > sum) {
    bars.push({ name: "between the stages", from: sum, length: whole - sum, of: "fill-c0 faint" });
  }
  const outside = Math.max(gateway.outside_mean_us || 0, 0);
  bars.push({ name: "outside of the gateway", from: whole, length: outside, of: "fill-c1" });
  const client = Math.max(seen.latency.mean_us || 0, 0);
  return { addsUp, whole, outside, client, bars };
}

function stagesFigure(seen, gateway) {
  const { addsUp, whole, outside, client, bars } = stageBars(seen, gateway);
  if (!(whole + outside > 0)) return null;
  const most = Math.max(client, whole + outside, ...bars.map((bar) => bar.from + bar.length));
  const frame = make("div", { class: "frame" });
  const what = "Means. The upper bar is what the client saw: the gateway's part, then network, "
    + "socket queues and the client itself. Below, " + (addsUp
    ? "the stages in the order of a request." : "each stage from zero: some are of only a part of "
      + "the requests, so that they do not add up.");
  const redraw = () => {
    const width = Math.max(frame.clientWidth, 240);
    const longest = Math.max(...bars.map((bar) => bar.name.length));
    const [left, tall] = [Math.min(longest * 6.8 + 14, width * 0.5), 24];
    const fits = Math.floor((left - 14) / 6.8);
    const right = width - 62;
    const atX = (value) => left + (value / most) * (right - left);
    const bar = (row, from, length, of) => draw("rect", { class: of, x: atX(from).toFixed(1),
      y: row * tall + 4, width: Math.max(atX(from + length) - atX(from), 1).toFixed(1),
      height: tall - 8 });
    const label = (row, name) => draw("text", { class: "tick strong", x: left - 10,
      y: row * tall + tall / 2, dy: "0.32em", "text-anchor": "end" },
      name.length > fits ? name.slice(0, fits - 1) + "…" : name);
    const value = (row, at, micros) => draw("text", { class: "tick", x: atX(at) + 6,
      y: row * tall + tall / 2, dy: "0.32em" }, time(micros));
    frame.replaceChildren(draw("svg", { role: "img", class: "plot", height: (bars.length + 1) * tall,
      viewBox: "0 0 " + width + " " + (bars.length + 1) * tall },
    draw("title", {}, "Client and gateway"), draw("desc", {}, what),
    label(0, "client"), bar(0, 0, whole, "fill-c0"), bar(0, whole, outside, "fill-c1"),
    value(0, whole + outside, client),
    ...bars.flatMap(({ name, from, length, of }, at) =>
      [label(at + 1, name), bar(at + 1, from, length, of), value(at + 1, from + length, length)])));
  };
  redraws.add(redraw);
  drops.push(() => redraws.delete(redraw));
  return make("figure", {}, make("figcaption", {}, make("h3", {}, "Where the time went")),
    make("p", { class: "what" }, what), make("ul", { class: "legend" },
      make("li", {}, swatch("fill-c0"), "gateway"),
      make("li", {}, swatch("fill-c1"), "outside of it")), frame);
}

// The rest --------------------------------------------------------------------------------------

const ERRORS = [["refused", "refused or not opened"], ["reset", "reset or broken"],
  ["timed_out", "timed out"], ["non_2xx", "status other than 2xx"],
  ["short_body", "answer cut short"], ["malformed", "answer malformed"],
  ["unsent", "due, and never sent"]];

function outcomes({ seen }) {
  const all = seen.requests + errorsTotal(seen) - seen.errors.non_2xx;
  const part = (n) => (all > 0 ? share(n / all) : NOTHING);
  const statuses = Object.entries(seen.statuses).map(([status, n]) =>
    ["status " + status, count(n), part(n)]);
  const errors = ERRORS.filter(([key]) => seen.errors[key] > 0)
    .map(([key, name]) => [name, count(seen.errors[key]), part(seen.errors[key])]);
  return make("div", { class: "pair" },
    section("Answers", statuses.length > 0
      ? grid(["", "count", "share"], statuses, "Answers by status") : note("There were none."),
    facts([["received", bytes(seen.received_bytes)], ["sent", bytes(seen.sent_bytes)],
      ["connections opened", count(seen.connections_opened)],
      ["counted time", seconds(seen.seconds)]])),
    section("Errors", errors.length > 0
      ? grid(["", "count", "share"], errors, "Errors by kind") : note("There were none.")));
}

function health({ client }) {
  return section("Health of the generator", facts([["CPU time", seconds(client.cpu_s)],
    ["requests for each CPU second", count(client.requests_per_cpu_s)],
    ["busiest thread", share(client.cpu_share_max) + " of its core"],
    client.lateness && ["sent late, p99", shown(client.lateness, "p99_us")],
    client.lateness && ["sent late, max", shown(client.lateness, "max_us")]]),
  note(client.is_limit ? "It was the limit of this run: see above."
    : client.warnings.length > 0 ? "It was not the limit; see the warnings above."
      : "It was not the limit of this run."));
}

function plan({ asked }) {
  const weights = asked.targets.reduce((sum, target) => sum + target.weight, 0);
  const targets = asked.targets.map((target) => [target.method, target.url,
    share(target.weight / Math.max(weights, 1)),
    target.body_bytes > 0 ? bytes(target.body_bytes) : NOTHING]);
  const isOpen = isNumber(asked.rate);
  return section("What was asked for",
    facts([["loop", isOpen ? "open, " + rate(asked.rate) : "closed"],
      isOpen && ["arrivals", asked.arrivals === "poisson" ? "Poisson" : "constant"],
      ["seed", String(asked.seed)],
      ["connections", count(asked.connections)], ["threads", count(asked.threads)],
      ["duration", seconds(asked.duration_s)], ["warm-up before", seconds(asked.warm_up_s)],
      ["timeout", seconds(asked.timeout_s)],
      asked.new_connections && ["connections kept", "no, one a request"],
      asked.think_s > 0 && ["think time", seconds(asked.think_s)],
      isNumber(asked.read_bytes_per_s) && ["reading at most", bytes(asked.read_bytes_per_s) + "/s"]]),
    grid(["method", "URL", "share", "body"], targets.slice(0, TARGETS_MAX), "Targets", "urls"),
    targets.length > TARGETS_MAX
      ? note("and " + several(targets.length - TARGETS_MAX, "more target") + ".") : null);
}
const TARGETS_MAX = 50;

// Putting it together ---------------------------------------------------------------------------

let drops = [];

function figureOf(made, isOfRun) {
  if (!made) return null;
  if (isOfRun) drops.push(made.drop);
  return made.whole;
}

function run({ report }) {
  const { asked, seen } = report;
  const isAnswered = seen.latency.count > 0;
  const curve = found.runs.length === 1 || seen.corrected || seen.service
    ? percentileFigure([{ name: "run", report }]) : null;
  return [banner(report), tiles(report),
    isAnswered ? null : note("No request was answered, so there is no latency to plot."),
    section("Latency", figureOf(curve, true), figureOf(overTime(seen.timeline), true),
      figureOf(heatMap(seen.timeline), true), figureOf(answersOverTime(seen.timeline, asked), true)),
    joined(report), outcomes(report), latencyTable(report), health(report), plan(report),
  ].flat().filter(Boolean);
}

function tabs(body) {
  if (found.runs.length < 2) return null;
  const select = make("select", { id: "run" }, found.runs.map(({ name }, at) =>
    make("option", { value: String(at) }, name)));
  select.addEventListener("change", () => choose(body, Number(select.value)));
  return make("div", { class: "tabs" }, make("label", { for: "run" }, "Run in detail"), select);
}

function choose(body, at) {
  drops.forEach((drop) => drop());
  drops = [];
  body.replaceChildren(...(found.runs[at] ? run(found.runs[at]) : []));
  redraws.forEach((redraw) => redraw());
}

const body = make("div", { id: "run-body" });
page.append(...[heading(), ...overall(), tabs(body), body].filter(Boolean));
choose(body, 0);

let width = page.clientWidth;
window.addEventListener("resize", () => {
  // A phone's address bar changes the height all the time.
  if (page.clientWidth !== width) redraws.forEach((redraw) => redraw());
  width = page.clientWidth;
});
