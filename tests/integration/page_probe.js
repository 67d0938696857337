// Uses the page as a reader would and writes down what it saw.
(() => {
  const all = (query) => [...document.querySelectorAll(query)];
  const seen = {};
  seen.title = document.title;
  seen.titles = all("figure h3").map((title) => title.textContent);
  seen.figures = all("figure").length;
  seen.images = all("img").length;
  seen.line_points = all("path.line").reduce((sum, path) =>
    sum + path.getAttribute("d").split(/[ML]/).length - 1, 0);
  seen.heat_cells = all("path[class^=heat]").reduce((sum, path) =>
    sum + path.getAttribute("d").split("M").length - 1, 0);
  seen.alert = (document.querySelector("[role=alert]") || {}).textContent || "";
  seen.text = document.getElementById("page").textContent;
  seen.faults = [];

  const overlap = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;
  const check = (when) => {
    for (const svg of all("svg.plot")) {
      const frame = svg.getBoundingClientRect();
      const texts = [...svg.querySelectorAll("text")].filter((text) => text.textContent);
      const boxes = texts.map((text) => [text.textContent, text.getBoundingClientRect()]);
      boxes.forEach(([text, box], at) => {
        if (box.left < frame.left - 1 || box.right > frame.right + 1) {
          seen.faults.push(when + ": cut: " + text);
        }
        for (const [other, place] of boxes.slice(at + 1)) {
          if (overlap(box, place)) seen.faults.push(when + ": " + text + " on " + other);
        }
      });
      for (const part of svg.querySelectorAll("[d], [x], [y], [cx], [cy]")) {
        const text = ["d", "x", "y", "cx", "cy", "width", "height"]
          .map((name) => part.getAttribute(name)).join(" ");
        if (/NaN|Infinity|undefined/.test(text)) seen.faults.push(when + ": not a number: " + text);
      }
    }
    const wide = document.scrollingElement.scrollWidth - window.innerWidth;
    if (wide > 0) seen.faults.push(when + ": the page is " + wide + " px too wide");
    if (/NaN|undefined|\bnull\b/.test(document.getElementById("page").textContent)) {
      seen.faults.push(when + ": a text has no number");
    }
  };
  check("as opened");

  seen.readouts = 0;
  for (const frame of all(".frame").filter((one) => one.querySelector(".readout"))) {
    const [svg, readout] = [frame.querySelector("svg"), frame.querySelector(".readout")];
    const box = svg.getBoundingClientRect();
    const at = { clientX: box.left + box.width * 0.6, clientY: box.top + box.height * 0.5 };
    svg.dispatchEvent(new PointerEvent("pointermove", at));
    if (!readout.hidden && readout.querySelectorAll("dd").length > 0) seen.readouts += 1;
    const place = readout.getBoundingClientRect();
    if (place.right > window.innerWidth + 1 || place.left < -1) seen.faults.push("a read-out is cut");
    if (/NaN|undefined|null/.test(readout.textContent)) seen.faults.push(readout.textContent);
    svg.dispatchEvent(new PointerEvent("pointerleave"));
    if (!readout.hidden) seen.faults.push("a read-out stays");
  }

  seen.toggled = 0;
  for (const button of all(".toggle button[aria-pressed=false]")) {
    const svg = button.closest("figure").querySelector("svg.plot");
    const before = svg.outerHTML;
    button.click();
    seen.toggled += before !== svg.outerHTML ? 1 : 0;
  }
  check("linear");

  for (const details of all("details")) {
    details.open = true;
    details.dispatchEvent(new Event("toggle"));
  }
  seen.table_rows = all("tbody tr").length;
  check("with numbers");

  const select = document.querySelector("select");
  for (const option of select ? [...select.options].reverse() : []) {
    select.value = option.value;
    select.dispatchEvent(new Event("change"));
    check("run " + option.value);
  }
  const result = document.createElement("pre");
  result.id = "probe";
  result.textContent = JSON.stringify(seen);
  document.body.append(result);
})();
