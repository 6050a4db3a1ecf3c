/** Why this answer, and what would change it: POST /explain. */

import { predict } from "./ask.js";
import { make } from "./dom.js";
import { markPicture } from "./marks.js";
import { featureLabel, weightsIn } from "./model.js";
import { copied } from "./store.js";
import { usualOf } from "./usual.js";
import { aClass, classTitle, inSentence, listed, moved, onScale, plain, rows, shown, withUnit } from "./words.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Input} Input */
/** @typedef {import("../types.js").Store} Store */
/** @typedef {import("../types.js").Row} Row */
/** @typedef {import("../types.js").Flip} Flip */
/** @typedef {import("../types.js").Value} Value */
/** @typedef {import("../types.js").Contribution} Contribution */
/** @typedef {import("../types.js").Explanation} Explanation */
/** @typedef {{ input: Input, flip: Flip, within: boolean, far: number }} Way */

const MOST_WAYS = 6;
const MOST_FEATURES = 8;
const NOTHING = 1e-4; // of the largest contribution

/**
 * Fill a box with the explanation of an answer.
 * @param {HTMLElement} box
 * @param {Model} model
 * @param {Store} store
 */
export function mountWhy(box, model, store) {
  const ways = make("div", { class: "ways" });
  const errors = make("div", { class: "errors" });
  const usual = make("div", { class: "usual-for" }); // one sheet of paper has no room for it
  const parts = make("div", { class: "contributions" });
  /** @type {string | null} */
  let chosen = null;

  /** @param {string} text */
  const quiet = (text) =>
    ways.replaceChildren(make("h3", { text: "What would change the answer" }), make("p", { class: "quiet", text }));
  box.append(ways, errors, usual, parts);
  box.classList.add("waiting"); // until there is something to show; what follows must not jump up

  return {
    /** @param {Explanation} explanation */
    show(explanation) {
      box.classList.remove("stale", "waiting");
      ways.replaceChildren(make("h3", { text: "What would change the answer" }), ...waysOf(model, store, explanation));
      errors.replaceChildren(...errorsOf(model, explanation));
      usual.replaceChildren(...usualOf(model, explanation));
      const contributions = explanation.contributions;
      const outputs = Object.keys(contributions ?? {});
      const answered = String(explanation[model.output.label] ?? "");
      const select = choice(model, outputs, chosen && outputs.includes(chosen) ? chosen : answered, (name) => {
        chosen = name === answered ? null : name;
        fill();
      });
      const lines = make("div");
      const fill = () => {
        const name =
          chosen && outputs.includes(chosen) ? chosen : outputs.includes(answered) ? answered : (outputs[0] ?? "");
        lines.replaceChildren(...contributionLines(model, contributions?.[name] ?? null, name));
      };
      fill();
      parts.replaceChildren(make("h3", { text: "What spoke for and against" }), ...(select ? [select] : []), lines);
    },
    /** Let the last explanation stand, but pale: the row has changed since. */
    age() {
      box.classList.add("stale");
    },
    /** @param {number} status @param {string} detail */
    refuse(status, detail) {
      box.classList.remove("stale", "waiting");
      errors.replaceChildren();
      usual.replaceChildren();
      parts.replaceChildren();
      if (status === 501) {
        quiet("This model came without its trees, so it cannot say why. Its owner can add them: compile it again.");
      } else quiet(detail);
    },
  };
}

