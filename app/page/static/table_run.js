/** Send a table to POST /score in pieces, each with the header, and put the answers together. */

import { onService, request, service } from "./ask.js";
import { cellsOf, delimiterOf, linesBetween, pieceEnd, recordEnd, readAnswer, textStart } from "./csv.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../table_types.js").Answered} Answered */
/** @typedef {import("../table_types.js").RunEvents} RunEvents */

const FIRST_ROWS = 500; // so that something is seen soon
const PIECE_ROWS = 5_000;
const PIECE_BYTES = 1 << 20;
const FEWEST_BYTES = 1 << 12;
const LONGEST_PAUSE_S = 60;
const DECIMAL = /^[ \t]*-?[0-9]+[.,][0-9]+[ \t]*$/u;

/**
 * Judge all rows of a CSV file. Resolves when it is done, refused or cancelled.
 * @param {Model} model
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {RunEvents} events
 * @param {AbortSignal} signal
 */
export async function judge(model, bytes, events, signal) {
  const delimiter = delimiterOf(
    bytes,
    model.inputs.map(({ name }) => name),
  );
  const body = headerEnd(bytes, delimiter);
  const header = bytes.subarray(0, body);
  const style = delimiter === "," ? bytes.subarray(0, 0) : styleRow(model, bytes, body, delimiter);
  let size = PIECE_BYTES;
  let rows = FIRST_ROWS;
  let line = linesBetween(bytes, 0, body);
  const headerLines = line;
  for (let at = body; at < bytes.length || at === body;) {
    const end = pieceEnd(bytes, at, delimiter, rows, size);
    const isFirst = at === body;
    const before = isFirst ? [header] : [header, style];
    const reply = await send([...before, bytes.subarray(at, end)], events, signal);
    if (signal.aborted) return;
    if (reply.status === 413 && size > FEWEST_BYTES && end - at > FEWEST_BYTES) {
      size = Math.max(FEWEST_BYTES, Math.floor((end - at) / 2));
      continue;
    }
    if (!reply.ok) {
      const shift = isFirst ? 0 : line - headerLines - linesBetween(style, 0, style.length);
      events.refused(withLine(reply.detail, shift), reply.status, isFirst);
      return;
    }
    events.answered(piece(reply.bytes, delimiter, !isFirst && style.length > 0, isFirst, model, header));
    line += linesBetween(bytes, at, end);
    at = end;
    rows = PIECE_ROWS;
    events.progress(bytes.length > body ? (at - body) / (bytes.length - body) : 1);
    if (at >= bytes.length) break;
    await new Promise((resolve) => setTimeout(resolve)); // the page may draw
  }
  events.done();
}

/**
 * Return where the header ends. Empty lines are no header.
 * @param {Uint8Array} bytes
 * @param {string} delimiter
 */
function headerEnd(bytes, delimiter) {
  let at = textStart(bytes);
  while (bytes[at] === 0x0a || bytes[at] === 0x0d) at++;
  return recordEnd(bytes, at, delimiter.charCodeAt(0));
}

/**
 * Return the record that tells the service whether numbers have a decimal comma: the first one with a fraction. It goes
 * with each piece, so that all are answered in the same style; its own answer is left out.
 * @param {Model} model @param {Uint8Array<ArrayBuffer>} bytes @param {number} body @param {string} delimiter
 */
function styleRow(model, bytes, body, delimiter) {
  const names = cellsOf(bytes, textStart(bytes), body, delimiter).map((name) => name.trim());
  const places = model.inputs.map(({ name }) => names.lastIndexOf(name)).filter((place) => place >= 0);
  const code = delimiter.charCodeAt(0);
  for (let at = body, count = 0; at < bytes.length && count < PIECE_ROWS; count++) {
    const end = recordEnd(bytes, at, code);
    const cells = cellsOf(bytes, at, end, delimiter);
    if (places.some((place) => DECIMAL.test(cells[place] ?? ""))) return bytes.subarray(at, end);
    at = end;
  }
  return bytes.subarray(0, 0);
}

