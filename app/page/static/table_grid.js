/** The answered rows on the screen: only those in view are in the document, and all are reachable by keyboard. */

import { CLEAR, DOUBTFUL, FAULTY } from "./csv.js";
import { make } from "./dom.js";
import { markPicture } from "./marks.js";
import { listed } from "./words.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {ReturnType<typeof import("./table_rows.js").createRows>} Rows */
/** @typedef {import("./table_rows.js").TableRow} TableRow */
/** @typedef {import("./table_rows.js").Filter} Filter */

const ROW_PX = 40;
const AROUND = 8; // rows beyond the view, so that a quick scroll shows no gap
const MOST_COLUMNS = 30; // of the request
const TALLEST_PX = 8_000_000; // browsers draw no taller element well: then the bar moves by several rows a pixel
const STATES = ["clear", "doubtful", "unlike", "faulty"];

/**
 * Return the grid.
 * @param {Model} model
 * @param {Rows} rows
 * @param {(row: TableRow) => void} open is called for the row that is clicked, or that has the focus at Enter
 * @param {(row: TableRow | null) => void} pointed is called when another row is the active one
 */
export function createGrid(model, rows, open, pointed) {
  const id = "table-row-";
  const head = make("div", { class: "table-line table-head", attributes: { role: "row", "aria-rowindex": 1 } });
  const body = make("div", { class: "table-body", attributes: { role: "rowgroup" } });
  const attributes = { role: "grid", tabindex: 0, "aria-label": `The judged ${model.row}s`, "aria-readonly": "true" };
  const box = make(
    "div",
    { class: "table-scroll", attributes },
    make("div", { attributes: { role: "rowgroup" } }, head),
    body,
  );
  /** @type {Filter} */
  let filter = "all";
  let active = 0; // the place of the active row in the filter
  let waiting = 0;
  let columns = 0;
  let opened = -1; // the number of the row that was opened last

  /** @returns {number} pixels of the body, and how many of them one row takes */
  const height = () => Math.min(TALLEST_PX, rows.size(filter) * ROW_PX);

  /** @returns {number} the place of the first row in view */
  const firstInView = () => {
    const scrollable = height() - visible() * ROW_PX;
    const hidden = rows.size(filter) - visible();
    if (hidden <= 0 || scrollable <= 0) return 0;
    return Math.min(hidden, (box.scrollTop / scrollable) * hidden);
  };
  const visible = () => Math.max(1, (box.clientHeight - head.offsetHeight) / ROW_PX);

  function drawHead() {
    const [piece] = rows.pieces;
    if (!piece || columns) return;
    const shown = Math.min(piece.asked, MOST_COLUMNS);
    const names = [
      "Row",
      capitalized(model.output.classed ? model.output.label : "answer"),
      "Why",
      ...piece.names.slice(0, shown),
    ];
    columns = names.length;
    box.setAttribute("aria-colcount", String(columns));
    const widths = piece.names.slice(0, shown).map((name) => Math.min(13, Math.max(6, 0.55 * name.length + 2)));
    box.style.setProperty("--own", widths.map((width) => `minmax(${width}rem, 1fr)`).join(" "));
    box.style.setProperty("--wide", `${widths.reduce((sum, width) => sum + width, 0)}rem`);
    head.replaceChildren(
      ...names.map((name, place) =>
        make("div", {
          class: "table-cell",
          text: name,
          attributes: { role: "columnheader", "aria-colindex": place + 1, title: name },
        }),
      ),
    );
  }

  function draw() {
    drawHead();
    const size = rows.size(filter);
    box.setAttribute("aria-rowcount", String(size + 1));
    body.style.height = `${height()}px`;
    const first = firstInView();
    const from = Math.max(0, Math.floor(first) - AROUND);
    const to = Math.min(size, Math.ceil(first + visible()) + AROUND);
    const lines = [];
    // The first row in view is at the top of the view, whatever a pixel of the bar means.
    const top = box.scrollTop - (first - from) * ROW_PX;
    for (let place = from; place < to; place++) {
      const row = rows.read(rows.rowAt(filter, place));
      if (row) lines.push(line(row, place, Math.max(0, top) + (place - from) * ROW_PX));
    }
    body.replaceChildren(...lines);
    const isDrawn = active >= from && active < to;
    if (isDrawn) box.setAttribute("aria-activedescendant", id + active);
    else box.removeAttribute("aria-activedescendant");
  }

  /** @param {TableRow} row @param {number} place @param {number} top */
  function line(row, place, top) {
    const own = row.cells.slice(0, Math.min(row.piece.asked, MOST_COLUMNS));
    const shown = [
      make("span", { text: String(row.row + 1) }),
      answer(model, row),
      make("span", { text: why(model, row) }),
      ...own.map((text) => make("span", { text })),
    ];
    const state = STATES[row.state] ?? "clear";
    const described = {
      role: "row",
      id: id + place,
      "aria-rowindex": place + 2,
      "aria-selected": String(row.row === opened),
    };
    const cells = shown.map((child, column) =>
      make(
        "div",
        {
          class: "table-cell",
          attributes: { role: "gridcell", "aria-colindex": column + 1, title: child.textContent },
        },
        child,
      ),
    );
    const element = make(
      "div",
      { class: "table-line", attributes: { ...described, "data-state": state, "data-active": place === active } },
      ...cells,
    );
    element.style.transform = `translateY(${top}px)`;
    element.addEventListener("click", () => {
      if (getSelection()?.type === "Range") return; // somebody selects a cell to copy it
      opened = row.row;
      point(place);
      open(row);
    });
    return element;
  }

  /** Make a row the active one, and bring it into view. @param {number} place */
  function point(place) {
    active = Math.max(0, Math.min(rows.size(filter) - 1, place));
    const first = firstInView();
    const whole = Math.floor(visible());
    if (active < first) scrollTo(active);
    else if (active > first + whole - 1) scrollTo(active - whole + 1);
    draw();
    pointed(rows.size(filter) ? rows.read(rows.rowAt(filter, active)) : null);
  }

  /** @param {number} place the row that comes to the top */
  function scrollTo(place) {
    const hidden = rows.size(filter) - visible();
    const scrollable = height() - visible() * ROW_PX;
    box.scrollTop = hidden > 0 ? (Math.min(place, hidden) / hidden) * scrollable : 0;
  }

  box.addEventListener("scroll", () => {
    waiting ||= requestAnimationFrame(() => {
      waiting = 0;
      draw();
    });
  });
  box.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(visible()) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key === "Enter" || event.key === " ") {
      const row = rows.read(rows.rowAt(filter, active));
      if (row) {
        opened = row.row;
        draw();
        open(row);
      }
    } else if (event.key in steps) {
      const step = steps[/** @type {keyof typeof steps} */ (event.key)];
      point(step === -Infinity ? 0 : step === Infinity ? rows.size(filter) - 1 : active + step);
    } else return;
    event.preventDefault();
  });
  const sizes = new ResizeObserver(draw);
  sizes.observe(box);

  return {
    box,
    draw,
    /** @param {Filter} next */
    show(next) {
      const row = rows.rowAt(filter, active);
      filter = next;
      active = Math.max(0, Math.min(rows.size(filter) - 1, rows.placeOf(filter, row)));
      draw();
      scrollTo(Math.max(0, active - 2));
      draw();
    },
    end() {
      cancelAnimationFrame(waiting);
      sizes.disconnect();
    },
  };
}

