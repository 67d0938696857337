// What is told about a run: each function makes a figure or a block, or null where there is none.

const MARKS = ["line-c0", "line-c1", "line-c2", "line-c3", "line-c4", "line-c5", "line-c6"];
// Colour first, then dashes: no two of the first 21 are told apart by colour alone.
const mark = (at) => MARKS[at % MARKS.length] + ["", " dash", " dots"][Math.floor(at / 7) % 3];

const extremes = (values) => values.reduce(([least, most], value) =>
  (isNumber(value) && value > 0 ? [Math.min(least, value), Math.max(most, value)]
    : [least, most]), [Infinity, 0]);

// The vertical axis of times: from the least above zero, or from zero.
function timeScale(values) {
  const [least, most] = extremes(values);
  if (most === 0) return (isLog, ticks) => linear(0, 1000, time, ticks);
  return (isLog, ticks) => (isLog ? logarithmic(least, most, time)
    : linear(0, most * 1.03, time, ticks));
}

// Percentile curve ------------------------------------------------------------------------------

function curves(runs) {
  const shown = [];
  const add = (name, latency) => {
    if (latency && latency.count > 0) shown.push({ name, latency, mark: mark(shown.length) });
  };
  if (runs.length === 1) {
    const { asked, seen } = runs[0].report;
    add(isNumber(asked.rate) ? "since due" : "raw, since sent", seen.latency);
    add("since sent, as a closed loop shows it", seen.service);
    add("corrected for coordinated omission", seen.corrected);
  } else {
    for (const { name, report } of runs) add(name, report.seen.latency);
  }
  for (const curve of shown) curve.points = curvePoints(curve.latency);
  return shown;
}

// The last request of n stands at one in n, so that the greatest is on the plot where that is not
// beyond its end.
function curvePoints(latency) {
  const most = 100 * (1 - 1 / Math.max(latency.count, 1));
  const points = latency.curve.filter(([at, value]) =>
    at < most && depth(at) <= DEPTH_MAX && isNumber(value));
  return depth(most) <= DEPTH_MAX ? [...points, [most, latency.max_us]] : points;
}

function valueAt(points, at) {
  if (points.length === 0 || at > points[points.length - 1][0] + 1e-9) return null;
  return (points.find(([position]) => position >= at - 1e-9) || [])[1] ?? null;
}

function objectivePoints(runs) {
  const terms = runs.length === 1 ? (runs[0].report.objective || { terms: [] }).terms : [];
  return terms.map((term) => [/^\s*p(\d+(?:\.\d+)?)\s*</.exec(term.term), term])
    .filter(([found, term]) => found && isNumber(term.bound) && term.bound > 0)
    .map(([found, term]) => ({ at: Number(found[1]), term }))
    .filter(({ at }) => at < 100);
}

function percentileFigure(runs) {
  const shown = curves(runs);
  if (shown.length === 0) return null;
  const bounds = objectivePoints(runs);
  const values = shown.flatMap((curve) => curve.points.map(([, value]) => value));
  const deepest = Math.max(...shown.map((curve) => Math.log10(Math.max(curve.latency.count, 10))));
  const stops = [0, 25, 50, 75, 90, 95, 98, 99, 99.5, 99.8, 99.9, 99.95, 99.98, 99.99, 99.995,
    99.998, 99.999].filter((at) => depth(at) <= deepest);
  const legend = shown.map(({ name, mark: of }) => ({ name, mark: of }));
  if (bounds.length > 0) legend.push({ name: "bound of the objective", mark: "dot-bound" });
  return figure({
    title: "Percentile curve",
    what: "Latency of the best part of the requests. Each step to the right is ten times rarer: "
      + "at 99.9 % stands what one request in a thousand exceeds.",
    height: 320, legend, stops, labelX: "percentile",
    scaleX: () => nines(deepest),
    scaleY: timeScale([...values, ...bounds.map(({ term }) => term.bound)]),
    paint: (area) => [...shown.flatMap((curve) => line(area, curve.points, curve.mark)),
      ...bounds.map(({ at, term }) => draw("path", { class: "dot-bound",
        d: diamond(area.atX(at), area.atY(term.bound)) }, draw("title", {}, term.term)))],
    read: (at) => ({ head: percentile(stops[at]),
      rows: shown.map((curve) => [curve.mark, curve.name, time(valueAt(curve.points, stops[at]))]),
      dots: shown.map((curve) => [stops[at], valueAt(curve.points, stops[at]), curve.mark]) }),
    numbers: () => ({ columns: ["percentile", ...shown.map((curve) => curve.name)],
      rows: stops.map((at) => [percentile(at),
        ...shown.map((curve) => time(valueAt(curve.points, at)))]) }),
  });
}

