// The types of the table. tsc reads this file; it is not served.

/** The answer to one piece of a table. */
export interface Answered {
  bytes: Uint8Array<ArrayBuffer>;
  /** Where that part begins that belongs into the file of all answers. */
  kept: number;
  /** Where each row begins, and the end of the last one. */
  starts: Uint32Array;
  /** CLEAR, DOUBTFUL, UNLIKE or FAULTY for each row. */
  states: Uint8Array;
  /** The columns of the answer. The first `asked` ones are those of the request. */
  names: string[];
  asked: number;
  places: Places;
  delimiter: string;
}

/** In which columns of the answer is what. -1: nowhere. */
export interface Places {
  label: number;
  set: number;
  inside: number;
  prediction: number;
  reason: number;
}

export interface RunEvents {
  answered(piece: Answered): void;
  /** The share of the file that is judged. */
  progress(share: number): void;
  /** Why nothing goes on for now; empty if it does. */
  waiting(why: string): void;
  refused(detail: string, status: number, isFirst: boolean): void;
  done(): void;
}
