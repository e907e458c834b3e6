// The picture of a chart: axes, phases, lines, bands, points and maps.

class Drawing {
  resize() {
    if (Math.abs(this.box.clientWidth - (this.width || 0)) > 1) this.draw();
  }

  layout() {
    this.width = Math.max(this.box.clientWidth, 280);
    const narrow = this.width < 560;
    const strip = this.now.strip ? 62 : 0;
    const height = Math.round(clamp(this.width * (this.spec.tall || 0.46), 260, this.spec.tall ? 620 : 430)) + strip;
    const labels = this.now.ticks || new Scale(...this.span, 0, 1, this.log).ticks(6).map((value) => [value, write(value)]);
    const longest = this.now.heat || strip ? 5 : Math.max(...labels.map(([, text]) => text.length), 2);
    const names = this.now.heat ? this.now.heat.blocks.map((block) => block.short.length) : [];
    const left = this.now.heat ? 42 + Math.round(6.6 * clamp(Math.max(...names), 2, narrow ? 8 : 18)) : Math.round(32 + 7.2 * longest);
    const right = width_of_key(this.now) + 12;
    const top = this.phases().length ? 30 : 12;
    const bottom = this.bottom();
    this.inner = { left, top, width: this.width - left - right, height: height - top - bottom - strip, strip };
    this.height = height;
    this.narrow = narrow;
    this.x = new Scale(...this.window, 0, this.inner.width, false);
    this.y = new Scale(...this.span, this.inner.height, 0, this.log);
  }

  /** Give the room below the axes: names that are turned or grouped need more. */
  bottom() {
    const axis = this.now.x || this.spec.x;
    if (!axis.ticks) return 44;
    if (axis.groups && axis.groups.length) return 52;
    return axis.label ? 44 : this.steep(axis.ticks, this.width - 70) ? 62 : 28;
  }

  steep(ticks, width) {
    const visible = ticks.filter(([at]) => at >= this.window[0] && at <= this.window[1]);
    const room = width / Math.max(visible.length, 1);
    return room < 70 && visible.some(([, name]) => name.length * 6.6 > room);
  }

  phases() {
    return this.now.phases === false ? [] : this.spec.phases || [];
  }

  draw() {
    this.layout();
    if (this.picture) this.picture.remove();
    const { left, top, width, height, strip } = this.inner;
    this.picture = svg("svg", { viewBox: `0 0 ${this.width} ${this.height}`, role: "img", "aria-label": this.now.alt || `${this.now.name}: ${this.spec.title}` });
    this.box.prepend(this.picture);
    this.drawAxes();
    this.frame = svg("svg", { x: left, y: top, width, height, class: "frame" }, this.picture);
    this.drawPhases();
    if (this.now.heat) this.drawHeat();
    this.drawUntold();
    this.drawBands();
    this.drawCells();
    this.drawSeries();
    this.drawPoints();
    if (strip) this.drawStrip();
    this.over = svg("g", {}, this.frame);
    if (this.at !== null) this.mark();
  }

  drawAxes() {
    const { left, top, width, height, strip } = this.inner;
    const axes = svg("g", { class: "axes" }, this.picture);
    const foot = top + height + strip;
    if (!this.now.heat) {
      for (const value of this.y.ticks(Math.max(3, Math.floor(height / 48)))) {
        const place = top + this.y.at(value);
        svg("path", { d: `M${left} ${place.toFixed(1)}h${width}`, class: "grid" }, axes);
        svg("text", { x: left - 7, y: place + 4, "text-anchor": "end" }, axes, write(value));
      }
    }
    const own = (this.now.x || this.spec.x).ticks;
    if (own) {
      this.drawNames(axes, own, foot);
      this.drawGroups(axes, (this.now.x || this.spec.x).groups || [], foot);
    }
    else {
      for (const value of this.x.ticks(Math.max(3, Math.floor(width / 90)))) {
        const place = left + this.x.at(value);
        svg("path", { d: `M${place.toFixed(1)} ${foot}v5`, class: "tick" }, axes);
        svg("text", { x: place, y: foot + 18, "text-anchor": "middle" }, axes, write(value));
      }
    }
    svg("path", { d: `M${left} ${top}V${top + height}H${left + width}`, class: "tick" }, axes);
    svg("text", { x: left + width / 2, y: this.height - 6, "text-anchor": "middle", class: "label name" }, axes, (this.now.x || this.spec.x).label);
    svg("text", { transform: `translate(14 ${top + height / 2}) rotate(-90)`, "text-anchor": "middle", class: "label name" }, axes, this.now.y);
  }