const diamond = (x, y) => "M" + x + " " + (y - 6) + "l6 6l-6 6l-6 -6z";

// Over time -------------------------------------------------------------------------------------

const middle = (interval) => interval.at_s + interval.seconds / 2;
const whenAnswered = (interval, value) => (interval.requests > 0 ? value : null);
const end = (timeline) =>
  timeline.reduce((most, interval) => Math.max(most, interval.at_s + interval.seconds), 0);

function overTime(timeline) {
  const answered = timeline.filter((interval) => interval.requests > 0);
  if (answered.length === 0) return null;
  const lines = [["p50", "p50_us", "line-c0"], ["p99", "p99_us", "line-c1"],
    ["max", "max_us", "line-c2 thin"]];
  return figure({
    title: "Latency over time", labelX: "seconds into the run",
    what: "Half of an interval's answers took at most p50; one in a hundred took longer than p99.",
    legend: lines.map(([name, , of]) => ({ name, mark: of })),
    scaleX: (ticks) => linear(0, end(timeline), (at) => digits(at), ticks),
    scaleY: timeScale(answered.flatMap((one) => [one.p50_us, one.p99_us, one.max_us])),
    paint: (area) => [...lines].reverse().flatMap(([, key, of]) =>
      line(area, timeline.map((one) => [middle(one), whenAnswered(one, one[key])]), of)),
    stops: timeline.map(middle),
    read: (at) => ({ head: span(timeline[at]),
      rows: [...[...lines].reverse().map(([name, key, of]) =>
        [of, name, time(whenAnswered(timeline[at], timeline[at][key]))]),
      ["", "answers", count(timeline[at].requests)], ["", "errors", count(timeline[at].errors)]],
      dots: lines.map(([, key, of]) =>
        [middle(timeline[at]), whenAnswered(timeline[at], timeline[at][key]), of]) }),
    numbers: () => ({ columns: ["from", "for", "answers", "errors", "p50", "p99", "max"],
      rows: timeline.map((one) => [seconds(one.at_s), seconds(one.seconds), count(one.requests),
        count(one.errors), ...["p50_us", "p99_us", "max_us"].map((key) =>
          time(whenAnswered(one, one[key])))]) }),
  });
}

const span = (interval) =>
  seconds(interval.at_s) + " to " + seconds(interval.at_s + interval.seconds);

