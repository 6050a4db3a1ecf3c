/** One operation: what it takes, what it answers, and a place to try it. */

import { copyButton, element, folded } from "./docs-dom.js";
import { exampleText, isJson } from "./docs-example.js";
import { kind, phrases, prose, rules, schemaTree } from "./docs-schema.js";
import { tryIt } from "./docs-try.js";

/** @typedef {import("../openapi.js").Api} Api */
/** @typedef {import("../openapi.js").Entry} Entry */
/** @typedef {import("../openapi.js").Media} Media */
/** @typedef {import("../openapi.js").Parameter} Parameter */
/** @typedef {import("../openapi.js").Response} Response */

/** @param {string} method */
export const badge = (method) => element("span", { class: `method ${method.toLowerCase()}` }, method);

/**
 * Show an operation. It is closed at first, and made when it is opened.
 * @param {Api} api @param {Entry} entry @returns {HTMLDetailsElement}
 */
export function showOperation(api, entry) {
  const { id, method, path, operation } = entry;
  const heading = element("h3", {}, badge(method), " ", element("code", {}, path));
  const summary = element("span", { class: "summary" }, operation.summary ?? "");
  return folded([heading, summary], () => content(api, entry), { id, class: "operation" });
}

/** @param {Api} api @param {Entry} entry */
function content(api, entry) {
  const { id, operation } = entry;
  const link = element("a", { href: `#${id}` }, "Link to this operation");
  const parameters = operation.parameters ?? [];
  const bodies = Object.entries(operation.requestBody?.content ?? {});
  return [
    operation.description ? prose(operation.description) : null,
    ...(parameters.length ? [element("h4", {}, "Parameters"), parameterList(api, parameters)] : []),
    bodies.length > 0 && element("h4", {}, "Request body"),
    ...bodies.map(([type, media]) => mediaPart(api, type, media, "Example")),
    element("h4", {}, "Try it"),
    tryIt(api, entry),
    element("h4", {}, "Answers"),
    ...Object.entries(operation.responses).map(([status, each]) => answer(api, status, each)),
    element("p", { class: "anchor" }, link),
  ];
}

/** @param {Api} api @param {Parameter[]} parameters */
function parameterList(api, parameters) {
  const items = parameters.map((each) =>
    element(
      "li",
      {},
      element("code", { class: "name" }, each.name),
      element("span", { class: "kind" }, `${each.in}, ${kind(api, each.schema ?? {})}`),
      ...rules(each.schema ?? {}).map((text) => element("span", { class: "rule" }, text)),
      each.required && element("span", { class: "required" }, "required"),
      each.description ? prose(each.description) : null,
    ),
  );
  return element("ul", { class: "fields" }, ...items);
}

/** @param {Api} api @param {string} type @param {Media} media @param {string} label */
function mediaPart(api, type, media, label) {
  const text = exampleText(api, type, media);
  const example = () => [
    element(
      "div",
      { class: "code" },
      element("pre", { tabindex: "0", role: "group", "aria-label": `${label}, ${type}` }, element("code", {}, text)),
      copyButton("Copy", () => text),
    ),
  ];
  return element(
    "div",
    { class: "media" },
    element("p", { class: "type" }, element("code", {}, type)),
    media.schema ? schemaTree(api, media.schema) : null,
    text && (isJson(type) || media.example !== undefined) ? folded([label], example) : null,
  );
}

/** @param {Api} api @param {string} status @param {Response} response */
function answer(api, status, response) {
  const parts = Object.entries(response.content ?? {});
  const good = status.startsWith("2") ? "good" : "bad";
  const label = element("span", { class: `code-number ${good}` }, status);
  return folded([label, " ", ...phrases(response.description)], () => [
    ...Object.entries(response.headers ?? {}).map(([name, each]) =>
      element("p", {}, element("code", {}, name), ` ${each.description ?? ""}`)),
    ...parts.map(([type, media]) => mediaPart(api, type, media, "What it may look like")),
  ], { class: "answer" });
}
