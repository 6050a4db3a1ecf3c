// Prints the tokens of the JavaScript modules whose names are given: those of a source must be those of what is sent.
import { readFileSync } from "node:fs";
import { tokenizer } from "acorn";

for (const name of process.argv.slice(2)) {
  const tokens = tokenizer(readFileSync(name, "utf8"), { ecmaVersion: 2022, sourceType: "module" });
  for (const token of tokens) console.log(token.type.label, JSON.stringify(token.value ?? null, (_, each) =>
    (typeof each === "bigint" || each instanceof RegExp ? String(each) : each)));
}
