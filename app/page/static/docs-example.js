/** Examples: those of the document, or made from a schema. */

import { resolve } from "./docs-schema.js";

/** @typedef {import("../openapi.js").Api} Api */
/** @typedef {import("../openapi.js").Media} Media */
/** @typedef {import("../openapi.js").Schema} Schema */

const DEPTH = 6; // deeper parts are left out: a schema may contain itself
/** @type {Record<string, unknown>} */
const SIMPLE = { string: "text", integer: 0, boolean: true, null: null };

/**
 * Return an example of a body, as text.
 * @param {Api} api @param {string} type its media type @param {Media} media @returns {string}
 */
export function exampleText(api, type, media) {
  const given = media.example ?? Object.values(media.examples ?? {})[0]?.value;
  if (typeof given === "string" && !isJson(type)) return given;
  if (given === undefined && !isJson(type)) {
    const own = media.schema && (media.schema.example ?? media.schema.examples?.[0]);
    return typeof own === "string" ? own : "";
  }
  return JSON.stringify(given ?? (media.schema ? example(api, media.schema) : null), null, 2);
}

/** @param {string} type a media type */
export const isJson = (type) => /^application\/(json|[a-z0-9.-]+\+json)\b/i.test(type);

/** @param {string} type a media type */
export const isText = (type) => isJson(type) || /^text\/|ndjson|jsonl|xml|yaml|urlencoded/i.test(type);

/**
 * Return a value that a schema allows.
 * @param {Api} api @param {Schema} schema @param {number} [depth] @returns {unknown}
 */
export function example(api, schema, depth = 0) {
  const found = resolve(api, schema);
  const given = found.example ?? found.examples?.[0] ?? found.const ?? found.enum?.[0] ?? found.default;
  if (given !== undefined) return given;
  const either = found.anyOf?.[0] ?? found.oneOf?.[0] ?? found.allOf?.[0];
  if (either) return example(api, either, depth);
  const type = [found.type].flat()[0] ?? (found.properties ? "object" : undefined);
  if (type === "object") return depth < DEPTH ? object(api, found, depth) : {};
  if (type === "array") return depth < DEPTH ? array(api, found, depth) : [];
  if (type === "number" || type === "integer") return found.minimum ?? 0;
  return type === undefined ? null : SIMPLE[type];
}

/** @param {Api} api @param {Schema} schema @param {number} depth */
function object(api, schema, depth) {
  const fields = Object.entries(schema.properties ?? {});
  return Object.fromEntries(fields.map(([name, each]) => [name, example(api, each, depth + 1)]));
}

/** @param {Api} api @param {Schema} schema @param {number} depth */
function array(api, schema, depth) {
  if (schema.prefixItems) return schema.prefixItems.map((each) => example(api, each, depth + 1));
  const each = typeof schema.items === "object" ? schema.items : {};
  return Array.from({ length: Math.max(1, schema.minItems ?? 1) }, () => example(api, each, depth + 1));
}
