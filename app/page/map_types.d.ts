// The types of the decision map and of the table. tsc reads this file; it is not served.

import type { Input, Row, Value } from "./types.js";

/** float32 values of some inputs by name, one for each row of a request. It has no prototype. */
export type Columns = Record<string, Float32Array<ArrayBuffer>>;

/** The outputs of an inference request by name. */
export type Tensors = Record<string, Float32Array | Int32Array | Uint8Array>;

export interface InferReply {
  ok: boolean;
  /** 0: the service could not be reached. */
  status: number;
  tensors: Tensors;
  /** Of both bodies together. */
  bytes: number;
  /** What the server says it took, if it says so. */
  serverMs: number | null;
  detail: string;
  /** Seconds after which another attempt makes sense. */
  retryAfter: number;
}

/** An axis of the map, from `low` to `high` in the unit of its input. */
export interface Axis {
  input: Input;
  low: number;
  high: number;
}

/** What one frame shows. */
export interface View {
  row: Row;
  x: Axis;
  y: Axis;
  columns: number;
  rows: number;
}

/** The answers of one frame. Cells are row by row from the top left; `xs` go right, `ys` go up: ys[0] is the bottom. */
export interface Frame extends View {
  xs: Float32Array;
  ys: Float32Array;
  /** Indices of classes; null if the model answers with numbers. */
  labels: Int32Array | null;
  /** Numbers, `width` for each cell; null if the model answers with classes. */
  numbers: Float32Array | null;
  width: number;
  /** One byte for each class and cell, 1 if it is in the prediction set. */
  sets: Uint8Array | null;
  /** One byte for each cell, 1 if it is in distribution. */
  inside: Uint8Array | null;
  bytes: number;
  /** From the request to the answer. */
  milliseconds: number;
  serverMs: number | null;
}

/** What the map knows about one cell. `column` counts from the left, `row` from the top. */
export interface Cell {
  column: number;
  row: number;
  /** The row of inputs that this cell is about, with the exact float32 values of both axes. */
  inputs: Row;
  label: number | null;
  numbers: number[] | null;
  set: number[] | null;
  inDistribution: boolean | null;
}

/** The map's grid, for tests and for scripts: `section.map`. */
export interface MapGrid {
  readonly columns: number;
  readonly rows: number;
  readonly x: string;
  readonly y: string;
  /** Whether the finest grid is drawn and nothing is under way. */
  readonly settled: boolean;
  at(column: number, row: number): Cell;
}

export type Rgb = [number, number, number];

/** The colours of the page, as canvas needs them. */
export interface Palette {
  paper: Rgb;
  ink: Rgb;
  grey: Rgb;
  classes: Rgb[];
  dark: boolean;
}

export interface KnownRows {
  inputs: string[];
  answer: string;
  total: number;
  rows: Value[][];
  answers: (string | number | number[])[];
}
