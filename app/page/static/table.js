/** A table of rows: pasted, dropped or chosen, judged by POST /score, looked through, and taken away again. */

import { make, say } from "./dom.js";
import { numberText } from "./map_axes.js";
import { valueOf } from "./store.js";
import { createGrid, why } from "./table_grid.js";
import { createRows } from "./table_rows.js";
import { judge } from "./table_run.js";
import { sample, template } from "./table_sample.js";
import { listed } from "./words.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Store} Store */
/** @typedef {import("../types.js").Row} Row */
/** @typedef {import("./table_rows.js").Filter} Filter */
/** @typedef {import("./table_rows.js").TableRow} TableRow */
/** @typedef {{ bytes: Uint8Array<ArrayBuffer>, name: string }} Given */

const MOST_BYTES = 256_000_000;
const SHOWN_TEXT = 4_000; // characters of a pasted table that stay in the field
/** @type {[Filter, string][]} */
const FILTERS = [
  ["all", "All"],
  ["clear", "Clear"],
  ["doubtful", "Doubtful"],
  ["faulty", "Faulty"],
];

/** The last table: it is judged again when another model takes the place of this one. @type {Given | null} */
let last = null;

/**
 * @param {HTMLElement} section
 * @param {Model} model
 * @param {Store} store
 * @returns {import("../types.js").Unmount}
 */
