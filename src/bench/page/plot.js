// Elements, numbers, scales and the one kind of plot that all figures are made of.

const SVG = "http://www.w3.org/2000/svg";

function set(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  // Strings become text nodes: nothing in a report is ever read as markup.
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined));
  return element;
}

const make = (name, attributes, ...children) =>
  set(document.createElement(name), attributes, children);
const draw = (name, attributes, ...children) =>
  set(document.createElementNS(SVG, name), attributes, children);

// Numbers ---------------------------------------------------------------------------------------

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const NOTHING = "–";

function digits(value) {
  const size = Math.abs(value);
  const places = size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
  return String(Number(value.toFixed(places)));
}

function time(micros) {
  if (!isNumber(micros)) return NOTHING;
  const size = Math.abs(micros);
  if (size < 999.5) return digits(micros) + " µs";
  if (size < 999500) return digits(micros / 1e3) + " ms";
  return digits(micros / 1e6) + " s";
}

const seconds = (value) => (isNumber(value) ? time(value * 1e6) : NOTHING);
const count = (value) => (isNumber(value) ? Math.round(value).toLocaleString("en-US") : NOTHING);
const rate = (value) =>
  (isNumber(value) ? (Math.abs(value) < 100 ? digits(value) : count(value)) + "/s" : NOTHING);

function share(value) {
  if (!isNumber(value)) return NOTHING;
  const percent = value * 100;
  if (percent > 0 && percent < 0.001) return "< 0.001 %";
  if (percent < 0.1) return String(Number(percent.toFixed(3))) + " %";
  return (percent < 99 ? digits(percent) : percent.toFixed(1)) + " %";
}

function bytes(value) {
  if (!isNumber(value)) return NOTHING;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; value >= 999.5 && unit < units.length - 1; unit += 1) value /= 1000;
  return digits(value) + " " + units[unit];
}

// 99.9 and not 99.90000000000001; as many nines as there are.
function percentile(value) {
  if (value >= 100) return "max";
  const places = value > 99.99 ? 4 : value > 99 ? 3 : 2;
  return "p" + Number(value.toFixed(places));
}

// Scales ----------------------------------------------------------------------------------------
// A scale maps a value to 0..1 and knows its ticks: { at, text, minor }.

function linear(least, most, format, ticksCount) {
  if (!(most > least)) [least, most] = [Math.min(least, 0), Math.max(most, least + 1)];
  const rough = (most - least) / Math.max(2, ticksCount);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((size) => size >= rough);
  const ticks = [];
  for (let n = Math.ceil(least / step - 1e-9) || 0; n * step <= most * (1 + 1e-9); n += 1) {
    ticks.push({ at: n * step, text: format(n * step) });
  }
  return { unit: (value) => (value - least) / (most - least),
    value: (unit) => least + unit * (most - least), ticks };
}

function logarithmic(least, most, format) {
  const [first, last] = [roundDown(least), roundUp(Math.max(most, least * 1.01))];
  const [low, high] = [Math.log10(first), Math.log10(last)];
  const ticks = [];
  const isShort = high - low <= 2.4;
  for (let power = Math.floor(low); power <= high; power += 1) {
    for (let n = 1; n < 10; n += 1) {
      const at = n * 10 ** power;
      if (at < first * 0.999 || at > last * 1.001) continue;
      const isMajor = n === 1 || (isShort && (n === 2 || n === 5));
      ticks.push({ at, text: isMajor ? format(at) : "", minor: !isMajor });
    }
  }
  return { unit: (value) => (Math.log10(Math.max(value, first)) - low) / (high - low),
    value: (unit) => 10 ** (low + unit * (high - low)), ticks };
}

// By how many nines: half of the plot is for what one in a hundred sees.
const DEPTH_MAX = 5.3;
const depth = (value) => -Math.log10(Math.max(1 - value / 100, 1e-12));

function nines(most) {
  const span = Math.min(Math.max(most, 1), DEPTH_MAX);
  const shown = [0, 50, 90, 99, 99.9, 99.99, 99.999].filter((at) => depth(at) <= span + 1e-9);
  return { unit: (value) => Math.min(depth(value), span) / span,
    value: (unit) => 100 * (1 - 10 ** (-unit * span)),
    ticks: shown.map((at) => ({ at, text: at + " %" })) };
}

function steps(value, up) {
  const power = 10 ** Math.floor(Math.log10(value));
  const all = [1, 2, 5, 10].map((n) => n * power);
  return up ? all.find((size) => size >= value * 0.999)
    : all.reverse().find((size) => size <= value * 1.001);
}
const roundDown = (value) => steps(Math.max(value, 1e-3), false);
const roundUp = (value) => steps(Math.max(value, 1e-3), true);

// The plot --------------------------------------------------------------------------------------

let plotsCount = 0;
const redraws = new Set();

