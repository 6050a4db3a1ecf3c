/** One cell of the map's grid: what was asked, and what was answered. */

/** @typedef {import("../types.js").Input} Input */
/** @typedef {import("../types.js").Row} Row */
/** @typedef {import("../types.js").Value} Value */
/** @typedef {import("../map_types.js").Axis} Axis */
/** @typedef {import("../map_types.js").Cell} Cell */
/** @typedef {import("../map_types.js").Frame} Frame */

/**
 * @param {Frame} frame
 * @param {number} column from the left
 * @param {number} row from the top
 * @returns {Cell}
 */
export function cellAt(frame, column, row) {
  const cell = row * frame.columns + column;
  /** @type {Row} */
  const inputs = Object.assign(Object.create(null), frame.row);
  inputs[frame.x.input.name] = frame.xs[column] ?? null;
  inputs[frame.y.input.name] = frame.ys[frame.rows - 1 - row] ?? null;
  const { labels, numbers, width, inside } = frame;
  return {
    ...{ column, row, inputs },
    label: labels?.[cell] ?? null,
    numbers: numbers ? [...numbers.subarray(cell * width, (cell + 1) * width)] : null,
    set: membersOf(frame, cell),
    inDistribution: inside ? inside[cell] === 1 : null,
  };
}

/** @param {Frame} frame @param {number} cell @returns {number[] | null} the classes in the set of one cell */
function membersOf({ sets, columns, rows }, cell) {
  if (!sets) return null;
  const classes = sets.length / (columns * rows);
  const own = [...sets.subarray(cell * classes, (cell + 1) * classes)];
  return own.flatMap((is, index) => (is ? [index] : []));
}

/**
 * Return what scripts and tests read as `section.map`.
 * @param {() => Frame | null} current
 * @param {() => boolean} isSettled
 * @returns {import("../map_types.js").MapGrid}
 */
export function gridOf(current, isSettled) {
  const frame = () => {
    const now = current();
    if (!now) throw new Error("the map has no frame yet: wait for the event mapframe");
    return now;
  };
  return {
    get columns() {
      return frame().columns;
    },
    get rows() {
      return frame().rows;
    },
    get x() {
      return frame().x.input.name;
    },
    get y() {
      return frame().y.input.name;
    },
    get settled() {
      return isSettled();
    },
    at: (column, row) => cellAt(frame(), column, row),
  };
}

/** @param {Axis} axis @param {Value | undefined} value @returns {boolean} whether the axis does not reach it */
export function isBeyond(axis, value) {
  return typeof value === "number" && !(axis.low <= value && value <= axis.high);
}

/** @param {Input} input @param {Value} value @returns {boolean} whether POST /predict takes it */
export function isValid(input, value) {
  if (value === null) return input.missing;
  if (input.kind === "boolean") return typeof value === "boolean";
  if (input.kind === "category") return input.categories.some((category) => category === value);
  if (typeof value !== "number" || (input.kind === "integer" && !Number.isInteger(value))) return false;
  return (input.minimum ?? -Infinity) <= value && value <= (input.maximum ?? Infinity);
}
