/** The page: load the model, make its parts, and make them again when the model is replaced. */

import { mountAbout } from "./about.js";
import { onService, onVersion } from "./ask.js";
import { mountBird } from "./bird.js";
import { byId, make, say } from "./dom.js";
import { loadModel } from "./model.js";
import { copied, createStore, keepInAddress, textToRow, valueOf } from "./store.js";
import { mountTake } from "./take.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Row} Row */

/** @typedef {import("../types.js").Store} Store */
/** @typedef {(section: HTMLElement, model: Model, store: Store) => import("../types.js").Unmount} Mount */

/** The parts of the page by the id of their section. What most visitors never scroll to is loaded when they do. */
/** @type {Record<string, Mount>} */
const PARTS = {
  bird: mountBird,
  map: later("The decision map", async () => (await import("./map.js")).mountMap),
  table: later("A table", async () => (await import("./table.js")).mountTable),
  take: mountTake,
};
const NEAR = "200px"; // below the edge of the screen
const TOLD_MS = 8000; // a note that nobody must act on

/**
 * Return a part that is loaded when its section comes near the screen.
 * @param {string} title of the section until then
 * @param {() => Promise<Mount>} load
 * @returns {Mount}
 */
function later(title, load) {
  return (section, model, store) => {
    /** @type {import("../types.js").Unmount} */
    let end;
    let ended = false;
    section.append(make("h2", { text: title }));
    section.classList.add("later");
    const watcher = new IntersectionObserver(
      async (entries) => {
        if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
        watcher.disconnect();
        try {
          const mountPart = await load();
          if (ended) return;
          section.replaceChildren();
          end = mountPart(section, model, store);
        } catch {
          section.append(
            make("p", { text: "This part could not be loaded. Reload the page when the service is back." }),
          );
        }
        section.classList.remove("later");
      },
      { rootMargin: NEAR },
    );
    watcher.observe(section);
    return () => {
      ended = true;
      watcher.disconnect();
      end?.();
    };
  };
}

/**
 * Return the row that another model may keep: its example, with the values that its contract allows.
 * @param {Model} model
 * @param {Row} row
 * @returns {Row}
 */
function carried(model, row) {
  const kept = copied(model.example);
  for (const input of model.inputs) {
    const value = row[input.name];
    if (value !== undefined && valueOf(input, String(value ?? "")) === value) kept[input.name] = value;
  }
  return kept;
}

/**
 * Make all parts for a model.
 * @param {Model} model
 * @param {Row} row to begin with
 */
function mount(model, row) {
  const store = createStore(row);
  const ends = [keepInAddress(model, store)];
  say(byId("title"), model.title);
  say(byId("summary"), model.summary);
  document.title = model.title;
  for (const [id, mountPart] of Object.entries(PARTS)) {
    const section = byId(id);
    section.replaceChildren();
    section.hidden = false;
    const end = mountPart(section, model, store);
    section.hidden = !section.firstChild;
    for (const link of document.querySelectorAll(`nav [href="#${id}"]`)) {
      link.parentElement?.toggleAttribute("hidden", section.hidden);
    }
    ends.push(() => {
      end?.();
      section.replaceChildren();
    });
  }
  mountAbout(byId("about"), model);
  return { store, end: () => ends.forEach((end) => end()) };
}

/** @param {string} text empty: take the note away @param {number} [ms] until it goes by itself */
function note(text, ms) {
  const banner = byId("banner");
  say(banner, text);
  banner.hidden = !text;
  if (text) say(byId("spoken"), text);
  if (ms) setTimeout(() => void (banner.textContent === text && note("")), ms);
}

/** Let links within the page scroll and move the focus; the address's fragment is for the row. */
function followLinks() {
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest('a[href^="#"]') : null;
    const target = link && document.getElementById(link.getAttribute("href")?.slice(1) ?? "");
    if (!target) return;
    event.preventDefault();
    target.scrollIntoView({ block: "start" });
    target.tabIndex = -1;
    target.focus({ preventScroll: true });
  });
}

async function main() {
  followLinks();
  onService(({ state, detail }) => (state === "up" ? note("The service is back.", 2000) : note(detail)));
  let model = await loadModel();
  let page = mount(model, textToRow(model, location.hash.slice(1)) ?? model.example);
  document.body.classList.add("ready");
  let loading = false;
  onVersion(async (version) => {
    if (loading || version === model.version) return;
    loading = true;
    const next = await loadModel();
    if (next.version !== model.version) {
      const focused = document.activeElement?.id;
      page.end();
      model = next;
      page = mount(model, carried(model, page.store.row));
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
      note(`The model was replaced while you looked: this is version ${model.version.slice(0, 12)} now.`, TOLD_MS);
    }
    loading = false;
  });
}

void main();