/** @param {Model} model @param {Store} store @param {Explanation} explanation @returns {Node[]} */
function waysOf(model, store, explanation) {
  /** @type {Way[]} */
  const ways = [];
  /** @type {string[]} */
  const fixed = [];
  for (const input of model.inputs) {
    const found = explanation.measurements[input.name];
    const flips = [found?.below, found?.above].filter((flip) => flip !== null && flip !== undefined);
    if (!flips.length) fixed.push(inSentence(input));
    for (const flip of flips) {
      const size = Math.abs(flip.change ?? input.high - input.low);
      const within = flip.change !== null && size <= input.error;
      ways.push({ input, flip, within, far: size / (input.error || (input.high - input.low) / 100 || 1) });
    }
  }
  ways.sort((one, other) => one.far - other.far);
  const buttons = ways.slice(0, MOST_WAYS).map((way) => make("li", {}, wayButton(model, store, way)));
  const left = ways.length > MOST_WAYS ? `${ways.length - MOST_WAYS} more: farther away.` : "";
  const named = fixed.length > 4 ? `${fixed.length} other inputs` : listed(fixed, "or");
  const none = fixed.length ? `No change of ${named} alone would change it.` : "";
  const rest = [left, none].filter(Boolean).join(" ");
  const intro = ways.length ? `One value moved, all others as they are. The nearest first; press one to go there.` : "";
  return [
    ...(intro ? [make("p", { class: "quiet", text: intro })] : []),
    make("ul", { class: "way-list" }, ...buttons),
    ...(rest ? [make("p", { class: "quiet", text: rest })] : []),
  ];
}

/** @param {Model} model @param {Store} store @param {Way} way */
function wayButton(model, store, { input, flip, within }) {
  const { output } = model;
  const words = flip.change === null ? `${input.label}: ${shown(input, flip.value)}` : moved(input, flip.change);
  const name = output.classed ? String(flip[output.label]) : numberWords(model, flip.prediction ?? 0);
  const children = [make("span", { class: "way-change", text: `${words}: ` })];
  const target = make("span", { class: "way-answer" });
  if (output.classed) target.append(markPicture(output.classes.indexOf(name), 12), " ");
  target.append(output.classed ? classTitle(model, name) : name);
  const note = within ? make("span", { class: "way-note", text: "within the error of a measurement" }) : null;
  return make(
    "button",
    { class: "way", attributes: { type: "button" }, on: { click: () => void go(model, store, input, flip) } },
    ...children,
    target,
    note,
  );
}

/** @param {Model} model @param {number | Record<string, number>} prediction */
function numberWords({ output }, prediction) {
  if (typeof prediction === "number") return withUnit(plain(prediction, 4), output.unit);
  return output.names
    .slice(0, 3)
    .map((name) => plain(prediction[name] ?? 0, 3))
    .join(" · ");
}

/**
 * Go where the answer changes: to a short number just beyond, if the other answer is there, else to the exact one.
 * @param {Model} model
 * @param {Store} store
 * @param {Input} input
 * @param {Flip} flip
 */
async function go(model, store, input, flip) {
  const { row } = store;
  for (const value of candidates(input, flip)) {
    const next = copied(row);
    next[input.name] = value;
    const { body } = await predict(next);
    if (store.row !== row) return;
    const same = model.output.classed
      ? body?.[model.output.label] === flip[model.output.label]
      : JSON.stringify(body?.prediction) === JSON.stringify(flip.prediction);
    if (same) return store.setRow(next);
  }
  const next = copied(row);
  next[input.name] = flip.value;
  store.setRow(next);
}

/** @param {Input} input @param {Flip} flip @returns {Value[]} short numbers just beyond, the shortest first */
function candidates(input, { value, change }) {
  if (typeof value !== "number" || change === null || input.kind !== "number") return [];
  return [0, 1, 2].map((more) => {
    const scale = 10 ** (Math.round(-Math.log10(input.step)) + more);
    const rounded = (change > 0 ? Math.ceil(value * scale) : Math.floor(value * scale)) / scale;
    return Math.min(Math.max(rounded, input.minimum ?? rounded), input.maximum ?? rounded);
  });
}

/** @param {Model} model @param {Explanation} explanation @returns {Node[]} */
function errorsOf(model, explanation) {
  const survives = explanation.survives_measurement_error;
  const measured = model.inputs.filter(({ error }) => error > 0);
  if (survives === undefined || !measured.length) return [];
  const sizes = measured.slice(0, 4).map((input) => `±${withUnit(plain(input.error), input.unit)}`);
  const text =
    survives === true
      ? `Yes. Let all measurements be off by up to ${listed(sizes)} at once: the answer stays.`
      : survives === false
        ? `No. Let all measurements be off by up to ${listed(sizes)} at once: the answer can change.`
        : "Not known: it could be neither proved nor refuted in the time that an explanation has.";
  return [make("h3", { text: "Does it survive measurement error?" }), make("p", { text })];
}

