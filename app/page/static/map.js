/**
 * The decision map: what the model answers for all values of two inputs, with the others as they are.
 *
 * `section.map` gives the grid that is drawn (MapGrid in map_types.d.ts). The section gets an event `mapframe` after
 * each frame, with its size, bytes and time; `performance` has a measure `map-frame` for each, from request to paint.
 */

import { request } from "./ask.js";
import { make, say } from "./dom.js";
import { colour } from "./marks.js";
import { axisOf, bestPair, ticks } from "./map_axes.js";
import { createFrames } from "./map_frames.js";
import { cellAt, gridOf, isBeyond, isValid } from "./map_grid.js";
import { createHandle } from "./map_handle.js";
import { createControls, createLayout, HINT } from "./map_layout.js";
import { createOthers } from "./map_others.js";
import { drawKnown, drawNames, namePlaces } from "./map_overlay.js";
import { createPainter, mixed } from "./map_pixels.js";
import { described, drawAxis, drawLegend, drawReadout, drawScale, knownWords, timingWords } from "./map_view.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Store} Store */
/** @typedef {import("../types.js").Row} Row */
/** @typedef {import("../types.js").Input} Input */
/** @typedef {import("../map_types.js").Axis} Axis */
/** @typedef {import("../map_types.js").Frame} Frame */
/** @typedef {import("../map_types.js").KnownRows} KnownRows */
/** @typedef {import("../map_types.js").Palette} Palette */

const MOST_PIXELS = 1100; // of the canvas on a side: more would not be seen, but painted
const LEVELS = 8; // lines between numbers, about
const COLOURS = 8;
const MOST_MEASURES = 2000;
const KNOWN_ROWS = "known_rows.json";

/**
 * @param {HTMLElement & { map?: import("../map_types.js").MapGrid }} section
 * @param {Model} model
 * @param {Store} store
 * @returns {import("../types.js").Unmount}
 */
export function mountMap(section, model, store) {
  const title = make("h2", { text: "The decision map" });
  const pair = bestPair(model);
  if (!pair) {
    const text = "A map needs two inputs that are numbers. This model has fewer, so there is none.";
    section.replaceChildren(title, make("p", { class: "map-none", text }));
    return;
  }
  const others = model.inputs.length > 2 ? ", with the others as they are" : "";
  const text = `What the model answers for all values of two inputs${others}.`;
  const layout = createLayout(model);
  const { grid, controls, end } = createMap(section, layout, model, store, pair);
  const { notice, figure } = layout;
  const lead = make("p", { class: "map-lead", text });
  section.replaceChildren(title, lead, controls, notice, figure);
  section.map = grid;
  return () => {
    end();
    delete section.map;
  };
}

/**
 * @param {HTMLElement} section
 * @param {ReturnType<typeof createLayout>} layout
 * @param {Model} model
 * @param {Store} store
 * @param {[Input, Input]} pair
 */
