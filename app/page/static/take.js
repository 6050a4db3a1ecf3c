/** Take it with you: the link to this row, and programs that ask about it. */

import { addressOf } from "./ask.js";
import { copyText, make, say } from "./dom.js";
import { snippets } from "./snippets.js";
import { rowToText } from "./store.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Store} Store */

const TOLD_MS = 2000;

/**
 * Fill the section.
 * @param {HTMLElement} section
 * @param {Model} model
 * @param {Store} store
 * @returns {() => void} ends it
 */
export function mountTake(section, model, store) {
  let chosen = 0;
  const code = make("code");
  const block = make("pre", { attributes: { tabindex: 0, role: "region", "aria-label": "Program" } }, code);
  const note = make("p", { class: "quiet" });
  const buttons = snippets("", store.row).map(({ name }, place) =>
    make("button", { class: "tab", text: name, attributes: { type: "button" }, on: { click: () => choose(place) } }),
  );
  const link = () => `${location.href.split("#")[0]}#${rowToText(model, store.row)}`;

  const show = () => {
    const found = snippets(addressOf("predict"), store.row)[chosen];
    if (!found) return;
    say(code, found.text);
    say(note, `Needs ${found.note}. It asks about exactly the ${model.row} on the screen.`);
    buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(place === chosen)));
  };
  /** @param {number} place */
  const choose = (place) => {
    chosen = place;
    show();
  };
  const tabs = make("div", { class: "tabs", attributes: { role: "group", "aria-label": "Language" } }, ...buttons);
  section.append(
    make("h2", { text: "Take it with you" }),
    make(
      "div",
      { class: "take-head" },
      tabs,
      copyButton("Copy the program", () => code.textContent ?? ""),
      copyButton(`Copy a link to this ${model.row}`, link),
    ),
    block,
    note,
  );
  show();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const end = store.subscribe(() => {
    clearTimeout(timer);
    timer = setTimeout(show, 100);
  });
  return () => {
    end();
    clearTimeout(timer);
  };
}

/** @param {string} title @param {() => string} text */
function copyButton(title, text) {
  const button = make("button", { class: "copy", text: title, attributes: { type: "button" } });
  button.addEventListener("click", async () => {
    const copied = await copyText(text());
    button.textContent = copied ? "Copied" : "Copying is not allowed here";
    setTimeout(() => (button.textContent = title), TOLD_MS);
  });
  return button;
}
