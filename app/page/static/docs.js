/** GET /docs: every operation of the OpenAPI document, to find, to read and to try. */

import { element } from "./docs-dom.js";
import { badge, showOperation } from "./docs-operation.js";
import { names, prose } from "./docs-schema.js";

/** @typedef {import("../openapi.js").Api} Api */
/** @typedef {import("../openapi.js").Entry} Entry */

const METHODS = ["get", "post", "put", "patch", "delete", "head", "options"];

/** @param {string} id @returns {HTMLElement} */
function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element #${id}`);
  return found;
}

/**
 * Return all operations in the order of the document.
 * @param {Api} api @returns {Entry[]}
 */
function entries(api) {
  return Object.entries(api.paths).flatMap(([path, methods]) =>
    METHODS.flatMap((name) => {
      const operation = methods[name];
      if (!operation) return [];
      const id = (operation.operationId ?? `${name}${path}`).replaceAll(/[^\w.-]+/g, "-");
      return [{ id, method: name.toUpperCase(), path, group: operation.tags?.[0] ?? "Operations", operation }];
    }),
  );
}

/**
 * Return everything by which an operation is found, in small letters.
 * @param {Api} api @param {Entry} entry
 */
function words(api, { method, path, group, operation }) {
  const media = [operation.requestBody, ...Object.values(operation.responses)].flatMap((each) =>
    Object.entries(each?.content ?? {}),
  );
  const fields = media.flatMap(([type, { schema }]) => [type, ...(schema ? names(api, schema) : [])]);
  const parameters = (operation.parameters ?? []).map(({ name }) => name);
  const told = [operation.summary ?? "", operation.description ?? "", operation.operationId ?? ""];
  return [method, path, group, ...told, ...parameters, ...fields].join("\n").toLowerCase();
}

/** @param {Entry[]} all @returns {Map<string, Entry[]>} by group, in the order of the document */
function grouped(all) {
  /** @type {Map<string, Entry[]>} */
  const found = new Map();
  for (const entry of all) found.set(entry.group, [...(found.get(entry.group) ?? []), entry]);
  return found;
}

/** Open the operation that the address names, and go there. */
function followAnchor() {
  const found = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!(found instanceof HTMLDetailsElement)) return;
  found.open = true;
  found.scrollIntoView();
  found.querySelector("summary")?.focus({ preventScroll: true });
}

/** @param {Api} api */
function build(api) {
  document.title = `${api.info.title}: the API`;
  const title = document.querySelector("h1");
  if (title) title.textContent = api.info.title;
  byId("summary").textContent = api.info.summary ?? api.info.description ?? "";
  const all = entries(api);
  /** @type {{ words: string, parts: HTMLElement[] }[]} */
  const found = [];
  for (const [group, members] of grouped(all)) {
    const about = api.tags?.find(({ name }) => name === group)?.description;
    const list = element("ul");
    byId("contents").append(element("section", {}, element("h2", {}, group), list));
    const section = element("section", {}, element("h2", {}, group), about ? prose(about) : null);
    for (const entry of members) {
      const line = element("li", {}, element("a", { href: `#${entry.id}` }, badge(entry.method), " ", entry.path));
      const operation = showOperation(api, entry);
      list.append(line);
      section.append(operation);
      found.push({ words: words(api, entry), parts: [line, operation] });
    }
    byId("operations").append(section);
  }
  filterBy(found);
}

/** @param {{ words: string, parts: HTMLElement[] }[]} all */
function filterBy(all) {
  const input = byId("filter");
  if (!(input instanceof HTMLInputElement)) return;
  const filter = () => {
    const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kept = all.filter((each) => wanted.every((word) => each.words.includes(word)));
    for (const each of all) for (const part of each.parts) part.hidden = !kept.includes(each);
    for (const section of document.querySelectorAll("section")) {
      section.hidden = !section.querySelector("li:not([hidden]) > a, .operation:not([hidden])");
    }
    byId("found").textContent = wanted.length ? `${kept.length} of ${all.length} operations` : "";
  };
  input.addEventListener("input", filter);
  filter(); // a browser may have kept the text
}

async function start() {
  const response = await fetch("openapi.json");
  const api = await response.json();
  if (!response.ok) throw new Error(api.detail ?? `status ${response.status}`);
  build(api);
  addEventListener("hashchange", followAnchor);
  if (location.hash) followAnchor();
  else document.querySelector("details")?.setAttribute("open", "");
}

start().catch((error) => {
  const again = element("button", { type: "button" }, "Try again");
  again.addEventListener("click", () => location.reload());
  const why = `The description could not be read: ${error.message}`;
  byId("operations").append(element("p", { role: "alert", class: "bad" }, why), again);
});