function createMap(section, layout, model, store, pair) {
  const { canvas, overlay, plot } = layout;
  /** @type {Frame | null} */
  let frame = null;
  let settled = false;
  let wholeRange = false;
  let shown = Math.max(0, Math.floor((model.output.names.length - 1) / 2)); // of numbers: the middle one
  let scale = { low: 0, high: 1, step: 1, shown };
  /** @type {KnownRows | null} */
  let known = null;
  let knownShown = true;
  /** @type {ReturnType<typeof namePlaces>} */
  let places = [];
  let palette = readPalette(section);
  let painter = createPainter(1, 1, 1, palette, 0);
  let waiting = 0; // for the browser's next frame
  let asked = "";
  let measured = 0;
  let x = axisOf(pair[0], null, false);
  let y = axisOf(pair[1], null, false);

  /** @param {Input} across @param {Input} up */
  const setAxes = (across, up) => {
    x = axisOf(across, wholeRange ? store.row[across.name] : null, wholeRange);
    y = axisOf(up, wholeRange ? store.row[up.name] : null, wholeRange);
    others.choose(across, up);
    follow(false);
  };
  const controls = createControls(
    model,
    { x: x.input, y: y.input, shown },
    {
      setAxes,
      setWhole(whole) {
        wholeRange = whole;
        setAxes(x.input, y.input);
      },
      setShown(place) {
        shown = place;
        rescale(true);
        draw();
      },
      setKnown(isShown) {
        knownShown = isShown;
        draw();
      },
    },
  );
  const others = createOthers(layout.others, model, store);
  const handle = createHandle(plot, model.row, (left, up, moving) => {
    /** @type {Row} */
    const next = Object.create(null);
    next[x.input.name] = left;
    next[y.input.name] = up;
    store.setRow(next, { moving });
  });
  const frames = createFrames(model, take, ({ state, detail }) => {
    say(layout.notice, state === "refused" ? `No map: ${detail}` : detail);
    plot.classList.toggle("map-stale", state !== "up");
  });

  /**
   * Follow the store. Frames are asked for only if the map changes: it does not while its own mark moves.
   * @param {boolean} moving
   */
  function follow(moving) {
    const { row } = store;
    const [left, up] = [row[x.input.name], row[y.input.name]];
    if (isBeyond(x, left) || isBeyond(y, up)) {
      controls.whole.checked = wholeRange = true;
      x = axisOf(x.input, left, true);
      y = axisOf(y.input, up, true);
    }
    handle.place({ x, y, left: typeof left === "number" ? left : null, up: typeof up === "number" ? up : null });
    others.follow();
    const fixed = model.inputs.filter((input) => input !== x.input && input !== y.input);
    const faulty = fixed.find((input) => !isValid(input, row[input.name] ?? null));
    plot.classList.toggle("map-stale", faulty !== undefined);
    say(layout.notice, faulty ? `The map waits for a value of ${faulty.label} that the model takes.` : "");
    if (faulty) {
      asked = "";
      return;
    }
    const key = JSON.stringify([
      fixed.map(({ name }) => row[name]),
      [x, y].map((axis) => [axis.input.name, axis.low, axis.high]),
    ]);
    if (key === asked) return;
    asked = key;
    settled = false;
    frames.show({ row, x, y }, moving);
  }

  /** Take a frame that has arrived. @param {Frame} next @param {number} began @param {boolean} final */
  function take(next, began, final) {
    frame = next;
    settled = false;
    rescale(final);
    draw(() => {
      settled = final;
      if (final) {
        say(layout.timing, timingWords(next));
        canvas.setAttribute("aria-label", described(model, next, scale));
      }
      const end = performance.now();
      const { columns, rows, bytes } = next;
      const detail = { columns, rows, bytes, final, milliseconds: end - began };
      if (++measured % MOST_MEASURES === 0) performance.clearMeasures("map-frame"); // they are kept for ever
      performance.measure("map-frame", { start: began, end, detail });
      section.dispatchEvent(new CustomEvent("mapframe", { detail }));
    });
  }

  /** Fit the scale of numbers to the frame: while something moves it only grows. @param {boolean} fit */
  function rescale(fit) {
    if (!frame?.numbers) return;
    let [low, high] = fit || !settled ? [Infinity, -Infinity] : [scale.low, scale.high];
    for (let at = shown; at < frame.numbers.length; at += frame.width) {
      const value = frame.numbers[at] ?? 0;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    const [first = 0, second = first + 1] = ticks(low, high, LEVELS).values;
    scale = { low, high, step: second - first, shown };
  }

  /** Draw before the browser's next frame. @param {() => void} [after] */
  function draw(after) {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => {
      paint();
      after?.();
    });
  }

  function paint() {
    const [width, height] = [plot.clientWidth, plot.clientHeight];
    if (!frame || width === 0 || height === 0) return;
    const ratio = Math.min(devicePixelRatio, MOST_PIXELS / Math.max(width, height));
    const [across, up] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (painter.width !== across || painter.height !== up) {
      painter = createPainter(across, up, ratio, palette, model.output.classes.length);
      for (const each of [canvas, overlay]) [each.width, each.height] = [across, up];
    }
    canvas.getContext("2d")?.putImageData(painter.paint(frame, scale), 0, 0);
    paintOverlay(frame, ratio);
    drawAxis(layout.across, frame.x, width, false);
    drawAxis(layout.up, frame.y, height, true);
    drawLegend(layout.legend, model, frame, known && knownShown ? knownWords(model, known) : "");
    if (frame.numbers) drawScale(layout.scale, model, scale);
  }

  /** @param {Frame} now @param {number} ratio */
  function paintOverlay(now, ratio) {
    const context = overlay.getContext("2d");
    if (!context) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, overlay.clientWidth, overlay.clientHeight);
    if (known && knownShown) drawKnown(context, model, known, now, palette, scale);
    places = namePlaces(now, places);
    drawNames(context, places, model.output.classes, palette, getComputedStyle(section).fontFamily);
  }

  /** Say what is under a pointer. @param {PointerEvent} event */
  function read(event) {
    if (!frame) return;
    const box = plot.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * frame.columns);
    const row = Math.floor(((event.clientY - box.top) / box.height) * frame.rows);
    if (column < 0 || row < 0 || column >= frame.columns || row >= frame.rows) return;
    drawReadout(layout.readout, model, frame, cellAt(frame, column, row), shown);
  }

  async function loadKnown() {
    known = await knownRows(model);
    if (!known) return;
    controls.known.hidden = false;
    draw();
  }

  plot.addEventListener("pointermove", read);
  plot.addEventListener("pointerleave", () => say(layout.readout, HINT));
  const ends = [
    store.subscribe((_, change) => follow(change.moving)),
    onAppearance(
      plot,
      () => draw(),
      () => {
        palette = readPalette(section);
        painter = createPainter(1, 1, 1, palette, 0); // the next paint makes one of the right size
        draw();
      },
    ),
  ];
  others.choose(x.input, y.input);
  follow(false);
  void loadKnown();
  return {
    controls: controls.box,
    grid: gridOf(
      () => frame,
      () => settled,
    ),
    end() {
      cancelAnimationFrame(waiting);
      frames.stop();
      for (const each of ends) each();
    },
  };
}

