/** Rows that are one click away: the example, a typical row of each class, a doubtful one, one unlike all others. */

import { predict } from "./ask.js";
import { make } from "./dom.js";
import { markPicture } from "./marks.js";
import { distanceOf, onStep } from "./model.js";
import { copied } from "./store.js";
import { classTitle } from "./words.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Store} Store */
/** @typedef {import("../types.js").Row} Row */

const MOST_CENTRES = 6;
const HALVINGS = 12;

/**
 * Return the buttons of the examples.
 * @param {Model} model
 * @param {Store} store
 */
export function mountExamples(model, store) {
  const element = make("div", { class: "examples", attributes: { role: "group", "aria-label": "Examples" } });
  /** @param {string} text @param {() => void} go @param {number} [index] */
  const add = (text, go, index) => {
    const children = index === undefined ? [text] : [markPicture(index, 13), text];
    element.append(make("button", { class: "chip", attributes: { type: "button" }, on: { click: go } }, ...children));
  };
  element.append(make("span", { class: "try", text: "Try" }));
  const centres = model.centres.slice(0, MOST_CENTRES);
  if (!centres.length || model.inputs.some(({ example }) => example !== 0)) {
    add("the example", () => store.setRow(model.example));
  }
  for (const { name, row, class: index } of centres) add(classTitle(model, name), () => store.setRow(row), index);
  if (model.uncertainty?.set_thresholds && model.centres.length > 1) {
    add("a doubtful one", () => void doubtful(model, store));
  }
  const stranger = strangerOf(model);
  if (stranger) add(model.subject ? `no ${model.subject} at all` : "an unusual one", () => store.setRow(stranger));
  return { element, end: () => undefined };
}

/** @typedef {Model["centres"][number]} Centre */

/**
 * Go to a row between two classes of which neither can be excluded. It is found by halving the way between the centres
 * of the two that are nearest to each other.
 * @param {Model} model
 * @param {Store} store
 */
async function doubtful(model, store) {
  const { row: before } = store;
  const pair = nearestPair(model);
  if (!pair) return;
  const [from, to] = pair;
  let [near, far] = [0, 1];
  let row = from.row;
  for (let turn = 0; turn < HALVINGS; turn++) {
    const share = (near + far) / 2;
    row = between(model, from.row, to.row, share);
    const { body } = await predict(row);
    if (store.row !== before || !body) return;
    if ((body.prediction_set?.length ?? 0) > 1) break;
    if (body[model.output.label] === from.name) near = share;
    else far = share;
  }
  store.setRow(row);
}

/** @param {Model} model @returns {[Centre, Centre] | null} the two classes whose centres are the nearest */
function nearestPair(model) {
  let least = Infinity;
  /** @type {[Centre, Centre] | null} */
  let pair = null;
  model.centres.forEach((one, place) => {
    for (const other of model.centres.slice(place + 1)) {
      const far = distanceOf(model, between(model, one.row, other.row, 0.5)) ?? Infinity;
      if (far >= least) continue;
      least = far;
      pair = [one, other];
    }
  });
  return pair;
}

/** @param {Model} model @param {Row} from @param {Row} to @param {number} share @returns {Row} */
function between(model, from, to, share) {
  const row = copied(from);
  for (const input of model.inputs) {
    const [one, other] = [from[input.name], to[input.name]];
    if (input.kind === "category" || typeof one !== "number" || typeof other !== "number") continue;
    row[input.name] = onStep(input, one + share * (other - one));
  }
  return row;
}

/**
 * Return a row within the bounds that is unlike all known rows: some values high, the others low. null if the model
 * cannot tell.
 * @param {Model} model
 * @returns {Row | null}
 */
function strangerOf(model) {
  const limit = model.uncertainty?.distance_limit;
  if (!limit) return null;
  const rows = [0, 1].map((turn) => {
    const row = copied(model.example);
    for (const input of model.inputs) {
      if (input.kind !== "number" && input.kind !== "integer") continue;
      const ends = input.usual.flatMap(({ low, high }) => [low, high]);
      if (ends.length) {
        row[input.name] = onStep(input, (input.index + turn) % 2 ? Math.min(...ends) : Math.max(...ends));
      }
    }
    return row;
  });
  const far = rows.map((row) => distanceOf(model, row) ?? 0);
  const most = Math.max(...far);
  return most > limit ? (rows[far.indexOf(most)] ?? null) : null;
}