function answersOverTime(timeline, asked) {
  if (timeline.length === 0 || !(end(timeline) > 0)) return null;
  const each = (value, one) => (one.seconds > 0 ? value / one.seconds : null);
  const hasErrors = timeline.some((one) => one.errors > 0);
  const target = isNumber(asked.rate) ? asked.rate : 0;
  const most = Math.max(target, ...timeline.map((one) =>
    Math.max(each(one.requests, one) || 0, each(one.errors, one) || 0)));
  const legend = [{ name: "answers", mark: "line-c0" }];
  if (hasErrors) legend.push({ name: "errors", mark: "fill-bad" });
  if (target > 0) legend.push({ name: "asked for", mark: "line-muted dash" });
  const bar = (area, one) => {
    const [left, right] = [area.atX(one.at_s), area.atX(one.at_s + one.seconds)];
    const top = Math.min(area.atY(each(one.errors, one)), area.bottom - 2);
    return draw("rect", { class: "fill-bad", x: left.toFixed(1), y: top.toFixed(1),
      width: Math.max(right - left - 0.5, 1).toFixed(1), height: (area.bottom - top).toFixed(1) });
  };
  return figure({
    title: "Answers and errors over time", labelX: "seconds into the run", height: 190, log: null,
    what: "A second, in each interval." + (hasErrors ? "" : " There were no errors."), legend,
    scaleX: (ticks) => linear(0, end(timeline), (at) => digits(at), ticks),
    scaleY: (_, ticks) => linear(0, (most || 1) * 1.08, (at) => short(at), ticks),
    paint: (area) => [
      ...(target > 0 ? line(area, [[0, target], [end(timeline), target]], "line-muted dash") : []),
      ...line(area, timeline.map((one) => [middle(one), each(one.requests, one)]), "line-c0"),
      ...timeline.filter((one) => one.errors > 0 && one.seconds > 0)
        .map((one) => bar(area, one))],
    stops: timeline.map(middle),
    read: (at) => ({ head: span(timeline[at]), rows: [
      ["line-c0", "answers", rate(each(timeline[at].requests, timeline[at]))],
      ["fill-bad", "errors", rate(each(timeline[at].errors, timeline[at]))]],
      dots: [[middle(timeline[at]), each(timeline[at].requests, timeline[at]), "line-c0"]] }),
  });
}

function short(value) {
  if (value >= 999500) return digits(value / 1e6) + " M";
  if (value >= 999.5) return digits(value / 1e3) + " k";
  return value < 10 ? digits(value) : count(value);
}

// Heat map --------------------------------------------------------------------------------------

const HEATS = 8;

// Columns and rows are merged until each has some pixels.
function heatCells(timeline, columnsMax, rowsMax) {
  const bucket = (bound) => Math.round(8 * Math.log2(bound));
  const all = timeline.flatMap((one) => one.counts).filter(([bound, n]) => bound > 0 && n > 0);
  if (all.length === 0) return null;
  const [low, high] = extremes(all.map(([bound]) => bound)).map(bucket);
  const merged = Math.max(1, Math.ceil(timeline.length / columnsMax));
  let tall = 1;
  while ((high - low + 1) / tall > rowsMax) tall *= 2;
  const columns = [];
  for (let at = 0; at < timeline.length; at += merged) {
    const part = timeline.slice(at, at + merged);
    const last = part[part.length - 1];
    const cells = new Map();
    for (const [bound, n] of part.flatMap((one) => one.counts)) {
      if (!(bound > 0) || !(n > 0)) continue;
      const row = Math.floor((bucket(bound) - low) / tall);
      cells.set(row, (cells.get(row) || 0) + n);
    }
    columns.push({ from: part[0].at_s, to: last.at_s + last.seconds, cells });
  }
  const most = Math.max(...columns.flatMap((column) => [...column.cells.values()]));
  const bound = (row) => 2 ** ((low + row * tall) / 8);
  return { columns, most, bound, rows: Math.ceil((high - low + 1) / tall) };
}

// Which of the shades: by the logarithm, so that a single slow answer is seen beside thousands.
const heat = (n, most) => (most <= 1 ? HEATS - 1
  : Math.min(HEATS - 1, Math.floor((Math.log(n) / Math.log(most)) * (HEATS - 1) + 1e-9)));

