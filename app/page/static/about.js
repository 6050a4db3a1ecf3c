/** One small line of honesty: which model this is, and how good it is. */

import { make } from "./dom.js";
import { listed, plain } from "./words.js";

/** @typedef {import("../types.js").Model} Model */

/** Data sets that the page can name, by the SHA-256 of the file that the model was trained with. */
const PALMER_PENGUINS = "f204db2c753b0937caac3cb35258562c14f073e4bbc76be24b4c51ce22767a93";

/**
 * Fill the box at the end of the page.
 * @param {HTMLElement} box
 * @param {Model} model
 */
export function mountAbout(box, model) {
  const { document } = model;
  const signed = document.signed_by ? `signed by ${document.signed_by}` : "not signed";
  const rows = Object.values(document.certificate.rows).reduce((sum, count) => sum + count, 0);
  const lines = [
    make("p", { class: "quality", text: qualityOf(model) }),
    make("p", {
      text:
        `Model ${document.name} ${document.bundle_version}, version ${model.version.slice(0, 12)}, ${signed}. ` +
        `Its compiled code was compared with XGBoost on ${rows.toLocaleString("en")} rows, bit for bit.`,
    }),
  ];
  const data = document.training && "data_sha256" in document.training ? document.training.data_sha256 : null;
  if (data === PALMER_PENGUINS) lines.push(sourceOf());
  box.replaceChildren(...lines);
}

/** @param {Model} model @returns {string} */
export function qualityOf({ document: { training, holdout }, row }) {
  if (holdout) {
    const figures = Object.entries(holdout.figures).slice(0, 3);
    const words = figures.map(([name, figure]) => `${name.replaceAll("_", " ")} ${plain(figure, 3)}`);
    return `How good is it? On ${holdout.rows.toLocaleString("en")} ${row}s that its owner held out: ${listed(words)}.`;
  }
  const found = training?.cross_validation;
  if (!found) return "How good is it? Its owner published no figures. That is a reason for care.";
  const words = [];
  if (found.accuracy !== undefined) words.push(`accuracy ${plain(found.accuracy, 3)}`);
  if (found.log_loss !== undefined) words.push(`log loss ${plain(found.log_loss, 2)}`);
  const count = training?.rows_trained?.toLocaleString("en") ?? "its";
  const figures = `In cross-validation on ${count} ${row}s: ${listed(words)}.`;
  return `How good is it? ${figures} Expect a little less of other ${row}s.`;
}

function sourceOf() {
  const link = make("a", {
    text: "palmerpenguins",
    attributes: { href: "https://allisonhorst.github.io/palmerpenguins/", rel: "noreferrer" },
  });
  return make(
    "p",
    {},
    "Data: Gorman, Williams and Fraser (2014), published as ",
    link,
    " by Horst, Hill and Gorman (2020), CC0.",
  );
}
