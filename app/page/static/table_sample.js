/** Tables to begin with: a template with the right header, and twelve rows to try. */

import { request } from "./ask.js";
import { recordOf } from "./csv.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Row} Row */
/** @typedef {import("../types.js").Value} Value */

const COUNT = 12;
const KNOWN_ROWS = "known_rows.json";

/** @param {Model} model @returns {string} the header, and the example as the only row */
export function template(model) {
  const names = model.inputs.map(({ name }) => name);
  return recordOf(names) + recordOf(names.map((name) => model.example[name] ?? null));
}

/**
 * Return twelve rows: known ones if there are some, what lies between two classes, and two with a mistake.
 * @param {Model} model
 * @returns {Promise<string>}
 */
export async function sample(model) {
  const names = model.inputs.map(({ name }) => name);
  const mistakes = mistakesOf(model);
  const between = betweenClasses(model);
  const known = await someKnown(model, COUNT - mistakes.length - between.length);
  const rows = [...known, ...between, ...mistakes];
  const number = names.includes(model.row) ? `${model.row}_number` : model.row;
  const lines = rows.map((row, place) => recordOf([place + 1, ...names.map((name) => row[name] ?? null)]));
  return recordOf([number, ...names]) + lines.join("");
}

/** @param {Model} model @param {number} count @returns {Promise<Row[]>} */
async function someKnown(model, count) {
  if (Object.hasOwn(model.document.files ?? {}, KNOWN_ROWS)) {
    const response = await request("model/rows");
    const known = response?.ok ? await response.json() : null;
    if (known?.rows.length) {
      return Array.from({ length: count }, (_, place) => {
        const values = known.rows[Math.floor(((place + 0.5) * known.rows.length) / count)];
        return rowOf(model, (index) => values[index]);
      });
    }
  }
  const bases = model.centres.length ? model.centres.map(({ row }) => row) : [model.example];
  return Array.from({ length: count }, (_, place) => {
    const base = bases[place % bases.length] ?? model.example;
    const share = 0.15 * ((place % 5) - 2);
    return rowOf(model, (index) => {
      const input = model.inputs[index];
      const value = input ? (base[input.name] ?? null) : null;
      if (!input || typeof value !== "number" || input.kind === "category" || input.kind === "boolean") return value;
      const moved = value + share * (index % 2 ? -1 : 1) * spread(input);
      return onStep(input, moved);
    });
  });
}

/** @param {Model} model @returns {Row[]} the middles between the first class and the others */
function betweenClasses(model) {
  const [first, ...others] = model.centres;
  if (!first) return [];
  return others.slice(0, 2).map(({ row }) =>
    rowOf(model, (index) => {
      const input = model.inputs[index];
      if (!input) return null;
      const [one, other] = [first.row[input.name] ?? null, row[input.name] ?? null];
      return typeof one === "number" && typeof other === "number" && input.kind !== "category"
        ? onStep(input, (one + other) / 2)
        : one;
    }),
  );
}

/** @param {Model} model @returns {Row[]} a value in a wrong unit, and one that is not there */
function mistakesOf(model) {
  const bounded = model.inputs.findLast(
    ({ kind, minimum }) => (kind === "number" || kind === "integer") && minimum !== null && minimum > 0,
  );
  const required = model.inputs.find(({ missing }) => !missing);
  const rows = [];
  if (bounded) {
    rows.push(
      rowOf(model, (index) =>
        model.inputs[index] === bounded ? Number(model.example[bounded.name]) / 1000 : exampleAt(model, index),
      ),
    );
  }
  if (required) rows.push(rowOf(model, (index) => (model.inputs[index] === required ? null : exampleAt(model, index))));
  return rows;
}

/** @param {Model} model @param {number} index @returns {Value} */
function exampleAt(model, index) {
  return model.example[model.inputs[index]?.name ?? ""] ?? null;
}

/** @param {Model} model @param {(index: number) => Value} valueAt @returns {Row} */
function rowOf(model, valueAt) {
  /** @type {Row} */
  const row = Object.create(null);
  for (const { name, index } of model.inputs) row[name] = valueAt(index);
  return row;
}

/** @param {import("../types.js").Input} input */
function spread({ usual, low, high }) {
  const [first] = usual;
  return first ? first.high - first.low : (high - low) / 3;
}

/** @param {import("../types.js").Input} input @param {number} value */
function onStep({ minimum, maximum, step, decimals }, value) {
  const kept = Math.min(Math.max(value, minimum ?? -Infinity), maximum ?? Infinity);
  return Number((Math.round(kept / step) * step).toFixed(decimals));
}
