/** The axes of the decision map: which inputs, from where to where, and what value each cell of the grid has. */

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Input} Input */
/** @typedef {import("../map_types.js").Axis} Axis */

const MARGIN = 0.04; // of the usual range, on both sides
const MOST_PAIRED = 40; // inputs among which the best pair is looked for

/** @param {Model} model @returns {Input[]} the inputs that can be on an axis */
export function numericInputs(model) {
  return model.inputs.filter(({ kind }) => kind === "number" || kind === "integer");
}

/**
 * Return an axis of an input: over the usual values, or from end to end of its slider if `whole`, or if `value` is not
 * a usual one. Each whole number has a cell of its own, so the axis of an integer is wider by a half on both sides.
 * @param {Input} input
 * @param {import("../types.js").Value | undefined} value
 * @param {boolean} whole
 * @returns {Axis}
 */
export function axisOf(input, value, whole) {
  let [low, high] = whole ? [input.low, input.high] : usualRange(input);
  if (typeof value === "number" && !(low <= value && value <= high)) {
    [low, high] = [input.low, input.high];
    if (input.minimum === null) low = Math.min(low, value);
    if (input.maximum === null) high = Math.max(high, value);
  }
  if (!(low < high)) [low, high] = [low - 1, high + 1];
  if (input.kind === "integer") [low, high] = [Math.ceil(low) - 0.5, Math.floor(high) + 0.5];
  return { input, low, high };
}

/** @param {Input} input @returns {[number, number]} */
function usualRange(input) {
  const known = input.usual.flatMap(({ low, high }) => [low, high]);
  if (input.typical) known.push(...input.typical);
  if (known.length === 0) return [input.low, input.high];
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const margin = (high - low) * MARGIN;
  const step = niceStep((high - low) / 100);
  return [
    Math.max(input.low, Math.floor((low - margin) / step) * step),
    Math.min(input.high, Math.ceil((high + margin) / step) * step),
  ];
}

/** @param {Axis} axis @param {number} most @returns {number} how many cells it has */
export function cellsOf(axis, most) {
  return axis.input.kind === "integer" ? Math.max(1, Math.min(most, Math.round(axis.high - axis.low))) : most;
}

/**
 * Return the value of each cell's middle: exactly what is sent, and what POST /predict gets for the same place.
 * @param {Axis} axis
 * @param {number} cells
 */
export function cellValues(axis, cells) {
  const step = (axis.high - axis.low) / cells;
  const whole = axis.input.kind === "integer";
  return Float32Array.from({ length: cells }, (_, i) => {
    const value = axis.low + (i + 0.5) * step;
    return whole ? Math.round(value) : value;
  });
}

/** @param {Axis} axis @param {number} value @returns {number} 0 at its low end, 1 at its high end; not limited */
export function shareOf(axis, value) {
  return (value - axis.low) / (axis.high - axis.low);
}

/** @param {number} value @param {Axis} axis @returns {number} a value that the slider could have, within the axis */
export function snapped(value, axis) {
  const { input } = axis;
  const step = input.kind === "integer" ? 1 : stepOf(axis);
  const low = input.kind === "integer" ? axis.low + 0.5 : axis.low;
  const high = input.kind === "integer" ? axis.high - 0.5 : axis.high;
  const near = Number((Math.round(value / step) * step).toPrecision(12));
  return Math.min(high, Math.max(low, near));
}

/** @param {Axis} axis @returns {number} one step of the keyboard: about a two-hundredth of the axis */
export function stepOf(axis) {
  if (axis.input.kind === "integer") return Math.max(1, Math.round(niceStep((axis.high - axis.low) / 200)));
  return niceStep((axis.high - axis.low) / 400);
}

/** @param {number} raw @returns {number} 1, 2 or 5 times a power of ten, at least `raw` */
export function niceStep(raw) {
  const power = 10 ** Math.floor(Math.log10(raw));
  return Number(([1, 2, 5, 10].find((factor) => factor * power >= raw * 0.9999) ?? 10) * power);
}

/**
 * Return round numbers between two ends.
 * @param {number} low @param {number} high @param {number} most how many there may be
 * @param {boolean} [whole]
 */