function heatMap(timeline) {
  if (!(end(timeline) > 0) || !heatCells(timeline, 1, 1)) return null;
  const least = (shade, most) => Math.max(1, Math.ceil(most ** (shade / (HEATS - 1)) - 1e-9));
  const { most } = heatCells(timeline, 160, 64);
  const shades = [...Array(HEATS).keys()].filter((shade) =>
    shade === HEATS - 1 || least(shade, most) < least(shade + 1, most));
  let cells = null;
  const map = figure({
    title: "Heat map", labelX: "seconds into the run", height: 320, log: null,
    what: "Each cell counts the answers of one latency range within one interval; darker in print "
      + "and in light, brighter in the dark, is more.",
    legend: shades.map((shade) => ({ mark: "heat-" + shade,
      name: shade === shades[0] ? "1 answer" : "from " + count(least(shade, most)) })),
    scaleX: (ticks) => linear(0, end(timeline), (at) => digits(at), ticks),
    scaleY: () => {
      cells = heatCells(timeline, 160, 64);
      return exact(cells.bound(0), cells.bound(cells.rows));
    },
    paint: (area) => {
      const paths = Array(HEATS).fill("");
      for (const column of cells.columns) {
        for (const [row, n] of column.cells) {
          const { x, y, width, height } = cellBox(area, cells, column, row);
          paths[heat(n, most)] += "M" + x + " " + y + "h" + width + "v" + height + "h-" + width
            + "z";
        }
      }
      return paths.map((path, shade) => path && draw("path", { d: path, class: "heat-" + shade }))
        .filter(Boolean);
    },
    readAt: (area, x, y) => {
      const column = cells.columns.find(({ from, to }) => x >= from && x < to);
      const row = [...Array(cells.rows).keys()].find((at) =>
        y >= cells.bound(at) && y < cells.bound(at + 1));
      if (!column || row === undefined) return null;
      return { head: seconds(column.from) + " to " + seconds(column.to),
        rows: [["", "latency", time(cells.bound(row)) + " to " + time(cells.bound(row + 1))],
          ["", "answers", count(column.cells.get(row) || 0)]],
        box: cellBox(area, cells, column, row) };
    },
    numbers: () => {
      const { columns, bound, rows } = heatCells(timeline, 12, 32);
      const kept = [...Array(rows).keys()].reverse();
      return { columns: ["from", ...columns.map(({ from }) => seconds(from))],
        rows: kept.map((row) => [time(bound(row)),
          ...columns.map(({ cells: of }) => count(of.get(row) || 0))]) };
    },
  });
  return map;
}

function cellBox(area, cells, column, row) {
  const [left, right] = [area.atX(column.from), area.atX(column.to)];
  const [top, bottom] = [area.atY(cells.bound(row + 1)), area.atY(cells.bound(row))];
  const gap = right - left > 4 ? 0.6 : 0;
  return { x: left.toFixed(2), y: top.toFixed(2), width: Math.max(right - left - gap, 0.5).toFixed(2),
    height: Math.max(bottom - top - (bottom - top > 4 ? 0.6 : 0), 0.5).toFixed(2) };
}

// A logarithmic axis that ends where the cells end.
function exact(first, last) {
  const { ticks } = logarithmic(first, last, time);
  const [low, high] = [Math.log(first), Math.log(last)];
  return { unit: (value) => (Math.log(value) - low) / (high - low),
    value: (unit) => Math.exp(low + unit * (high - low)),
    ticks: ticks.filter(({ at }) => at >= first && at <= last).map((tick) =>
      ({ ...tick, text: tick.text })) };
}

// Latency against rate --------------------------------------------------------------------------

