/** Many rows in one binary request of the Open Inference Protocol (docs/api.md, "Many rows in one request"). */

import { request } from "./ask.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Row} Row */
/** @typedef {import("../types.js").Value} Value */
/** @typedef {import("../types.js").Input} Input */
/** @typedef {import("../map_types.js").Columns} Columns */
/** @typedef {import("../map_types.js").Tensors} Tensors */
/** @typedef {import("../map_types.js").InferReply} InferReply */

const HEADER = "inference-header-content-length";
const INPUT = "measurements"; // the one tensor of a model without categories
const HEAD_BYTES = 1600; // of JSON and HTTP, both ways; an estimate that is never too low for short names

const text = new TextEncoder();

/** @param {Model} model @returns {boolean} whether each input has a tensor of its own */
function isMixed(model) {
  return model.inputs.some((input) => input.kind === "category");
}

/** @param {Input} input @returns {"FP32" | "INT64" | "BOOL" | "BYTES"} */
function datatypeOf(input) {
  if (input.kind === "category") return typeof input.categories[0] === "string" ? "BYTES" : "INT64";
  return input.kind === "number" ? "FP32" : input.kind === "integer" ? "INT64" : "BOOL";
}

/**
 * Return the outputs that say something about a row, as far as the model has them.
 * @param {Model} model
 * @returns {string[]}
 */
export function outputsOf(model) {
  const { kind, classed } = model.output;
  const names = [classed ? "label" : "prediction"];
  if (kind === "classes" && Object.keys(model.uncertainty?.set_thresholds ?? {}).length > 0) {
    names.push("prediction_set");
  }
  if (model.uncertainty?.distance_limit !== undefined && model.uncertainty.distance_limit !== null) {
    names.push("in_distribution");
  }
  return names;
}

/**
 * Return how many bytes one row takes: in the request, and in both directions together.
 * @param {Model} model
 * @param {Row} row whose texts are sent
 */
export function bytesOfRow(model, row) {
  let sent = 4 * model.inputs.length;
  if (isMixed(model)) {
    const sizes = { FP32: 4, BOOL: 1, INT64: 8, BYTES: 4 };
    sent = 0;
    for (const input of model.inputs) {
      const type = datatypeOf(input);
      sent += sizes[type] + (type === "BYTES" ? text.encode(String(row[input.name] ?? "")).length : 0);
    }
  }
  let received = 0;
  for (const name of outputsOf(model)) {
    if (name === "prediction") received += 4 * Math.max(1, model.output.names.length);
    else received += name === "label" ? 4 : name === "in_distribution" ? 1 : model.output.classes.length;
  }
  return { sent, both: sent + received, head: HEAD_BYTES + (isMixed(model) ? 140 * model.inputs.length : 0) };
}

/**
 * Return the number that a model without categories gets for a value. NaN is missing.
 * @param {Value | undefined} value
 */
function numberOf(value) {
  return value === null || value === undefined ? NaN : Number(value);
}

/**
 * Return the tensors of `count` rows. Each is `row` with the values of `columns` in place of its own.
 * @param {Model} model
 * @param {Row} row
 * @param {Columns} columns float32 values by the name of the input, each of length `count`
 * @param {number} count
 * @returns {{ inputs: object[], parts: BlobPart[] }}
 */
function tensorsOf(model, row, columns, count) {
  if (isMixed(model)) return mixedTensors(model, row, columns, count);
  const width = model.inputs.length;
  const matrix = new Float32Array(count * width);
  model.inputs.forEach(({ name }, place) => {
    const column = columns[name];
    const value = numberOf(row[name]);
    for (let i = 0, at = place; i < count; i++, at += width) {
      matrix[at] = column ? /** @type {number} */ (column[i]) : value;
    }
  });
  const described = { name: INPUT, datatype: "FP32", shape: [count, width] };
  return { inputs: [{ ...described, parameters: { binary_data_size: matrix.byteLength } }], parts: [matrix] };
}

/**
 * Return one tensor for each input. A missing value of a type that has none in binary is sent as JSON.
 * @param {Model} model @param {Row} row @param {Columns} columns @param {number} count
 */
