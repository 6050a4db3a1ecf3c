/** The rows of an answered table: found by number, without making an object of each. */

import { cellsOf, DOUBTFUL, FAULTY, UNLIKE } from "./csv.js";

/** @typedef {import("../table_types.js").Answered} Answered */
/** @typedef {"all" | "clear" | "doubtful" | "faulty"} Filter */

/** Numbers that grow at the end. */
class Numbers {
  constructor() {
    this.values = new Uint32Array(1024);
    this.length = 0;
  }

  /** @param {number} value */
  push(value) {
    if (this.length === this.values.length) {
      const larger = new Uint32Array(2 * this.length);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.length++] = value;
  }
}

/** @typedef {{ row: number, state: number, cells: string[], piece: Answered }} TableRow */

/** Return an empty table of answers. */
export function createRows() {
  /** @type {Answered[]} */
  const pieces = [];
  const firsts = new Numbers(); // the number of the first row of each piece
  let count = 0;
  const matching = { clear: new Numbers(), doubtful: new Numbers(), faulty: new Numbers() };

  /** @param {number} row @returns {number} the piece that holds it */
  const pieceOf = (row) => {
    let [low, high] = [0, pieces.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((firsts.values[middle] ?? 0) <= row) low = middle;
      else high = middle - 1;
    }
    return low;
  };

  return {
    pieces,
    get count() {
      return count;
    },
    /** @param {Answered} piece */
    add(piece) {
      pieces.push(piece);
      firsts.push(count);
      for (const state of piece.states) {
        const kind = state === FAULTY ? "faulty" : state === DOUBTFUL || state === UNLIKE ? "doubtful" : "clear";
        matching[kind].push(count++);
      }
    },
    /** @param {Filter} filter @returns {number} how many rows pass */
    size(filter) {
      return filter === "all" ? count : matching[filter].length;
    },
    /** @param {Filter} filter @param {number} place @returns {number} the number of the row, from 0 */
    rowAt(filter, place) {
      return filter === "all" ? place : (matching[filter].values[place] ?? 0);
    },
    /** @param {Filter} filter @param {number} row @returns {number} the place of the first row from this one on */
    placeOf(filter, row) {
      if (filter === "all") return row;
      const { values, length } = matching[filter];
      let [low, high] = [0, length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((values[middle] ?? 0) < row) low = middle + 1;
        else high = middle;
      }
      return low;
    },
    /** @param {number} row @returns {TableRow | null} */
    read(row) {
      const at = pieceOf(row);
      const piece = pieces[at];
      if (!piece || row >= count) return null;
      const place = row - (firsts.values[at] ?? 0);
      const cells = cellsOf(piece.bytes, piece.starts[place] ?? 0, piece.starts[place + 1] ?? 0, piece.delimiter);
      return { row, state: piece.states[place] ?? 0, cells, piece };
    },
    /** @returns {Blob} all answers, as the service wrote them */
    file() {
      return new Blob(
        pieces.map(({ bytes, kept }) => bytes.subarray(kept)),
        { type: "text/csv;charset=utf-8" },
      );
    },
  };
}
