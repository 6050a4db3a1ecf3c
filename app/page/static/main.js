/** The page: load the model, make its parts, and make them again when the model is replaced. */

import { onVersion } from "./ask.js";
import { mountBird } from "./bird.js";
import { mountMap } from "./map.js";
import { loadModel } from "./model.js";
import { copied, createStore, keepInAddress, textToRow } from "./store.js";
import { mountTable } from "./table.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Row} Row */

const PARTS = { bird: mountBird, map: mountMap, table: mountTable };

/** @param {string} id @returns {HTMLElement} */
function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element #${id}`);
  return found;
}

/** @param {Model} model @param {Row} row @returns {() => void} ends all parts */
function mount(model, row) {
  const store = createStore(row);
  const ends = [keepInAddress(model, store)];
  for (const [id, mountPart] of Object.entries(PARTS)) {
    const section = byId(id);
    const end = mountPart(section, model, store);
    ends.push(() => {
      end?.();
      section.replaceChildren();
    });
  }
  return () => ends.forEach((end) => end());
}

async function main() {
  let model = await loadModel();
  let end = mount(model, textToRow(model, location.hash.slice(1)) ?? copied(model.example));
  let loading = false;
  onVersion(async (version) => {
    if (loading || version === model.version) return;
    loading = true;
    model = await loadModel();
    end();
    end = mount(model, textToRow(model, location.hash.slice(1)) ?? copied(model.example));
    loading = false;
  });
}

void main();