/** @param {string} text */
function capitalized(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {Model} model @param {TableRow} row @returns {HTMLElement} the class with its mark, or the number */
function answer(model, { state, cells, piece }) {
  if (state === FAULTY) return make("span", { class: "table-answer", text: "not judged" });
  const { label, prediction } = piece.places;
  const text = cells[label >= 0 ? label : prediction >= 0 ? prediction : piece.asked] ?? "";
  const index = model.output.classes.indexOf(text);
  return make(
    "span",
    { class: "table-answer" },
    index < 0 ? null : /** @type {any} */ (markPicture(index, 13)),
    make("span", { text }),
  );
}

/**
 * Return why a row is not just clear.
 * @param {Model} model
 * @param {TableRow} row
 */
export function why(model, { state, cells, piece }) {
  const { label, set, reason, inside } = piece.places;
  if (state === FAULTY) return cells[reason] ?? "";
  const parts = [];
  const own = cells[label] ?? "";
  const others = set < 0 || cells[set] === own ? [] : othersOf(model, cells[set] ?? "", own);
  if (others.length) parts.push(`${listed(others, "or")} cannot be excluded`);
  if (inside >= 0 && /^f/iu.test(cells[inside] ?? "")) parts.push(`unlike any known ${model.subject || model.row}`);
  return parts.length || state === CLEAR ? parts.join("; ") : state === DOUBTFUL ? "doubtful" : "";
}

/** @param {Model} model @param {string} set names joined by | @param {string} own @returns {string[]} */
function othersOf(model, set, own) {
  const names = set.split("|");
  const known = names.every((name) => model.output.classes.includes(name));
  return known ? names.filter((name) => name !== own) : [set];
}