function sweepFigure(sweep) {
  const points = sweep.points.filter(({ rate: at }) => isNumber(at)).sort((a, b) => a.rate - b.rate);
  if (points.length === 0) return null;
  const lines = [["p50", "p50_us", "line-c0"], ["p99", "p99_us", "line-c1"],
    ["p99.9", "p999_us", "line-c2"]];
  const rates = [...new Set(points.map((point) => point.rate))];
  const trials = (at) => points.filter((point) => point.rate === at);
  const typical = (at, key) => median(trials(at).map((point) => point[key])
    .filter((value) => isNumber(value) && value > 0));
  const [low, high] = sweep.interval || [null, null];
  const most = Math.max(...rates, sweep.highest || 0, sweep.knee || 0, high || 0);
  const missed = points.some((point) => !point.met);
  const legend = lines.map(([name, , of]) => ({ name: name + ", median of the trials", mark: of }));
  if (missed) legend.push({ name: "trial that missed the objective", mark: "cross" });
  if (isNumber(sweep.highest)) legend.push({ name: "highest rate that met it", mark: "line-ink" });
  if (isNumber(low)) legend.push({ name: "its interval", mark: "fill-ink" });
  if (isNumber(sweep.knee)) legend.push({ name: "knee", mark: "line-muted dash" });
  return figure({
    title: "Latency against rate", labelX: "requests a second", height: 360, legend, stops: rates,
    what: sweepSentence(sweep),
    scaleX: (ticks) => linear(0, most * 1.03 || 1, short, ticks),
    scaleY: timeScale(points.flatMap((point) => [point.p50_us, point.p99_us, point.p999_us])),
    paint: (area) => [
      isNumber(low) && isNumber(high) && draw("rect", { class: "fill-ink", x: area.atX(low),
        width: Math.max(area.atX(high) - area.atX(low), 1), y: area.top,
        height: area.bottom - area.top }),
      upright(area, sweep.knee, "line-muted dash"), upright(area, sweep.highest, "line-ink"),
      ...lines.flatMap(([, key, of]) =>
        line(area, rates.map((at) => [at, typical(at, key)]), of)),
      ...lines.flatMap(([, key, of]) => points.map((point) => trialDot(area, point, key, of))),
    ].filter(Boolean),
    read: (at) => ({ head: rate(rates[at]) + " asked for", rows: [
      ...[...lines].reverse().map(([name, key, of]) => [of, name, time(typical(rates[at], key))]),
      ["", "achieved", rate(median(trials(rates[at]).map((point) => point.achieved)))],
      ["", "errors", share(median(trials(rates[at]).map((point) => point.errors_share)))],
      ["", "met", trials(rates[at]).filter((point) => point.met).length + " of "
        + trials(rates[at]).length]],
      dots: lines.map(([, key, of]) => [rates[at], typical(rates[at], key), of]) }),
    numbers: () => ({
      columns: ["asked for", "achieved", "p50", "p99", "p99.9", "errors", "objective"],
      rows: points.map((point) => [rate(point.rate), rate(point.achieved), time(point.p50_us),
        time(point.p99_us), time(point.p999_us), share(point.errors_share),
        point.met ? "met" : "missed"]) }),
  });
}

function sweepSentence(sweep) {
  const [low, high] = sweep.interval || [null, null];
  const within = isNumber(low) ? " (" + rate(low) + " to " + rate(high) + ")" : "";
  const objective = sweep.objective ? " that met " + sweep.objective : "";
  const best = isNumber(sweep.highest) ? "Highest rate" + objective + ": " + rate(sweep.highest)
    + within + "." : sweep.objective ? "No rate met " + sweep.objective + "." : "";
  const knee = isNumber(sweep.knee) ? " Latency bends upward at " + rate(sweep.knee) + "." : "";
  return best + knee;
}

function trialDot(area, point, key, of) {
  if (!isNumber(point[key]) || point[key] <= 0) return null;
  const [x, y] = [area.atX(point.rate), area.atY(point[key])];
  if (point.met) return draw("circle", { cx: x, cy: y, r: 2.2, class: dotted(of) });
  return draw("path", { class: "cross", d: "M" + (x - 3.5) + " " + (y - 3.5) + "l7 7m0 -7l-7 7" });
}

const upright = (area, at, of) => isNumber(at) && draw("line", { class: "line " + of,
  x1: area.atX(at), x2: area.atX(at), y1: area.top, y2: area.bottom });

function median(values) {
  const sorted = values.filter(isNumber).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
