/** The model that the page is made from: the document of GET /model, ready to be drawn. */

import { onService, request, service } from "./ask.js";
import { copied } from "./store.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").ModelDocument} ModelDocument */
/** @typedef {import("../types.js").ContractInput} ContractInput */
/** @typedef {import("../types.js").Input} Input */
/** @typedef {import("../types.js").Gaussian} Gaussian */
/** @typedef {import("../types.js").Usual} Usual */
/** @typedef {import("../types.js").Value} Value */
/** @typedef {import("../types.js").Row} Row */

const DEVIATIONS = 2; // to either side of the mean: 95 % of a normal distribution
const STEPS = 200; // of a slider, if the contract has no error

/**
 * Ask GET /model, again and again until it answers.
 * @returns {Promise<Model>}
 */
export async function loadModel() {
  for (;;) {
    const response = await request("model", { headers: { accept: "application/json" }, cache: "no-store" });
    if (response?.ok) return modelOf(await response.json());
    await nextAttempt();
  }
}

/** Wait until the service is back; a second if it is there, but has no answer. @returns {Promise<void>} */
function nextAttempt() {
  if (service().state === "up") return new Promise((resolve) => setTimeout(resolve, 1000));
  return new Promise((resolve) => {
    const end = onService(({ state }) => {
      if (state !== "up") return;
      end();
      resolve();
    });
  });
}

/**
 * Return the model of a document.
 * @param {ModelDocument} document
 * @returns {Model}
 */
export function modelOf(document) {
  const { contract, uncertainty } = document;
  const { kind = "classes", classes = [], label = "class", names = [], unit = "", tolerance = 0 } = contract.output;
  const judged = contract.inputs.filter(
    ({ name }) => !uncertainty?.inputs?.length || uncertainty.inputs.includes(name),
  );
  const gaussians = Object.entries(uncertainty?.gaussians ?? {}).map(([name, gaussian]) => ({
    name,
    class: classes.includes(name) ? classes.indexOf(name) : null,
    mean: gaussian.mean,
    deviations: deviationsOf(gaussian),
  }));
  /** @param {string} name @returns {Usual[]} */
  const usualOf = (name) => {
    const place = judged.findIndex((each) => each.name === name);
    return gaussians.flatMap(({ mean, deviations, ...owner }) => {
      const [middle, deviation] = [mean[place], deviations[place]];
      if (place < 0 || middle === undefined || deviation === undefined || !Number.isFinite(deviation)) return [];
      return [{ ...owner, low: middle - DEVIATIONS * deviation, high: middle + DEVIATIONS * deviation }];
    });
  };
  const inputs = contract.inputs.map((each, index) => inputOf(document, each, index, usualOf(each.name)));
  const example = rowOf(inputs.map((input) => [input.name, input.example]));
  const centres = gaussians.flatMap(({ name, class: index, mean }) =>
    index === null ? [] : [{ class: index, name, row: centre(inputs, example, judged, mean) }],
  );
  return {
    name: document.name,
    version: document.version,
    title: contract.title || contract.name,
    summary: contract.summary ?? "",
    row: contract.row || "row",
    subject: contract.subject ?? "",
    inputs,
    byName: new Map(inputs.map((input) => [input.name, input])),
    output: { kind, classed: classes.length > 0, classes, label, names, unit, tolerance },
    features: document.features,
    uncertainty,
    example,
    centres,
    contract,
    document,
  };
}

/** @param {[string, Value][]} pairs @returns {Row} */
function rowOf(pairs) {
  const row = Object.create(null);
  for (const [name, value] of pairs) row[name] = value;
  return row;
}

/** @param {Input[]} inputs @param {Row} example @param {ContractInput[]} judged @param {number[]} mean */
function centre(inputs, example, judged, mean) {
  const row = copied(example);
  judged.forEach(({ name }, place) => {
    const input = inputs.find((each) => each.name === name);
    const middle = mean[place];
    if (!input || middle === undefined) return;
    if (input.kind === "number" || input.kind === "integer") row[name] = onStep(input, middle);
    else if (input.kind === "boolean") row[name] = middle >= 0.5;
  });
  return row;
}

/**
 * Return the value of the slider that is nearest to a number.
 * @param {Input} input
 * @param {number} number
 */
export function onStep(input, number) {
  const kept = Math.min(Math.max(number, input.minimum ?? -Infinity), input.maximum ?? Infinity);
  return Number((Math.round(kept / input.step) * input.step).toFixed(input.decimals));
}

/**
 * Return the standard deviation of each input of a Gaussian. Its whitening is the inverse of the Cholesky factor of the
 * covariance (contract/uncertainty.py), so the deviations are the lengths of the rows of the whitening's inverse.
 * @param {Gaussian} gaussian
 * @returns {number[]}
 */
export function deviationsOf({ whitening }) {
  const size = whitening.length;
  const factor = whitening.map(() => new Float64Array(size));
  for (let column = 0; column < size; column++) {
    for (let row = column; row < size; row++) {
      let rest = row === column ? 1 : 0;
      for (let k = column; k < row; k++) rest -= at(whitening, row, k) * at(factor, k, column);
      const line = factor[row];
      if (line) line[column] = rest / at(whitening, row, row);
    }
  }
  return factor.map((row) => Math.hypot(...row));
}

/** @param {ArrayLike<ArrayLike<number>>} matrix @param {number} row @param {number} column */
function at(matrix, row, column) {
  return matrix[row]?.[column] ?? 0;
}

