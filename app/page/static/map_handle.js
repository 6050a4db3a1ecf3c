/** The current row as a mark on the map: dragged with mouse, finger and keyboard. */

import { make } from "./dom.js";
import { shareOf, snapped, stepOf } from "./map_axes.js";
import { amount, named } from "./map_view.js";

/** @typedef {import("../map_types.js").Axis} Axis */
/** @typedef {{ x: Axis, y: Axis, left: number | null, up: number | null }} Spot */

const PAGE = 10; // steps of Page Up and Page Down, and of an arrow with Shift

/**
 * Put the mark on the plot. For assistive technology it is two sliders, one for each axis: the arrow keys move along
 * their own axis, whichever of both has the focus.
 * @param {HTMLElement} plot
 * @param {string} what the mark stands for: "bird"
 * @param {(x: number, y: number, moving: boolean) => void} move
 */
export function createHandle(plot, what, move) {
  const across = slider("horizontal");
  const up = slider("vertical");
  const handle = make(
    "div",
    { class: "map-handle", attributes: { role: "group", "aria-label": `This ${what} on the map` } },
    make("span", { class: "map-handle-ring", attributes: { "aria-hidden": "true" } }),
    across,
    up,
  );
  handle.hidden = true;
  plot.append(handle);
  /** @type {Spot | null} */
  let spot = null;
  let held = false;

  /** @param {number} x @param {number} y @param {boolean} moving */
  const to = (x, y, moving) => {
    if (spot) move(snapped(x, spot.x), snapped(y, spot.y), moving);
  };

  /** @param {PointerEvent} event @param {boolean} moving */
  const toPointer = (event, moving) => {
    if (!spot) return;
    const box = plot.getBoundingClientRect();
    const x = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const y = Math.min(1, Math.max(0, (box.bottom - event.clientY) / box.height));
    to(spot.x.low + x * (spot.x.high - spot.x.low), spot.y.low + y * (spot.y.high - spot.y.low), moving);
  };

  plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || (event.pointerType !== "mouse" && !handle.contains(/** @type {Node} */ (event.target)))) {
      return;
    }
    held = true;
    plot.setPointerCapture(event.pointerId);
    plot.classList.add("map-held");
    event.preventDefault();
    across.focus({ preventScroll: true });
    toPointer(event, true);
  });
  plot.addEventListener("pointermove", (event) => {
    if (held) toPointer(event, true);
  });
  for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) {
    plot.addEventListener(name, (event) => {
      if (!held) return;
      held = false;
      plot.classList.remove("map-held");
      toPointer(event, false);
    });
  }
  // A finger that drags elsewhere scrolls the page; a tap brings the mark.
  plot.addEventListener("click", (event) => {
    if (event instanceof PointerEvent && event.pointerType !== "mouse") toPointer(event, false);
  });

  handle.addEventListener("keydown", (event) => {
    if (!spot || event.altKey || event.ctrlKey || event.metaKey) return;
    const vertical =
      event.key === "ArrowUp" || event.key === "ArrowDown" || (event.target === up && !event.key.startsWith("Arrow"));
    const axis = vertical ? spot.y : spot.x;
    const value = vertical ? spot.up : spot.left;
    const next = keyed(event, axis, value ?? axis.low);
    if (next === null) return;
    event.preventDefault();
    (vertical ? up : across).focus({ preventScroll: true });
    to(vertical ? (spot.left ?? spot.x.low) : next, vertical ? next : (spot.up ?? spot.y.low), false);
  });
  across.addEventListener("input", () => to(Number(across.value), spot?.up ?? 0, false));
  up.addEventListener("input", () => to(spot?.left ?? 0, Number(up.value), false));

  return {
    get held() {
      return held;
    },
    /** @param {Spot} next */
    place(next) {
      spot = next;
      const { x, y, left, up: height } = next;
      handle.hidden = left === null || height === null;
      describe(across, x, left);
      describe(up, y, height);
      handle.style.left = `${100 * shareOf(x, left ?? x.low)}%`;
      handle.style.top = `${100 * (1 - shareOf(y, height ?? y.low))}%`;
    },
  };
}

/** @param {"horizontal" | "vertical"} orientation */
function slider(orientation) {
  return make("input", { class: "map-slider", attributes: { type: "range", "aria-orientation": orientation } });
}

/** @param {HTMLInputElement} input @param {Axis} axis @param {number | null} value */
function describe(input, axis, value) {
  const whole = axis.input.kind === "integer" ? 0.5 : 0;
  input.min = String(axis.low + whole);
  input.max = String(axis.high - whole);
  input.step = "any";
  input.value = String(value ?? axis.low);
  input.setAttribute("aria-label", named(axis.input));
  input.setAttribute("aria-valuetext", value === null ? "no value" : amount(axis.input, value, axis.input.decimals));
}

/** @param {KeyboardEvent} event @param {Axis} axis @param {number} value @returns {number | null} the next value */
function keyed(event, axis, value) {
  const step = stepOf(axis) * (event.shiftKey ? PAGE : 1);
  switch (event.key) {
    case "ArrowRight":
    case "ArrowUp":
      return value + step;
    case "ArrowLeft":
    case "ArrowDown":
      return value - step;
    case "PageUp":
      return value + step * PAGE;
    case "PageDown":
      return value - step * PAGE;
    case "Home":
      return axis.low;
    case "End":
      return axis.high;
    default:
      return null;
  }
}
