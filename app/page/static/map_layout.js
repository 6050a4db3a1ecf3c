/** The elements of the decision map, and its controls. */

import { make } from "./dom.js";
import { numericInputs } from "./map_axes.js";
import { named } from "./map_view.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Input} Input */

export const HINT = "Drag the mark, or move it with the arrow keys. Point at the map to read it.";

/**
 * Make the elements that show the map.
 * @param {Model} model
 */
export function createLayout(model) {
  const hidden = { "aria-hidden": "true" };
  const image = { role: "img", "aria-label": "The map is being drawn." };
  const canvas = make("canvas", { class: "map-canvas", attributes: image });
  const overlay = make("canvas", { class: "map-overlay", attributes: hidden });
  const plot = make("div", { class: "map-plot" }, canvas, overlay);
  const across = make("div", { class: "map-axis map-across", attributes: hidden });
  const up = make("div", { class: "map-axis map-up", attributes: hidden });
  const legend = make("ul", { class: "map-legend", attributes: { "aria-label": "What the map shows" } });
  const scale = make("div", { class: "map-scale" });
  const others = make("div", { class: "map-others" });
  const side = make("div", { class: "map-side" }, model.output.classed ? null : scale, legend, others);
  const readout = make("p", { class: "map-readout", text: HINT });
  const timing = make("p", { class: "map-timing" });
  const note = make("div", { class: "map-note" }, readout, timing);
  const figure = make("div", { class: "map-figure" }, up, plot, across, note, side);
  const notice = make("p", { class: "map-notice", attributes: { role: "status" } });
  return { canvas, overlay, plot, across, up, legend, scale, others, figure, readout, timing, notice };
}

/**
 * Make the controls.
 * @param {Model} model
 * @param {{ x: Input, y: Input, shown: number }} first what they show at first
 * @param {object} actions
 * @param {(x: Input, y: Input) => void} actions.setAxes
 * @param {(whole: boolean) => void} actions.setWhole
 * @param {(place: number) => void} actions.setShown
 * @param {(shown: boolean) => void} actions.setKnown
 */
export function createControls(model, first, { setAxes, setWhole, setShown, setKnown }) {
  const inputs = numericInputs(model);
  const names = inputs.map(named);
  let { x, y } = first;
  /** @param {Input} across @param {Input} up */
  const choose = (across, up) => {
    [x, y] = [across, up];
    acrossField.select.value = String(inputs.indexOf(x));
    upField.select.value = String(inputs.indexOf(y));
    setAxes(x, y);
  };
  // An input that is on the other axis changes places with the one that was here.
  const acrossField = chooser("Across", names, inputs.indexOf(x), (place) => {
    const next = inputs[place] ?? x;
    choose(next, next === y ? x : y);
  });
  const upField = chooser("Up", names, inputs.indexOf(y), (place) => {
    const next = inputs[place] ?? y;
    choose(next === x ? y : x, next);
  });
  const attributes = { type: "button", "aria-label": "Swap the axes", title: "Swap the axes" };
  const swap = make("button", { class: "map-swap", text: "⇄", attributes, on: { click: () => choose(y, x) } });
  const whole = checkbox("Whole range", false, setWhole);
  const known = checkbox(`Known ${model.row}s`, true, setKnown);
  known.field.hidden = true;
  const several = model.output.names.length > 1;
  const numbers = several ? chooser("Show", model.output.names, first.shown, setShown).field : null;
  const fields = [acrossField.field, swap, upField.field, numbers, whole.field, known.field];
  return { box: make("div", { class: "map-controls" }, ...fields), whole: whole.box, known: known.field };
}

/**
 * @param {string} label
 * @param {string[]} names
 * @param {number} chosen
 * @param {(place: number) => void} choose
 */
function chooser(label, names, chosen, choose) {
  const options = names.map((text, place) => make("option", { text, attributes: { value: place } }));
  const select = make("select", {}, ...options);
  select.value = String(chosen);
  select.addEventListener("change", () => choose(Number(select.value)));
  return { select, field: make("label", { class: "map-field" }, make("span", { text: label }), select) };
}

/** @param {string} label @param {boolean} checked @param {(checked: boolean) => void} choose */
function checkbox(label, checked, choose) {
  const box = make("input", { attributes: { type: "checkbox" } });
  box.checked = checked;
  box.addEventListener("change", () => choose(box.checked));
  return { box, field: make("label", { class: "map-check" }, box, make("span", { text: label })) };
}
