/** The pixels of the decision map: from the answers of a frame to colours and patterns, one device pixel at a time. */

import { mark } from "./marks.js";

/** @typedef {import("../map_types.js").Frame} Frame */
/** @typedef {import("../map_types.js").Palette} Palette */
/** @typedef {import("../map_types.js").Rgb} Rgb */

const TILE_PX = 34; // CSS pixels between the small marks of a region
const MARK_PX = 6;
const STRIPE_PX = 5;
const MOST_STRIPES = 4; // classes of a set that get stripes
const TINT = 0.52; // how much paper is in the colour of a region
const FAINT = 0.2; // how much ink is in the marks of a region
const LEVELS = 256;

/** The colours of numbers, from low to high: blue to yellow in Oklab, so equal steps look equally far apart. */
const LOW = [0.36, -0.025, -0.115];
const HIGH = [0.93, -0.02, 0.16];

/** @param {number} share 0 to 1 @returns {Rgb} */
export function scaleColour(share) {
  const lab = LOW.map((low, i) => low + ((HIGH[i] ?? 0) - low) * share);
  return fromOklab(lab[0] ?? 0, lab[1] ?? 0, lab[2] ?? 0);
}

/** Oklab is Björn Ottosson's. @param {number} L @param {number} a @param {number} b @returns {Rgb} */
function fromOklab(L, a, b) {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    encoded(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    encoded(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    encoded(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

/** @param {number} linear @returns {number} 0 to 255 */
function encoded(linear) {
  const kept = Math.min(1, Math.max(0, linear));
  return Math.round(255 * (kept <= 0.0031308 ? 12.92 * kept : 1.055 * kept ** (1 / 2.4) - 0.055));
}

/** @param {Rgb} one @param {Rgb} other @param {number} share of `other` @returns {Rgb} */
export function mixed(one, other, share) {
  const mix = (/** @type {0 | 1 | 2} */ i) => Math.round(one[i] + (other[i] - one[i]) * share);
  return [mix(0), mix(1), mix(2)];
}

/** @param {Rgb} colour @returns {number} as a pixel of ImageData, little-endian */
function pixel([red, green, blue]) {
  return (255 << 24) | (blue << 16) | (green << 8) | red;
}

/** @param {Rgb} colour @returns {Rgb} the grey of the same lightness */
function greyed([red, green, blue]) {
  const grey = Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
  return [grey, grey, grey];
}

/**
 * Return a painter for one size of the canvas, one palette and a number of classes.
 * @param {number} width device pixels
 * @param {number} height
 * @param {number} ratio device pixels of a CSS pixel
 * @param {Palette} palette
 * @param {number} classes 0 if the model answers with numbers
 */
export function createPainter(width, height, ratio, palette, classes) {
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const tile = Math.max(8, Math.round(TILE_PX * ratio));
  const stripe = Math.max(2, Math.round(STRIPE_PX * ratio));
  const thick = Math.max(1, Math.round(ratio));
  const shades = Array.from({ length: classes }, (_, index) => shadesOf(palette, index));
  const masks = Array.from({ length: classes }, (_, index) => markMask(index, tile, MARK_PX * ratio));
  const ink = pixel(mixed(palette.ink, palette.paper, 0.12));
  const outsideShades = [
    palette.grey,
    mixed(palette.grey, palette.ink, 0.16),
    mixed(palette.grey, palette.ink, 0.1),
  ].map(pixel);
  const columnOf = new Int32Array(width);
  const rowOf = new Int32Array(height);

  /** @param {Frame} frame */
  function place({ columns, rows }) {
    for (let x = 0; x < width; x++) columnOf[x] = Math.min(columns - 1, Math.floor((x * columns) / width));
    for (let y = 0; y < height; y++) rowOf[y] = Math.min(rows - 1, Math.floor((y * rows) / height)) * columns;
  }

  /** @param {Frame} frame @param {Int32Array} labels */
  function paintClasses(frame, labels) {
    const { stripes, stripesOf } = setsOf(frame, classes, shades);
    const { inside } = frame;
    for (let y = 0, at = 0; y < height; y++) {
      const line = rowOf[y] ?? 0;
      const below = rowOf[Math.min(height - 1, y + thick)] ?? 0;
      for (let x = 0; x < width; x++, at++) {
        const column = columnOf[x] ?? 0;
        const cell = line + column;
        const label = labels[cell] ?? 0;
        if (
          label !== labels[line + (columnOf[Math.min(width - 1, x + thick)] ?? 0)] ||
          label !== labels[below + column]
        ) {
          pixels[at] = ink;
          continue;
        }
        const shown = stripesOf[cell] ?? 0;
        const marked = masks[label]?.[(y % tile) * tile + (x % tile)] ?? 0;
        if (inside && !inside[cell]) {
          const striped = shown > 0 && Math.floor((x + y) / stripe) % 2 === 1;
          pixels[at] = outsideShades[striped ? 1 : marked ? 2 : 0] ?? 0;
        } else if (shown > 0) {
          // Pale stripes of the answer alternate with full ones of each other class that is possible.
          const own = stripes[shown] ?? [];
          const turn = Math.floor((x + y) / stripe);
          pixels[at] = (turn % 2 ? own[(turn >> 1) % own.length] : shades[label]?.tint) ?? 0;
        } else {
          const shade = shades[label];
          pixels[at] = (marked ? shade?.faint : shade?.tint) ?? 0;
        }
      }
    }
  }

  /**
   * @param {Frame} frame
   * @param {Float32Array} numbers
   * @param {{ low: number, high: number, step: number, shown: number }} scale
   */
  function paintNumbers(frame, numbers, { low, high, step, shown }) {
    const colours = Array.from({ length: LEVELS }, (_, i) => scaleColour(i / (LEVELS - 1)));
    const plain = Uint32Array.from(colours, pixel);
    const grey = Uint32Array.from(colours, (colour) => pixel(greyed(colour)));
    const count = frame.columns * frame.rows;
    const shade = new Uint8Array(count);
    const level = new Int32Array(count);
    for (let cell = 0; cell < count; cell++) {
      const value = numbers[cell * frame.width + shown] ?? 0;
      shade[cell] =
        high > low ? Math.min(LEVELS - 1, Math.max(0, ((value - low) / (high - low)) * (LEVELS - 1))) : LEVELS / 2;
      level[cell] = Math.floor(value / step);
    }
    for (let y = 0, at = 0; y < height; y++) {
      const line = rowOf[y] ?? 0;
      const below = rowOf[Math.min(height - 1, y + thick)] ?? 0;
      for (let x = 0; x < width; x++, at++) {
        const column = columnOf[x] ?? 0;
        const cell = line + column;
        const own = level[cell];
        const outside = frame.inside !== null && !frame.inside[cell];
        if (own !== level[line + (columnOf[Math.min(width - 1, x + thick)] ?? 0)] || own !== level[below + column]) {
          const value = shade[cell] ?? 0;
          pixels[at] = (outside ? grey : plain)[value > LEVELS / 2 ? value - 60 : value + 60] ?? 0;
        } else if (outside && Math.floor((x + y) / stripe) % 3 === 0) pixels[at] = outsideShades[0] ?? 0;
        else pixels[at] = (outside ? grey : plain)[shade[cell] ?? 0] ?? 0;
      }
    }
  }

  return {
    width,
    height,
    /**
     * Return the picture of a frame. It is the same object each time, with other pixels.
     * @param {Frame} frame
     * @param {{ low: number, high: number, step: number, shown: number }} scale of numbers
     */
    paint(frame, scale) {
      place(frame);
      if (frame.labels) paintClasses(frame, frame.labels);
      else if (frame.numbers) paintNumbers(frame, frame.numbers, scale);
      return image;
    },
  };
}

/** @typedef {{ tint: number, faint: number, strong: number }} Shade */

/** @param {Palette} palette @param {number} index @returns {Shade} */
function shadesOf({ paper, ink, classes, dark }, index) {
  const colour = classes[index % classes.length] ?? ink;
  const tint = mixed(colour, paper, dark ? TINT + 0.08 : TINT);
  return {
    tint: pixel(tint),
    faint: pixel(mixed(tint, ink, FAINT)),
    strong: pixel(mixed(colour, paper, TINT / 4)),
  };
}

/**
 * Return, for each cell, which stripes it has: 0 for none, because at most one class is in its set.
 * @param {Frame} frame
 * @param {number} classes
 * @param {Shade[]} shades
 */
function setsOf({ sets, labels, columns, rows }, classes, shades) {
  const stripesOf = new Uint16Array(columns * rows);
  /** @type {number[][]} */
  const stripes = [[]];
  if (!sets) return { stripes, stripesOf };
  /** @type {Map<string, number>} */
  const known = new Map();
  for (let cell = 0, at = 0; cell < stripesOf.length; cell++, at += classes) {
    let count = 0;
    for (let i = 0; i < classes; i++) count += sets[at + i] ?? 0;
    if (count < 2) continue;
    const members = [];
    for (let i = 0; i < classes && members.length < MOST_STRIPES; i++) {
      if (sets[at + i] && labels?.[cell] !== i) members.push(i);
    }
    const key = members.join();
    let place = known.get(key);
    if (place === undefined) {
      place = stripes.push(members.map((index) => shades[index]?.strong ?? 0)) - 1;
      known.set(key, place);
    }
    stripesOf[cell] = place;
  }
  return { stripes, stripesOf };
}

/**
 * Return where the small mark of a class is in a tile: two of them, so that rows of marks alternate.
 * @param {number} index @param {number} tile @param {number} size
 * @returns {Uint8Array}
 */
function markMask(index, tile, size) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = tile;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const mask = new Uint8Array(tile * tile);
  if (!context) return mask;
  context.lineWidth = size / 5; // hollow marks are lines
  mark(context, index, tile * 0.25, tile * 0.25, size);
  mark(context, index, tile * 0.75, tile * 0.75, size);
  const { data } = context.getImageData(0, 0, tile, tile);
  for (let i = 0; i < mask.length; i++) mask[i] = (data[4 * i + 3] ?? 0) > 127 ? 1 : 0;
  return mask;
}