/**
 * Return the rows that the owner of the model published, if there are any.
 * @param {Model} model
 * @returns {Promise<KnownRows | null>}
 */
async function knownRows({ document }) {
  if (!Object.hasOwn(document.files ?? {}, KNOWN_ROWS)) return null;
  const response = await request("model/rows");
  return response?.ok ? response.json() : null;
}

/**
 * Call `resized` when the element has another size, and `recoloured` when the page has other colours.
 * @param {HTMLElement} element
 * @param {() => void} resized
 * @param {() => void} recoloured
 * @returns {() => void} ends it
 */
function onAppearance(element, resized, recoloured) {
  const sizes = new ResizeObserver(resized);
  sizes.observe(element);
  const queries = ["(prefers-color-scheme: dark)", "(forced-colors: active)", "print"].map((query) =>
    matchMedia(query),
  );
  for (const query of queries) query.addEventListener("change", recoloured);
  return () => {
    sizes.disconnect();
    for (const query of queries) query.removeEventListener("change", recoloured);
  };
}

/** @param {HTMLElement} section @returns {Palette} */
function readPalette(section) {
  const style = getComputedStyle(section);
  const paper = rgbOf(style.getPropertyValue("--card"));
  const ink = rgbOf(style.getPropertyValue("--ink"));
  const dark = paper[1] < ink[1];
  const classes = Array.from({ length: COLOURS }, (_, index) => rgbOf(colour(index)));
  return { paper, ink, grey: mixed(paper, ink, dark ? 0.2 : 0.15), classes, dark };
}

/** @param {string} text a colour of CSS @returns {import("../map_types.js").Rgb} */
function rgbOf(text) {
  const attributes = { width: 1, height: 1 };
  const context = make("canvas", { attributes }).getContext("2d", { willReadFrequently: true });
  if (!context) return [128, 128, 128];
  context.fillStyle = text.trim() || "gray";
  context.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data;
  return [red, green, blue];
}
