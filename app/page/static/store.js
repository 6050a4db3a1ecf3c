/** The row that the page shows, and its place in the address. */

/** @typedef {import("../types.js").Row} Row */
/** @typedef {import("../types.js").Value} Value */
/** @typedef {import("../types.js").Change} Change */
/** @typedef {import("../types.js").Listener} Listener */
/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Input} Input */
/** @typedef {import("../types.js").Store} Store */

const WRITE_PAUSE_MS = 250; // browsers limit how often an address may change
const GROUPS = /^[-+]?\d{1,3}([.,]\d{3})+$/u; // 3.750.000
const ALL_IN_ADDRESS = 40; // of more inputs, only those are written that differ from the example

/**
 * Return a copy of a row. It has no prototype, so an input may be called `__proto__`.
 * @param {Row} row
 * @returns {Row}
 */
export function copied(row) {
  return Object.assign(Object.create(null), row);
}

/**
 * Return a store that holds a row.
 * @param {Row} first
 * @returns {Store}
 */
export function createStore(first) {
  let row = copied(first);
  /** @type {Set<Listener>} */
  const listeners = new Set();

  /** @param {Row} next @param {Partial<Change>} change */
  const become = (next, change) => {
    row = next;
    const whole = { moving: change.moving ?? false, jump: change.jump ?? false };
    for (const listener of [...listeners]) listener(row, whole);
  };

  return {
    get row() {
      return row;
    },
    set(name, value, change = {}) {
      if (row[name] === value && change.moving) return; // the end of a drag is told, also without another value
      const next = copied(row);
      next[name] = value;
      become(next, change);
    },
    setRow(next, change = { jump: true }) {
      become(Object.assign(copied(row), next), change);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/**
 * Return the part of an address that holds a row, without the `#`.
 * @param {Model} model
 * @param {Row} row
 */
export function rowToText(model, row) {
  const every = model.inputs.length <= ALL_IN_ADDRESS;
  const shown = model.inputs.filter(({ name }) => every || row[name] !== model.example[name]);
  return shown.map(({ name }) => `${encode(name)}=${encode(String(row[name] ?? ""))}`).join("&");
}

/** @param {string} text */
function encode(text) {
  return encodeURIComponent(text.toWellFormed?.() ?? text);
}

/**
 * Return the row that the part of an address holds: the example's values where it says nothing. null if the text holds
 * no input of this model.
 * @param {Model} model
 * @param {string} text
 * @returns {Row | null}
 */
export function textToRow(model, text) {
  const row = copied(model.example);
  let found = false;
  for (const pair of text.split("&")) {
    const [name, given] = pair.split("=", 2).map(decode);
    const input = name === undefined ? undefined : model.byName.get(name);
    if (!input || given === undefined) continue;
    row[input.name] = valueOf(input, given);
    found = true;
  }
  return found ? row : null;
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a half of a percent sign is just text
  }
}

/**
 * Return the value that a text means for an input; null if it means none.
 * @param {Input} input
 * @param {string} text
 * @returns {Value}
 */
export function valueOf(input, text) {
  if (input.kind === "boolean") return text === "true" ? true : text === "false" ? false : null;
  if (input.kind === "category") return input.categories.find((category) => String(category) === text) ?? null;
  return readNumber(text);
}

/**
 * Return the number in a text; null if there is none. A comma may be the decimal sign, blanks may group digits.
 * If both a point and a comma are there, the last one is the decimal sign; one that is repeated groups digits.
 * @param {string} text
 */
export function readNumber(text) {
  let digits = text.replaceAll(/[\s\u00a0\u2009\u202f'’_]/gu, "").replace(/^[−–]/u, "-");
  const points = digits.split(".").length - 1;
  const commas = digits.split(",").length - 1;
  const decimal = digits.lastIndexOf(",") > digits.lastIndexOf(".") ? "," : ".";
  const count = decimal === "," ? commas : points;
  if (count > 1 && points && commas) return null;
  if (count > 1 && !GROUPS.test(digits)) return null;
  digits = digits.replaceAll(decimal === "," ? "." : ",", "");
  digits = count > 1 ? digits.replaceAll(decimal, "") : digits.replace(",", ".");
  if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/iu.test(digits)) return null;
  const number = Number(digits);
  return Number.isFinite(number) ? number : null;
}

/**
 * Keep the row in the fragment of the address: another entry of the history for a jump, the same one while a value
 * changes. Back and forward change the row.
 * @param {Model} model
 * @param {Store} store
 * @returns {() => void} ends it
 */
export function keepInAddress(model, store) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const write = () => {
    clearTimeout(timer);
    timer = undefined;
    history.replaceState(null, "", `#${rowToText(model, store.row)}`);
  };
  const read = () => {
    const row = textToRow(model, location.hash.slice(1));
    if (row) store.setRow(row, { jump: false });
  };
  const end = store.subscribe((row, { jump }) => {
    if (jump) {
      if (timer !== undefined) write();
      const text = `#${rowToText(model, row)}`;
      if (text !== location.hash) history.pushState(null, "", text);
    } else timer ??= setTimeout(write, WRITE_PAUSE_MS);
  });
  addEventListener("popstate", read);
  return () => {
    end();
    clearTimeout(timer);
    removeEventListener("popstate", read);
  };
}
