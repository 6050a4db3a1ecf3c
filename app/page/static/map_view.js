/** The parts of the decision map: controls, axes, legend and words. */

import { make, say } from "./dom.js";
import { colourName, markPicture } from "./marks.js";
import { numberText, shareOf, ticks } from "./map_axes.js";
import { css } from "./map_overlay.js";
import { scaleColour } from "./map_pixels.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Input} Input */
/** @typedef {import("../map_types.js").Axis} Axis */
/** @typedef {import("../map_types.js").Cell} Cell */
/** @typedef {import("../map_types.js").Frame} Frame */
/** @typedef {import("../map_types.js").KnownRows} KnownRows */

const MOST_NAMED = 10; // classes in the legend
const TICK_PX = 64; // for one tick across, at least
const TICK_UP_PX = 44;
const STOPS = 12;

/** @param {Input} input @returns {string} "Bill length (mm)" */
export function named({ label, unit }) {
  return unit ? `${label} (${unit})` : label;
}

/** @param {Input} input @param {number} value @param {number} decimals @returns {string} "39.1 mm" */
export function amount({ unit }, value, decimals) {
  return unit ? `${numberText(value, decimals)}\u00a0${unit}` : numberText(value, decimals);
}

/**
 * Draw the ticks and the name of an axis.
 * @param {HTMLElement} place
 * @param {Axis} axis
 * @param {number} size CSS pixels from end to end
 * @param {boolean} up
 */
export function drawAxis(place, axis, size, up) {
  const { values, decimals } = ticks(
    axis.low,
    axis.high,
    Math.max(2, Math.floor(size / (up ? TICK_UP_PX : TICK_PX))),
    axis.input.kind === "integer",
  );
  place.replaceChildren(
    ...values.map((value) => {
      const tick = make("span", { class: "map-tick", text: numberText(value, decimals) });
      const share = `${(100 * shareOf(axis, value)).toFixed(3)}%`;
      if (up) tick.style.bottom = share;
      else tick.style.left = share;
      return tick;
    }),
    make("span", { class: "map-axis-name", text: named(axis.input) }),
  );
}

/** @param {Model} model @param {KnownRows} known @returns {string} what their marks mean */
export function knownWords({ row, inputs }, { rows, total, answer }) {
  const count = `${rows.length < total ? `${numberText(rows.length, 0)} of ` : ""}${numberText(total, 0)}`;
  const faint = inputs.length > 2 ? "; faint if it differs more in the other values" : "";
  return `One of ${count} ${row}s whose ${answer} is known${faint}`;
}

/** @param {Frame} frame @returns {string} how long it took */
export function timingWords({ columns, rows, milliseconds, serverMs }) {
  const server = serverMs === null ? "" : `, ${numberText(serverMs, 1)} ms of it in the server`;
  return `${numberText(columns * rows, 0)} predictions in ${numberText(milliseconds, 0)} ms${server}.`;
}

/** @param {string} kind @param {Node} picture @param {string} text */
function entry(kind, picture, text) {
  return make("li", { class: `map-entry map-entry-${kind}` }, picture, make("span", { text }));
}

/** @param {string} kind @returns {HTMLElement} a little square with a pattern */
function swatch(kind) {
  return make("span", { class: `map-swatch map-swatch-${kind}`, attributes: { "aria-hidden": "true" } });
}

/**
 * Say what colours and patterns mean: only those that the map shows now.
 * @param {HTMLElement} list
 * @param {Model} model
 * @param {Frame} frame
 * @param {string} known words about the known rows; empty if none are shown
 */
export function drawLegend(list, model, frame, known) {
  const shown = sharesOf(model, frame);
  const classes = model.output.classes
    .map((name, index) => ({ name, index, share: shown.classes[index] ?? 0 }))
    .filter(({ share }) => share > 0 || model.output.classes.length <= MOST_NAMED);
  const most = [...classes].sort((one, other) => other.share - one.share).slice(0, MOST_NAMED);
  const entries = classes
    .filter((each) => most.includes(each))
    .map(({ name, index }) => {
      const square = make(
        "span",
        { class: "map-swatch", attributes: { "aria-hidden": "true" } },
        markPicture(index, 12),
      );
      square.style.setProperty("--colour", `var(${colourName(index)})`);
      return entry("class", square, name);
    });
  if (classes.length > most.length) {
    entries.push(make("li", { class: "map-entry", text: `and ${classes.length - most.length} more` }));
  }
  if (frame.sets) {
    const striped = swatch("doubt");
    const [one, other] = [...most, ...model.centres.map(({ class: index }) => ({ index }))];
    striped.style.setProperty("--colour", `var(${colourName(one?.index ?? 0)})`);
    striped.style.setProperty("--other", `var(${colourName(other?.index ?? 1)})`);
    entries.push(entry("doubt", striped, "Striped: another one cannot be excluded"));
  }
  if (frame.inside) {
    entries.push(entry("outside", swatch("outside"), `Grey: unlike any known ${model.subject || model.row}`));
  }
  if (known) {
    const kinds = classes.slice(0, 3).map(({ index }) => markPicture(index, 8));
    entries.push(
      entry("known", make("span", { class: "map-kinds" }, ...(kinds.length ? kinds : [markPicture(0, 12)])), known),
    );
  }
  list.replaceChildren(...entries);
}