  /** Write names below the axis, shortened to their room; the whole name is the title. */
  drawNames(axes, ticks, foot) {
    const { left, width } = this.inner;
    const visible = ticks.filter(([at]) => at >= this.window[0] && at <= this.window[1]);
    const room = visible.length > 1 ? Math.abs(this.x.at(visible[1][0]) - this.x.at(visible[0][0])) : width;
    const letters = Math.max(1, Math.floor(room / 6.6));
    const steep = this.steep(ticks, width);
    for (const [at, name] of visible) {
      const place = left + this.x.at(at);
      const shown = steep ? shorten(name, 9) : shorten(name, letters);
      svg("path", { d: `M${place.toFixed(1)} ${foot}v4`, class: "tick" }, axes);
      const turn = steep ? `rotate(-35 ${place} ${foot + 14})` : null;
      const word = svg("text", { x: place, y: foot + (steep ? 14 : 18), "text-anchor": steep ? "end" : "middle", transform: turn, class: "name" }, axes, shown);
      svg("title", {}, word, name);
    }
  }

  /** Write below the names what several of them have in common. */
  drawGroups(axes, groups, foot) {
    const { left, width } = this.inner;
    for (const group of groups) {
      const [from, to] = [group.from - 0.4, group.to + 0.4].map((at) => clamp(this.x.at(at), 0, width));
      if (to - from < 6) continue;
      svg("path", { d: `M${(left + from).toFixed(1)} ${foot + 27}H${(left + to).toFixed(1)}`, class: `error c${group.c}` }, axes);
      const word = svg("text", { x: left + (from + to) / 2, y: foot + 43, "text-anchor": "middle", class: "label name" }, axes, shorten(group.name, Math.floor((to - from) / 7)));
      svg("title", {}, word, group.name);
    }
  }

  drawPhases() {
    const { left, top, width, height } = this.inner;
    const key = [];
    const header = svg("svg", { x: left, y: 0, width, height: top }, this.picture);
    this.phases().forEach((phase, i) => {
      const [from, to] = [this.x.at(phase.from), this.x.at(phase.to)].map((place) => clamp(place, 0, width));
      if (to - from < 1) return;
      svg("rect", { x: from, y: 0, width: to - from, height, class: `phase ${phase.role}` }, this.frame);
      svg("rect", { x: from + 0.5, y: top - 6, width: Math.max(to - from - 1, 1), height: 5, class: `edge ${phase.role}` }, header);
      const fits = phase.name.length * 6.6 <= to - from - 4;
      if (!fits) key.push(`${i + 1} ${phase.name}`);
      const word = svg("text", { x: (from + to) / 2, y: top - 11, "text-anchor": "middle", class: "name" }, header, fits ? phase.name : String(i + 1));
      svg("title", {}, word, phase.name);
    });
    this.note.textContent = [key.length ? `Phases: ${key.join(" · ")}` : "", this.now.note || this.spec.note || ""].filter(Boolean).join("   ");
  }

  drawUntold() {
    if (!this.now.untold) return;
    const [low, high] = this.now.untold.map((value) => clamp(this.y.at(value), 0, this.inner.height));
    svg("rect", { x: 0, y: 0, width: this.inner.width, height: high, class: "untold" }, this.frame);
    svg("rect", { x: 0, y: low, width: this.inner.width, height: this.inner.height - low, class: "untold" }, this.frame);
  }

