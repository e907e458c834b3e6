// The read-out, by pointer and by keys, and zooming with the pointer.

class Reading extends Drawing {
  listen() {
    this.box.addEventListener("pointermove", (event) => this.onMove(event));
    this.box.addEventListener("pointerleave", () => { if (!this.drag) this.read(null); });
    this.box.addEventListener("pointerdown", (event) => this.onDown(event));
    this.box.addEventListener("pointerup", (event) => this.onUp(event));
    this.box.addEventListener("pointercancel", () => this.endDrag());
    this.box.addEventListener("dblclick", () => this.reset());
    this.box.addEventListener("keydown", (event) => this.onKey(event));
    this.box.addEventListener("blur", () => this.read(null));
  }

  place(event) {
    const bounds = this.picture.getBoundingClientRect();
    const scale = this.width / bounds.width;
    return [(event.clientX - bounds.left) * scale - this.inner.left, (event.clientY - bounds.top) * scale - this.inner.top];
  }

  onDown(event) {
    if (event.button !== 0 || event.pointerType === "touch") return;
    const [across, down] = this.place(event);
    if (across < 0 || across > this.inner.width || down < 0 || down > this.inner.height) return;
    this.drag = { from: [across, down], box: svg("rect", { class: "drag" }, this.frame) };
    this.box.setPointerCapture(event.pointerId);
  }

  onMove(event) {
    const [across, down] = this.place(event);
    if (!this.drag) return this.read(this.nearest(across, down));
    const [x, width, y, height] = this.dragged(across, down);
    for (const [name, value] of Object.entries({ x, width, y, height })) this.drag.box.setAttribute(name, value);
    return undefined;
  }

  /** A drag that is much wider than high zooms in time only. */
  dragged(across, down) {
    const [fromX, fromY] = this.drag.from;
    const [toX, toY] = [clamp(across, 0, this.inner.width), clamp(down, 0, this.inner.height)];
    const flat = Math.abs(toY - fromY) < 14 || this.now.heat;
    return [Math.min(fromX, toX), Math.abs(toX - fromX), flat ? 0 : Math.min(fromY, toY), flat ? this.inner.height : Math.abs(toY - fromY)];
  }

  onUp(event) {
    if (!this.drag) return;
    const [x, width, y, height] = this.dragged(...this.place(event));
    this.endDrag();
    if (width < 6) return;
    this.window = [this.x.invert(x), this.x.invert(x + width)];
    if (height < this.inner.height) this.span = [this.y.invert(y + height), this.y.invert(y)];
    this.read(null);
    this.draw();
  }

  endDrag() {
    if (this.drag) this.drag.box.remove();
    this.drag = null;
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const move = arrows[event.key];
    if (move && event.shiftKey) this.pan(move[0] * 0.1, move[1] * 0.1);
    else if (move) this.step(...move);
    else if (event.key === "+" || event.key === "=") this.zoom(1 / 1.6);
    else if (event.key === "-" || event.key === "−") this.zoom(1.6);
    else if (event.key === "0" || event.key === "Home") this.reset();
    else if (event.key === "Escape") this.read(null);
    else return;
    event.preventDefault();
  }

  /** Places that the read-out can stand at: times, points or columns, and what lies there. */
  stops() {
    if (this.now.heat) return this.now.heat.columns;
    return this.now.t || this.targets();
  }

  targets() {
    const result = [];
    for (const cloud of this.now.points || []) {
      if (!this.shown(cloud) || (cloud.small && !cloud.labels)) continue;
      cloud.x.forEach((value, i) => { if (known(cloud.y[i])) result.push({ cloud, i, value }); });
    }
    return result.sort((a, b) => a.value - b.value);
  }

  lines() {
    if (this.now.heat) return this.now.heat.rows.length;
    return this.now.cells && this.shown(this.now.cells) ? this.now.cells.ids.length : 0;
  }

  step(across, up) {
    const n = this.stops().length;
    if (!n) return;
    const at = this.at || { stop: across < 0 ? n : -1, line: null };
    const stop = clamp(at.stop + across, 0, n - 1);
    let line = at.line;
    if (up && this.lines()) line = line === null ? 0 : (line + (this.now.heat ? -up : up) + this.lines()) % this.lines();
    if (this.now.heat && line === null) line = 0;
    this.read({ stop, line });
  }

  nearest(across, down) {
    if (across < 0 || across > this.inner.width || down < 0 || down > this.inner.height + this.inner.strip) return null;
    if (!this.now.t && !this.now.heat) return this.nearestPoint(across, down);
    const stops = this.stops();
    const value = this.x.invert(across);
    let stop = 0;
    stops.forEach((one, i) => { if (Math.abs(one - value) < Math.abs(stops[stop] - value)) stop = i; });
    if (this.now.heat) return { stop, line: clamp(Math.floor((down / this.inner.height) * this.lines()), 0, this.lines() - 1) };
    let line = null;
    let best = 14;
    for (let i = 0; i < this.lines(); i += 1) {
      const distance = Math.abs(this.y.at(this.now.cells.values[i * stops.length + stop]) - down);
      if (distance < best) [best, line] = [distance, i];
    }
    return { stop, line };
  }

