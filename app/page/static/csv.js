/** CSV as bytes: where its records end, and what is in a cell. It follows the reader of the service (app/table/). */

const [QUOTE, RETURN, NEWLINE] = [0x22, 0x0d, 0x0a];
const DELIMITERS = [",", ";", "\t"];
const BOM = [0xef, 0xbb, 0xbf];

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** @param {Uint8Array} bytes @returns {number} where the text begins: after a byte order mark, if there is one */
export function textStart(bytes) {
  return BOM.every((byte, place) => bytes[place] === byte) ? BOM.length : 0;
}

/**
 * Return the delimiter with which the first line names most inputs, or else has most columns.
 * @param {Uint8Array} bytes
 * @param {string[]} names of the inputs
 */
export function delimiterOf(bytes, names) {
  const start = textStart(bytes);
  let end = start;
  while (end < bytes.length && bytes[end] !== RETURN && bytes[end] !== NEWLINE) end++;
  let [best, most] = [",", -1];
  for (const delimiter of DELIMITERS) {
    const cells = cellsOf(bytes, start, end, delimiter).map((cell) => cell.trim());
    const fit = names.filter((name) => cells.includes(name)).length * 1e6 + cells.length;
    if (fit > most) [best, most] = [delimiter, fit];
  }
  return best;
}

/**
 * Return where the record that begins at `start` ends, after the end of its line. A quote counts only at the beginning
 * of a cell; within quotes a line end is text.
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} delimiter a byte
 * @param {number[]} [cells] gets where each cell begins, and where one would begin if a delimiter followed the last
 */
export function recordEnd(bytes, start, delimiter, cells) {
  let at = start;
  let fresh = true; // at the beginning of a cell
  cells?.push(at);
  while (at < bytes.length) {
    const byte = bytes[at];
    if (fresh && byte === QUOTE) {
      at = quoteEnd(bytes, at + 1);
      fresh = false;
      continue;
    }
    if (byte === NEWLINE || byte === RETURN) break;
    fresh = byte === delimiter;
    at++;
    if (fresh) cells?.push(at);
  }
  cells?.push(at + 1);
  if (at === bytes.length) return at;
  return bytes[at] === RETURN && bytes[at + 1] === NEWLINE ? at + 2 : at + 1;
}

/** @param {Uint8Array} bytes @param {number} start @returns {number} the place after the quote that closes */
function quoteEnd(bytes, start) {
  let at = start;
  for (;;) {
    at = bytes.indexOf(QUOTE, at);
    if (at < 0) return bytes.length;
    if (bytes[at + 1] !== QUOTE) return at + 1;
    at += 2;
  }
}

/**
 * Return where a piece ends that begins at `start`: after at most `rows` records and about `size` bytes.
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {string} delimiter
 * @param {number} rows
 * @param {number} size
 */
export function pieceEnd(bytes, start, delimiter, rows, size) {
  const code = delimiter.charCodeAt(0);
  let at = start;
  for (let count = 0; count < rows && at < bytes.length && at - start < size; count++) at = recordEnd(bytes, at, code);
  return at;
}

/** @param {Uint8Array} bytes @param {number} start @param {number} end @returns {number} how many lines end there */
export function linesBetween(bytes, start, end) {
  let count = 0;
  for (let at = start; at < end; at++) {
    if (bytes[at] === NEWLINE || (bytes[at] === RETURN && bytes[at + 1] !== NEWLINE)) count++;
  }
  return count;
}

/**
 * Return the cells of one record.
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 * @param {string} delimiter
 * @returns {string[]}
 */
export function cellsOf(bytes, start, end, delimiter) {
  const text = decoder.decode(bytes.subarray(start, end)).replace(/(?:\r\n|\r|\n)$/u, "");
  const cells = [];
  let at = 0;
  for (;;) {
    let cell = "";
    if (text[at] === '"') {
      at++;
      for (;;) {
        const close = text.indexOf('"', at);
        if (close < 0) return [...cells, cell + text.slice(at)];
        cell += text.slice(at, close);
        at = close + 1;
        if (text[at] !== '"') break;
        cell += '"';
        at++;
      }
    }
    const next = text.indexOf(delimiter, at);
    cells.push(cell + text.slice(at, next < 0 ? undefined : next));
    if (next < 0) return cells;
    at = next + 1;
  }
}

/**
 * Write a record.
 * @param {(string | number | boolean | null)[]} cells
 * @returns {string} with the end of the line
 */
export function recordOf(cells) {
  const quoted = cells.map((cell) => {
    const text = String(cell ?? "");
    return /[",;\t\r\n]/u.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${quoted.join(",")}\n`;
}

/** The states of a row. */
export const CLEAR = 0;
export const DOUBTFUL = 1;
export const UNLIKE = 2;
export const FAULTY = 3;

/**
 * Find the records of an answer and what they say, without making a string of any cell.
 * @param {Uint8Array} bytes
 * @param {number} start after the header
 * @param {string} delimiter
 * @param {{ label: number, set: number, inside: number, reason: number }} places of the columns; -1 if there is none
 */
export function readAnswer(bytes, start, delimiter, places) {
  const code = delimiter.charCodeAt(0);
  /** @type {number[]} */
  const starts = [];
  /** @type {number[]} */
  const states = [];
  /** @type {number[]} */
  const cells = []; // where each cell of the record begins, and its end
  for (let at = start; at < bytes.length;) {
    starts.push(at);
    cells.length = 0;
    at = recordEnd(bytes, at, code, cells);
    states.push(stateOf(bytes, cells, places));
  }
  starts.push(bytes.length);
  return { starts: Uint32Array.from(starts), states: Uint8Array.from(states) };
}

/**
 * @param {Uint8Array} bytes
 * @param {number[]} cells
 * @param {{ label: number, set: number, inside: number, reason: number }} places
 */
function stateOf(bytes, cells, { label, set, inside, reason }) {
  const from = (/** @type {number} */ place) => cells[place] ?? 0;
  const length = (/** @type {number} */ place) => (cells[place + 1] ?? 0) - 1 - from(place);
  const isEmpty = (/** @type {number} */ place) =>
    length(place) <= 0 || (length(place) === 2 && bytes[from(place)] === QUOTE);
  if (!isEmpty(reason)) return FAULTY;
  if (inside >= 0) {
    const first = bytes[from(inside)] === QUOTE ? from(inside) + 1 : from(inside);
    if (bytes[first] === 0x66 || bytes[first] === 0x46) return UNLIKE; // false
  }
  if (set < 0 || label < 0 || isEmpty(set)) return CLEAR;
  if (length(set) !== length(label)) return DOUBTFUL;
  for (let i = 0; i < length(set); i++) if (bytes[from(set) + i] !== bytes[from(label) + i]) return DOUBTFUL;
  return CLEAR;
}
