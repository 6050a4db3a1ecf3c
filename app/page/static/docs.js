let answers; // the schema of an answer
const byId = (id) => document.getElementById(id);
const element = (name, text, attributes = {}) => {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

// The word for an input in the form: its name without underscores, and without the unit at the end.
function caption(name, unit) {
  return (unit && name.endsWith(`_${unit}`) ? name.slice(0, -unit.length - 1) : name).replaceAll("_", " ");
}

function range(schema) {
  const { minimum, maximum, "x-unit": unit = "" } = schema;
  const both = minimum !== undefined && maximum !== undefined;
  const bounds = both ? `${minimum}–${maximum}` : minimum !== undefined ? `from ${minimum}` : maximum !== undefined ? `to ${maximum}` : "";
  return `${bounds} ${unit}`.trim();
}

function choice(name, schema, chosen) {
  const select = element("select", "", { name });
  for (const value of schema.enum ?? [true, false]) if (value !== null) select.append(element("option", String(value), { value }));
  if (isOptional(schema)) select.append(element("option", "(missing)", { value: "", "data-missing": "" }));
  select.value = String(chosen);
  return select;
}

const isOptional = (schema) => Array.isArray(schema.type) && schema.type.includes("null");
const hasType = (schema, type) => [schema.type].flat().includes(type);

function field(name, schema) {
  const label = element("label", caption(name, schema["x-unit"]));
  label.append(element("small", [range(schema), isOptional(schema) ? "may be missing" : ""].filter(Boolean).join(", ")));
  const chosen = schema.examples[0], title = schema.description ?? "";
  const closed = schema.enum || hasType(schema, "boolean");
  const input = closed ? choice(name, schema, chosen) : element("input", "", { name, type: "number", step: "any", value: chosen });
  input.title = title;
  input.dataset.kind = hasType(schema, "boolean") ? "boolean" : schema.enum ? "category" : "number";
  label.append(input);
  return label;
}

function read(input) {
  if (input.dataset.kind === "number") return input.value === "" ? null : Number(input.value);
  if (input.selectedOptions[0]?.hasAttribute("data-missing")) return null;
  return input.dataset.kind === "boolean" ? input.value === "true" : input.value;
}

function body() {
  const values = Object.create(null); // a name may be __proto__
  for (const input of byId("form").querySelectorAll("input, select")) values[input.name] = read(input);
  return JSON.stringify(values);
}

function showShell() {
  byId("shell").textContent = `curl ${new URL("predict", location.href)} -H 'content-type: application/json' -d '${body()}'`;
}

function showAnswer(status, answer) {
  const place = byId("answer");
  place.replaceChildren();
  if (status !== 200) {
    place.append(element("h3", answer.title ?? `Status ${status}`, { class: "problem" }));
    for (const error of answer.suggestion ? [answer] : answer.errors ?? [answer]) place.append(element("p", error.detail));
    if (answer.suggestion) place.append(suggestion(answer.suggestion));
    return;
  }
  showValues(place, answer);
  if (answer.in_distribution === false) {
    const missing = "a value is missing, so that it cannot be compared with what the model knows";
    const far = () => `unlike all that the model knows, ${answer.distance.toFixed(1)} standard deviations from the nearest`;
    place.append(element("p", `Doubtful: ${answer.distance === null ? missing : far()}.`, { class: "doubt" }));
  }
  if (answer.prediction_set) place.append(element("p", `Cannot be excluded: ${answer.prediction_set.join(", ")}.`));
}

function showValues(place, answer) {
  const properties = answers.properties, label = Object.keys(properties).find((name) => properties[name].enum);
  if (label) {
    place.append(element("h3", answer[label]));
    for (const [name, probability] of Object.entries(answer.probabilities ?? {})) {
      const row = element("div", "", { class: "row" });
      row.append(element("span", name), element("meter", "", { value: probability, "aria-label": name }));
      row.append(element("span", `${(100 * probability).toFixed(2)} %`, { class: "number" }));
      place.append(row);
    }
    return;
  }
  const several = properties.prediction.properties;
  for (const name of several ? Object.keys(several) : [""]) {
    const [schema, number] = name ? [several[name], answer.prediction[name]] : [properties.prediction, answer.prediction];
    const interval = answer.interval && (name ? answer.interval[name] : answer.interval), unit = schema["x-unit"] ?? "";
    place.append(element("h3", `${name ? `${name}: ` : ""}${number} ${unit}`.trim()));
    if (interval) place.append(element("p", `Cannot be excluded: ${interval[0]} to ${interval[1]} ${unit}`.trim() + "."));
  }
}

function suggestion(values) {
  const button = element("button", "Use the suggestion", { type: "button", id: "suggestion" });
  button.addEventListener("click", () => {
    for (const [name, value] of Object.entries(values)) byId("form").elements.namedItem(name).value = String(value);
    showShell();
    byId("form").requestSubmit();
  });
  return button;
}

async function predict(event) {
  event.preventDefault();
  try {
    const response = await fetch("predict", { method: "POST", headers: { "content-type": "application/json" }, body: body() });
    const answer = await response.json();
    showAnswer(response.status, answer);
    byId("exchange").textContent = `${response.status} ${response.headers.get("content-type")}\n\n${JSON.stringify(answer, null, 2)}`;
  } catch (error) {
    showAnswer(0, { title: "No answer", detail: `The service did not answer (${error.message}). Is it running?` });
  }
}

async function start() {
  const api = await (await fetch("openapi.json")).json();
  const form = byId("form");
  answers = api.components.schemas.PredictionAnswer;
  document.title = document.querySelector("h1").textContent = api.info.title;
  byId("summary").textContent = api.info.summary;
  for (const [name, schema] of Object.entries(api.components.schemas.Measurements.properties)) form.append(field(name, schema));
  form.append(element("button", "Predict", { id: "predict" }));
  form.noValidate = true; // a wrong value shows the service's own answer
  form.addEventListener("submit", predict);
  form.addEventListener("input", showShell);
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const row = element("tr", "");
      row.append(element("th", `${method.toUpperCase()} ${path}`), element("td", operation.summary));
      byId("operations").append(row);
    }
  }
  showShell();
}
start().catch((error) => showAnswer(0, { title: "The page could not start", detail: error.message }));