  drawHeat() {
    const heat = this.now.heat;
    const n = heat.columns.length;
    const rows = heat.rows.length;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [n, rows];
    const context = canvas.getContext("2d");
    const image = context.createImageData(n, rows);
    const [low, high] = heat.log ? [Math.log(heat.from), Math.log(heat.to)] : [heat.from, heat.to];
    heat.values.forEach((value, i) => {
      const size = heat.log && value !== -Infinity ? Math.log(value) : value;
      const [red, green, blue] = Number.isNaN(size) ? [128, 128, 128] : cividis((size - low) / (high - low || 1));
      image.data.set([red, green, blue, Number.isNaN(size) ? 60 : 255], 4 * i);
    });
    context.putImageData(image, 0, 0);
    const half = n > 1 ? (heat.columns[n - 1] - heat.columns[0]) / (n - 1) / 2 : 0.5;
    const [from, to] = [this.x.at(heat.columns[0] - half), this.x.at(heat.columns[n - 1] + half)];
    svg("image", { x: from, y: 0, width: to - from, height: this.inner.height, preserveAspectRatio: "none", href: canvas.toDataURL(), class: "heat" }, this.frame);
    this.drawBlocks(heat);
    this.drawScale(heat);
  }

  drawBlocks(heat) {
    const { left, top, height } = this.inner;
    const place = (row) => top + (row / heat.rows.length) * height;
    for (const block of heat.blocks) {
      if (block.from > 0) svg("path", { d: `M0 ${(place(block.from) - top).toFixed(1)}H${this.inner.width}`, class: "cut" }, this.frame);
      if (place(block.to) - place(block.from) < 9) continue;
      const word = svg("text", { x: left - 7, y: (place(block.from) + place(block.to)) / 2 + 4, "text-anchor": "end", class: "name" }, this.picture, shorten(block.short, Math.floor((left - 40) / 6.4)));
      svg("title", {}, word, block.name);
    }
    for (const group of heat.groups || []) {
      const [from, to] = [place(group.from) + 2, place(group.to) - 2];
      svg("path", { d: `M21 ${from.toFixed(1)}V${to.toFixed(1)}`, class: `error c${group.c}` }, this.picture);
      const word = svg("text", { transform: `translate(14 ${(from + to) / 2}) rotate(-90)`, "text-anchor": "middle", class: "name" }, this.picture, shorten(group.name, Math.floor((to - from) / 6.6)));
      svg("title", {}, word, group.name);
    }
  }

  drawScale(heat) {
    const { left, top, width, height } = this.inner;
    const place = left + width + 14;
    const steps = 24;
    for (let i = 0; i < steps; i += 1) {
      const [red, green, blue] = cividis((i + 0.5) / steps);
      svg("rect", { x: place, y: top + height - ((i + 1) * height) / steps, width: 12, height: height / steps + 0.6, fill: `rgb(${red},${green},${blue})` }, this.picture);
    }
    const scale = new Scale(heat.from, heat.to, height, 0, heat.log);
    for (const value of scale.ticks(5)) svg("text", { x: place + 17, y: top + scale.at(value) + 4, class: "axes" }, this.picture, write(value));
    svg("text", { transform: `translate(${this.width - 4} ${top + height / 2}) rotate(-90)`, "text-anchor": "middle", class: "axes" }, this.picture, heat.scale);
  }

  drawBands() {
    if (!this.bands) return;
    const crowd = (this.now.series || []).filter((one) => this.shown(one)).length;
    for (const one of this.now.series || []) {
      if (one.low) svg("path", { d: area(one.x || this.now.t, one.low, one.high, this.x, this.y), class: `band c${one.c} ${this.shown(one) ? "" : "off"}`, "data-key": one.key, "fill-opacity": (0.22 / Math.max(1, crowd / 3)) * (one.o || 1) }, this.frame);
    }
  }

