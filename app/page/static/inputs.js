/** The inputs of one row: a slider and a field for each number, choices for the others. */

import { make, say } from "./dom.js";
import { colourName, markPicture } from "./marks.js";
import { onStep } from "./model.js";
import { readNumber } from "./store.js";
import { plain, shown, withUnit } from "./words.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Input} Input */
/** @typedef {import("../types.js").Store} Store */
/** @typedef {import("../types.js").Value} Value */
/** @typedef {import("../types.js").Row} Row */
/**
 * What stands for one input. `fault` shows a problem, or takes it away if the text is empty; `favour` shows the usual
 * values of the answered class, where there are too many to show all.
 * @typedef {object} Control
 * @property {HTMLElement} element
 * @property {(value: Value) => void} show
 * @property {(text: string, help?: HTMLElement | null) => void} fault
 * @property {(name: string | null) => void} favour
 */

const MOST_STRIPS = 6; // usual ranges under one slider; of more classes, only the answered one has a strip

/**
 * Return the control of one input.
 * @param {Model} model
 * @param {Input} input
 * @param {Store} store
 * @returns {Control}
 */
export function controlOf(model, input, store) {
  const number = input.kind === "number" || input.kind === "integer";
  const part = number ? numberPart(model, input, store) : choicePart(input, store);
  const id = idOf(input);
  const fault = make("p", { class: "fault", attributes: { id: `${id}-fault`, hidden: true } });
  const description = input.description.toLowerCase() === input.label.toLowerCase() ? "" : input.description;
  const mayBeEmpty = input.missing && !model.inputs.every(({ missing }) => missing) ? "May be left empty." : "";
  const note = [description, mayBeEmpty].filter(Boolean).join(". ").replace("..", ".");
  const about = note ? make("p", { class: "about", text: note, attributes: { id: `${id}-about` } }) : null;
  const head = make("div", { class: "input-head" }, part.label, part.field);
  const element = make("div", { class: `input ${input.kind}` }, head, about, part.below, fault);
  return {
    element,
    show: part.show,
    favour: part.favour,
    fault(problem, help) {
      const text = problem || part.misread();
      fault.hidden = !text;
      say(fault, text);
      if (help) fault.append(" ", help);
      element.classList.toggle("wrong", Boolean(text));
      for (const each of part.described) {
        if (text) each.setAttribute("aria-invalid", "true");
        else each.removeAttribute("aria-invalid");
        describe(each, [about && about.id, text && fault.id]);
      }
    },
  };
}

/** @param {Element} element @param {(string | null)[]} ids */
function describe(element, ids) {
  const found = ids.filter(Boolean).join(" ");
  if (found) element.setAttribute("aria-describedby", found);
  else element.removeAttribute("aria-describedby");
}

/** @param {Input} input @returns {string} an id that is the input's own, whatever its name is */
export function idOf(input) {
  return `input-${input.index}`;
}

