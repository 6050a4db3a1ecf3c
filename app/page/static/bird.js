/** One bird: its inputs, its answer, and why. */

import { explain, newest, onService, predict, service } from "./ask.js";
import { mountAnswer, titleOf } from "./answer.js";
import { stateOf, setInWords } from "./doubt.js";
import { byId, make, say } from "./dom.js";
import { mountExamples } from "./examples.js";
import { forPeople, mountFields } from "./fields.js";
import { weightsIn } from "./model.js";
import { mountWhy } from "./why.js";
import { capital } from "./words.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Store} Store */
/** @typedef {import("../types.js").Row} Row */
/** @typedef {import("../types.js").Prediction} Prediction */
/** @typedef {import("../types.js").Explanation} Explanation */
/** @typedef {import("../types.js").Problem} Problem */

const REST_MS = 300; // without a change, until an explanation is asked for
const TYPING_MS = 700; // "4" on the way to "49" is no mistake yet
const SPEECH_MS = 600; // without a change, until the answer is spoken

/**
 * Fill the section of one bird.
 * @param {HTMLElement} section
 * @param {Model} model
 * @param {Store} store
 * @returns {() => void} ends it
 */
export function mountBird(section, model, store) {
  const heading = make("h2", { text: `One ${model.row}`, attributes: { id: "bird-title" } });
  const answerBox = make("div", { class: "answer" });
  const fieldBox = make("div", { class: "fields" });
  const whyBox = make("div", { class: "reasons" });
  const examples = mountExamples(model, store);
  section.append(
    make("div", { class: "section-head" }, heading, examples.element),
    make(
      "div",
      { class: "bench" },
      answerBox,
      make("div", { class: "panel" }, make("h3", { class: "hidden-text", text: "Measurements" }), fieldBox),
    ),
    whyBox,
  );
  const answer = mountAnswer(answerBox, model);
  const fields = mountFields(fieldBox, model, store);
  const why = mountWhy(whyBox, model, store);
  const speech = speaker();
  /** @type {{ row: Row, prediction: Prediction } | null} */
  let last = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let rest;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let complaint;
  let first = true;
  let moving = false;

  const predicting = newest(predict, ({ ok, status, body, problem }, row, isNewest) => {
    if (status === 0 || status === 429 || status === 503) return;
    clearTimeout(complaint);
    if (ok && body) showAnswer(row, body);
    else if (isNewest && problem && moving) complaint = setTimeout(() => showProblem(problem), TYPING_MS);
    else if (isNewest && problem) showProblem(problem);
  });
  const explaining = newest(
    explain,
    ({ ok, status, body, problem }, row) => {
      if (row !== store.row || status === 0 || status === 429 || status === 503) return;
      if (ok && body) showExplanation(row, body);
      else if (status === 501 || status >= 500) why.refuse(status, problem?.detail ?? "");
    },
    0,
  );

  /** @param {Row} row @param {Prediction} prediction */
  const showAnswer = (row, prediction) => {
    last = { row, prediction };
    answer.show(row, prediction, null);
    fields.problem(null);
    const { title } = titleOf(model, prediction);
    fields.favour(model.output.classed ? String(prediction[model.output.label]) : null);
    document.title = `${title}: ${model.title}`;
    if (row === store.row) speech.later(spoken(model, prediction, null));
  };
  /** @param {Problem} problem */
  const showProblem = (problem) => {
    last = null;
    const detail = problemWords(model, problem);
    answer.refuse(problem, detail);
    fields.problem(problem);
    why.age();
    document.title = `No answer yet: ${model.title}`;
    speech.later(`No answer yet. ${detail}`);
  };
  /** @param {Row} row @param {Explanation} explanation */
  const showExplanation = (row, explanation) => {
    why.show(explanation);
    fields.rank(weightsOf(model, explanation));
    if (last?.row !== row) return;
    answer.show(row, last.prediction, explanation);
    speech.later(spoken(model, last.prediction, explanation));
  };

  /** @param {Row} [_row] @param {import("../types.js").Change} [change] */
  const ask = (_row, change) => {
    moving = change?.moving ?? false;
    why.age();
    if (service().state !== "up") return; // asked when it is back
    if (last?.row !== store.row) predicting.ask(store.row);
    clearTimeout(rest);
    rest = setTimeout(() => service().state === "up" && explaining.ask(store.row), first ? 0 : REST_MS);
    first = false;
  };
  const ends = [
    store.subscribe(ask),
    onService(({ state }) => void (state === "up" && ask())),
    fields.end,
    examples.end,
  ];
  ask();
  return () => {
    for (const end of ends) end();
    clearTimeout(rest);
    clearTimeout(complaint);
    predicting.stop();
    explaining.stop();
    speech.stop();
  };
}

/** @param {Model} model @param {Problem} problem @returns {string} */
function problemWords(model, problem) {
  const found = problem.errors ?? [];
  const words = found.slice(0, 3).map(({ detail, pointer }) => {
    const input = model.byName.get(pointer.slice(2).replaceAll("~1", "/").replaceAll("~0", "~"));
    return input
      ? `${input.label}: ${forPeople(input, detail).replace(`${input.label} `, "").replace(`${input.label}: `, "")}`
      : detail;
  });
  if (found.length > 3) words.push(`And ${found.length - 3} more.`);
  return words.join(" ") || (problem.detail ?? "The service gave no reason.");
}

/** @param {Model} model @param {Prediction} prediction @param {Explanation | null} explanation */
function spoken(model, prediction, explanation) {
  const { title } = titleOf(model, prediction);
  const { title: state } = stateOf(model, prediction, explanation);
  const words = setInWords(model, prediction);
  const parts = words.startsWith(title) ? [state, words] : [title, state, words];
  return parts.filter(Boolean).map(capital).join(". ");
}

/**
 * Return how much each input counts: the sum of what the features that are made from it contributed.
 * @param {Model} model
 * @param {Explanation} explanation
 * @returns {Map<string, number>}
 */
function weightsOf(model, explanation) {
  /** @type {Map<string, number>} */
  const weights = new Map();
  for (const { features } of Object.values(explanation.contributions ?? {})) {
    for (const [feature, size] of Object.entries(features)) {
      const weighted = Object.keys(weightsIn(model, feature) ?? {});
      const made = weighted.length > 0 ? weighted : feature.split("/");
      const names = model.byName.has(feature) ? [feature] : made;
      for (const name of names) weights.set(name, (weights.get(name) ?? 0) + Math.abs(size));
    }
  }
  for (const { name } of model.inputs) {
    const found = explanation.measurements[name];
    if (found?.below || found?.above) weights.set(name, (weights.get(name) ?? 0) + 1e-9);
  }
  return weights;
}

/** Speak in the page's one live region, when the row has been at rest. */
function speaker() {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  return {
    /** @param {string} text */
    later(text) {
      clearTimeout(timer);
      timer = setTimeout(() => say(byId("spoken"), text), SPEECH_MS);
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
