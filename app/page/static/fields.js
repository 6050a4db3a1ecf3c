/** All inputs of a row. Of many, the most important ones, and a filter for the others. */

import { make, say } from "./dom.js";
import { controlOf } from "./inputs.js";
import { rows, shown } from "./words.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Input} Input */
/** @typedef {import("../types.js").Store} Store */
/** @typedef {import("../types.js").Row} Row */
/** @typedef {import("../types.js").Problem} Problem */
/** @typedef {import("./inputs.js").Control} Control */

const MOST_SHOWN = 12; // of more inputs, at a time
const MOST_PRINTED = 30; // on one page of paper

/**
 * Fill a box with the inputs of a model.
 * @param {HTMLElement} box
 * @param {Model} model
 * @param {Store} store
 */
export function mountFields(box, model, store) {
  /** @type {Map<string, Control>} */
  const controls = new Map();
  const list = make("div", { class: "inputs" });
  const count = make("p", { class: "count" });
  const filter = make("input", { attributes: { id: "filter", type: "search", placeholder: "Find by name" } });
  const many = model.inputs.length > MOST_SHOWN;
  let order = model.inputs;
  /** @type {string | null} */
  let favoured = null;
  /** @type {Set<string>} */
  let faulty = new Set();

  /** @param {Input} input */
  const controlFor = (input) => {
    let control = controls.get(input.name);
    if (!control) {
      control = controlOf(model, input, store);
      controls.set(input.name, control);
      control.show(store.row[input.name] ?? null);
      control.favour(favoured);
    }
    return control;
  };

  const arrange = () => {
    const wanted = filter.value.trim().toLowerCase();
    const found = order.filter(({ name, label }) => `${name} ${label}`.toLowerCase().includes(wanted));
    const first = [...found.filter(({ name }) => faulty.has(name)), ...found.filter(({ name }) => !faulty.has(name))];
    const chosen = many ? first.slice(0, MOST_SHOWN) : first;
    list.replaceChildren(...chosen.map((input) => controlFor(input).element));
    const rest = wanted ? `${found.length} of ${model.inputs.length} inputs match` : `${model.inputs.length} inputs`;
    say(count, `${rest}; ${chosen.length} are shown${wanted ? "" : ", those that count most for this answer first"}.`);
  };

  if (many) {
    filter.addEventListener("input", arrange);
    const label = make("label", { text: "Filter", attributes: { for: "filter" } });
    box.append(make("div", { class: "filter" }, label, filter, count));
  }
  const table = printedTable(model);
  box.append(list, ...legendOf(model), table.element);
  arrange();
  table.fill(store.row);
  const end = store.subscribe((row, { moving }) => {
    for (const [name, control] of controls) control.show(row[name] ?? null);
    if (!moving) table.fill(row);
  });

  return {
    end,
    /** Show the usual values of the answered class. @param {string | null} name */
    favour(name) {
      favoured = name;
      for (const control of controls.values()) control.favour(name);
    },
    /** Put the inputs that count most first, unless someone is at work in them. @param {Map<string, number>} weights */
    rank(weights) {
      if (!many || list.contains(document.activeElement)) return;
      order = [...model.inputs].sort((one, other) => (weights.get(other.name) ?? 0) - (weights.get(one.name) ?? 0));
      arrange();
    },
    /** Show a problem at the fields concerned; null takes all away. @param {Problem | null} problem */
    problem(problem) {
      const faults = faultsOf(model, problem);
      const moved = many && [...faults.keys()].some((name) => !controls.has(name));
      faulty = new Set(faults.keys());
      if (moved) arrange();
      for (const [name, control] of controls) {
        control.fault(faults.get(name) ?? "", suggestionFor(model, store, problem, name));
      }
    },
  };
}

/**
 * Return the faults of a problem by the name of the input.
 * @param {Model} model
 * @param {Problem | null} problem
 * @returns {Map<string, string>}
 */
function faultsOf(model, problem) {
  const faults = new Map();
  for (const { detail, pointer } of problem?.errors ?? []) {
    const name = pointer.replace(/^#\//u, "").replaceAll("~1", "/").replaceAll("~0", "~");
    const input = model.byName.get(name);
    if (input) faults.set(name, forPeople(input, detail));
  }
  return faults;
}

/**
 * Return a fault in words for people: "Body mass 3.75 is less than 1500 g, which no penguin has".
 * @param {Input} input
 * @param {string} detail
 */
export function forPeople(input, detail) {
  const rest = detail.startsWith(input.name) ? detail.slice(input.name.length) : ` ${detail}`;
  const empty = /^(: expected .*, found null| is missing: expected .*)$/su.test(rest);
  if (empty && input.kind !== "boolean" && input.kind !== "category") {
    const number = input.kind === "integer" ? "a whole number" : "a number";
    return `Type ${number}${input.unit ? ` of ${input.unit}` : ""}, such as ${input.example}.`;
  }
  if (empty) return "Choose one.";
  return `${input.label}${rest}${/[.?]$/u.test(rest) ? "" : "."}`;
}

/**
 * Return the button that fills in what was probably meant; null if the problem suggests nothing for this input.
 * @param {Model} model
 * @param {Store} store
 * @param {Problem | null} problem
 * @param {string} name
 */
function suggestionFor(model, store, problem, name) {
  const meant = problem?.suggestion;
  if (!meant) return null;
  const changed = model.inputs.filter((input) => input.name in meant && meant[input.name] !== store.row[input.name]);
  if (changed[0]?.name !== name && !(problem?.errors?.[0]?.pointer === `#/${name}` && changed.length)) return null;
  const [only] = changed;
  const words =
    changed.length === 1 && only?.name === name
      ? String(meant[only.name])
      : changed.map((input) => `${input.label} ${String(meant[input.name])}`).join(", ");
  return make("button", {
    class: "suggestion",
    text: `Did you mean ${words}?`,
    attributes: { type: "button" },
    on: {
      click: () => {
        store.setRow(meant);
        document.getElementById(`input-${model.byName.get(name)?.index}`)?.focus();
      },
    },
  });
}

/** @param {Model} model @returns {Node[]} what the strips under the sliders are */
function legendOf(model) {
  const empty = model.inputs.every(({ missing }) => missing) ? "Each value may be left empty. " : "";
  const strips = model.inputs.some(({ usual, typical }) => usual.length || typical);
  if (!strips) return empty ? [make("p", { class: "legend", text: empty })] : [];
  const owners = model.centres.length ? `each ${model.output.label}` : `the ${rows(model)} it knows`;
  return [
    make("p", { class: "legend", text: `${empty}The lines under a slider: values that are usual for ${owners}.` }),
  ];
}

/** Return a table of the values for paper, where sliders say nothing. @param {Model} model */
function printedTable(model) {
  const body = make("tbody");
  /** @param {Input} input @param {Row} row */
  const line = (input, row) => {
    const name = make("th", { text: input.label, attributes: { scope: "row" } });
    return make("tr", {}, name, make("td", { text: shown(input, row[input.name] ?? null) }));
  };
  return {
    element: make("table", { class: "for-print" }, body),
    /** @param {Row} row */
    fill(row) {
      const given = model.inputs.filter(({ name }) => (row[name] ?? null) !== null);
      body.replaceChildren(...given.slice(0, MOST_PRINTED).map((input) => line(input, row)));
    },
  };
}
