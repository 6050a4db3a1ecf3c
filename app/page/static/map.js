/** The decision map. */

/** @type {(section: HTMLElement, model: import("../types.js").Model, store: import("../types.js").Store) => import("../types.js").Unmount} */
export function mountMap() {}