  nearestPoint(across, down) {
    let best = 30;
    let found = null;
    this.targets().forEach(({ cloud, i, value }, stop) => {
      const distance = Math.hypot(this.x.at(value) - across, this.y.at(cloud.y[i]) - down) * (cloud.small ? 1.5 : 1);
      if (distance < best) [best, found] = [distance, { stop, line: null }];
    });
    return found;
  }

  read(at) {
    this.at = at;
    if (this.over) this.over.replaceChildren();
    this.tip.replaceChildren();
    this.tip.hidden = at === null;
    if (at !== null && this.over) this.mark();
  }

  mark() {
    const place = this.now.heat ? this.markHeat() : this.now.t ? this.markLines() : this.markPoint();
    const width = this.box.clientWidth;
    const scale = width / this.width;
    const left = (this.inner.left + place[0]) * scale;
    this.tip.style.top = `${Math.max(4, Math.min(place[1], this.inner.height - 60) + this.inner.top - 10) * scale}px`;
    const right = left > width / 2;
    this.tip.style.left = right ? "auto" : `${left + 14}px`;
    this.tip.style.right = right ? `${width - left + 14}px` : "auto";
  }

  row(item, name, value) {
    const line = html("span", { class: "row" }, this.tip);
    if (item) this.swatch(item, line);
    html("bdi", {}, line, name);
    html("b", {}, line, value);
  }

  markLines() {
    const { stop, line } = this.at;
    const time = this.now.t[stop];
    const across = this.x.at(time);
    svg("path", { d: `M${across.toFixed(1)} 0V${this.inner.height}`, class: "rule" }, this.over);
    const phase = this.phases().find((one) => one.from <= time && time < one.to);
    html("span", { class: "head", dir: "auto" }, this.tip, `${write(time)} ${this.spec.x.unit || ""}${phase ? ` · ${phase.name}` : ""}`);
    const unit = this.now.unit ? ` ${this.now.unit}` : "";
    let down = 20;
    if (line !== null) {
      const { ids, values } = this.now.cells;
      const n = this.now.t.length;
      const value = values[line * n + stop];
      svg("path", { d: path(this.now.t, values.subarray(line * n, (line + 1) * n), this.x, this.y), class: "cell chosen" }, this.over);
      this.row(null, `cell ${ids[line]}`, known(value) ? write(value) + unit : "no number");
      down = this.y.at(value);
    }
    for (const one of this.now.series || []) {
      if (!this.shown(one)) continue;
      const top = this.y.at(one.y[stop]);
      if (Number.isFinite(top)) svg("circle", { cx: across, cy: top, r: 4, class: `mark c${one.c}` }, this.over);
      const band = one.low && known(one.low[stop]) ? ` (${write(one.low[stop])} to ${write(one.high[stop])})` : "";
      this.row(one, one.name, write(one.y[stop]) + unit + band);
    }
    if (this.now.strip) this.row(null, "below, above range", `${write(this.now.strip.below[stop])} %, ${write(this.now.strip.above[stop])} %`);
    return [across, Number.isFinite(down) ? down : 20];
  }

  markPoint() {
    const target = this.targets()[this.at.stop];
    if (!target) return [0, 0];
    const { cloud, i, value } = target;
    const place = [this.x.at(value), this.y.at(cloud.y[i])];
    svg("circle", { cx: place[0], cy: place[1], r: 9, class: "ring" }, this.over);
    html("span", { class: "head", dir: "auto" }, this.tip, cloud.labels ? cloud.labels[i] : cloud.name);
    const band = cloud.low && known(cloud.low[i]) ? ` (${write(cloud.low[i])} to ${write(cloud.high[i])})` : "";
    this.row(null, cloud.name, `${write(cloud.y[i])}${this.now.unit ? ` ${this.now.unit}` : ""}${band}`);
    return place;
  }

  markHeat() {
    const heat = this.now.heat;
    const { stop, line } = this.at;
    const n = heat.columns.length;
    const height = this.inner.height / heat.rows.length;
    const [across, down] = [this.x.at(heat.columns[stop]), (line + 0.5) * height];
    svg("rect", { x: 0, y: line * height, width: this.inner.width, height: Math.max(height, 1.5), class: "ring" }, this.over);
    svg("path", { d: `M${across.toFixed(1)} 0V${this.inner.height}`, class: "rule" }, this.over);
    const value = heat.values[line * n + stop];
    html("span", { class: "head", dir: "auto" }, this.tip, heat.rows[line]);
    this.row(null, `${write(heat.columns[stop])} ${this.spec.x.unit || ""}`, word(value, this.now.unit));
    return [across, down];
  }
}
