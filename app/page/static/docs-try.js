/** "Try it": a request that can be edited and sent, the same for a shell, and what came back. */

import { copyButton, element } from "./docs-dom.js";
import { exampleText, isJson, isText } from "./docs-example.js";
import { showReply } from "./docs-reply.js";
import { curl } from "./docs-text.js";

/** @typedef {import("../openapi.js").Api} Api */
/** @typedef {import("../openapi.js").Asked} Asked */
/** @typedef {import("../openapi.js").Body} Body */
/** @typedef {import("../openapi.js").Entry} Entry */
/** @typedef {import("../openapi.js").Parameter} Parameter */

const MOST_LINES = 20; // of the field for the body
let made = 0; // fields, so that each label finds its own

/**
 * Make a labelled field.
 * @template {HTMLElement} Input
 * @param {string} label @param {Input} input @returns {[HTMLElement, Input]}
 */
function labelled(label, input) {
  input.id = `try-${++made}`;
  return [element("p", { class: "field" }, element("label", { for: input.id }, label), input), input];
}

/** @param {string} label @param {string[]} options @returns {[HTMLElement | null, () => string]} */
function choice(label, options) {
  const [place, select] = labelled(label, element("select", {}, ...options.map((each) => element("option", {}, each))));
  return [options.length > 1 ? place : null, () => select.value];
}

/** @param {Parameter} parameter @returns {[HTMLElement, () => string]} */
function parameterField(parameter) {
  const label = `${parameter.name} (${parameter.in}${parameter.required ? ", required" : ""})`;
  const [place, input] = labelled(label, element("input", { autocomplete: "off", spellcheck: "false" }));
  input.value = parameter.example === undefined ? "" : String(parameter.example);
  return [place, () => input.value];
}

/**
 * The fields for a body: its media type, its text, or a file.
 * @param {Api} api @param {Body} body
 */
function bodyFields(api, body) {
  const [typePlace, type] = choice("Content-Type", Object.keys(body.content));
  const [textPlace, area] = labelled("Body", element("textarea", { spellcheck: "false", autocomplete: "off" }));
  const [filePlace, file] = labelled("Or a file", element("input", { type: "file" }));
  const follow = () => {
    textPlace.hidden = !isText(type());
    filePlace.hidden = isJson(type());
    area.disabled = !filePlace.hidden && file.files?.length === 1;
  };
  const restore = () => {
    area.value = exampleText(api, type(), body.content[type()] ?? {});
    area.rows = Math.min(MOST_LINES, area.value.split("\n").length + 1);
    file.value = "";
    follow();
  };
  typePlace?.addEventListener("change", restore);
  file.addEventListener("change", follow);
  restore();
  const read = () => (filePlace.hidden ? null : file.files?.[0]) ?? (textPlace.hidden ? "" : area.value);
  /** @param {unknown} document */
  const replace = (document) => (area.value = JSON.stringify(document, null, 2));
  return { places: [typePlace, textPlace, filePlace], type, read, restore, replace };
}

/**
 * Make the part of an operation in which it is tried.
 * @param {Api} api @param {Entry} entry @returns {HTMLElement}
 */
export function tryIt(api, { method, path, operation }) {
  const parameters = operation.parameters ?? [];
  const inputs = parameters.map(parameterField);
  const body = operation.requestBody ? bodyFields(api, operation.requestBody) : null;
  const [acceptPlace, accept] = choice("Accept", answerTypes(operation));

  /** @returns {Asked} */
  const asked = () => {
    const given = parameters.map((each, at) => ({ name: each.name, in: each.in, value: inputs[at]?.[1]() ?? "" }));
    const url = new URL(filled(path, given).slice(1), new URL(".", location.href));
    for (const each of given) if (each.in === "query" && each.value) url.searchParams.append(each.name, each.value);
    const named = given.filter((each) => each.in === "header" && each.value).map((each) => [each.name, each.value]);
    const headers = Object.fromEntries(named);
    if (body) headers["content-type"] = body.type();
    if (acceptPlace) headers.accept = accept();
    return { method, url: url.href, headers, body: body ? body.read() : null };
  };

  const shell = element("code");
  const reply = element("div", { class: "reply" });
  const send = element("button", { type: "submit" }, "Send");
  const cancel = element("button", { type: "button", hidden: true }, "Cancel");
  const reset = element("button", { type: "reset", class: "small" }, "Back to the example");
  const buttons = element("p", { class: "buttons" }, send, cancel, (body || inputs.length > 0) && reset);
  const fields = [...inputs.map(([place]) => place), ...(body?.places ?? []), acceptPlace];
  const form = element("form", { class: "try", "aria-label": `Try ${method} ${path}` }, ...fields, buttons);
  form.noValidate = true; // a wrong request shows the service's own answer
  const show = () => (shell.textContent = curl(asked()));

  /** @type {AbortController | null} */
  let sending = null;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    sending?.abort();
    const control = (sending = new AbortController());
    cancel.hidden = false;
    const suggested = await showReply(reply, asked(), control.signal);
    if (sending !== control) return; // a later request took its place
    sending = null;
    cancel.hidden = true;
    suggested?.addEventListener("click", () => {
      body?.replace(JSON.parse(suggested.value));
      show();
      send.focus();
      form.requestSubmit();
    });
  });
  cancel.addEventListener("click", () => sending?.abort());
  form.addEventListener("input", show);
  form.addEventListener("change", show);
  form.addEventListener("reset", () => setTimeout(() => (body?.restore(), show())));
  show();
  const command = element("pre", { tabindex: "0", role: "group", "aria-label": "The same from a shell" }, shell);
  const copy = copyButton("Copy", () => curl(asked()));
  return element("div", {}, form, element("div", { class: "code" }, command, copy), reply);
}

/** @param {import("../openapi.js").Operation} operation @returns {string[]} media types to choose from, if any */
function answerTypes({ responses }) {
  const answers = Object.entries(responses).filter(([status]) => status.startsWith("2"));
  const types = answers.flatMap(([, each]) => Object.keys(each.content ?? {}).map((type) => type.split(";")[0] ?? ""));
  return types.length > 1 ? ["*/*", ...new Set(types)] : [];
}

/**
 * Return a path with its parameters in place.
 * @param {string} path @param {{ name: string, in: string, value: string }[]} given
 */
function filled(path, given) {
  return path.replaceAll(/{([^}]+)}/g, (whole, name) => {
    const found = given.find((each) => each.in === "path" && each.name === name);
    return found?.value ? encodeURIComponent(found.value) : whole;
  });
}