export function ticks(low, high, most, whole = false) {
  if (!(high > low)) return { values: [low], decimals: 0 };
  const step = Math.max(niceStep((high - low) / Math.max(1, most)), whole ? 1 : 0);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const values = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
    values.push(Number((i * step).toFixed(Math.min(decimals, 100))));
  }
  return { values, decimals };
}

/** @param {number} value @param {number} decimals @returns {string} with a real minus and thin blanks */
export function numberText(value, decimals) {
  if (value !== 0 && (Math.abs(value) >= 1e7 || Math.abs(value) < 1e-4)) return value.toPrecision(3).replace("-", "−");
  const [whole = "", rest] = Math.abs(value).toFixed(Math.min(decimals, 100)).split(".");
  const grouped = whole.length > 4 ? whole.replaceAll(/\B(?=(\d{3})+$)/gu, "\u202f") : whole;
  return `${value < 0 ? "−" : ""}${grouped}${rest ? `.${rest}` : ""}`;
}

/**
 * Return the two inputs whose plane keeps the classes furthest apart: of all pairs, the one whose closest classes are
 * the furthest apart (Mahalanobis, with the mean covariance). Without Gaussians of classes, the first two numbers.
 * @param {Model} model
 * @returns {[Input, Input] | null}
 */
export function bestPair(model) {
  const numbers = numericInputs(model);
  const [first, second] = numbers;
  if (!first || !second) return null;
  const gaussians = Object.values(model.uncertainty?.gaussians ?? {});
  if (gaussians.length < 2) return [first, second];
  const known = model.uncertainty?.inputs?.length ? model.uncertainty.inputs : model.inputs.map(({ name }) => name);
  const covariances = gaussians.map(({ whitening }) => covarianceOf(whitening));
  /** @type {[Input, Input]} */
  let best = [first, second];
  let most = -1;
  const paired = numbers.filter(({ name }) => known.includes(name)).slice(0, MOST_PAIRED);
  for (const [place, one] of paired.entries()) {
    for (const other of paired.slice(place + 1)) {
      const apart = separation(gaussians, covariances, known.indexOf(one.name), known.indexOf(other.name));
      if (apart > most) [most, best] = [apart, [one, other]];
    }
  }
  return best;
}

/** @param {number[][]} whitening the inverse of the Cholesky factor, lower triangular @returns {number[][]} */
function covarianceOf(whitening) {
  const size = whitening.length;
  const factor = whitening.map(() => new Array(size).fill(0));
  for (let column = 0; column < size; column++) {
    for (let row = column; row < size; row++) {
      let sum = row === column ? 1 : 0;
      for (let k = column; k < row; k++) sum -= at(whitening, row, k) * at(factor, k, column);
      /** @type {number[]} */ (factor[row])[column] = sum / at(whitening, row, row);
    }
  }
  return factor.map((_, i) =>
    factor.map((__, j) => {
      let sum = 0;
      for (let k = 0; k <= Math.min(i, j); k++) sum += at(factor, i, k) * at(factor, j, k);
      return sum;
    }),
  );
}

/** @param {number[][]} matrix @param {number} row @param {number} column */
function at(matrix, row, column) {
  return matrix[row]?.[column] ?? 0;
}

/** @param {{ mean: number[] }[]} gaussians @param {number[][][]} covariances @param {number} i @param {number} j */
function separation(gaussians, covariances, i, j) {
  const mean = (/** @type {number} */ a, /** @type {number} */ b) =>
    covariances.reduce((sum, each) => sum + at(each, a, b), 0) / covariances.length;
  const [xx, xy, yy] = [mean(i, i), mean(i, j), mean(j, j)];
  const determinant = xx * yy - xy * xy;
  if (!(determinant > 0)) return -1;
  let closest = Infinity;
  for (const [place, one] of gaussians.entries()) {
    for (const other of gaussians.slice(place + 1)) {
      const x = (one.mean[i] ?? 0) - (other.mean[i] ?? 0);
      const y = (one.mean[j] ?? 0) - (other.mean[j] ?? 0);
      closest = Math.min(closest, (yy * x * x - 2 * xy * x * y + xx * y * y) / determinant);
    }
  }
  return closest;
}
