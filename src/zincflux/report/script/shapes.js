// Numbers, scales and shapes: what charts are drawn with.

const SVG = "http://www.w3.org/2000/svg";
const MISSING = 65535;
const DASHES = ["", "8 4", "2 4", "10 4 2 4", "14 5", "5 3 2 3 2 3"];
const KEYS = "Arrow keys move the read-out, + and − zoom, Shift with arrow keys moves the view, 0 resets.";

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const known = (value) => value !== null && Number.isFinite(value);

function svg(tag, attributes, parent, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) element.setAttribute(name, value);
  }
  if (text !== undefined) element.textContent = text;
  if (parent) parent.append(element);
  return element;
}

function html(tag, attributes, parent, text) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  if (parent) parent.append(element);
  return element;
}

/** Write a number with three digits, without an exponent where it is short. */
function write(value) {
  if (!known(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  let text = size >= 1e6 || size < 1e-4 ? value.toExponential(2) : String(Number(value.toPrecision(3)));
  if (size >= 1000 && size < 1e6) text = String(Math.round(Number(value.toPrecision(4))));
  return text.replace("-", "−").replace("e+", "e");
}

/** Unpack numbers that were stored as 16-bit steps between two ends. */
function unpack(pack) {
  const bytes = Uint8Array.from(atob(pack.data), (letter) => letter.charCodeAt(0));
  const values = new Float64Array(bytes.length / 2);
  for (let i = 0; i < values.length; i += 1) {
    const step = bytes[2 * i] + 256 * bytes[2 * i + 1];
    const part = pack.lo + (step / (MISSING - 1)) * (pack.hi - pack.lo);
    values[i] = step === MISSING ? NaN : pack.log ? Math.exp(part) : part;
  }
  return values;
}

class Scale {
  constructor(low, high, from, to, log) {
    Object.assign(this, { low, high, from, to, log });
    this.ends = log ? [Math.log(low), Math.log(high)] : [low, high];
  }
  at(value) {
    if (!known(value) || (this.log && value <= 0)) return NaN;
    const part = ((this.log ? Math.log(value) : value) - this.ends[0]) / (this.ends[1] - this.ends[0]);
    return this.from + part * (this.to - this.from);
  }
  invert(place) {
    const value = this.ends[0] + ((place - this.from) / (this.to - this.from)) * (this.ends[1] - this.ends[0]);
    return this.log ? Math.exp(value) : value;
  }
  ticks(count) {
    return this.log ? this.logTicks(count) : this.evenTicks(count);
  }
  evenTicks(count) {
    const rough = (this.high - this.low) / Math.max(count, 1);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((n) => n * power).find((size) => size >= rough * 0.999);
    const result = [];
    for (let n = Math.ceil(this.low / step - 1e-9); n * step <= this.high + step * 1e-9; n += 1) {
      result.push(Number((n * step).toPrecision(12)));
    }
    return result;
  }
  logTicks(count) {
    const decades = Math.log10(this.high / this.low);
    if (decades < 0.7) return this.evenTicks(count).filter((value) => value > 0);
    const steps = decades < 1.6 ? [1, 2, 5] : decades < 2.6 ? [1, 3] : [1];
    const skip = Math.max(1, Math.ceil(decades / Math.max(count, 2)));
    const result = [];
    for (let power = Math.floor(Math.log10(this.low)); power <= Math.log10(this.high); power += 1) {
      if (power % skip !== 0) continue;
      for (const step of steps) {
        const value = Number(`${step}e${power}`);
        if (value >= this.low * 0.999 && value <= this.high * 1.001) result.push(value);
      }
    }
    return result;
  }
}

/** Give the path of a line, interrupted where a number is missing. */
function path(xs, ys, x, y) {
  let text = "";
  let open = false;
  for (let i = 0; i < xs.length; i += 1) {
    const [left, top] = [x.at(xs[i]), y.at(ys[i])];
    if (Number.isFinite(top) && Number.isFinite(left)) {
      text += `${open ? "L" : "M"}${left.toFixed(1)} ${clamp(top, -9999, 9999).toFixed(1)}`;
      open = true;
    } else {
      open = false;
    }
  }
  return text;
}

/** Give the path of the area between two lines, in pieces where a number is missing. */
function area(xs, lows, highs, x, y) {
  let text = "";
  let piece = [];
  const close = () => {
    if (piece.length > 1) {
      const place = (i, ys) => `${x.at(xs[i]).toFixed(1)} ${clamp(y.at(ys[i]), -9999, 9999).toFixed(1)}`;
      const there = piece.map((i) => place(i, highs));
      const back = piece.reverse().map((i) => place(i, lows));
      text += `M${there.concat(back).join("L")}Z`;
    }
    piece = [];
  };
  for (let i = 0; i < xs.length; i += 1) {
    if (Number.isFinite(y.at(lows[i])) && Number.isFinite(y.at(highs[i]))) piece.push(i);
    else close();
  }
  close();
  return text;
}

/** Give the outline of a marker: shapes tell series apart without colour. */
function marker(kind, x, y, r) {
  const at = (dx, dy) => `${(x + dx * r).toFixed(1)} ${(y + dy * r).toFixed(1)}`;
  switch (kind % 6) {
    case 1: return `M${at(-0.9, -0.9)}L${at(0.9, -0.9)}L${at(0.9, 0.9)}L${at(-0.9, 0.9)}Z`;
    case 2: return `M${at(0, -1.15)}L${at(1.1, 0.8)}L${at(-1.1, 0.8)}Z`;
    case 3: return `M${at(0, -1.25)}L${at(1.25, 0)}L${at(0, 1.25)}L${at(-1.25, 0)}Z`;
    case 4: return `M${at(0, 1.15)}L${at(1.1, -0.8)}L${at(-1.1, -0.8)}Z`;
    case 5: return `M${at(-1.1, -0.35)}L${at(-0.35, -0.35)}L${at(-0.35, -1.1)}L${at(0.35, -1.1)}L${at(0.35, -0.35)}L${at(1.1, -0.35)}L${at(1.1, 0.35)}L${at(0.35, 0.35)}L${at(0.35, 1.1)}L${at(-0.35, 1.1)}L${at(-0.35, 0.35)}L${at(-1.1, 0.35)}Z`;
    default: return `M${at(-1, 0)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
  }
}

// Cividis, read as well by the colour-blind as by all others (Nuñez et al., PLoS One 2018).
const CIVIDIS = [[0, 34, 78], [33, 59, 110], [76, 85, 108], [108, 110, 114], [142, 137, 120], [178, 165, 112], [217, 197, 92], [254, 232, 56]];
function cividis(part) {
  const place = clamp(part, 0, 1) * (CIVIDIS.length - 1);
  const i = Math.min(Math.floor(place), CIVIDIS.length - 2);
  return CIVIDIS[i].map((low, n) => Math.round(low + (place - i) * (CIVIDIS[i + 1][n] - low)));
}

function width_of_key(measure) {
  return measure.heat ? 80 : 0;
}

function word(value, unit) {
  if (known(value)) return `${write(value)} ${unit || ""}`;
  return Number.isNaN(value) ? "no number" : value > 0 ? "above range" : "below range";
}

function shorten(name, letters) {
  const all = [...name];
  return all.length <= letters ? name : `${all.slice(0, Math.max(letters - 1, 1)).join("")}…`;
}
