/** Numbers with their intervals: one, several targets, or quantiles. */

import { make, say } from "./dom.js";
import { numberTitle, onScale, plain, withUnit } from "./words.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Prediction} Prediction */

const MOST_SHOWN = 12;

/**
 * Fill a box with a line for each number. Returns the function that shows an answer. All lines share one scale, which
 * only grows: a bar that moves means a number that changed.
 * @param {HTMLElement} box
 * @param {Model} model
 * @returns {(prediction: Prediction) => void}
 */
export function mountNumbers(box, model) {
  const names = model.output.kind === "number" ? ["prediction"] : model.output.names;
  const lines = names.slice(0, MOST_SHOWN).map((name) => lineOf(model, name));
  box.append(
    make("ul", { class: "numbers", attributes: { "aria-label": "Numbers" } }, ...lines.map(({ element }) => element)),
  );
  if (names.length > MOST_SHOWN) {
    box.append(
      make("p", { class: "quiet", text: `and ${names.length - MOST_SHOWN} more: the API's answer has all of them.` }),
    );
  }
  let [least, most] = [Infinity, -Infinity];
  return (prediction) => {
    const values = names.map((name) => valueOf(prediction, name));
    for (const { value, low, high } of values) {
      least = Math.min(least, value, low);
      most = Math.max(most, value, high);
    }
    const margin = (most - least) / 20 || Math.abs(most) / 2 || 1;
    lines.forEach((line, place) => {
      const found = values[place];
      if (found) line.show(found, (number) => (number - least + margin) / (most - least + 2 * margin));
    });
  };
}

/** @param {Prediction} answer @param {string} name */
function valueOf({ prediction, interval }, name) {
  const value = typeof prediction === "number" ? prediction : (prediction[name] ?? 0);
  const ends = Array.isArray(interval) ? interval : interval?.[name];
  return { value, low: ends?.[0] ?? value, high: ends?.[1] ?? value };
}

/** @param {Model} model @param {string} name */
function lineOf(model, name) {
  const range = make("span", { class: "range" });
  const dot = make("span", { class: "dot" });
  const text = make("span", { class: "share" });
  const title = make("span", {
    class: "class-name",
    text: model.output.kind === "number" ? "" : numberTitle(model, name),
  });
  const element = make("li", { class: "number-line" }, title, make("span", { class: "bar" }, range, dot), text);
  return {
    element,
    /** @param {{ value: number, low: number, high: number }} found @param {(number: number) => number} place */
    show({ value, low, high }, place) {
      range.style.setProperty("--from", String(place(low)));
      range.style.setProperty("--to", String(place(high)));
      dot.style.setProperty("--share", String(place(value)));
      const ends = low === high ? "" : ` (${onScale(low, high - low)} to ${onScale(high, high - low)})`;
      say(text, `${withUnit(plain(value, 4), model.output.unit)}${ends}`);
    },
  };
}
