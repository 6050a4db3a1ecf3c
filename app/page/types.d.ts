// The types of the page's modules. tsc reads this file; it is not served.

/** What a client may send for one input. null: no value. A category may be an integer. */
export type Value = number | boolean | string | null;

/** A value for each input, by name. It has no prototype, so an input may have any name. */
export type Row = Record<string, Value>;

/** One input as the contract of GET /model has it. Absent fields are undefined. */
export interface ContractInput {
  name: string;
  kind?: "number" | "integer" | "boolean" | "category";
  unit?: string;
  minimum?: number;
  maximum?: number;
  typical?: [number, number];
  error?: number;
  description?: string;
  example?: number | boolean | string;
  categories?: (string | number)[];
  missing?: boolean;
  unseen?: "refuse" | "missing";
}

/** The answer as the contract of GET /model has it. */
export interface ContractOutput {
  kind?: "classes" | "label" | "number" | "numbers";
  classes?: string[];
  label?: string;
  names?: string[];
  unit?: string;
  tolerance?: number;
}

/** A feature that is made from inputs, as the contract of GET /model has it. */
export interface Derived {
  kind: "ratio" | "projection";
  name?: string;
  weights?: Record<string, number>;
}

export interface Gaussian {
  mean: number[];
  whitening: number[][];
}

export interface Uncertainty {
  level: number;
  evidence: {
    protocol: string;
    coverage?: Record<string, number>;
    false_alarms?: number;
    mean_set_size?: number;
  };
  set_thresholds?: Record<string, number>;
  half_widths?: Record<string, number>;
  gaussians?: Record<string, Gaussian>;
  distance_limit?: number;
  inputs?: string[];
}

export interface DriftBaseline {
  variables: Record<string, { edges?: number[]; low?: number; high?: number }>;
}

/** The document of GET /model, as far as the page reads it. */
export interface ModelDocument {
  name: string;
  version: string;
  bundle_version: string;
  created_at: string;
  signed_by: string | null;
  contract: {
    name: string;
    inputs: ContractInput[];
    derived?: Derived[];
    output: ContractOutput;
    title?: string;
    summary?: string;
    row?: string;
    subject?: string;
  };
  features: string[];
  trees: { objective: string; count: number };
  certificate: { rows: Record<string, number> };
  files?: Record<string, { size: number; sha256: string }>;
  training: {
    rows_trained?: number;
    cross_validation?: { protocol: string; accuracy?: number; log_loss?: number };
    drift_baseline?: DriftBaseline;
  } | null;
  holdout: { rows: number; figures: Record<string, number>; drift_baseline?: DriftBaseline } | null;
  uncertainty: Uncertainty | null;
}

/** The values of an input that are usual for one class, or for all rows (`class` is null): mean +- 2 deviations. */
export interface Usual {
  class: number | null;
  name: string;
  low: number;
  high: number;
}

/** One input, ready to be drawn. Numbers are in `unit`. */
export interface Input {
  index: number;
  name: string;
  /** The name for people: "Bill length" */
  label: string;
  kind: "number" | "integer" | "boolean" | "category";
  unit: string;
  description: string;
  /** The contract's bounds; null if there is none. */
  minimum: number | null;
  maximum: number | null;
  /** The ends of the slider. They are finite and within the bounds. */
  low: number;
  high: number;
  /** The step of the slider: a power of ten. */
  step: number;
  /** How many decimals a value of the slider has. */
  decimals: number;
  typical: [number, number] | null;
  usual: Usual[];
  error: number;
  missing: boolean;
  categories: (string | number)[];
  example: Exclude<Value, null>;
}

export interface Output {
  kind: "classes" | "label" | "number" | "numbers";
  classed: boolean;
  classes: string[];
  /** The field of the answer that has the name of the class: "species" */
  label: string;
  names: string[];
  unit: string;
  tolerance: number;
}

export interface Model {
  name: string;
  version: string;
  title: string;
  summary: string;
  /** What one row is: "bird", "row" */
  row: string;
  /** "penguin", or empty */
  subject: string;
  inputs: Input[];
  byName: Map<string, Input>;
  output: Output;
  features: string[];
  uncertainty: Uncertainty | null;
  /** The row to begin with. */
  example: Row;
  /** A typical row of each class that has a Gaussian. */
  centres: { class: number; name: string; row: Row }[];
  contract: ModelDocument["contract"];
  document: ModelDocument;
}

/** How a row came about: `moving` while something is dragged; `jump` if it is another row altogether. */
export interface Change {
  moving: boolean;
  jump: boolean;
}

export type Listener = (row: Row, change: Change) => void;

export interface Store {
  /** The row of now. Do not write to it: call `set` or `setRow`. */
  readonly row: Row;
  set(name: string, value: Value, change?: Partial<Change>): void;
  setRow(row: Row, change?: Partial<Change>): void;
  /** Call the listener after each change. Returns the function that ends it. */
  subscribe(listener: Listener): () => void;
}

export interface FieldError {
  detail: string;
  pointer: string;
}

/** A problem document (RFC 9457). */
export interface Problem {
  title?: string;
  status?: number;
  detail?: string;
  errors?: FieldError[];
  suggestion?: Record<string, Value>;
}

/** The answer to a request. `status` is 0 if the service could not be reached. */
export interface Reply<Body> {
  ok: boolean;
  status: number;
  body: Body | null;
  problem: Problem | null;
  version: string | null;
}

/** The answer of POST /predict. The class is in the field that the contract's output calls `label`. */
export interface Prediction {
  prediction: number | Record<string, number>;
  probabilities?: Record<string, number>;
  prediction_set?: string[];
  interval?: [number, number] | Record<string, [number, number]>;
  in_distribution?: boolean | null;
  distance?: number | null;
  [label: string]: unknown;
}

export interface Flip {
  value: number | boolean | string;
  change: number | null;
  prediction?: number | Record<string, number>;
  [label: string]: unknown;
}

export interface Sensitivity {
  value: Value;
  measurement_error: number;
  survives: boolean;
  below: Flip | null;
  above: Flip | null;
}

export interface Contribution {
  margin: number;
  bias: number;
  features: Record<string, number>;
}

/** The answer of POST /explain. */
export interface Explanation {
  prediction: number | Record<string, number>;
  survives_measurement_error?: boolean | null;
  measurements: Record<string, Sensitivity>;
  contributions: Record<string, Contribution> | null;
  [label: string]: unknown;
}

export interface ServiceState {
  state: "up" | "away" | "busy" | "unready";
  detail: string;
}

/** What a part of the page gives back: the function that ends it, if there is something to end. */
export type Unmount = (() => void) | void;