// A figure with a heading, a legend, the drawing, and its numbers in a table.
//
// `plot`: { title, what, height, scaleX(width), scaleY(isLog, height), labelX, labelY, log,
//   legend: [{ name, mark }], paint(area) -> [svg], under(area) -> [svg],
//   stops: [x values to read at], read(index) -> { head, rows: [[mark, name, text]], dots },
//   readAt(x, y) in place of stops, numbers: () -> { columns, rows } }
function figure(plot) {
  const id = "plot-" + (plotsCount += 1);
  const state = { isLog: plot.log !== false, at: null };
  const svg = draw("svg", { role: "img", tabindex: "0", class: "plot",
    "aria-labelledby": id + "-title " + id + "-what" });
  const readout = make("div", { class: "readout", "aria-live": "polite", hidden: "" });
  const frame = make("div", { class: "frame" }, svg, readout);
  const parts = { id, plot, state, svg, readout, frame };
  const redraw = () => render(parts);
  const side = plot.log === null ? null : toggle(state, redraw);
  const legend = (plot.legend || []).map((entry) =>
    make("li", {}, swatch(entry.mark), entry.name));
  const whole = make("figure", { class: plot.wide === false ? "half" : null },
    make("figcaption", {}, make("h3", {}, plot.title), side),
    make("p", { class: "what" }, plot.what),
    legend.length > 0 ? make("ul", { class: "legend" }, legend) : null,
    frame, numbers(plot));
  listen(parts);
  redraws.add(redraw);
  return { whole, redraw, drop: () => redraws.delete(redraw) };
}

function toggle(state, redraw) {
  const button = (text, isLog) => {
    const made = make("button", { type: "button", "aria-pressed": String(state.isLog === isLog) },
      text);
    made.addEventListener("click", () => {
      state.isLog = isLog;
      for (const other of made.parentNode.querySelectorAll("button")) {
        other.setAttribute("aria-pressed", String(other === made));
      }
      redraw();
    });
    return made;
  };
  return make("span", { class: "toggle", role: "group", "aria-label": "vertical axis" },
    button("log", true), button("linear", false));
}

function swatch(mark) {
  return draw("svg", { class: "swatch", width: 22, height: 10, "aria-hidden": "true" },
    mark.startsWith("fill") || mark.startsWith("heat")
      ? draw("rect", { x: 4, y: 0, width: 14, height: 10, class: mark })
      : mark === "cross" ? draw("path", { class: mark, d: "M7 1l8 8m0 -8l-8 8" })
        : mark.startsWith("dot") ? draw("circle", { cx: 11, cy: 5, r: 4, class: mark })
          : draw("line", { x1: 0, x2: 22, y1: 5, y2: 5, class: "line " + mark }));
}

function render(parts) {
  const { id, plot, state, svg, frame } = parts;
  const width = Math.max(frame.clientWidth, 240);
  const height = plot.height || 280;
  const inner = { left: 64, right: width - 14, top: 10, bottom: height - 42 };
  const x = plot.scaleX((inner.right - inner.left) / 90);
  const y = plot.scaleY(state.isLog, (inner.bottom - inner.top) / 48);
  const area = { ...inner, x, y, isLog: state.isLog,
    atX: (value) => inner.left + x.unit(value) * (inner.right - inner.left),
    atY: (value) => inner.bottom - y.unit(value) * (inner.bottom - inner.top) };
  parts.area = area;
  svg.setAttribute("viewBox", "0 0 " + width + " " + height);
  svg.setAttribute("height", height);
  svg.replaceChildren(
    draw("title", { id: id + "-title" }, plot.title),
    draw("desc", { id: id + "-what" }, plot.what),
    ...axes(area, plot, width, height),
    draw("g", {}, ...plot.paint(area)),
    parts.cursor = draw("g", { class: "cursor" }));
  hide(parts);
}

function axes(area, plot, width, height) {
  const made = [];
  let free = -Infinity;
  for (const tick of area.y.ticks) {
    const at = area.atY(tick.at).toFixed(1);
    made.push(draw("line", { class: tick.minor ? "grid minor" : "grid", x1: area.left,
      x2: area.right, y1: at, y2: at }));
    if (tick.text) {
      made.push(draw("text", { class: "tick", x: area.left - 8, y: at, dy: "0.32em",
        "text-anchor": "end" }, tick.text));
    }
  }
  for (const tick of area.x.ticks) {
    if (tick.minor) continue;
    const at = area.atX(tick.at);
    const half = tick.text.length * 3.4;
    const middle = Math.min(at, width - half - 1);
    made.push(draw("line", { class: "grid", x1: at.toFixed(1), x2: at.toFixed(1), y1: area.top,
      y2: area.bottom + 4 }));
    if (middle - half < free) continue;
    free = middle + half + 8;
    made.push(draw("text", { class: "tick", x: middle.toFixed(1), y: area.bottom + 18,
      "text-anchor": "middle" }, tick.text));
  }
  made.push(draw("line", { class: "axis", x1: area.left, x2: area.right, y1: area.bottom,
    y2: area.bottom }));
  made.push(draw("text", { class: "label", x: (area.left + area.right) / 2, y: height - 6,
    "text-anchor": "middle" }, plot.labelX));
  return made;
}