  drawCells() {
    const cells = this.now.cells;
    if (!cells) return;
    const n = this.now.t.length;
    const group = svg("g", { class: `cells ${this.shown(cells) ? "" : "off"}`, "stroke-opacity": clamp(10 / cells.ids.length, 0.28, 0.8).toFixed(2) }, this.frame);
    cells.ids.forEach((_, i) => svg("path", { d: path(this.now.t, cells.values.subarray(i * n, (i + 1) * n), this.x, this.y), class: "cell" }, group));
  }

  drawSeries() {
    for (const one of this.now.series || []) {
      svg("path", { d: path(one.x || this.now.t, one.y, this.x, this.y), "data-key": one.key, class: `line c${one.c} ${this.shown(one) ? "" : "off"}`, "stroke-dasharray": DASHES[(one.d || 0) % 6], "stroke-opacity": one.o }, this.frame);
    }
  }

  drawPoints() {
    for (const cloud of this.now.points || []) {
      const look = `c${cloud.c} ${this.shown(cloud) ? "" : "off"}`;
      const group = svg("g", { "data-key": cloud.key }, this.frame);
      if (cloud.small) {
        const dots = cloud.x.map((value, i) => [this.x.at(value), this.y.at(cloud.y[i])]).filter(([, top]) => Number.isFinite(top));
        svg("path", { d: dots.map(([across, top]) => `M${across.toFixed(1)} ${top.toFixed(1)}h0`).join(""), class: `dots ${look}` }, group);
        continue;
      }
      cloud.x.forEach((value, i) => {
        const across = this.x.at(value);
        if (cloud.low && known(cloud.low[i])) {
          const [low, high] = [this.y.at(cloud.low[i]), this.y.at(cloud.high[i])];
          const foot = Number.isFinite(low) ? low : this.inner.height + 9;
          svg("path", { d: `M${across.toFixed(1)} ${foot.toFixed(1)}V${high.toFixed(1)}m-5 0h10m-10 ${(foot - high).toFixed(1)}h10`, class: `error ${look}` }, group);
        }
        const top = this.y.at(cloud.y[i]);
        if (!Number.isFinite(top)) return;
        if (cloud.bar) svg("path", { d: `M${this.x.at(value - cloud.bar).toFixed(1)} ${top.toFixed(1)}H${this.x.at(value + cloud.bar).toFixed(1)}`, class: `mean ${look}` }, group);
        else svg("path", { d: marker(cloud.m || 0, across, top, 5.4), class: `mark ${look}` }, group);
      });
    }
  }

  drawStrip() {
    const { left, top, width, height } = this.inner;
    const strip = this.now.strip;
    const place = top + height + 12;
    const inside = svg("svg", { x: left, y: place, width, height: 50 }, this.picture);
    const y = new Scale(0, 100, 50, 0, false);
    const none = strip.below.map(() => 0);
    const both = strip.below.map((value, i) => value + strip.above[i]);
    svg("path", { d: area(this.now.t, none, strip.below, this.x, y), class: "fill c5" }, inside);
    svg("path", { d: area(this.now.t, strip.below, both, this.x, y), class: "fill c1" }, inside);
    const axes = svg("g", { class: "axes" }, this.picture);
    svg("path", { d: `M${left} ${place}v50h${width}`, class: "tick" }, axes);
    for (const [value, dy] of [[0, 2], [100, 8]]) svg("text", { x: left - 7, y: place + y.at(value) + dy, "text-anchor": "end" }, axes, `${value} %`);
    const what = svg("text", { x: left + 6, y: place + 12, class: "strip" }, axes);
    svg("tspan", { class: "c5 words" }, what, "below");
    svg("tspan", {}, what, " and ");
    svg("tspan", { class: "c1 words" }, what, "above");
    svg("tspan", {}, what, " the calibrated range");
  }
}