/** @param {Model} model @param {string[]} outputs @param {string} selected @param {(name: string) => void} choose */
function choice(model, outputs, selected, choose) {
  if (outputs.length < 2) return null;
  const select = make("select", { attributes: { id: "spoke-for" } });
  for (const name of outputs) {
    select.append(
      make("option", { text: classTitle(model, name), attributes: { value: name, selected: name === selected } }),
    );
  }
  select.addEventListener("change", () => choose(select.value));
  return make(
    "p",
    { class: "spoke-for" },
    make("label", { text: model.output.classed ? capitalLabel(model) : "Number", attributes: { for: "spoke-for" } }),
    select,
  );
}

/** @param {Model} model */
function capitalLabel({ output }) {
  return output.label.charAt(0).toUpperCase() + output.label.slice(1);
}

/** @param {Model} model @param {Contribution | null} contribution @param {string} name @returns {Node[]} */
function contributionLines(model, contribution, name) {
  if (!contribution) return [make("p", { class: "quiet", text: "Not known where a value is missing." })];
  const sorted = Object.entries(contribution.features).sort((one, other) => Math.abs(other[1]) - Math.abs(one[1]));
  const shownOnes = sorted
    .slice(0, MOST_FEATURES)
    .filter(([, size]) => Math.abs(size) > NOTHING * Math.abs(sorted[0]?.[1] ?? 0));
  const rest = sorted.slice(MOST_FEATURES).reduce((sum, [, size]) => sum + size, 0);
  /** @type {[string, number][]} */
  const lines = shownOnes.map(([feature, size]) => [featureLabel(model, feature), size]);
  if (sorted.length > MOST_FEATURES) lines.push([`${sorted.length - MOST_FEATURES} others`, rest]);
  const most = Math.max(...lines.map(([, size]) => Math.abs(size)), 1e-12);
  const against = model.output.classed ? ` ${aClass(model, classTitle(model, name))}` : "";
  const unit = model.output.classed ? "in log-odds" : "in the model's own scale";
  const legend = model.output.classed
    ? `To the right: for${against}. To the left: against it; ${unit}.`
    : `To the right: more. To the left: less; ${unit}, compared with all ${rows(model)}.`;
  return [
    make("p", { class: "quiet", text: legend }),
    make("ul", { class: "signed" }, ...lines.map((line) => signedBar(...line, most))),
    ...shownOnes.flatMap(([feature]) => weightedSum(model, feature)),
  ];
}

/**
 * Return what a feature is the weighted sum of: "Discriminant 1 is 0.0887 × bill length − 1.04 × bill depth". Nothing
 * if it is no weighted sum.
 * @param {Model} model
 * @param {string} feature
 * @returns {Node[]}
 */
function weightedSum(model, feature) {
  const weights = weightsIn(model, feature);
  if (!weights) return [];
  const terms = Object.entries(weights).map(([name, weight], place) => {
    const input = model.byName.get(name);
    const sign = weight < 0 ? "− " : place ? "+ " : "";
    return `${sign}${plain(Math.abs(weight), 3)} × ${input ? inSentence(input) : name}`;
  });
  return [make("p", { class: "quiet weighted-sum", text: `${featureLabel(model, feature)} is ${terms.join(" ")}.` })];
}

/** @param {string} label @param {number} size @param {number} most */
function signedBar(label, size, most) {
  const fill = make("span", { class: size < 0 ? "fill against" : "fill for" });
  fill.style.setProperty("--share", String(Math.abs(size) / most));
  const number = `${size < 0 ? "−" : "+"}${onScale(Math.abs(size), most, 2)}`;
  return make(
    "li",
    {},
    make("span", { class: "feature", text: label }),
    make("span", { class: "axis" }, fill),
    make("span", { class: "amount", text: number }),
  );
}