// A line through points; a point without a number breaks it, and one alone becomes a dot.
function line(area, points, mark) {
  let [path, isOpen] = ["", false];
  const alone = [];
  points.forEach(([x, y], at) => {
    if (!isNumber(x) || !isNumber(y)) { isOpen = false; return; }
    const [left, top] = [area.atX(x).toFixed(1), area.atY(y).toFixed(1)];
    const next = points[at + 1];
    if (!isOpen && !(next && isNumber(next[1]))) {
      alone.push(draw("circle", { cx: left, cy: top, r: 3, class: dotted(mark) }));
    }
    path += (isOpen ? "L" : "M") + left + " " + top;
    isOpen = true;
  });
  return [path && draw("path", { d: path, class: "line " + mark }), ...alone].filter(Boolean);
}

const dotted = (mark) => "dot-" + mark.split(" ")[0].replace("line-", "");

// Reading ---------------------------------------------------------------------------------------

function listen(parts) {
  const { svg, plot } = parts;
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / Math.max(box.width, 1);
    point(parts, (event.clientX - box.left) * scale, (event.clientY - box.top) * scale);
  });
  svg.addEventListener("pointerleave", () => hide(parts));
  svg.addEventListener("blur", () => hide(parts));
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !plot.stops || plot.stops.length === 0) return;
    event.preventDefault();
    const last = plot.stops.length - 1;
    const from = parts.state.at === null ? (step > 0 ? -1 : last + 1) : parts.state.at;
    show(parts, Math.min(Math.max(from + step, 0), last));
  });
}

function point(parts, left, top) {
  const { area, plot } = parts;
  if (left < area.left - 8 || left > area.right + 8 || top > area.bottom) {
    hide(parts);
  } else if (plot.readAt) {
    const unit = { x: (left - area.left) / (area.right - area.left),
      y: (area.bottom - top) / (area.bottom - area.top) };
    const read = plot.readAt(area, area.x.value(unit.x), area.y.value(unit.y));
    if (read) present(parts, read, left, top); else hide(parts);
  } else if (plot.stops && plot.stops.length > 0) {
    let nearest = 0;
    plot.stops.forEach((stop, at) => {
      if (Math.abs(area.atX(stop) - left) < Math.abs(area.atX(plot.stops[nearest]) - left)) {
        nearest = at;
      }
    });
    show(parts, nearest);
  }
}

function show(parts, at) {
  const { area, plot } = parts;
  parts.state.at = at;
  present(parts, plot.read(at), area.atX(plot.stops[at]), area.top);
}

function present(parts, read, left, top) {
  const { area, cursor, readout, frame, svg } = parts;
  const dots = (read.dots || []).filter(([, y]) => isNumber(y));
  cursor.replaceChildren(
    read.box ? draw("rect", { class: "picked", ...read.box })
      : draw("line", { x1: left, x2: left, y1: area.top, y2: area.bottom }),
    ...dots.map(([x, y, mark]) =>
      draw("circle", { cx: area.atX(x), cy: area.atY(y), r: 3.5, class: dotted(mark) })));
  readout.replaceChildren(make("strong", {}, read.head),
    make("dl", {}, read.rows.map(([mark, name, text]) =>
      [make("dt", {}, mark ? swatch(mark) : "", name), make("dd", {}, text)])));
  readout.hidden = false;
  const scale = frame.clientWidth / svg.viewBox.baseVal.width;
  const room = frame.clientWidth - readout.offsetWidth - 4;
  const beside = left * scale + 14;
  const place = beside > room ? left * scale - readout.offsetWidth - 14 : beside;
  readout.style.left = Math.max(0, Math.min(place, room)) + "px";
  readout.style.top = Math.max(0, Math.min(top * scale,
    frame.clientHeight - readout.offsetHeight)) + "px";
}

function hide(parts) {
  parts.state.at = null;
  parts.readout.hidden = true;
  if (parts.cursor) parts.cursor.replaceChildren();
}

// Tables ----------------------------------------------------------------------------------------

function numbers(plot) {
  if (!plot.numbers) return null;
  const details = make("details", {}, make("summary", {}, "Numbers"));
  // Thousands of cells, which most readers never open.
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) {
      const { columns, rows } = plot.numbers();
      details.append(grid(columns, rows, plot.title));
    }
  });
  return details;
}

const looksNumeric = (text) => /^[<~±]?\s*[-–]?\d|^[–-]$/.test(String(text).trim());

function grid(columns, rows, caption, classes) {
  const right = columns.map((_, at) =>
    at > 0 && rows.length > 0 && rows.every((row) => row[at] === "" || looksNumeric(row[at] ?? "")));
  const cell = (name, at, content, more) =>
    make(name, { class: right[at] ? "number" : null, ...more }, content);
  return make("div", { class: "scroll", tabindex: "0" },
    make("table", { class: classes },
      make("caption", { class: "hidden" }, caption),
      make("thead", {}, make("tr", {},
        columns.map((text, at) => cell("th", at, text, { scope: "col" })))),
      make("tbody", {}, rows.map((row) => make("tr", {}, row.map((content, at) =>
        (at === 0 ? cell("th", at, content ?? "", { scope: "row" })
          : cell("td", at, content ?? ""))))))));
}