/**
 * Return an input, ready to be drawn.
 * @param {ModelDocument} document
 * @param {ContractInput} each
 * @param {number} index
 * @param {Usual[]} usual
 * @returns {Input}
 */
function inputOf(document, each, index, usual) {
  const { name, kind = "number", unit = "", minimum = null, maximum = null, error = 0, categories = [] } = each;
  const typical = each.typical ?? knownRange(document, name);
  const [low, high] = sliderEnds(each, typical, usual);
  const step = kind === "integer" ? Math.max(1, stepOf(high - low, error)) : stepOf(high - low, error);
  const decimals = Math.max(0, -Math.round(Math.log10(step)));
  const input = {
    ...{ index, name, kind, unit, minimum, maximum, low, high, step, decimals, usual, error, categories },
    label: labelOf(name, unit),
    description: each.description ?? "",
    typical: each.typical ?? null,
    missing: each.missing ?? false,
    /** @type {Input["example"]} */ example: 0,
  };
  if (each.example !== undefined) input.example = each.example;
  else if (kind === "boolean") input.example = false;
  else if (kind === "category") input.example = categories[0] ?? "";
  else input.example = onStep(input, typical ? (typical[0] + typical[1]) / 2 : Math.min(Math.max(0, low), high));
  return input;
}

/** @param {ModelDocument} document @param {string} name @returns {[number, number] | null} */
function knownRange({ training, holdout }, name) {
  const variables = (training?.drift_baseline ?? holdout?.drift_baseline)?.variables ?? {};
  const edges = (Object.hasOwn(variables, name) ? variables[name]?.edges : undefined) ?? [];
  const [first, last] = [edges[0], edges.at(-1)];
  return first === undefined || last === undefined || first === last ? null : [first, last];
}

/**
 * Return the ends of the slider: the bounds, or as far beyond the known values as these reach.
 * @param {ContractInput} each
 * @param {[number, number] | null} typical
 * @param {Usual[]} usual
 * @returns {[number, number]}
 */
function sliderEnds({ minimum, maximum, example }, typical, usual) {
  const known = [...(typical ?? []), ...usual.flatMap(({ low, high }) => [low, high])];
  if (typeof example === "number") known.push(example);
  if (minimum !== undefined) known.push(minimum);
  if (maximum !== undefined) known.push(maximum);
  const [least, most] = known.length ? [Math.min(...known), Math.max(...known)] : [-1, 1];
  const margin = Math.max((most - least) / 2, Math.abs(most) / 10, 1e-6);
  return [minimum ?? rounded(least - margin), maximum ?? rounded(most + margin)];
}

/** @param {number} number @returns {number} with two significant digits */
function rounded(number) {
  return Number(number.toPrecision(2));
}

/** @param {number} range @param {number} error @returns {number} a power of ten */
function stepOf(range, error) {
  const size = error > 0 ? error / 2 : range / STEPS;
  return size > 0 && Number.isFinite(size) ? 10 ** Math.floor(Math.log10(size) + 1e-9) : 1;
}

/**
 * Return the name of an input for people: "Bill length" for `bill_length_mm` in mm.
 * @param {string} name
 * @param {string} unit
 */
export function labelOf(name, unit) {
  const ending = `_${unit}`;
  const short = unit && name.endsWith(ending) && name.length > ending.length ? name.slice(0, -ending.length) : name;
  const words = short.replaceAll("_", " ").trim() || name;
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/**
 * Return the weights of a feature that is a weighted sum of inputs, by their names; undefined if it is none.
 * @param {Model} model
 * @param {string} feature
 */
export function weightsIn(model, feature) {
  return model.contract.derived?.find(({ kind, name }) => kind === "projection" && name === feature)?.weights;
}

/**
 * Return the name of a feature for people: "Bill length ÷ bill depth", "Discriminant 1".
 * @param {Model} model
 * @param {string} feature
 */
export function featureLabel(model, feature) {
  const input = model.byName.get(feature);
  if (input) return input.label;
  if (weightsIn(model, feature)) return labelOf(feature, "");
  const parts = feature.split("/").map((part) => model.byName.get(part));
  if (parts.length < 2 || parts.some((part) => !part)) return feature;
  return parts.map((part, place) => (place ? lower(part?.label ?? "") : part?.label)).join(" ÷ ");
}

/** @param {string} text @returns {string} with a small first letter, unless it is an abbreviation */
export function lower(text) {
  return /^\p{Lu}\p{Lu}/u.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1);
}

/**
 * Return the Mahalanobis distance of a row to the nearest Gaussian, and to each input's share in it; null if the model
 * has none or a value is missing. It is for ordering and for words: the service's `distance` is the answer.
 * @param {Model} model
 * @param {Row} row
 */
export function distanceOf(model, row) {
  const gaussians = Object.values(model.uncertainty?.gaussians ?? {});
  const names = model.uncertainty?.inputs?.length ? model.uncertainty.inputs : model.inputs.map(({ name }) => name);
  const values = names.map((name) => Number(row[name] ?? Number.NaN));
  const all = gaussians.map(({ mean, whitening }) =>
    Math.hypot(
      ...whitening.map((line) =>
        line.reduce((sum, weight, place) => sum + weight * ((values[place] ?? 0) - (mean[place] ?? 0)), 0),
      ),
    ),
  );
  const least = Math.min(...all);
  return Number.isFinite(least) ? least : null;
}
