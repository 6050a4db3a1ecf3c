/** How far to trust an answer, in words. */

import { aClass, capital, classTitle, inSentence, listed, percent, plain, rows, shown, withUnit } from "./words.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Row} Row */
/** @typedef {import("../types.js").Prediction} Prediction */
/** @typedef {import("../types.js").Explanation} Explanation */

const MOST_NAMED = 4;

/**
 * Return the state of an answer: clear, doubtful, unlike all known rows, or unjudged if the model has nothing to judge by.
 * @param {Model} model
 * @param {Prediction} prediction
 * @param {Explanation | null} explanation
 * @returns {{ state: "clear" | "doubtful" | "unlike" | "unjudged", title: string }}
 */
export function stateOf(model, prediction, explanation) {
  const set = prediction.prediction_set;
  if (prediction.in_distribution === false) return { state: "unlike", title: `Unlike any ${model.subject || model.row} it knows` };
  if (set && set.length !== 1) return { state: "doubtful", title: "Doubtful" };
  if (survives(explanation) === false) return { state: "doubtful", title: "Doubtful" };
  if (set || prediction.in_distribution) return { state: "clear", title: set ? "Clear" : "Nothing unusual" };
  return { state: "unjudged", title: "" };
}

/** @param {Explanation | null} explanation @returns {boolean | null | undefined} */
function survives(explanation) {
  return explanation?.survives_measurement_error;
}

/**
 * Return the prediction set in words: "Adelie; a Chinstrap cannot be excluded."
 * @param {Model} model
 * @param {Prediction} prediction
 */
export function setInWords(model, prediction) {
  const { output, uncertainty } = model;
  if (!output.classed) return intervalInWords(model, prediction);
  const answered = String(prediction[output.label]);
  const set = prediction.prediction_set;
  if (!set) return `${classTitle(model, answered)}. This model does not say which others it cannot exclude.`;
  const others = set.filter((name) => name !== answered);
  const level = percent(uncertainty?.level ?? 0);
  const rest = output.classes.length - 1;
  if (!others.length)
    return `${capital(classTitle(model, answered))}; ${rest === 1 ? "the other is" : `all others are`} excluded, at a level of ${level}.`;
  const named = others.slice(0, MOST_NAMED).map((name) => aClass(model, classTitle(model, name)));
  if (others.length > MOST_NAMED) named.push(`${others.length - MOST_NAMED} more`);
  return `${classTitle(model, answered)}; ${listed(named)} cannot be excluded.`;
}

/** @param {Model} model @param {Prediction} prediction */
function intervalInWords({ output, uncertainty }, { interval }) {
  const level = percent(uncertainty?.level ?? 0);
  if (!interval) return output.kind === "number" ? "This model does not say how far the number may be off." : "";
  if (!Array.isArray(interval)) return `Each number with the range that contains the true one for ${level} of rows.`;
  const [low, high] = interval;
  return `The true number is between ${plain(low, 4)} and ${withUnit(plain(high, 4), output.unit)}, at a level of ${level}.`;
}

/**
 * Return why an answer is doubtful, a sentence for each reason.
 * @param {Model} model
 * @param {Row} row
 * @param {Prediction} prediction
 * @param {Explanation | null} explanation
 * @returns {string[]}
 */
export function doubts(model, row, prediction, explanation) {
  const reasons = [];
  if (prediction.in_distribution === false) reasons.push(...unlike(model, row, prediction));
  const answered = String(prediction[model.output.label]);
  const others = (prediction.prediction_set ?? []).filter((name) => name !== answered);
  for (const name of others.slice(0, MOST_NAMED)) reasons.push(notExcluded(model, prediction, name));
  if (survives(explanation) === false) reasons.push(errorsMatter(model));
  return reasons;
}

/** @param {Model} model @param {Prediction} prediction @param {string} name */
function notExcluded(model, prediction, name) {
  const probability = percent(prediction.probabilities?.[name] ?? 0);
  const threshold = model.uncertainty?.set_thresholds?.[name];
  const rule = threshold === undefined ? "" : ` The model excludes one only below ${percent(threshold)}.`;
  return `It could be ${aClass(model, classTitle(model, name))}: the probability is ${probability}.${rule}`;
}

/** @param {Model} model */
function errorsMatter(model) {
  const errors = model.inputs.filter(({ error }) => error > 0).slice(0, MOST_NAMED);
  const sizes = errors.map((input) => `${withUnit(plain(input.error), input.unit)} of ${inSentence(input)}`);
  return `Small errors of measurement can change the answer. Careful people may differ by ${listed(sizes)}. Measure again if you can.`;
}

/** @param {Model} model @param {Row} row @param {Prediction} prediction */
function unlike(model, row, prediction) {
  const limit = model.uncertainty?.distance_limit;
  const kinds = model.output.classed ? `one of its ${model.output.classes.length} classes` : "a number";
  const far = typeof prediction.distance === "number" && limit ? ` It is ${plain(prediction.distance, 2)} standard deviations from the nearest known ${rows(model)}; ${plain(limit, 2)} is the limit.` : ""; // prettier-ignore
  const sentences = [
    `The model has seen no ${model.subject || model.row} like this.${far}`,
    `It answers with ${kinds} whatever it is given, so do not rely on this answer. Check the units, or the ${model.subject || model.row}.`,
  ];
  const odd = oddest(model, row);
  if (odd) sentences.splice(1, 0, odd);
  return sentences;
}

/**
 * Return a sentence on the value that is farthest from what is usual for any class; null if each is usual for one.
 * @param {Model} model
 * @param {Row} row
 */
function oddest(model, row) {
  let worst = { excess: 1, text: "" };
  for (const input of model.inputs) {
    const value = row[input.name];
    if (typeof value !== "number" || !input.usual.length) continue;
    const excesses = input.usual.map(({ low, high }) => Math.abs(value - (low + high) / 2) / ((high - low) / 2));
    const excess = Math.min(...excesses);
    if (excess <= worst.excess) continue;
    const low = Math.min(...input.usual.map((usual) => usual.low));
    const high = Math.max(...input.usual.map((usual) => usual.high));
    const usual = `usual is ${plain(low, 3)} to ${withUnit(plain(high, 3), input.unit)}`;
    worst = { excess, text: `${input.label} ${shown(input, value)} is the most unusual value; ${usual}.` };
  }
  return worst.text || (Object.keys(model.uncertainty?.gaussians ?? {}).length ? "Each value is usual by itself, but not together with the others." : null);
}

