/** Probabilities as bars, with marks and patterns besides colour. */

import { make, say } from "./dom.js";
import { colourName, markPicture } from "./marks.js";
import { classTitle, level, percent } from "./words.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Prediction} Prediction */

const MOST_IN_ORDER = 8; // of more classes, the most probable ones come first, and the others are folded

/**
 * Fill a box with a bar for each class. Returns the function that shows an answer.
 * @param {HTMLElement} box
 * @param {Model} model
 * @returns {(prediction: Prediction) => void}
 */
export function mountClasses(box, model) {
  const { classes, kind } = model.output;
  if (kind === "label") {
    return () => undefined;
  }
  const many = classes.length > MOST_IN_ORDER;
  const bars = classes.map((name, index) => barOf(model, name, index));
  const list = make("ul", { class: "probabilities", attributes: { "aria-label": "Probabilities" } });
  const more = make("button", { class: "plain-button", attributes: { type: "button", "aria-expanded": "false" } });
  let open = false;
  /** @type {Prediction | null} */
  let last = null;
  list.append(...bars.map(({ element }) => element));
  box.append(list);
  if (many) box.append(more);

  /** @param {Prediction} prediction */
  const draw = (prediction) => {
    last = prediction;
    const probabilities = prediction.probabilities ?? {};
    const set = prediction.prediction_set;
    const answered = prediction[model.output.label];
    bars.forEach((bar) =>
      bar.show(probabilities[bar.name] ?? 0, set ? set.includes(bar.name) : null, bar.name === answered),
    );
    if (!many) return;
    const sorted = [...bars].sort((one, other) => (probabilities[other.name] ?? 0) - (probabilities[one.name] ?? 0));
    const shown = open ? sorted : sorted.slice(0, MOST_IN_ORDER);
    list.replaceChildren(...shown.map(({ element }) => element));
    const rest = sorted.slice(MOST_IN_ORDER);
    const together = rest.reduce((sum, { name }) => sum + (probabilities[name] ?? 0), 0);
    say(more, open ? "Show the most probable only" : `Show ${rest.length} more, ${percent(together)} together`);
  };
  more.addEventListener("click", () => {
    open = !open;
    more.setAttribute("aria-expanded", String(open));
    if (last) draw(last);
  });
  return draw;
}

/** @param {Model} model @param {string} name @param {number} index */
function barOf(model, name, index) {
  const threshold = model.uncertainty?.set_thresholds?.[name];
  const share = make("span", { class: "share" });
  const fill = make("span", { class: `fill pattern-${index % 4}` });
  const track = make("span", { class: "bar" }, fill);
  if (threshold !== undefined) {
    const tick = make("span", { class: "threshold", attributes: { title: `excluded below ${level(threshold)}` } });
    tick.style.setProperty("--share", String(threshold));
    track.append(tick);
  }
  const note = make("span", { class: "note" });
  const title = make(
    "span",
    { class: "class-name" },
    markPicture(index, 16),
    make("span", { text: classTitle(model, name) }),
  );
  const element = make("li", { class: "probability" }, title, track, share, note);
  element.style.setProperty("--colour", `var(${colourName(index)})`);
  return {
    name,
    element,
    /** @param {number} probability @param {boolean | null} member of the prediction set @param {boolean} answered */
    show(probability, member, answered) {
      fill.style.setProperty("--share", String(probability));
      say(share, percent(probability));
      say(note, member === null ? "" : answered ? "most likely" : member ? "possible" : "excluded");
      element.classList.toggle("out", member === false);
      element.classList.toggle("answered", answered);
    },
  };
}
