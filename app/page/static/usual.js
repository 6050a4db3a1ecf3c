/** How usual the row is for each class: the p-values of POST /explain, in words. */

import { make } from "./dom.js";
import { classTitle, rows } from "./words.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Explanation} Explanation */

const MOST_CLASSES = 6;

/** @param {Model} model @param {Explanation} explanation @returns {Node[]} nothing if the model has no p-values */
export function usualOf(model, explanation) {
  const found = Object.entries(explanation.p_values ?? {}).flatMap(([name, p]) => (p === null ? [] : [{ name, p }]));
  if (!found.length) return [];
  found.sort((one, other) => other.p - one.p);
  const counts = found.slice(0, MOST_CLASSES).map(({ name, p }) => `${classTitle(model, name)} ${outOfHundred(p)}`);
  const rest = found.length - counts.length;
  if (rest) counts.push(`${rest} more: no more than these`);
  const { label } = model.output;
  const intro = `Of 100 unseen ${rows(model)} of each ${label}, so many are as unusual as this one, or more`;
  return [
    make("h3", { text: `Is it usual for its ${label}?` }),
    make("p", { class: "usual", text: `${intro}: ${counts.join(", ")}.` }),
  ];
}

/** @param {number} p @returns {string} "3", or "fewer than 1" */
function outOfHundred(p) {
  return p < 0.01 ? "fewer than 1" : String(Math.round(100 * p));
}
