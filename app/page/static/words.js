/** Numbers, lists and sentences for people. */

import { lower } from "./model.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Input} Input */
/** @typedef {import("../types.js").Value} Value */

const NARROW = "\u202f"; // a narrow blank that no line breaks at

/** @param {number} share @returns {string} "12.3 %"; never "100 %" or "0 %" for what is not quite that */
export function percent(share) {
  if (share === 1 || share === 0) return `${share * 100}${NARROW}%`;
  if (share > 0.999) return `> 99.9${NARROW}%`;
  if (share < 0.001) return `< 0.1${NARROW}%`;
  return `${(share * 100).toFixed(1)}${NARROW}%`;
}

/** @param {number} share of a level that someone chose @returns {string} "95 %" */
export function level(share) {
  return `${plain(share * 100, 4)}${NARROW}%`;
}

/** @param {number} number @param {number} [digits] significant ones @returns {string} with a real minus sign */
export function plain(number, digits = 5) {
  if (number === 0) return "0";
  const size = Math.abs(number);
  const text =
    size >= 1e7 || size < 1e-4 ? number.toExponential(digits - 1) : String(Number(number.toPrecision(digits)));
  return text.replace(/^-/u, "−");
}

/**
 * Return a number with as many decimals as a scale needs: -1.00 and 3.87 on a scale of 5.
 * @param {number} number
 * @param {number} scale
 * @param {number} [digits]
 */
export function onScale(number, scale, digits = 3) {
  const decimals = digits - 1 - Math.floor(Math.log10(Math.abs(scale) || 1));
  if (decimals > 6 || decimals < -6) return plain(number, digits);
  return number.toFixed(Math.max(0, decimals)).replace(/^-/u, "−");
}

/** @param {string} text @param {string} unit */
export function withUnit(text, unit) {
  return unit ? `${text}${NARROW}${unit}` : text;
}

/**
 * Return a value as the field shows it: 39.1, and not 39.099998.
 * @param {Input} input
 * @param {Value} value
 */
export function shown(input, value) {
  if (value === null) return "not given";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "number" && input.kind !== "category" ? withUnit(plain(value, 7), input.unit) : String(value);
}

/** @param {string[]} names @param {string} [word] @returns {string} "a, b and c" */
export function listed(names, word = "and") {
  const last = names.at(-1) ?? "";
  return names.length < 2 ? last : `${names.slice(0, -1).join(", ")} ${word} ${last}`;
}

/**
 * Return the name of a class in a sentence: "an Adelie", if the classes are kinds of something; else the bare name.
 * @param {Model} model
 * @param {string} name
 */
export function aClass(model, name) {
  if (!model.subject) return name;
  return `${/^[aeiou]/iu.test(name) ? "an" : "a"} ${name}`;
}

/** @param {string} text @returns {string} with a capital first letter */
export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {Model} model @returns {string} "birds" */
export function rows(model) {
  return `${model.row}s`;
}

/** @param {Model} model @param {string} name @returns {string} "10 %" for the number 0.1 of quantiles */
export function numberTitle({ output: { names } }, name) {
  const levels = names.length > 1 && names.every((each) => Number(each) > 0 && Number(each) < 1);
  return levels ? level(Number(name)) : name;
}

/** @param {Model} model @param {string} name @returns {string} "class 3" for a name that is a bare number */
export function classTitle(model, name) {
  if (!model.output.classed) return numberTitle(model, name);
  return /^[-\d.]+$/u.test(name) ? `${capital(model.output.label)} ${name}` : name;
}

/** Words for more and for less, by the end of an input's name. @type {[RegExp, string, string][]} */
const DIRECTIONS = [
  [/ ?(length|height|width)$/iu, "longer", "shorter"],
  [/ ?depth$/iu, "deeper", "less deep"],
  [/ ?(mass|weight)$/iu, "heavier", "lighter"],
];

/**
 * Return a change of an input in words: "bill 1.8 mm longer".
 * @param {Input} input
 * @param {number} change
 */
export function moved(input, change) {
  const digits = Math.max(1, Math.ceil(Math.log10(Math.abs(change) / input.step + 1)));
  const amount = withUnit(plain(Math.abs(change), Math.max(2, digits)), input.unit);
  for (const [ending, more, less] of DIRECTIONS) {
    const stem = input.label.replace(ending, "");
    if (stem !== input.label && stem) return `${stem} ${amount} ${change > 0 ? more : less}`;
  }
  return `${input.label} ${amount} ${change > 0 ? "more" : "less"}`;
}

/** @param {Input} input @returns {string} "bill length" */
export function inSentence(input) {
  return lower(input.label);
}
