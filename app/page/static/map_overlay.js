/** What lies over the pixels of the decision map: the names of the regions, and known rows as marks. */

import { mark } from "./marks.js";
import { shareOf } from "./map_axes.js";
import { mixed, scaleColour } from "./map_pixels.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Row} Row */
/** @typedef {import("../types.js").Input} Input */
/** @typedef {import("../types.js").Value} Value */
/** @typedef {import("../map_types.js").Frame} Frame */
/** @typedef {import("../map_types.js").KnownRows} KnownRows */
/** @typedef {import("../map_types.js").Palette} Palette */
/** @typedef {import("../map_types.js").Rgb} Rgb */

const MARK_PX = 7;
const SHAPES = 8; // then marks are hollow, and have no edge but their own
const NEAR = 1.25; // deviations from the slice, over the inputs that are not on an axis
const FAR = 2.5;
const ALPHA = [1, 0.5, 0.22];
const COARSE = 64; // cells on a side of the grid on which the names find their places
const KEPT = 0.75; // a name stays where it was if there is this much of the room that it could have elsewhere

/** @param {Rgb} colour @returns {string} */
export function css([red, green, blue]) {
  return `rgb(${red} ${green} ${blue})`;
}

/**
 * Return how far a known row is from the slice that the map shows: 0 near, 1 further, 2 far.
 * @param {Model} model
 * @param {Value[]} values
 * @param {Frame} frame
 */
function distance(model, values, frame) {
  let sum = 0;
  for (const input of model.inputs) {
    if (input === frame.x.input || input === frame.y.input) continue;
    const [known, own] = [values[input.index], frame.row[input.name]];
    if (typeof known === "number" && typeof own === "number" && input.kind !== "category") {
      sum += ((known - own) / scaleOf(input)) ** 2;
    } else if (known !== own) sum += 1;
  }
  const apart = Math.sqrt(sum);
  return apart <= NEAR ? 0 : apart <= FAR ? 1 : 2;
}

/** @param {Input} input @returns {number} about one standard deviation within a class */
function scaleOf(input) {
  const widths = input.usual.map(({ low, high }) => (high - low) / 4);
  const mean = widths.reduce((all, width) => all + width, 0) / widths.length;
  return mean > 0 ? mean : Math.max((input.high - input.low) / 8, Number.MIN_VALUE);
}

/**
 * Draw the known rows: the far ones first and faint.
 * @param {CanvasRenderingContext2D} context in CSS pixels
 * @param {Model} model
 * @param {KnownRows} known
 * @param {Frame} frame
 * @param {Palette} palette
 * @param {{ low: number, high: number, shown: number }} scale
 */
export function drawKnown(context, model, known, frame, palette, { low, high, shown }) {
  const { width, height } = sizeOf(context);
  const [xs, ys] = [frame.x.input.index, frame.y.input.index];
  const levels = known.rows.map((values) => distance(model, values, frame));
  for (const level of [2, 1, 0]) {
    context.globalAlpha = ALPHA[level] ?? 1;
    context.lineWidth = 1;
    context.strokeStyle = css(palette.paper);
    for (const [place, values] of known.rows.entries()) {
      const [x, y] = [values[xs], values[ys]];
      if (levels[place] !== level || typeof x !== "number" || typeof y !== "number") continue;
      const [left, top] = [shareOf(frame.x, x) * width, (1 - shareOf(frame.y, y)) * height];
      const answer = known.answers[place];
      if (model.output.classed) {
        const index = model.output.classes.indexOf(String(answer));
        context.fillStyle = css(
          mixed(palette.classes[index % palette.classes.length] ?? palette.ink, palette.ink, 0.25),
        );
        context.strokeStyle = index % (2 * SHAPES) < SHAPES ? css(palette.paper) : context.fillStyle;
        mark(context, index, left, top, MARK_PX);
      } else {
        const number = Number(Array.isArray(answer) ? answer[shown] : answer);
        context.fillStyle = css(scaleColour(Math.min(1, Math.max(0, (number - low) / (high - low || 1)))));
        context.strokeStyle = css(palette.ink);
        mark(context, 0, left, top, MARK_PX);
      }
    }
  }
  context.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} context @returns {{ width: number, height: number }} in CSS pixels */