export function mountTable(section, model, store) {
  const many = `${model.row}s`;
  const field = make("textarea", {
    class: "table-paste",
    attributes: {
      rows: 4,
      spellcheck: "false",
      autocomplete: "off",
      "aria-describedby": "table-help",
      id: "table-paste",
    },
  });
  const file = make("input", {
    attributes: { type: "file", accept: ".csv,.tsv,.txt,text/csv,text/tab-separated-values", id: "table-file" },
  });
  file.className = "hidden-text";
  const names =
    listed(model.inputs.slice(0, 6).map(({ name }) => name)) +
    (model.inputs.length > 6 ? ` and ${model.inputs.length - 6} more` : "");
  const help = make("p", {
    class: "table-help",
    attributes: { id: "table-help" },
    text:
      `CSV with a header. Columns in any order: ${names}. Others pass through. ` +
      "Decimal commas in a file with semicolons are understood.",
  });
  const drop = make(
    "div",
    { class: "table-drop" },
    make("label", {
      class: "table-label",
      text: "Paste a table here, or drop a file",
      attributes: { for: "table-paste" },
    }),
    field,
    help,
    make(
      "div",
      { class: "table-buttons" },
      button("Judge", "table-go", () => run({ bytes: new TextEncoder().encode(field.value), name: "pasted" })),
      make("label", { class: "table-button", attributes: { for: "table-file" } }, "Choose a file…"),
      file,
      button("Try with 12 " + many, "", () => void trySample()),
      button("Template", "", () =>
        save(new Blob([template(model)], { type: "text/csv" }), `${model.name}-template.csv`),
      ),
    ),
  );
  const progress = make("progress", { class: "table-progress", attributes: { max: 1, "aria-label": "Judged" } });
  const cancel = button("Cancel", "table-cancel", () => stop("Cancelled."));
  const count = make("span", { class: "table-count" });
  const running = make("div", { class: "table-running" }, progress, count, cancel);
  const status = make("p", { class: "table-status", attributes: { role: "status" } });
  const refusal = make("div", { class: "table-refusal", attributes: { role: "alert" } });
  const results = make("div", { class: "table-results" });
  const back = button("", "table-back", () => {
    results.scrollIntoView({ block: "start", behavior: smooth() });
    grid?.box.focus({ preventScroll: true });
    back.hidden = true; // the rows may not have gone out of view yet
  });
  for (const each of [running, refusal, results, back]) each.hidden = true;
  section.replaceChildren(
    make("h2", { text: "A table" }),
    make("p", {
      class: "table-lead",
      text: `Judge many ${many} at once. Each gets an answer, or the reason why it has none.`,
    }),
    drop,
    running,
    status,
    refusal,
    results,
    back,
  );

  let rows = createRows();
  /** @type {ReturnType<typeof createGrid> | null} */
  let grid = null;
  /** @type {AbortController | null} */
  let control = null;
  /** @type {Given} */
  let given = { bytes: new Uint8Array(), name: "" };
  let waitingForFrame = 0;
  let isAway = false; // whether the rows went out of view since one of them was opened
  const counts = new Map(FILTERS.map(([key]) => [key, make("span", { class: "table-number", text: "0" })]));
  const chips = FILTERS.map(([key, text]) => {
    const chip = button("", "table-chip", () => choose(key));
    chip.append(text + " ", counts.get(key) ?? "");
    chip.dataset["filter"] = key;
    return chip;
  });
  const download = button("Download the answers", "", () =>
    save(rows.file(), `${given.name.replace(/\.[a-z]+$/iu, "") || "table"}-answers.csv`),
  );
  const detail = make("p", { class: "table-detail" });

  /** @param {Filter} next */
  function choose(next) {
    chips.forEach((chip, place) => chip.setAttribute("aria-pressed", String(FILTERS[place]?.[0] === next)));
    grid?.show(next);
    say(detail, rows.size(next) ? "" : "No row is like this.");
  }

  /** Judge a table. @param {Given} next */
  function run(next) {
    stop("");
    const fault = unusable(next.bytes);
    grid?.end();
    grid = null;
    rows = createRows();
    results.hidden = back.hidden = true;
    refusal.hidden = true;
    if (fault) {
      say(status, "");
      refuse("This is no table", fault);
      return;
    }
    last = given = next;
    const own = (control = new AbortController());
    running.hidden = false;
    progress.value = 0;
    say(status, `Judging ${next.name}.`);
    say(count, "");
    void judge(
      model,
      next.bytes,
      {
        answered(piece) {
          rows.add(piece);
          grid ??= start();
          drawSoon();
        },
        progress(share) {
          progress.value = share;
          say(count, `${numberText(rows.count, 0)} ${many}`);
        },
        waiting(words) {
          if (words) say(count, words);
        },
        refused(words, code, isFirst) {
          end("");
          const title =
            code === 404 || code === 405
              ? "This service judges no tables"
              : isFirst
                ? "This table cannot be read"
                : "The rest of this table cannot be read";
          refuse(title, words);
        },
        done() {
          end(rows.count ? `${summary()}.` : "The table has a header, but no rows.");
        },
      },
      own.signal,
    ).catch((error) => {
      end("");
      refuse("Something went wrong on this page", String(error));
    });
  }

  function summary() {
    const parts = FILTERS.slice(1).map(([key, text]) => `${numberText(rows.size(key), 0)} ${text.toLowerCase()}`);
    return `${numberText(rows.count, 0)} ${rows.count === 1 ? model.row : many}: ${listed(parts)}`;
  }

  function start() {
    const made = createGrid(model, rows, open, (row) => {
      const words = row ? why(model, row) : "";
      say(detail, row ? `Row ${numberText(row.row + 1, 0)}${words ? `: ${words}` : ""}` : "");
    });
    results.replaceChildren(
      make(
        "div",
        { class: "table-tools" },
        make("div", { class: "table-chips", attributes: { role: "group", "aria-label": "Show" } }, ...chips),
        download,
      ),
      made.box,
      detail,
    );
    results.hidden = false;
    choose("all");
    return made;
  }

  function drawSoon() {
    waitingForFrame ||= requestAnimationFrame(() => {
      waitingForFrame = 0;
      for (const [key, element] of counts) say(element, numberText(rows.size(key), 0));
      grid?.draw();
    });
  }

  /** @param {string} words for the status */
  function end(words) {
    control = null;
    running.hidden = true;
    say(status, words);
    drawSoon();
  }

  /** @param {string} words */
  function stop(words) {
    if (!control) return;
    control.abort();
    end(rows.count && words ? `${words} ${summary()} so far.` : words);
  }

  /** @param {string} title @param {string} words */
  function refuse(title, words) {
    const some = model.inputs.some(({ missing }) => missing);
    const need = `It needs ${some ? "these columns" : "all of these columns"}: ${names}.`;
    refusal.replaceChildren(
      make("h3", { text: title }),
      make("p", { text: capital(words) }),
      make(
        "p",
        {},
        `${need} The template has the right header. `,
        button("Template", "", () =>
          save(new Blob([template(model)], { type: "text/csv" }), `${model.name}-template.csv`),
        ),
      ),
    );
    refusal.hidden = false;
  }

  /** Make a row the current one, and go to the map. @param {TableRow} row */
  function open(row) {
    store.setRow(valuesOf(model, row), { moving: false, jump: true });
    const target = document.querySelector("#map:not([hidden])") ?? document.querySelector("#bird");
    target?.scrollIntoView({ block: "start", behavior: smooth() });
    say(back, `↓ Back to row ${numberText(row.row + 1, 0)}`);
    back.hidden = isAway = false;
  }

  async function trySample() {
    const text = await sample(model);
    field.value = text;
    run({ bytes: new TextEncoder().encode(text), name: `12 ${many}` });
  }

  /** @param {string} text */
  function pasted(text) {
    field.value = text.length > SHOWN_TEXT ? `${text.slice(0, SHOWN_TEXT)}\n…` : text;
    run({ bytes: new TextEncoder().encode(text), name: "pasted" });
  }

  /** @param {File} chosen */
  async function opened(chosen) {
    if (chosen.size > MOST_BYTES) {
      const command = `curl --data-binary @FILE -H 'content-type: text/csv' ${new URL("score", document.baseURI).href}`;
      refuse("This file is too large for a page", `${tooLarge(chosen.size)} Ask the service itself: ${command}`);
      return;
    }
    field.value = "";
    run({ bytes: new Uint8Array(await chosen.arrayBuffer()), name: chosen.name });
  }

  field.addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!/[\r\n]/u.test(text) || field.value.trim()) return; // a single cell, or one more line: it is just typed
    event.preventDefault();
    pasted(text);
  });
  file.addEventListener("change", () => {
    const [chosen] = file.files ?? [];
    if (chosen) void opened(chosen);
    file.value = ""; // so that the same file can be chosen again
  });
  const over = (/** @type {DragEvent} */ event) => {
    if (
      !event.dataTransfer ||
      ![...event.dataTransfer.types].some((type) => type === "Files" || type === "text/plain")
    ) {
      return;
    }
    event.preventDefault();
    drop.classList.add("table-over");
  };
  section.addEventListener("dragover", over);
  section.addEventListener("dragleave", (event) => {
    if (!section.contains(/** @type {Node | null} */ (event.relatedTarget))) drop.classList.remove("table-over");
  });
  const dropped = (/** @type {DragEvent} */ event) => {
    drop.classList.remove("table-over");
    const [chosen] = event.dataTransfer?.files ?? [];
    const text = event.dataTransfer?.getData("text/plain");
    if (!chosen && !text) return;
    event.preventDefault();
    if (chosen) void opened(chosen);
    else if (text) pasted(text);
  };
  section.addEventListener("drop", dropped);
  const seen = new IntersectionObserver(([entry]) => {
    if (!entry?.isIntersecting) isAway = true;
    else if (isAway) back.hidden = true;
  });
  seen.observe(results);
  if (last) run(last);

  return () => {
    control?.abort();
    cancelAnimationFrame(waitingForFrame);
    seen.disconnect();
    grid?.end();
    section.removeEventListener("dragover", over);
    section.removeEventListener("drop", dropped);
  };
}