/**
 * Post one piece. Wait and try again if the service is busy or away.
 * @param {Uint8Array<ArrayBuffer>[]} parts @param {RunEvents} events @param {AbortSignal} signal
 * @returns {Promise<{ ok: boolean, status: number, bytes: Uint8Array<ArrayBuffer>, detail: string }>}
 */
async function send(parts, events, signal) {
  const headers = { "content-type": "text/csv; charset=utf-8", accept: "text/csv" };
  for (;;) {
    let response;
    try {
      response = await request("score", { method: "POST", headers, body: new Blob(parts), signal });
      if (response && response.status !== 503 && response.status !== 429) {
        const bytes = new Uint8Array(await response.arrayBuffer());
        events.waiting("");
        const { ok, status } = response;
        return { ok, status, bytes, detail: ok ? "" : problemOf(bytes, status) };
      }
    } catch (error) {
      if (signal.aborted) return { ok: false, status: 0, bytes: new Uint8Array(), detail: "" };
      if (!(error instanceof TypeError)) throw error; // TypeError: the connection broke within the answer
    }
    await pause(response, events, signal);
    if (signal.aborted) return { ok: false, status: 0, bytes: new Uint8Array(), detail: "" };
  }
}

/** @param {Response | null | undefined} response @param {RunEvents} events @param {AbortSignal} signal */
async function pause(response, events, signal) {
  const seconds = Math.min(LONGEST_PAUSE_S, Math.max(1, Number(response?.headers.get("retry-after") ?? 1) || 1));
  events.waiting(
    response
      ? `The service is busy. It goes on in ${seconds} s.`
      : "The service does not answer. It goes on when it is back.",
  );
  await new Promise((resolve) => {
    let timer = setTimeout(check, seconds * 1000);
    const end = onService(({ state }) => void (state === "up" && !response && check()));
    signal.addEventListener("abort", finish, { once: true });
    function check() {
      if (response || service().state === "up") finish();
      else timer = setTimeout(check, 1000);
    }
    function finish() {
      clearTimeout(timer);
      end();
      signal.removeEventListener("abort", finish);
      resolve(undefined);
    }
  });
}

/** @param {Uint8Array} bytes @param {number} status @returns {string} what the service says */
function problemOf(bytes, status) {
  try {
    return String(JSON.parse(new TextDecoder().decode(bytes)).detail);
  } catch {
    return `The service answered with status ${status}.`;
  }
}

/** @param {string} detail @param {number} shift @returns {string} with the line of the file, not of the piece */
function withLine(detail, shift) {
  return detail.replace(/^line (\d+)/u, (_, line) => `line ${Number(line) + shift}`);
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {string} delimiter
 * @param {boolean} styled whether the first row is not one of this piece
 * @param {boolean} isFirst
 * @param {Model} model
 * @param {Uint8Array} header of the request
 * @returns {Answered}
 */
function piece(bytes, delimiter, styled, isFirst, model, header) {
  const code = delimiter.charCodeAt(0);
  const head = recordEnd(bytes, textStart(bytes), code);
  const names = cellsOf(bytes, textStart(bytes), head, delimiter);
  const asked = cellsOf(header, textStart(header), header.length, delimiter).length;
  /** @param {string} name */
  const placeOf = (name) => {
    const own = names.slice(asked);
    const place = Math.max(own.lastIndexOf(name), own.lastIndexOf(`predicted_${name}`));
    return place < 0 ? -1 : asked + place;
  };
  const places = {
    ...{ label: placeOf(model.output.label), set: placeOf("prediction_set"), inside: placeOf("in_distribution") },
    ...{ prediction: placeOf("prediction"), reason: names.length - 1 },
  };
  const start = styled ? recordEnd(bytes, head, code) : head;
  const { starts, states } = readAnswer(bytes, start, delimiter, places);
  return { bytes, kept: isFirst ? 0 : start, starts, states, names, asked, places, delimiter };
}