/** @param {Model} model @param {Input} input @param {Store} store */
function numberPart(model, input, store) {
  const id = idOf(input);
  const label = make("label", { text: input.label, attributes: { for: id } });
  const field = make("input", {
    attributes: { id, type: "text", inputmode: input.minimum !== null && input.minimum >= 0 ? "decimal" : "text" },
  });
  field.autocomplete = "off";
  field.spellcheck = false;
  const slider = make("input", {
    attributes: {
      type: "range",
      min: input.low,
      max: input.high,
      step: input.step,
      "aria-label": `${input.label}, slider`,
    },
  });
  const unit = make("span", { class: "unit", text: input.unit });
  const strips = stripsOf(model, input);

  /** @param {boolean} moving */
  const dragged = (moving) => store.set(input.name, onStep(input, slider.valueAsNumber), { moving });
  slider.addEventListener("input", () => dragged(true));
  slider.addEventListener("change", () => dragged(false));
  field.addEventListener("input", () => store.set(input.name, readNumber(field.value), { moving: true }));
  field.addEventListener("change", () => store.set(input.name, readNumber(field.value)));
  field.addEventListener("keydown", (event) => {
    const steps = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    const now = store.row[input.name];
    if (event.key === "Enter") store.set(input.name, readNumber(field.value));
    if (!steps || typeof now !== "number") return;
    event.preventDefault();
    store.set(input.name, onStep(input, now + steps * input.step));
    field.value = plainText(store.row[input.name] ?? null);
  });

  return {
    label,
    field: make("span", { class: "with-unit" }, field, input.unit ? unit : null),
    below: make("div", { class: "track" }, slider, strips.element),
    described: [field],
    favour: strips.favour,
    /** @returns {string} what is wrong if the field holds no number, which the service cannot know */
    misread() {
      if (!field.value.trim() || readNumber(field.value) !== null) return "";
      return `“${field.value.slice(0, 40)}” is not a number.${input.missing ? " It counts as not given." : ""}`;
    },
    /** @param {Value} value */
    show(value) {
      const same = document.activeElement === field && readNumber(field.value) === value;
      if (!same) field.value = plainText(value);
      const given = typeof value === "number";
      slider.valueAsNumber = given ? Math.min(Math.max(value, input.low), input.high) : (input.low + input.high) / 2;
      slider.classList.toggle("empty", !given);
      slider.setAttribute("aria-valuetext", shown(input, value));
      const share = (slider.valueAsNumber - input.low) / (input.high - input.low || 1);
      slider.style.setProperty("--share", String(share));
    },
  };
}

/** @param {Value} value @returns {string} */
function plainText(value) {
  return value === null ? "" : String(value);
}

/**
 * Return the strips under a slider that show which values are usual.
 * @param {Model} model
 * @param {Input} input
 */
function stripsOf(model, input) {
  const element = make("div", { class: "strips" });
  const many = input.usual.length > MOST_STRIPS;
  /** @param {number} number */
  const place = (number) => Math.min(Math.max((number - input.low) / (input.high - input.low || 1), 0), 1);
  /** @param {number | null} index @param {string} name @param {number} low @param {number} high */
  const strip = (index, name, low, high) => {
    const bar = make("span", { class: "strip" });
    if (index !== null) {
      bar.append(markPicture(index, 10));
      bar.style.setProperty("--colour", `var(${colourName(index)})`);
    }
    bar.style.setProperty("--from", String(place(low)));
    bar.style.setProperty("--to", String(place(high)));
    const ends = `${plain(low, 3)} to ${withUnit(plain(high, 3), input.unit)}`;
    const line = make("span", { class: "strip-line", attributes: { title: `usual for ${name}: ${ends}` } }, bar);
    line.append(make("span", { class: "hidden-text", text: `Usual for ${name}: ${ends}. ` }));
    return line;
  };
  if (!many) {
    for (const { class: index, name, low, high } of input.usual) {
      element.append(strip(index, index === null ? `known ${model.row}s` : name, low, high));
    }
  }
  if (!input.usual.length && input.typical) element.append(strip(null, `a ${model.row}`, ...input.typical));
  return {
    element,
    /** @param {string | null} answered */
    favour(answered) {
      if (!many) return;
      const found = input.usual.filter(({ name }) => name === answered);
      element.replaceChildren(...found.map(({ class: index, name, low, high }) => strip(index, name, low, high)));
    },
  };
}

/** @param {Input} input @param {Store} store */
function choicePart(input, store) {
  const id = idOf(input);
  const label = make("label", { text: input.label, attributes: { for: id } });
  /** @type {Value[]} */
  const values = input.kind === "boolean" ? [true, false] : [...input.categories];
  if (input.missing) values.push(null);
  const select = make("select", { attributes: { id } });
  values.forEach((value, place) => {
    select.append(make("option", { text: shown(input, value), attributes: { value: place } }));
  });
  select.addEventListener("change", () => store.set(input.name, values[Number(select.value)] ?? null));
  return {
    label,
    field: select,
    below: null,
    described: [select],
    favour: () => undefined,
    misread: () => "",
    /** @param {Value} value */
    show(value) {
      select.value = String(values.indexOf(value));
    },
  };
}
