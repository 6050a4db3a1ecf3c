/** The answer: what it is, how sure it is, and, if it is doubtful, why. */

import { make, say } from "./dom.js";
import { mountClasses } from "./classes.js";
import { mountNumbers } from "./numbers.js";
import { markPicture } from "./marks.js";
import { doubts, meaningOfSets, setInWords, stateOf } from "./doubt.js";
import { classTitle, numberTitle, percent, plain, rows, withUnit } from "./words.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Row} Row */
/** @typedef {import("../types.js").Prediction} Prediction */
/** @typedef {import("../types.js").Problem} Problem */
/** @typedef {import("../types.js").Explanation} Explanation */

/**
 * Fill a box with the answer.
 * @param {HTMLElement} box
 * @param {Model} model
 */
export function mountAnswer(box, model) {
  const kicker = make("p", { class: "kicker" });
  const name = make("p", { class: "name", attributes: { id: "answer" } });
  const state = make("p", { class: "state" });
  const words = make("p", { class: "words" });
  const verdict = make("div", { class: "verdict" }, kicker, name, state);
  const why = make("div", { class: "why", attributes: { id: "why", hidden: true } });
  const parts = make("div", { class: "bars" });
  const gauge = mountGauge(model);
  const draw = model.output.classed ? mountClasses(parts, model) : mountNumbers(parts, model);
  box.append(verdict, make("div", { class: "evidence" }, words, why, parts, gauge.element));
  const meaning = meaningOfSets(model);
  if (meaning) parts.append(make("p", { class: "meaning", text: meaning }));

  return {
    /** @param {Row} row @param {Prediction} prediction @param {Explanation | null} explanation */
    show(row, prediction, explanation) {
      box.classList.remove("no-answer");
      const { title, index } = titleOf(model, prediction);
      name.replaceChildren(...(index === null ? [] : [markPicture(index, 56)]), make("span", { text: title }));
      const found = stateOf(model, prediction, explanation);
      box.dataset["state"] = found.state;
      say(kicker, kickerOf(model, found.state === "unlike"));
      say(words, setInWords(model, prediction));
      const reasons = doubts(model, row, prediction, explanation);
      why.hidden = !reasons.length;
      state.replaceChildren(
        make("span", { class: "state-sign", attributes: { "aria-hidden": "true" } }),
        make("span", { text: found.title }),
        reasons.length ? make("a", { class: "to-why", text: "Why?", attributes: { href: "#why" } }) : "",
      );
      const heading = make("h3", {
        text: found.state === "unlike" ? "What does that mean?" : "Why is this called doubtful?",
      });
      why.replaceChildren(heading, make("ul", {}, ...reasons.map((reason) => make("li", { text: reason }))));
      parts.hidden = false;
      draw(prediction);
      gauge.show(prediction);
    },
    /** Say kindly that there is no answer. @param {Problem} problem @param {string} detail */
    refuse(problem, detail) {
      box.classList.add("no-answer");
      box.dataset["state"] = "refused";
      say(kicker, problem.status === 422 ? "Almost there" : "That cannot be");
      name.replaceChildren(make("span", { text: "No answer yet" }));
      state.replaceChildren();
      say(words, detail);
      why.hidden = true;
      parts.hidden = true;
      gauge.element.hidden = true;
    },
  };
}

/** @param {Model} model @param {boolean} unlike @returns {string} */
function kickerOf({ output, row }, unlike) {
  if (output.classed && unlike) return `If this ${row} must be one of them`;
  if (output.classed) return output.kind === "label" ? `The model calls this ${row}` : `This ${row} is most likely`;
  return output.kind === "number" ? `The model's answer for this ${row}` : `The model's answers for this ${row}`;
}

/** @param {Model} model @param {Prediction} prediction @returns {{ title: string, index: number | null }} */
export function titleOf(model, prediction) {
  const { output } = model;
  if (output.classed) {
    const name = String(prediction[output.label]);
    return { title: classTitle(model, name), index: output.classes.indexOf(name) };
  }
  if (typeof prediction.prediction === "number") {
    return { title: withUnit(plain(prediction.prediction, 4), output.unit), index: null };
  }
  const middle = output.names[Math.floor((output.names.length - 1) / 2)] ?? "";
  const value = prediction.prediction[output.names.includes("0.5") ? "0.5" : middle] ?? 0;
  const title = withUnit(plain(value, 4), output.unit);
  const quantiles = numberTitle(model, middle) !== middle;
  return { title: quantiles ? title : `${output.names.length} numbers`, index: null };
}

/** Return how far the row is from the known rows, as a scale with its limit. @param {Model} model */
function mountGauge(model) {
  const limit = model.uncertainty?.distance_limit ?? null;
  const needle = make("span", { class: "needle" });
  const scale = make("div", { class: "scale", attributes: { "aria-hidden": "true" } }, needle);
  const text = make("p", { class: "gauge-words" });
  const element = make(
    "div",
    { class: "gauge" },
    make("h3", { text: `Like the ${rows(model)} the model knows?` }),
    scale,
    text,
  );
  element.hidden = true;
  return {
    element,
    /** @param {Prediction} prediction */
    show({ distance, in_distribution: inside }) {
      element.hidden = limit === null || inside === undefined;
      if (limit === null || element.hidden) return;
      scale.hidden = typeof distance !== "number";
      if (typeof distance !== "number") return say(text, "Not known: a value that the distance needs is not given.");
      needle.style.setProperty("--share", String(Math.min(distance / (2 * limit), 1)));
      const alarms = model.uncertainty?.evidence.false_alarms;
      const share = alarms === undefined ? "nearly all" : percent(1 - alarms);
      const rest = `${share} of known ${rows(model)} are within ${plain(limit, 2)}`;
      return say(text, `${inside ? "Yes" : "No"}: its distance is ${plain(distance, 2)} standard deviations; ${rest}.`);
    },
  };
}
