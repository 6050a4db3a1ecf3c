/** The row on the screen as a program: curl, Python, JavaScript, R. Each prints the answer of POST /predict. */

/** @typedef {import("../types.js").Row} Row */
/** @typedef {import("../types.js").Value} Value */
/** @typedef {{ name: string, text: string, note: string }} Snippet */

/**
 * Return the programs that ask an address about a row.
 * @param {string} address of POST /predict
 * @param {Row} row
 * @returns {Snippet[]}
 */
export function snippets(address, row) {
  return [
    { name: "curl", text: curl(address, row), note: "a shell" },
    { name: "Python", text: python(address, row), note: "Python 3, nothing to install" },
    { name: "JavaScript", text: javascript(address, row), note: "Node 18 or newer, or this page's console" },
    { name: "R", text: r(address, row), note: "the packages httr2 and jsonlite" },
  ];
}

/** @param {string} text @returns {string} one word of a POSIX shell */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** @param {string} address @param {Row} row */
function curl(address, row) {
  return `curl ${quoted(address)} -H 'content-type: application/json' \\\n  -d ${quoted(JSON.stringify(row))}\n`;
}

/** @param {Row} row @param {(name: string, value: Value) => string} line @returns {string} */
function lines(row, line) {
  return Object.entries(row)
    .map(([name, value]) => `    ${line(name, value)},\n`)
    .join("");
}

/** @param {Value} value @returns {string} a Python literal: JSON's escapes are Python's, too */
function pythonValue(value) {
  return value === null ? "None" : value === true ? "True" : value === false ? "False" : JSON.stringify(value);
}

/** @param {string} address @param {Row} row */
function python(address, row) {
  const fields = lines(row, (name, value) => `${JSON.stringify(name)}: ${pythonValue(value)}`);
  return `import json
import urllib.request

row = {
${fields}}
request = urllib.request.Request(
    ${JSON.stringify(address)},
    json.dumps(row).encode(),
    {"content-type": "application/json"},
)
with urllib.request.urlopen(request) as response:
    print(json.load(response))
`;
}

/** @param {string} address @param {Row} row */
function javascript(address, row) {
  // In a literal, __proto__ would be no field but the prototype.
  const fields = Object.entries(row).map(([name, value]) => {
    const key = name === "__proto__" ? '["__proto__"]' : JSON.stringify(name);
    return `  ${key}: ${JSON.stringify(value)},\n`;
  });
  return `const row = {
${fields.join("")}};
const response = await fetch(${JSON.stringify(address)}, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(row),
});
console.log(await response.json());
`;
}

/** @param {Value} value @returns {string} an R literal */
function rValue(value) {
  return value === null ? "NULL" : value === true ? "TRUE" : value === false ? "FALSE" : JSON.stringify(value);
}

/** @param {string} address @param {Row} row */
function r(address, row) {
  const fields = lines(row, (name, value) => `${JSON.stringify(name)} = ${rValue(value)}`).replace(/,\n$/u, "\n");
  return `library(httr2)

row <- list(
${fields})
answer <- request(${JSON.stringify(address)}) |>
  req_body_json(row, auto_unbox = TRUE, digits = NA, null = "null") |>
  req_perform() |>
  resp_body_json()
cat(jsonlite::toJSON(answer, auto_unbox = TRUE, digits = NA), "\\n")
`;
}
