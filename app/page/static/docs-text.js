/** Bodies as text to read, and requests as commands of a shell. */

/** @typedef {import("../openapi.js").Asked} Asked */

const INLINE = 72; // characters of an array of numbers that stays on one line
const TOKENS = /"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s"[\]{}:,]+/g;

/**
 * Indent a JSON document. Numbers and strings stay as they were sent.
 * @param {string} text @returns {string}
 */
export function indented(text) {
  const tokens = text.match(TOKENS) ?? [];
  let made = "";
  let depth = 0;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] ?? "";
    const short = token === "[" ? inline(tokens, at) : null;
    if (short !== null) {
      made += short.text;
      at = short.end;
    } else if (token === "{" || token === "[") {
      made += tokens[at + 1] === "}" ? "{}" : `${token}\n${"  ".repeat(++depth)}`;
      if (tokens[at + 1] === "}") at++;
    } else if (token === "}" || token === "]") {
      made += `\n${"  ".repeat((depth = Math.max(0, depth - 1)))}${token}`;
    } else {
      made += token === "," ? `,\n${"  ".repeat(depth)}` : token === ":" ? ": " : token;
    }
  }
  return made;
}

/** @param {string[]} tokens @param {number} start @returns {{ text: string, end: number } | null} */
function inline(tokens, start) {
  let text = "[";
  for (let at = start + 1; at < tokens.length && text.length < INLINE; at++) {
    const token = tokens[at] ?? "";
    if (token === "]") return { text: `${text}]`, end: at };
    if (token === "[" || token === "{") return null;
    text += token === "," ? ", " : token;
  }
  return null;
}

/** @param {string} text a text for a shell */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * Return the command of curl that sends a request.
 * @param {Asked} asked
 */
export function curl(asked) {
  const lines = [`curl ${asked.method === "GET" ? "" : `-X ${asked.method} `}${quoted(asked.url)}`];
  for (const [name, value] of Object.entries(asked.headers)) lines.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (asked.body instanceof File) lines.push(`--data-binary ${quoted(`@${asked.body.name}`)}`);
  else if (asked.body !== null) lines.push(`--data-raw ${quoted(asked.body)}`);
  return lines.join(" \\\n  ");
}

/** @param {number} bytes */
export function size(bytes) {
  return bytes < 10_000 ? `${bytes} bytes` : `${(bytes / 1000).toFixed(bytes < 100_000 ? 1 : 0)} kB`;
}
