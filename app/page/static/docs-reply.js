/** What came back: status, time, headers and body, whatever its type. */

import { copyButton, element, folded } from "./docs-dom.js";
import { isJson, isText } from "./docs-example.js";
import { indented, size } from "./docs-text.js";

/** @typedef {import("../openapi.js").Asked} Asked */

const SHOWN_CHARACTERS = 100_000; // of a body; the rest can be saved
const HEADER_LENGTH = "inference-header-content-length"; // bytes of JSON before binary tensors

/**
 * Send a request and show what comes back. Return the button that takes over the service's suggestion, if there is one:
 * its value is the suggested body.
 * @param {HTMLElement} place @param {Asked} asked @param {AbortSignal} signal
 * @returns {Promise<HTMLButtonElement | null>}
 */
export async function showReply(place, asked, signal) {
  const status = element("p", { role: "status", class: "status" }, "Sent, waiting …");
  place.replaceChildren(status);
  const { method, headers, body } = asked;
  const started = performance.now();
  try {
    const response = await fetch(asked.url, { method, headers, body, signal, cache: "no-store" });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const took = performance.now() - started;
    status.classList.add(response.ok ? "good" : "bad");
    const words = `${response.status} ${response.statusText}`.trim();
    status.textContent = `${words}, ${took.toFixed(took < 10 ? 1 : 0)} ms, ${size(bytes.length)}`;
    return showBody(place, response, bytes);
  } catch (error) {
    if (place.firstChild !== status) return null; // a later request took its place
    status.classList.add("bad");
    const why = error instanceof Error ? error.message : String(error);
    status.textContent = signal.aborted ? "Cancelled." : `No answer (${why}). Is the service running?`;
    return null;
  }
}

/** @param {HTMLElement} place @param {Response} response @param {Uint8Array<ArrayBuffer>} bytes */
function showBody(place, response, bytes) {
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  place.append(folded(["Headers"], () => [code(headers, "Headers of the answer")]));
  const type = response.headers.get("content-type") ?? "";
  const text = readable(type, bytes, Number(response.headers.get(HEADER_LENGTH) ?? 0));
  if (text) place.append(code(text.slice(0, SHOWN_CHARACTERS), "Body of the answer"));
  const binary = bytes.length > 0 && !isText(type);
  if (binary || (text?.length ?? 0) > SHOWN_CHARACTERS) {
    const words = binary ? `${bytes.length} bytes of ${type || "no type"}. ` : "The rest is not shown. ";
    place.append(element("p", {}, words, saveLink(type, bytes)));
  }
  const button = suggestion(type, bytes);
  if (button) place.append(element("p", {}, button));
  return button;
}

/**
 * Return the part of a body that a person can read.
 * @param {string} type @param {Uint8Array} bytes @param {number} head bytes of JSON before binary data
 */
function readable(type, bytes, head) {
  const whole = isText(type);
  if (!whole && !head) return null;
  const text = new TextDecoder().decode(whole ? bytes : bytes.subarray(0, head));
  return (isJson(type) || !whole) && text.length <= SHOWN_CHARACTERS ? indented(text) : text;
}

/** @param {string} text @param {string} label */
function code(text, label) {
  const shown = element("pre", { tabindex: "0", role: "group", "aria-label": label }, element("code", {}, text));
  return element("div", { class: "code" }, shown, copyButton("Copy", () => text));
}

/** @param {string} type @param {Uint8Array<ArrayBuffer>} bytes */
function saveLink(type, bytes) {
  const ending = isJson(type) ? "json" : type.startsWith("text/csv") ? "csv" : isText(type) ? "txt" : "bin";
  const link = element("a", { href: "#", download: `answer.${ending}` }, "Save all of it");
  link.addEventListener("click", () => {
    const address = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
    link.href = address;
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  });
  return link;
}

/** @param {string} type @param {Uint8Array} bytes */
function suggestion(type, bytes) {
  if (!type.startsWith("application/problem+json")) return null;
  try {
    const { suggestion: body } = JSON.parse(new TextDecoder().decode(bytes));
    const value = body && JSON.stringify(body);
    return value ? element("button", { type: "button", value }, "Send the suggested body instead") : null;
  } catch {
    return null;
  }
}
