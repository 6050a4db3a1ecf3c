/** Marks of classes, for those who do not tell colours apart: a circle, a square, a triangle, ... */

const SVG = "http://www.w3.org/2000/svg";
const COLOURS = 8;

/** The shapes as polygons in a square from -1 to 1; null is a circle. @type {([number, number][] | null)[]} */
const SHAPES = [
  null,
  box(0.84),
  regular(3, 1.12),
  regular(4, 1.1),
  plus(1, 0.36),
  star(5, 1.12, 0.5),
  regular(6, 1.02),
  star(4, 1.15, 0.42),
];

/** @param {number} half @returns {[number, number][]} */
function box(half) {
  return [
    [-half, -half],
    [half, -half],
    [half, half],
    [-half, half],
  ];
}

/** @param {number} corners @param {number} radius @returns {[number, number][]} */
function regular(corners, radius) {
  return star(corners, radius, null);
}

/** @param {number} points @param {number} outer @param {number | null} inner @returns {[number, number][]} */
function star(points, outer, inner) {
  const count = inner === null ? points : points * 2;
  return Array.from({ length: count }, (_, corner) => {
    const radius = inner !== null && corner % 2 ? inner : outer;
    const angle = (2 * Math.PI * corner) / count - Math.PI / 2;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
}

/** @param {number} long @param {number} wide @returns {[number, number][]} */
function plus(long, wide) {
  return [
    [-wide, -long],
    [wide, -long],
    [wide, -wide],
    [long, -wide],
    [long, wide],
    [wide, wide],
    [wide, long],
    [-wide, long],
    [-wide, wide],
    [-long, wide],
    [-long, -wide],
    [-wide, -wide],
  ];
}

/** @param {number} index @returns {string} the custom property of the colour of a class */
export function colourName(index) {
  return `--class-${index % COLOURS}`;
}

/**
 * Return the colour of a class as the style sheet has it now, for canvas: read it again when light turns to dark.
 * @param {number} index
 */
export function colour(index) {
  return getComputedStyle(document.documentElement).getPropertyValue(colourName(index)).trim();
}

/** @param {number} index @returns {boolean} whether the mark is hollow: shapes repeat from the ninth class on */
function hollow(index) {
  return Math.floor(index / SHAPES.length) % 2 === 1;
}

/**
 * Draw the mark of a class around a point. On a canvas it is filled and stroked with the context's styles; in an SVG
 * an element with the class's colour is appended.
 * @param {CanvasRenderingContext2D | SVGElement} target
 * @param {number} index of the class
 * @param {number} x
 * @param {number} y
 * @param {number} size from one side to the other
 */
export function mark(target, index, x, y, size) {
  const shape = SHAPES[index % SHAPES.length] ?? null;
  const half = size / 2;
  if (target instanceof SVGElement) {
    target.append(markElement(index, shape, x, y, half));
    return;
  }
  target.beginPath();
  if (shape === null) target.arc(x, y, half, 0, 2 * Math.PI);
  else for (const [dx, dy] of shape) target.lineTo(x + half * dx, y + half * dy);
  target.closePath();
  if (!hollow(index)) target.fill();
  target.stroke();
}

/**
 * @param {number} index @param {[number, number][] | null} shape
 * @param {number} x @param {number} y @param {number} half
 */
function markElement(index, shape, x, y, half) {
  const element = document.createElementNS(SVG, shape ? "polygon" : "circle");
  if (shape) element.setAttribute("points", shape.map(([dx, dy]) => `${x + half * dx},${y + half * dy}`).join(" "));
  else {
    for (const [name, value] of [
      ["cx", x],
      ["cy", y],
      ["r", half],
    ]) {
      element.setAttribute(String(name), String(value));
    }
  }
  element.classList.add("mark-shape");
  element.classList.toggle("hollow", hollow(index));
  element.style.setProperty("--colour", `var(${colourName(index)})`);
  return element;
}

/**
 * Return a small picture of the mark of a class. It is decoration: the name stands beside it.
 * @param {number} index
 * @param {number} [size] in px
 * @returns {SVGSVGElement}
 */
export function markPicture(index, size = 14) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", "-8 -8 16 16");
  picture.setAttribute("width", String(size));
  picture.setAttribute("height", String(size));
  picture.setAttribute("aria-hidden", "true");
  picture.setAttribute("focusable", "false");
  picture.classList.add("mark");
  mark(picture, index, 0, 0, 11);
  return picture;
}
