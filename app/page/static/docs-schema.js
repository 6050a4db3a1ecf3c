/** A JSON schema in words: types, bounds, units, and the fields of objects as a tree. */

import { element, folded } from "./docs-dom.js";

/** @typedef {import("../openapi.js").Api} Api */
/** @typedef {import("../openapi.js").Schema} Schema */

const OPEN_DEPTH = 1; // deeper objects are closed at first
const DEEPEST = 4; // arrays and choices within each other; a schema may contain itself
const SHOWN_VALUES = 12; // of a closed set

/**
 * Follow references. An unknown one is shown by its name.
 * @param {Api} api @param {Schema} schema @returns {Schema}
 */
export function resolve(api, schema) {
  let found = schema;
  for (let hops = 0; found.$ref && hops < 20; hops++) {
    const { $ref, ...beside } = found;
    /** @type {any} */
    let target = api;
    for (const part of $ref.split("/").slice(1)) {
      target = target?.[decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~")];
    }
    found = target ? { ...target, ...beside } : { title: $ref, ...beside };
  }
  return found;
}

/** @param {Schema} schema */
const types = (schema) => (schema.type === undefined ? [] : [schema.type].flat());

/** @param {unknown} value */
const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value));

/**
 * Say what kind of value a schema describes: "number, mm", "array of string", "Contract or null".
 * @param {Api} api @param {Schema} schema @param {number} [depth] @returns {string}
 */
export function kind(api, schema, depth = 0) {
  const found = resolve(api, schema);
  if (depth > DEEPEST) return found.title ?? "value";
  if (found.const !== undefined) return `always ${shown(found.const)}`;
  const either = found.anyOf ?? found.oneOf;
  if (either) return [...new Set(either.map((each) => kind(api, each, depth + 1)))].join(" or ");
  const known = types(found).map((type) => {
    if (type === "array" && typeof found.items === "object") return `array of ${kind(api, found.items, depth + 1)}`;
    return type === "object" && found.title ? found.title : type;
  });
  if (found.enum && !known.length) known.push("one of");
  const words = known.length ? known.join(" or ") : "any value";
  return [words, found.format, found["x-unit"]].filter(Boolean).join(", ");
}

/**
 * Say what a value must keep to: "20 to 80", "at most 16 items", "Adelie, Gentoo".
 * @param {Schema} schema @returns {string[]}
 */
export function rules(schema) {
  const { minimum: low, maximum: high } = schema;
  const found = [
    low !== undefined && high !== undefined && `${low} to ${high}`,
    low !== undefined && high === undefined && `at least ${low}`,
    low === undefined && high !== undefined && `at most ${high}`,
    schema.exclusiveMinimum !== undefined && `more than ${schema.exclusiveMinimum}`,
    schema.exclusiveMaximum !== undefined && `less than ${schema.exclusiveMaximum}`,
    schema.multipleOf !== undefined && `a multiple of ${schema.multipleOf}`,
    ...sizes(schema.minLength, schema.maxLength, "characters"),
    ...sizes(schema.minItems, schema.maxItems, "items"),
    schema.pattern !== undefined && `matches ${schema.pattern}`,
    schema.uniqueItems && "no value twice",
    schema.enum && values(schema.enum),
    schema["x-typical"] && `usually ${schema["x-typical"].join(" to ")}`,
    schema["x-measurement-error"] !== undefined && `measured to ± ${schema["x-measurement-error"]}`,
    schema.default !== undefined && `${JSON.stringify(schema.default)} if absent`,
  ];
  return found.filter((each) => typeof each === "string");
}

/** @param {number | undefined} least @param {number | undefined} most @param {string} what */
function sizes(least, most, what) {
  if (least !== undefined && least === most) return [`exactly ${least} ${what}`];
  return [least !== undefined && `at least ${least} ${what}`, most !== undefined && `at most ${most} ${what}`];
}

/** @param {unknown[]} all */
function values(all) {
  const some = all.slice(0, SHOWN_VALUES).map(shown).join(", ");
  return all.length > SHOWN_VALUES ? `${some}, and ${all.length - SHOWN_VALUES} more` : some;
}

/**
 * Show a schema with its fields.
 * @param {Api} api @param {Schema} schema @returns {HTMLElement}
 */
export function schemaTree(api, schema) {
  const found = resolve(api, schema);
  const about = [element("span", { class: "kind" }, kind(api, found)), ...rules(found).map(rule)];
  return element("div", { class: "schema" }, element("p", {}, ...about), described(found), nested(api, found, 0));
}

/** @param {string} text */
const rule = (text) => element("span", { class: "rule" }, text);

/** @param {Schema} schema */
function described(schema) {
  const text = schema.description?.replaceAll(/[ \t]*\n[ \t]*(?!\n)/g, " ").trim();
  return text ? prose(text) : null;
}

/**
 * Return a text in parts, with `words` as code.
 * @param {string} text @returns {(string | HTMLElement)[]}
 */
export function phrases(text) {
  return text.split(/`([^`]+)`/).map((part, at) => (at % 2 ? element("code", {}, part) : part));
}

/** @param {string} text */
export const prose = (text) => element("p", { class: "about" }, ...phrases(text));

/**
 * Return the parts of a schema that have fields of their own, by a word for each.
 * @param {Api} api @param {Schema} schema @param {number} [depth]
 * @returns {[string, Schema, boolean][]} name, schema, required
 */
function fields(api, schema, depth = 0) {
  if (depth > DEEPEST) return [];
  const required = new Set(schema.required);
  /** @type {[string, Schema, boolean][]} */
  const found = Object.entries(schema.properties ?? {}).map(([name, each]) => [name, each, required.has(name)]);
  if (typeof schema.additionalProperties === "object") found.push(["(any name)", schema.additionalProperties, false]);
  (schema.prefixItems ?? []).forEach((each, at) => found.push([`[${at}]`, each, true]));
  for (const each of schema.allOf ?? []) found.push(...fields(api, resolve(api, each), depth + 1));
  const inner = [schema.items, ...(schema.anyOf ?? schema.oneOf ?? [])];
  for (const each of inner) {
    if (each && typeof each === "object") found.push(...fields(api, resolve(api, each), depth + 1));
  }
  return found;
}

/** @param {Api} api @param {Schema} schema @param {number} depth @returns {HTMLElement | null} */
function nested(api, schema, depth) {
  const found = fields(api, schema);
  if (!found.length) return null;
  const list = () => element("ul", { class: "fields" }, ...found.map((each) => field(api, ...each, depth)));
  if (depth < OPEN_DEPTH) return list();
  return folded([`${found.length} ${found.length === 1 ? "field" : "fields"}`], () => [list()]);
}

/**
 * @param {Api} api @param {string} name @param {Schema} schema @param {boolean} required @param {number} depth
 * @returns {HTMLElement}
 */
function field(api, name, schema, required, depth) {
  const found = resolve(api, schema);
  return element(
    "li",
    {},
    element("code", { class: "name" }, name),
    element("span", { class: "kind" }, kind(api, found)),
    ...rules(found).map(rule),
    required && element("span", { class: "required" }, "required"),
    described(found),
    nested(api, found, depth + 1),
  );
}

/**
 * Return the names of all fields of a schema, for the search.
 * @param {Api} api @param {Schema} schema @param {Set<string>} [seen] references that were followed
 * @returns {string[]}
 */
export function names(api, schema, seen = new Set()) {
  if (schema.$ref) {
    if (seen.has(schema.$ref)) return [];
    seen.add(schema.$ref);
  }
  const found = resolve(api, schema);
  return fields(api, found).flatMap(([name, each]) => [name, ...names(api, each, seen)]);
}