/**
 * Draw the scale of numbers.
 * @param {HTMLElement} place
 * @param {Model} model
 * @param {{ low: number, high: number, step: number }} scale
 */
export function drawScale(place, model, { low, high }) {
  const bar = make("div", { class: "map-scale-bar", attributes: { "aria-hidden": "true" } });
  const stops = Array.from({ length: STOPS + 1 }, (_, i) => css(scaleColour(i / STOPS)));
  bar.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
  const { values, decimals } = ticks(low, high, 5);
  const marks = values.map((value) => {
    const tick = make("span", { class: "map-tick", text: numberText(value, decimals) });
    tick.style.left = `${high > low ? (100 * (value - low)) / (high - low) : 50}%`;
    return tick;
  });
  const { unit } = model.output;
  place.replaceChildren(
    make("span", { class: "map-scale-name", text: unit ? `Answer (${unit})` : "Answer" }),
    bar,
    make("div", { class: "map-scale-ticks" }, ...marks),
  );
}

/**
 * Return the share of the map that each class, doubt, and the unknown have.
 * @param {Model} model
 * @param {Frame} frame
 */
export function sharesOf(model, frame) {
  const count = frame.columns * frame.rows;
  const classes = new Float64Array(model.output.classes.length);
  let [doubtful, outside] = [0, 0];
  for (let cell = 0; cell < count; cell++) {
    if (frame.labels) classes[frame.labels[cell] ?? 0] = (classes[frame.labels[cell] ?? 0] ?? 0) + 1 / count;
    if (frame.inside && !frame.inside[cell]) outside += 1 / count;
    else if (frame.sets) {
      let members = 0;
      for (let i = 0; i < classes.length; i++) members += frame.sets[cell * classes.length + i] ?? 0;
      if (members > 1) doubtful += 1 / count;
    }
  }
  return { classes, doubtful, outside };
}

/**
 * Return what the picture shows, for those who do not see it.
 * @param {Model} model
 * @param {Frame} frame
 * @param {{ low: number, high: number }} scale
 */
export function described(model, frame, { low, high }) {
  const { classes, doubtful, outside } = sharesOf(model, frame);
  const percent = (/** @type {number} */ share) =>
    `${share > 0 && share < 0.01 ? "less than 1" : Math.round(100 * share)} %`;
  const parts = [`Map of ${named(frame.x.input)} across and ${named(frame.y.input)} up.`];
  if (frame.labels) {
    const areas = [...classes.entries()].filter(([, share]) => share > 0).sort((one, other) => other[1] - one[1]);
    parts.push(
      `Area: ${areas
        .slice(0, MOST_NAMED)
        .map(([index, share]) => `${model.output.classes[index]} ${percent(share)}`)
        .join(", ")}.`,
    );
  } else parts.push(`Answers from ${numberText(low, 2)} to ${numberText(high, 2)} ${model.output.unit}.`);
  if (frame.sets) parts.push(`More than one class possible: ${percent(doubtful)}.`);
  if (frame.inside) parts.push(`Unlike any known ${model.subject || model.row}: ${percent(outside)}.`);
  return parts.join(" ");
}

/**
 * Say what the model answers in one cell.
 * @param {HTMLElement} place
 * @param {Model} model
 * @param {Frame} frame
 * @param {Cell} cell
 * @param {number} shown which of the numbers
 */
export function drawReadout(place, model, frame, cell, shown) {
  const where = [frame.x, frame.y].map(
    ({ input }) => `${input.label} ${amount(input, Number(cell.inputs[input.name]), input.decimals)}`,
  );
  say(place, `${where.join(", ")}: ${verdict(model, cell, shown)}`);
}

/** @param {Model} model @param {Cell} cell @param {number} shown @returns {string} */
function verdict(model, { label, numbers, set, inDistribution }, shown) {
  const { classes, unit } = model.output;
  const own = label === null ? `${numberText(numbers?.[shown] ?? 0, 3)} ${unit}`.trim() : (classes[label] ?? "");
  const others = (set ?? []).filter((index) => index !== label).map((index) => classes[index]);
  const doubt = others.length ? `; ${others.join(" or ")} cannot be excluded` : "";
  const unlike = inDistribution === false ? `; unlike any known ${model.subject || model.row}` : "";
  return own + doubt + unlike;
}
