/** Ask the service, and know whether it is there. Every request of the page goes through here. */

/** @typedef {import("../types.js").Row} Row */
/** @typedef {import("../types.js").Problem} Problem */
/** @typedef {import("../types.js").ServiceState} ServiceState */

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5000;
const LONGEST_RETRY_AFTER_S = 60;

/** @type {Set<(state: ServiceState) => void>} */
const watchers = new Set();
/** @type {Set<(version: string) => void>} */
const versionWatchers = new Set();
/** @type {ServiceState} */
let current = { state: "up", detail: "" };
let probing = false;

/**
 * Return the address of a path of the service. It is relative to the page, so a prefix in front of it does no harm.
 * @param {string} path without a leading slash
 */
export function addressOf(path) {
  return new URL(path, document.baseURI).href;
}

/** @returns {ServiceState} whether the service answers, as far as the last request knows */
export function service() {
  return current;
}

/**
 * Call the watcher when the service goes away, is busy, or is back.
 * @param {(state: ServiceState) => void} watcher
 * @returns {() => void} ends it
 */
export function onService(watcher) {
  watchers.add(watcher);
  return () => void watchers.delete(watcher);
}

/**
 * Call the watcher with the version of the model of each answer that has one.
 * @param {(version: string) => void} watcher
 * @returns {() => void} ends it
 */
export function onVersion(watcher) {
  versionWatchers.add(watcher);
  return () => void versionWatchers.delete(watcher);
}

/** @param {ServiceState["state"]} state @param {string} detail */
function become(state, detail) {
  if (current.state === state && current.detail === detail) return;
  current = { state, detail };
  for (const watcher of [...watchers]) watcher(current);
}

/**
 * Fetch a path. Resolves with null if the service could not be reached; rejects only if `signal` aborts.
 * A service that is away, busy (429, 503) or without a model is asked again in the background until it is back.
 * @param {string} path without a leading slash
 * @param {RequestInit} [options]
 * @returns {Promise<Response | null>}
 */
export async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(addressOf(path), options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    become("away", "The service does not answer. The page asks again by itself.");
    void probe(FIRST_PAUSE_MS);
    return null;
  }
  if (response.status === 429 || response.status === 503) {
    const seconds = retryAfter(response);
    become("busy", `The service is busy. The page asks again in ${seconds} s.`);
    void probe(seconds * 1000);
    return response;
  }
  if (current.state !== "busy") become("up", ""); // a busy service has said when to come back
  const version = response.headers.get("model-version");
  if (version) for (const watcher of [...versionWatchers]) watcher(version);
  return response;
}

/** @param {Response} response @returns {number} seconds, at least 1 */
function retryAfter(response) {
  const seconds = Number(response.headers.get("retry-after") ?? 1);
  return Number.isFinite(seconds) ? Math.min(Math.max(Math.ceil(seconds), 1), LONGEST_RETRY_AFTER_S) : 1;
}

/** Ask whether the service is ready until it is. @param {number} pause ms before the first attempt */
async function probe(pause) {
  if (probing) return;
  probing = true;
  for (
    let wait = pause;
    current.state !== "up";
    wait = Math.min(Math.max(wait, FIRST_PAUSE_MS) * 1.5, LONGEST_PAUSE_MS)
  ) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    try {
      const response = await fetch(addressOf("health/ready"), { cache: "no-store" });
      if (response.ok) become("up", "");
      else become("unready", "The service is there, but cannot answer yet. The page asks again by itself.");
    } catch {
      become("away", "The service does not answer. The page asks again by itself.");
    }
  }
  probing = false;
}

/**
 * Post a JSON document.
 * @template Body
 * @param {string} path
 * @param {unknown} document
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("../types.js").Reply<Body>>}
 */
async function post(path, document, signal) {
  const headers = { "content-type": "application/json", accept: "application/json" };
  const response = await request(path, {
    method: "POST",
    headers,
    body: JSON.stringify(document),
    signal: signal ?? null,
  });
  if (response === null) return { ok: false, status: 0, body: null, problem: null, version: null };
  const version = response.headers.get("model-version");
  const body = await readJson(response, signal);
  const { ok, status } = response;
  if (ok && body !== null) return { ok, status, body, problem: null, version };
  return {
    ok: false,
    status,
    body: null,
    problem: body ?? { detail: `The service answered with status ${status}.` },
    version,
  };
}

/** @param {Response} response @param {AbortSignal} [signal] @returns {Promise<any>} null if it is no JSON */
async function readJson(response, signal) {
  try {
    return await response.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    return null;
  }
}

/**
 * Ask POST /predict about a row.
 * @param {Row} row
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("../types.js").Reply<import("../types.js").Prediction>>}
 */
export function predict(row, signal) {
  return post("predict", row, signal);
}

/**
 * Ask POST /explain about a row.
 * @param {Row} row
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("../types.js").Reply<import("../types.js").Explanation>>}
 */
export function explain(row, signal) {
  return post("explain", row, signal);
}

/**
 * Return a function that asks about a row: at most one request is under way, and the newest row wins. A request
 * that takes longer than `patience` is aborted for a newer row; a shorter one may end, so that the answer follows on a
 * slow network, too.
 * @template Item, Answer
 * @param {(item: Item, signal: AbortSignal) => Promise<Answer>} asker
 * @param {(answer: Answer, item: Item, newest: boolean) => void} listener
 * @param {number} [patience] ms
 */
export function newest(asker, listener, patience = 1000) {
  /** @type {AbortController | null} */
  let underWay = null;
  let began = 0;
  /** @type {{ item: Item } | null} */
  let waiting = null;

  const next = async () => {
    while (waiting) {
      const { item } = waiting;
      waiting = null;
      underWay = new AbortController();
      began = performance.now();
      const { signal } = underWay;
      try {
        const answer = await asker(item, signal);
        if (!signal.aborted) listener(answer, item, waiting === null);
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        underWay = null;
      }
    }
  };

  return {
    /** @param {Item} item */
    ask(item) {
      waiting = { item };
      if (underWay === null) void next();
      else if (performance.now() - began > patience) underWay.abort();
    },
    stop() {
      waiting = null;
      underWay?.abort();
    },
  };
}
