/** The frames of the decision map: small ones while something moves, the finest one at rest. The newest wins. */

import { newest, onService } from "./ask.js";
import { bytesOfRow, infer } from "./infer.js";
import { cellsOf, cellValues } from "./map_axes.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Row} Row */
/** @typedef {import("../map_types.js").Axis} Axis */
/** @typedef {import("../map_types.js").Columns} Columns */
/** @typedef {import("../map_types.js").Frame} Frame */
/** @typedef {import("../map_types.js").View} View */
/** @typedef {import("../map_types.js").InferReply} InferReply */

const FRAME_BYTES = 96_000; // of a frame while something moves: both bodies and their heads
const INLINE_BYTES = 62_000; // a request up to about 64 KiB is answered without a thread (app/batch/batches.py)
const MOST_MOVING = 64; // cells on a side
const FEWEST_MOVING = 10; // with fewer, a picture says nothing: then it moves only at rest
const AT_REST = 256;
const FEWEST_AT_REST = 16;
const REST_BYTES = 24_000_000; // of a request; the server takes 32 MiB unless it is told otherwise
const SLOW_MS = 90; // a moving frame that takes longer makes the next ones smaller
const QUICK_MS = 40;
const PATIENCE_MS = 400; // an older frame that takes longer is cancelled for a newer one
const REST_MS = 180; // after the last movement
const SOON_MS = 30; // after a jump, so that the small frame comes first

/** @typedef {{ row: Row, x: Axis, y: Axis }} Wanted */
/** @typedef {{ state: "up" | "busy" | "refused" | "away", detail: string }} State */

/**
 * Return what asks for frames.
 * @param {Model} model
 * @param {(frame: Frame, began: number, final: boolean) => void} onFrame
 * @param {(state: State) => void} onState
 */
export function createFrames(model, onFrame, onState) {
  let most = MOST_MOVING;
  let atRest = AT_REST;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {AbortController | null} */
  let fine = null;
  /** @type {Wanted | null} */
  let wanted = null;
  let stopped = false;
  let asked = 0; // how often `show` was called
  let drawn = 0; // which of these calls has its finest frame

  const moving = newest(
    async (/** @type {View} */ view, signal) => {
      const began = performance.now();
      const order = asked;
      return { reply: await ask(model, view, signal), began, view, order };
    },
    ({ reply, began, view, order }) => {
      if (stopped || order <= drawn) return;
      if (!reply.ok) {
        refused(reply, view);
        return;
      }
      const took = performance.now() - began;
      if (took > SLOW_MS) most = Math.max(FEWEST_MOVING, Math.floor(most * 0.8));
      else if (took < QUICK_MS) most = Math.min(MOST_MOVING, most + 2);
      onState({ state: "up", detail: "" });
      onFrame(frameOf(view, reply, took), began, false);
    },
    PATIENCE_MS,
  );

  /** Ask for the finest frame. */
  async function rest() {
    if (!wanted || stopped) return;
    const { sent, head } = bytesOfRow(model, wanted.row);
    const limit = Math.min(atRest, Math.floor(Math.sqrt((REST_BYTES - head) / sent)));
    const view = viewOf(wanted, limit);
    const own = (fine = new AbortController());
    const began = performance.now();
    const order = asked;
    try {
      const reply = await ask(model, view, own.signal);
      if (own.signal.aborted) return;
      fine = null;
      if (!reply.ok) {
        refused(reply, view);
        return;
      }
      onState({ state: "up", detail: "" });
      drawn = order;
      onFrame(frameOf(view, reply, performance.now() - began), began, true);
    } catch (error) {
      if (!own.signal.aborted) throw error;
    }
  }

  /** @param {InferReply} reply @param {View} view */
  function refused(reply, view) {
    if (reply.status === 413 && Math.max(view.columns, view.rows) > FEWEST_AT_REST) {
      atRest = Math.max(FEWEST_AT_REST, Math.floor(Math.max(view.columns, view.rows) / 2));
      most = Math.min(most, atRest);
      later(0);
    } else if (reply.status === 429 || reply.status === 503) {
      onState({ state: "busy", detail: `The service is busy. The map tries again in ${reply.retryAfter} s.` });
      later(reply.retryAfter * 1000);
    } else if (reply.status === 0) {
      onState({ state: "away", detail: "The service does not answer. The map comes back with it." });
    } else onState({ state: "refused", detail: reply.detail || `The service answered with status ${reply.status}.` });
  }

  /** @param {number} milliseconds */
  function later(milliseconds) {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(rest, milliseconds);
  }

  const endService = onService(({ state }) => {
    if (state === "up" && wanted && fine === null) later(SOON_MS);
  });

  return {
    /** Show this, and forget what was asked before. @param {Wanted} next @param {boolean} isMoving */
    show(next, isMoving) {
      wanted = next;
      asked++;
      fine?.abort();
      fine = null;
      const { sent, both, head } = bytesOfRow(model, next.row);
      const cells = Math.min((FRAME_BYTES - head) / both, (INLINE_BYTES - head) / sent);
      const side = Math.min(most, atRest, Math.floor(Math.sqrt(Math.max(0, cells))));
      if (side >= FEWEST_MOVING) moving.ask(viewOf(next, side));
      later(isMoving ? REST_MS : SOON_MS);
    },
    stop() {
      stopped = true;
      endService();
      clearTimeout(timer);
      fine?.abort();
      moving.stop();
    },
  };
}

/** @param {Wanted} wanted @param {number} side @returns {View} */
function viewOf({ row, x, y }, side) {
  return { row, x, y, columns: cellsOf(x, side), rows: cellsOf(y, side) };
}

/** @param {Model} model @param {View} view @param {AbortSignal} signal @returns {Promise<InferReply>} */
function ask(model, view, signal) {
  const { columns, rows } = view;
  const xs = cellValues(view.x, columns);
  const ys = cellValues(view.y, rows);
  const across = new Float32Array(columns * rows);
  const up = new Float32Array(columns * rows);
  for (let row = 0, at = 0; row < rows; row++) {
    across.set(xs, at);
    up.fill(ys[rows - 1 - row] ?? 0, at, (at += columns));
  }
  /** @type {Columns} */
  const values = Object.create(null);
  values[view.x.input.name] = across;
  values[view.y.input.name] = up;
  return infer(model, view.row, values, columns * rows, signal);
}

/** @param {View} view @param {InferReply} reply @param {number} milliseconds @returns {Frame} */
function frameOf(view, { tensors, bytes, serverMs }, milliseconds) {
  const { label, prediction, prediction_set: sets, in_distribution: inside } = tensors;
  const cells = view.columns * view.rows;
  return {
    ...view,
    xs: cellValues(view.x, view.columns),
    ys: cellValues(view.y, view.rows),
    labels: label instanceof Int32Array ? label : null,
    numbers: prediction instanceof Float32Array ? prediction : null,
    width: prediction ? prediction.length / cells : 0,
    sets: sets instanceof Uint8Array ? sets : null,
    inside: inside instanceof Uint8Array ? inside : null,
    ...{ bytes, milliseconds, serverMs },
  };
}
