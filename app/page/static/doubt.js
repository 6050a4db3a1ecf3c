/** How far to trust an answer, in words. */

import {
  aClass,
  capital,
  classTitle,
  inSentence,
  level,
  listed,
  onScale,
  percent,
  plain,
  rows,
  shown,
  withUnit,
} from "./words.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Row} Row */
/** @typedef {import("../types.js").Prediction} Prediction */
/** @typedef {import("../types.js").Explanation} Explanation */

const MOST_NAMED = 4;

/**
 * Return the state of an answer: clear, doubtful, unlike all known rows, or unjudged if the model has nothing to
 * judge by.
 * @param {Model} model
 * @param {Prediction} prediction
 * @param {Explanation | null} explanation
 * @returns {{ state: "clear" | "doubtful" | "unlike" | "unjudged", title: string }}
 */
export function stateOf(model, prediction, explanation) {
  const set = prediction.prediction_set;
  if (prediction.in_distribution === false) {
    return { state: "unlike", title: `Unlike any known ${model.subject || model.row}` };
  }
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
  const { output } = model;
  if (!output.classed) return intervalInWords(model, prediction);
  const answered = String(prediction[output.label]);
  const set = prediction.prediction_set;
  if (output.kind === "label") return "This model gives no probabilities.";
  if (!set) return "This model does not say which others it cannot exclude.";
  const others = set.filter((name) => name !== answered);
  const title = capital(classTitle(model, answered));
  if (prediction.in_distribution === false) return `${title} is only the nearest answer it has.`;
  if (!others.length) return `${title}; ${output.classes.length === 2 ? "the other is" : "all others are"} excluded.`;
  const named = others.slice(0, MOST_NAMED).map((name) => aClass(model, classTitle(model, name)));
  if (others.length > MOST_NAMED) named.push(`${others.length - MOST_NAMED} more`);
  return `${title}; ${listed(named, "or")} cannot be excluded.`;
}

/**
 * Return what "excluded" means; empty if the model has no sets.
 * @param {Model} model
 * @returns {string}
 */
export function meaningOfSets({ output, uncertainty, row }) {
  const { level: sure, set_thresholds: thresholds } = uncertainty ?? {};
  if (sure === undefined || !thresholds) return "";
  const limits = new Set(Object.values(thresholds).map((limit) => level(limit)));
  const line = limits.size === 1 ? `the dotted line, ${[...limits][0]}` : "its dotted line";
  const share = plain(sure * 100, 4);
  return `Excluded: below ${line}. The true ${output.label} is not excluded for at least ${share} of 100 ${row}s.`;
}

/** @param {Model} model @param {Prediction} prediction */
function intervalInWords({ output, uncertainty }, { interval }) {
  const sure = level(uncertainty?.level ?? 0);
  if (!interval) return output.kind === "number" ? "This model does not say how far the number may be off." : "";
  if (!Array.isArray(interval)) return `Each number with the range that contains the true one for ${sure} of rows.`;
  const [low, high] = interval;
  const end = withUnit(onScale(high, high - low), output.unit);
  return `The true number is between ${onScale(low, high - low)} and ${end}, at a level of ${sure}.`;
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
  const rule = threshold === undefined ? "" : ` The model excludes one only below ${level(threshold)}.`;
  return `It could be ${aClass(model, classTitle(model, name))}: the probability is ${probability}.${rule}`;
}

/** @param {Model} model */
function errorsMatter(model) {
  const errors = model.inputs.filter(({ error }) => error > 0).slice(0, MOST_NAMED);
  const sizes = errors.map((input) => `${withUnit(plain(input.error), input.unit)} of ${inSentence(input)}`);
  const usual = `Careful people may differ by ${listed(sizes)}.`;
  return `Small errors of measurement can change the answer. ${usual} Measure again if you can.`;
}

/** @param {Model} model @param {Row} row @param {Prediction} prediction */
function unlike(model, row, prediction) {
  const limit = model.uncertainty?.distance_limit;
  const { classes, classed } = model.output;
  const few = classes.length <= MOST_NAMED;
  const names = few ? listed(classes, "or") : `one of ${classes.length} classes`;
  const near = `the nearest known ${rows(model)}; ${plain(limit ?? 0, 2)} is the limit.`;
  const known = typeof prediction.distance === "number" && limit;
  const far = known ? ` It is ${plain(prediction.distance ?? 0, 2)} standard deviations from ${near}` : "";
  const sentences = [
    `The model has seen no ${model.subject || model.row} like this.${far}`,
    `It answers with ${classed ? names : "a number"} whatever it is given, so do not rely on this answer. ` +
      `Check the units, and whether it is a ${model.subject || model.row} at all.`,
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
  return (
    worst.text ||
    (Object.keys(model.uncertainty?.gaussians ?? {}).length
      ? "Each value is usual by itself, but not together with the others."
      : null)
  );
}
