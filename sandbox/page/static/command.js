// A slash command being filled in: one labelled field for each option.

import { fill, h } from "./dom.js";
import { channelsHere, fileOf, peopleHere, rolesHere } from "./fields.js";
import { listbox } from "./listbox.js";
import { state } from "./state.js";
import { call } from "./wire.js";

/** `/path name:value rest`: what follows no name is the first text option. */
export function parse(line, offers) {
  const slash = offers.filter((o) => o.kind === 1).sort((a, b) => b.path.length - a.path.length);
  const named = (o) => [o.path, o.label].find((n) => line === n || line.startsWith(`${n} `));
  const offer = slash.find(named);
  if (!offer) return null;
  const rest = line.slice(named(offer).length).trim();
  const given = {};
  const loose = [];
  for (const word of rest.split(" ").filter(Boolean)) {
    const [name, ...value] = word.split(":");
    const option = value.length && offer.options.find((o) => o.name === name || o.label === name);
    if (option) given[option.name] = typedValue(option, value.join(":"));
    else loose.push(word);
  }
  const free = offer.options.find((o) => o.type === 3 && !(o.name in given));
  if (loose.length && free) given[free.name] = Object.keys(given).length ? loose.join(" ") : rest;
  return { offer, given };
}

function typedValue(option, text) {
  if (option.type === 5) return text.toLowerCase() === "true";
  return text;
}

/** Show the command's options in `root`; `run(options)` sends it, `leave()` goes back. Gives the form. */
export function openCommand(root, offer, given, run, leave) {
  const shown = offer.options.filter((o) => o.required || o.name in given);
  if (!shown.length) shown.push(offer.options[0]);
  const controls = new Map();
  const fields = h("div", { class: "options" });
  const more = h("div", { class: "row more" });
  const form = h("form", { class: "command", "aria-label": `/${offer.label}` },
    h("p", { class: "command-name" }, h("b", {}, `/${offer.label}`), " ", offer.description,
      h("button", { type: "button", class: "icon", "aria-label": "Cancel the command", onclick: leave }, "✕")),
    fields,
    h("div", { class: "row end" }, more, h("button", { type: "submit", class: "button primary" }, "Send")));

  const add = (option, focus) => {
    const node = fieldFor(offer, option, given[option.name], controls);
    fields.append(node);
    drawMore();
    if (focus) node.querySelector("input, select, textarea").focus();
  };
  const drawMore = () => fill(more, offer.options.filter((o) => !controls.has(o.name)).map((o) =>
    h("button", { type: "button", class: "chip", title: o.description, onclick: () => add(o, true) }, `+ ${o.label}`)));

  form.onsubmit = async (event) => {
    event.preventDefault();
    const options = {};
    for (const [name, read] of controls) {
      const value = await read();
      if (value !== undefined && value !== "") options[name] = value;
    }
    await run(options);
  };
  form.onkeydown = (event) => {
    if (event.key === "Escape") leave();
    if (event.key === "Enter" && !event.shiftKey && event.target.tagName === "TEXTAREA" && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  };
  fill(root, form);
  shown.forEach((option) => add(option, false));
  fields.querySelector("input, select, textarea")?.focus();
  return form;
}

function fieldFor(offer, option, given, controls) {
  const holder = h("div", { class: "control" });
  const control = controlFor(option, given);
  holder.append(control);
  controls.set(option.name, () => read(option, control));
  if (option.autocomplete) {
    listbox(control, holder, `Choices for ${option.label}`, async () => {
      const options = {};
      for (const [name, value] of controls) {
        const found = await value();
        if (name !== option.name && found !== undefined && found !== "") options[name] = found;
      }
      const found = await call("complete", { channel: state.channel, path: offer.path, focused: option.name, text: control.value, options }).catch(() => []);
      return found.map((c) => ({ label: c.name, run: () => { control.value = String(c.value); } }));
    });
    control.addEventListener("focus", () => control.dispatchEvent(new Event("input")));
  }
  return h("label", { class: "field" }, h("span", {}, option.label, option.required ? " *" : ""), h("small", {}, option.description), holder);
}

function controlFor(option, given) {
  const required = option.required;
  const choose = (items) => h("select", { required }, h("option", { value: "" }, "Choose"),
    items.map((i) => h("option", { value: String(i.value), selected: String(i.value) === String(given) }, i.label ?? i.name)));
  if (option.choices.length) return choose(option.choices);
  switch (option.type) {
    case 4: case 10: return h("input", { type: "number", step: option.type === 4 ? "1" : "any", required, value: given ?? "" });
    case 5: return choose([{ label: "Yes", value: "true" }, { label: "No", value: "false" }]);
    case 6: return choose(peopleHere());
    case 7: return choose(channelsHere(option.channel_types));
    case 8: return choose(rolesHere());
    case 9: return choose([...peopleHere(), ...rolesHere()]);
    case 11: return h("input", { type: "file", required });
    default: return option.autocomplete
      ? h("input", { type: "text", required, value: given ?? "" })
      : h("textarea", { rows: 1, required, value: given ?? "" });
  }
}

async function read(option, control) {
  if (option.type === 11) return control.files[0] ? fileOf(control.files[0]) : undefined;
  if (control.value === "") return undefined;
  if (option.choices.length) return option.choices.find((c) => String(c.value) === control.value)?.value;
  if (option.type === 5) return control.value === "true";
  if (option.type === 4 || option.type === 10) return Number(control.value);
  return control.value;
}