/** @param {string} text @param {string} name @param {() => void} act */
function button(text, name, act) {
  return make("button", {
    class: `table-button ${name}`.trim(),
    text,
    attributes: { type: "button" },
    on: { click: act },
  });
}

/** @returns {ScrollBehavior} */
function smooth() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
}

/** @param {string} text */
function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {number} size bytes */
function tooLarge(size) {
  return `It has ${numberText(Math.round(size / 1e6), 0)} MB; a page takes ${MOST_BYTES / 1e6}.`;
}

/** @param {Blob} blob @param {string} name */
function save(blob, name) {
  const url = URL.createObjectURL(blob);
  make("a", { attributes: { href: url, download: name } }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** @param {Uint8Array} bytes @returns {string} what to do instead, if this is no text at all */
function unusable(bytes) {
  if (bytes.length > MOST_BYTES) {
    return tooLarge(bytes.length);
  }
  if (bytes.every((byte) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09)) {
    return "It is empty. The first line names the columns; each other line is one row.";
  }
  if (bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3) {
    return "It is a workbook or an archive. Save the sheet as “CSV UTF-8” and choose that file.";
  }
  return "";
}

/**
 * Return the values of a row of the table, as far as the page understands them.
 * @param {Model} model
 * @param {TableRow} row
 * @returns {Row}
 */
function valuesOf(model, { cells, piece }) {
  /** @type {Row} */
  const values = Object.create(null);
  const names = piece.names.slice(0, piece.asked).map((name) => name.trim());
  for (const input of model.inputs) {
    const place = names.lastIndexOf(input.name);
    const text = place < 0 ? "" : (cells[place] ?? "").trim();
    if (input.kind === "boolean") {
      values[input.name] = /^(true|1|yes)$/iu.test(text) ? true : /^(false|0|no)$/iu.test(text) ? false : null;
    } else values[input.name] = valueOf(input, text);
  }
  return values;
}
