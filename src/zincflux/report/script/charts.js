// Charts of the report: lines with bands, points, and heat maps on one pair of axes.
//
// A chart is a <figure data-chart> with its data as JSON inside. Nothing is loaded, all words are
// set as text, and colours come from the style sheet, so that colour scheme and print follow it.

class Chart extends Reading {
  constructor(figure, number) {
    super();
    this.figure = figure;
    this.id = `chart-${number}`;
    this.spec = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
    for (const measure of this.spec.measures) this.prepare(measure);
    this.hidden = new Set();
    this.measure = 0;
    this.bands = true;
    this.at = null;
    this.build();
    this.choose(0);
    new ResizeObserver(() => this.resize()).observe(this.box);
  }

  prepare(measure) {
    if (measure.cells) measure.cells.values = unpack(measure.cells);
    const { heat } = measure;
    if (!heat) return;
    heat.values = unpack(heat);
    for (const [runs, value] of [[heat.above, Infinity], [heat.below, -Infinity]]) {
      for (let i = 0; i < runs.length; i += 2) heat.values.fill(value, runs[i], runs[i] + runs[i + 1]);
    }
  }

  get now() {
    return this.spec.measures[this.measure];
  }

  shown(item) {
    return !this.hidden.has(item.key);
  }

  build() {
    const parts = html("div", { class: "chart" });
    this.figure.querySelector('script[type="application/json"]').before(parts);
    const bar = html("div", { class: "bar", role: "toolbar", "aria-label": `Controls of: ${this.spec.title}` }, parts);
    if (this.spec.measures.length > 1) this.buildChoice(bar);
    this.logButton = this.button(bar, "log axis", "Logarithmic axis", () => this.toggleLog());
    if (this.spec.measures.some((m) => (m.series || []).some((s) => s.low))) {
      this.bandButton = this.button(bar, "bands", "Show bands", () => this.toggleBands());
      this.bandButton.setAttribute("aria-pressed", "true");
    }
    const zoom = html("span", { class: "joined" }, bar);
    this.button(zoom, "−", "Zoom out", () => this.zoom(1.6));
    this.button(zoom, "+", "Zoom in", () => this.zoom(1 / 1.6));
    this.button(zoom, "reset", "Show everything", () => this.reset());
    this.buildLegend(parts);
    this.box = html("div", { class: "plot", tabindex: "0", role: "group", "aria-roledescription": "chart", "aria-label": `${this.spec.title}. ${KEYS}` }, parts);
    this.tip = html("output", { class: "tip", "aria-live": "polite", hidden: "" }, this.box);
    this.note = html("p", { class: "soft key" }, parts);
    this.listen();
  }

  buildChoice(bar) {
    const label = html("label", {}, bar, "Show ");
    this.select = html("select", {}, label);
    this.spec.measures.forEach((measure, i) => html("option", { value: String(i), dir: "auto" }, this.select, measure.name));
    this.select.addEventListener("change", () => this.choose(Number(this.select.value)));
  }

  button(parent, text, title, act) {
    const made = html("button", { type: "button", title, "aria-label": title }, parent, text);
    made.addEventListener("click", act);
    return made;
  }

  buildLegend(parts) {
    const legend = this.spec.legend || [];
    if (!legend.length) return;
    const list = html("div", { class: "legend", role: "group", "aria-label": "Hide or show" }, parts);
    this.switches = legend.map((item) => {
      const one = html("button", { type: "button", "aria-pressed": "true", title: item.title || item.name }, list);
      this.swatch(item, one);
      html("bdi", {}, one, item.name);
      one.addEventListener("click", (event) => this.toggle(item, event.altKey));
      for (const name of ["pointerenter", "focus"]) one.addEventListener(name, () => this.stress(item.key));
      for (const name of ["pointerleave", "blur"]) one.addEventListener(name, () => this.stress(null));
      return one;
    });
    if (legend.length > 2) {
      this.button(list, "all", "Show all", () => this.only(null));
      this.button(list, "none", "Hide all", () => this.only([]));
    }
  }