function mixedTensors(model, row, columns, count) {
  const inputs = [];
  /** @type {BlobPart[]} */
  const parts = [];
  for (const input of model.inputs) {
    const datatype = datatypeOf(input);
    const described = { name: input.name, datatype, shape: [count] };
    const value = row[input.name] ?? null;
    if (value === null && (datatype === "INT64" || datatype === "BOOL") && !columns[input.name]) {
      inputs.push({ ...described, data: new Array(count).fill(null) });
      continue;
    }
    const bytes = tensor(datatype, columns[input.name], value, count);
    inputs.push({ ...described, parameters: { binary_data_size: bytes.byteLength } });
    parts.push(bytes);
  }
  return { inputs, parts };
}

/**
 * @param {string} datatype
 * @param {Float32Array<ArrayBuffer> | undefined} column
 * @param {Value} value of all rows if there is no column
 * @param {number} count
 */
function tensor(datatype, column, value, count) {
  if (datatype === "FP32") return column ?? new Float32Array(count).fill(numberOf(value));
  if (datatype === "BOOL") return new Uint8Array(count).fill(value ? 1 : 0);
  if (datatype === "INT64") {
    return column
      ? BigInt64Array.from(column, (each) => BigInt(Math.round(each)))
      : new BigInt64Array(count).fill(BigInt(Math.round(Number(value))));
  }
  const own = text.encode(String(value ?? "")); // an empty text is missing
  const one = new Uint8Array(4 + own.length);
  new DataView(one.buffer).setUint32(0, own.length, true);
  one.set(own, 4);
  const bytes = new Uint8Array(one.length * count);
  for (let i = 0; i < count; i++) bytes.set(one, i * one.length);
  return bytes;
}

/**
 * Ask for the answers to many rows. Resolves with a status and no tensors if the service refuses; status 0 means that
 * it could not be reached. Rejects only if `signal` aborts.
 * @param {Model} model
 * @param {Row} row
 * @param {Columns} columns
 * @param {number} count
 * @param {AbortSignal} signal
 * @returns {Promise<InferReply>}
 */
export async function infer(model, row, columns, count, signal) {
  const { inputs, parts } = tensorsOf(model, row, columns, count);
  const outputs = outputsOf(model).map((name) => ({ name, parameters: { binary_data: true } }));
  const head = text.encode(JSON.stringify({ inputs, outputs }));
  const body = new Blob([head, ...parts]);
  const headers = { "content-type": "application/octet-stream", [HEADER]: String(head.length) };
  const path = `v2/models/${encodeURIComponent(model.name)}/infer`;
  const response = await request(path, { method: "POST", headers, body, signal });
  const reply = {
    ok: false,
    status: response?.status ?? 0,
    tensors: {},
    bytes: body.size,
    serverMs: null,
    detail: "",
    retryAfter: 1,
  };
  if (response === null) return reply;
  const received = await response.arrayBuffer();
  reply.bytes += received.byteLength;
  if (!response.ok) {
    const seconds = Number(response.headers.get("retry-after") ?? 1);
    return { ...reply, detail: errorOf(received), retryAfter: Math.min(60, Math.max(1, seconds || 1)) };
  }
  const tensors = readTensors(received, Number(response.headers.get(HEADER)));
  return { ...reply, ok: true, tensors, serverMs: serverTime(response.headers.get("server-timing")) };
}

/** @param {ArrayBuffer} body @returns {string} what the service says, or nothing */
function errorOf(body) {
  try {
    return String(JSON.parse(new TextDecoder().decode(body)).error ?? "");
  } catch {
    return "";
  }
}

/**
 * @param {ArrayBuffer} body JSON, then the tensors that it describes
 * @param {number} length bytes of JSON
 * @returns {Tensors}
 */
function readTensors(body, length) {
  const head = JSON.parse(new TextDecoder().decode(body.slice(0, length)));
  /** @type {Tensors} */
  const tensors = {};
  let start = length;
  for (const { name, datatype, parameters } of head.outputs) {
    const piece = body.slice(start, (start += parameters.binary_data_size));
    tensors[name] =
      datatype === "FP32"
        ? new Float32Array(piece)
        : datatype === "INT32"
          ? new Int32Array(piece)
          : new Uint8Array(piece);
  }
  return tensors;
}

/** @param {string | null} header @returns {number | null} ms that the server says it took */
function serverTime(header) {
  const times = [...(header ?? "").matchAll(/dur=([\d.]+)/gu)].map((match) => Number(match[1]));
  return times.length ? times.reduce((sum, each) => sum + each, 0) : null;
}
