/** Elements, made without markup: text stays text, whatever characters it has. */

/** @typedef {string | Node | null | undefined | false} Child */

/**
 * Make an element. An attribute that is false is left out; a child that is no text and no node, too.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Record<string, string | boolean>} [attributes]
 * @param {Child[]} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children) if (child || child === "") made.append(child);
  return made;
}

/**
 * Make a part that opens and closes. Its content is made when it is first opened.
 * @param {Child[]} summary
 * @param {() => Child[]} content
 * @param {Record<string, string | boolean>} [attributes]
 */
export function folded(summary, content, attributes = {}) {
  const made = element("details", attributes, element("summary", {}, ...summary));
  let filled = false;
  const fill = () => {
    if (filled || !made.open) return;
    filled = true;
    for (const child of content()) if (child) made.append(child);
  };
  made.addEventListener("toggle", fill);
  fill();
  return made;
}

/**
 * Make a button that copies a text, and says so.
 * @param {string} label
 * @param {() => string} read
 */
export function copyButton(label, read) {
  const button = element("button", { type: "button", class: "small" }, label);
  button.addEventListener("click", async () => {
    button.textContent = (await copied(read())) ? "Copied" : "Select it, then copy";
    setTimeout(() => (button.textContent = label), 2000);
  });
  return button;
}

/**
 * Copy a text. Browsers offer the clipboard only to pages from https or this machine: elsewhere an old command does it.
 * @param {string} text
 */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const place = element("textarea", { class: "away", "aria-hidden": "true" });
    place.value = text;
    document.body.append(place);
    place.select();
    const done = document.execCommand("copy");
    place.remove();
    return done;
  }
}
