/** One bird: its inputs and its answer. */

/** @type {(section: HTMLElement, model: import("../types.js").Model, store: import("../types.js").Store) => import("../types.js").Unmount} */
export function mountBird() {}
