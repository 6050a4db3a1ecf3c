/** The inputs that are not on an axis, beside the map: so one sees what they do to it. */

import { make, say } from "./dom.js";
import { amount, named } from "./map_view.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Store} Store */
/** @typedef {import("../types.js").Input} Input */
/** @typedef {import("../types.js").Value} Value */

const MOST = 6; // of more inputs, the others have their sliders above only

/**
 * @param {HTMLElement} box
 * @param {Model} model
 * @param {Store} store
 */
export function createOthers(box, model, store) {
  /** @type {Map<Input, (value: Value) => void>} */
  let shown = new Map();
  return {
    /** Show the sliders of all inputs but these two. @param {Input} x @param {Input} y */
    choose(x, y) {
      const others = model.inputs.filter((input) => input !== x && input !== y);
      const controls = others.slice(0, MOST).map((input) => ({ input, ...controlOf(input, store) }));
      const more =
        others.length > MOST ? make("p", { class: "map-more", text: `and ${others.length - MOST} more, above` }) : null;
      shown = new Map(controls.map(({ input, show }) => [input, show]));
      box.hidden = others.length === 0;
      box.replaceChildren(
        make("h3", { text: "The other inputs" }),
        ...controls.map(({ element }) => element),
        ...(more ? [more] : []),
      );
      this.follow();
    },
    follow() {
      for (const [input, show] of shown) show(store.row[input.name] ?? null);
    },
  };
}

/** @param {Input} input @param {Store} store @returns {{ element: HTMLElement, show: (value: Value) => void }} */
function controlOf(input, store) {
  return input.kind === "number" || input.kind === "integer" ? slider(input, store) : choice(input, store);
}

/** @param {Input} input @param {Store} store */
function slider(input, store) {
  const range = make("input", {
    class: "map-range",
    attributes: { type: "range", min: input.low, max: input.high, step: input.step },
  });
  const text = make("output", { class: "map-value" });
  range.addEventListener("input", () => store.set(input.name, Number(range.value), { moving: true }));
  range.addEventListener("change", () => store.set(input.name, Number(range.value), { moving: false }));
  const element = make("label", { class: "map-other" }, make("span", { text: input.label }), text, range);
  range.setAttribute("aria-label", `${named(input)}, beside the map`);
  return {
    element,
    /** @param {Value} value */
    show(value) {
      const words = typeof value === "number" ? amount(input, value, input.decimals) : "no value";
      const number = typeof value === "number" ? value : input.low;
      const share = input.high > input.low ? (number - input.low) / (input.high - input.low) : 0;
      range.value = String(number);
      range.style.setProperty("--share", String(Math.min(1, Math.max(0, share))));
      range.setAttribute("aria-valuetext", words);
      say(text, words);
    },
  };
}

/** @param {Input} input @param {Store} store */
function choice(input, store) {
  const values = input.kind === "boolean" ? [false, true] : input.categories;
  const texts = values.map((value) => (value === true ? "yes" : value === false ? "no" : String(value)));
  const options = texts.map((text, place) => make("option", { text, attributes: { value: place } }));
  if (input.missing) options.push(make("option", { text: "not given", attributes: { value: -1 } }));
  const select = make("select", { attributes: { "aria-label": `${input.label}, beside the map` } }, ...options);
  select.addEventListener("change", () => store.set(input.name, values[Number(select.value)] ?? null));
  return {
    element: make("label", { class: "map-other map-choice" }, make("span", { text: input.label }), select),
    /** @param {Value} value */
    show(value) {
      select.value = String(values.findIndex((each) => each === value));
    },
  };
}