  swatch(item, parent) {
    const picture = svg("svg", { width: 26, height: 12, "aria-hidden": "true" }, parent);
    const look = `c${item.c} ${item.kind === "cells" ? "thin" : ""}`;
    if (item.d !== undefined) svg("path", { d: "M0 6H26", class: `line ${look}`, "stroke-dasharray": DASHES[item.d % 6], "stroke-opacity": item.o }, picture);
    if (item.kind === "cells") svg("path", { d: "M0 6H26", class: "cell" }, picture);
    if (item.kind === "area") svg("rect", { x: 6, y: 1, width: 14, height: 10, class: `fill ${look}` }, picture);
    if (item.m !== undefined) svg("path", { d: marker(item.m, 13, 6, 4.6), class: `mark ${look}` }, picture);
  }

  toggle(item, alone) {
    if (alone) return this.only([item.key]);
    if (this.hidden.has(item.key)) this.hidden.delete(item.key);
    else this.hidden.add(item.key);
    return this.refresh();
  }

  only(keys) {
    this.hidden = new Set(keys === null ? [] : this.spec.legend.map((item) => item.key).filter((key) => !keys.includes(key)));
    this.refresh();
  }

  /** Let everything else fade while a name in the legend is pointed at. */
  stress(key) {
    const alone = key !== null && !this.hidden.has(key);
    for (const one of this.frame.querySelectorAll("[data-key]")) one.classList.toggle("faded", alone && one.dataset.key !== key);
  }

  refresh() {
    (this.switches || []).forEach((one, i) => one.setAttribute("aria-pressed", String(!this.hidden.has(this.spec.legend[i].key))));
    this.read(null);
    this.draw();
  }

  toggleLog() {
    this.log = !this.log;
    this.fit();
    this.draw();
  }

  toggleBands() {
    this.bands = !this.bands;
    this.bandButton.setAttribute("aria-pressed", String(this.bands));
    this.draw();
  }

  choose(index) {
    this.measure = index;
    this.log = Boolean(this.now.log);
    this.logButton.hidden = !this.now.both;
    this.reset();
  }

  reset() {
    this.window = [...(this.now.x || this.spec.x).ends];
    this.fit();
    this.read(null);
    this.draw();
  }

  /** Fit the vertical axis to the measure; the server leaves out what would squeeze the rest. */
  fit() {
    const { lo, hi } = this.now;
    this.logButton.setAttribute("aria-pressed", String(this.log));
    if (this.log) {
      const least = lo > 0 ? lo : this.now.least || hi / 1000;
      this.span = [least / 1.25, hi * 1.25];
    } else {
      const margin = this.now.heat ? 0 : 0.05 * (hi - lo) || 0.1 * Math.abs(hi) || 1;
      this.span = [lo >= 0 && lo < 0.25 * hi && !this.now.heat ? 0 : lo - margin, hi + margin];
    }
  }

  /** Make the view larger or smaller around a place, given as parts of its width and height. */
  zoom(factor, across = 0.5, up = 0.5) {
    this.window = this.resized(this.window, factor, across, false);
    if (!this.now.heat) this.span = this.resized(this.span, factor, up, this.log);
    this.draw();
  }

  resized([low, high], factor, part, log) {
    const [a, b] = log ? [Math.log(low), Math.log(high)] : [low, high];
    const centre = a + part * (b - a);
    const ends = [centre - (centre - a) * factor, centre + (b - centre) * factor];
    return log ? ends.map(Math.exp) : ends;
  }

  pan(across, up) {
    const moved = ([low, high], part, log) => {
      const [a, b] = log ? [Math.log(low), Math.log(high)] : [low, high];
      const ends = [a + part * (b - a), b + part * (b - a)];
      return log ? ends.map(Math.exp) : ends;
    };
    this.window = moved(this.window, across, false);
    this.span = moved(this.span, up, this.log);
    this.draw();
  }
}

/** Let a button copy the text of what it names; without a clipboard, select it. */
function copyable(button) {
  const source = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(source.innerText);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = "Selected: press Ctrl+C";
    }
    setTimeout(() => { button.textContent = before; }, 2500);
  });
}

/** What is folded away belongs to the printed page. */
function printable() {
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details.full:not([open])")];
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of opened) one.open = false; });
}

printable();
document.querySelectorAll("figure[data-chart]").forEach((figure, i) => new Chart(figure, i));
document.querySelectorAll("button[data-copy]").forEach(copyable);