function sizeOf({ canvas }) {
  return { width: canvas.clientWidth, height: canvas.clientHeight };
}

/** @typedef {{ label: number, x: number, y: number, room: number }} Place shares of the map, from the top left */

/**
 * Return where the name of each region has the most room. Rows in distribution come first: there is what matters.
 * @param {Frame} frame
 * @param {Place[]} before where the names were
 * @returns {Place[]}
 */
export function namePlaces(frame, before) {
  const { labels } = frame;
  if (!labels) return [];
  const columns = Math.min(COARSE, frame.columns);
  const rows = Math.min(COARSE, frame.rows);
  const keys = new Int32Array(columns * rows);
  for (let y = 0, at = 0; y < rows; y++) {
    const line = Math.floor(((y + 0.5) * frame.rows) / rows) * frame.columns;
    for (let x = 0; x < columns; x++, at++) {
      const cell = line + Math.floor(((x + 0.5) * frame.columns) / columns);
      const known = !frame.inside || frame.inside[cell] ? 1 : 0;
      keys[at] = 2 * (labels[cell] ?? 0) + known;
    }
  }
  const room = roomOf(keys, columns, rows);
  /** @type {Map<number, Place>} */
  const found = new Map();
  for (const preferred of [1, 0]) {
    const best = new Map();
    for (let at = 0; at < keys.length; at++) {
      const key = keys[at] ?? 0;
      if (key % 2 === preferred && (room[at] ?? 0) > (room[best.get(key >> 1) ?? -1] ?? 0)) best.set(key >> 1, at);
    }
    for (const [label, most] of best) {
      if (found.has(label)) continue;
      let at = most;
      const old = before.find((place) => place.label === label);
      if (old) {
        const kept =
          Math.min(rows - 1, Math.floor(old.y * rows)) * columns + Math.min(columns - 1, Math.floor(old.x * columns));
        if (keys[kept] === keys[most] && (room[kept] ?? 0) >= KEPT * (room[most] ?? 0)) at = kept;
      }
      found.set(label, {
        label,
        x: ((at % columns) + 0.5) / columns,
        y: (Math.floor(at / columns) + 0.5) / rows,
        room: (room[at] ?? 0) / columns,
      });
    }
  }
  return [...found.values()];
}

/**
 * Return how far each cell is from another region or the border, in cells: two sweeps, up and down (a chamfer).
 * @param {Int32Array} keys @param {number} columns @param {number} rows
 */
function roomOf(keys, columns, rows) {
  const room = new Float32Array(keys.length);
  /** @param {number} x @param {number} y @param {number} own @param {number} step */
  const from = (x, y, own, step) =>
    x < 0 || y < 0 || x >= columns || y >= rows || keys[y * columns + x] !== own
      ? step - 0.5
      : (room[y * columns + x] ?? 0) + step;
  for (const way of [1, -1]) {
    for (let i = 0; i < keys.length; i++) {
      const at = way > 0 ? i : keys.length - 1 - i;
      const [x, y, own] = [at % columns, Math.floor(at / columns), keys[at] ?? 0];
      const near = Math.min(
        from(x - way, y, own, 1),
        from(x, y - way, own, 1),
        from(x - way, y - way, own, 1.414),
        from(x + way, y - way, own, 1.414),
      );
      room[at] = way > 0 ? near : Math.min(room[at] ?? 0, near);
    }
  }
  return room;
}

/**
 * Write the names of the regions that have room for them.
 * @param {CanvasRenderingContext2D} context in CSS pixels
 * @param {Place[]} places
 * @param {string[]} names
 * @param {Palette} palette
 * @param {string} family
 */
export function drawNames(context, places, names, palette, family) {
  const { width, height } = sizeOf(context);
  context.font = `600 14px ${family}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 4;
  context.strokeStyle = css(palette.paper);
  context.fillStyle = css(palette.ink);
  for (const { label, x, y, room } of places) {
    const name = names[label] ?? "";
    const half = context.measureText(name).width / 2;
    if (room * width * 1.6 < Math.min(half, 24) + 4) continue;
    const left = Math.min(width - half - 6, Math.max(half + 6, x * width));
    const top = Math.min(height - 14, Math.max(14, y * height));
    context.strokeText(name, left, top);
    context.fillText(name, left, top);
  }
}
