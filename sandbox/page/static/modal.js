// A modal of the bot's, as a native dialog.

import { attempt, h, toast } from "./dom.js";
import { fileOf, optionsFor } from "./fields.js";
import { call } from "./wire.js";

/** Show it; submitting sends what was written back to the bot. */
export function showModal(interaction, modal) {
  const fields = modal.components.map(read).filter(Boolean);
  const problem = h("p", { class: "problem", role: "alert" });
  const form = h("form", { class: "modal" },
    h("h2", { id: "modal-title" }, modal.title),
    fields.map((f) => f.node), problem,
    h("div", { class: "row end" },
      h("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Cancel"),
      h("button", { type: "submit", class: "button primary" }, "Submit")));
  const dialog = h("dialog", { "aria-labelledby": "modal-title" }, form);
  form.onsubmit = async (event) => {
    event.preventDefault();
    const values = {};
    for (const field of fields) {
      const value = field.value && (await field.value());
      if (value !== undefined) values[field.id] = value;
    }
    try {
      const answer = await call("submit", { interaction, values });
      dialog.close();
      if (answer.modal) showModal(answer.interaction, answer.modal);
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  dialog.onclose = () => dialog.remove();
  document.body.append(dialog);
  dialog.showModal();
  form.querySelector("input, textarea, select")?.focus();
}

function read(part) {
  if (part.type === 10) return { node: h("p", {}, part.content) };
  const body = part.type === 18 ? part.component : part.components?.[0];
  if (!body) return null;
  const label = part.label ?? body.label ?? body.custom_id;
  const control = controlOf(body);
  const node = h("label", { class: "field" }, h("span", {}, label, body.required === false ? "" : " *"),
    part.description && h("small", {}, part.description), control);
  return { node, id: body.custom_id, value: () => valueOf(body, control) };
}

function controlOf(body) {
  const required = body.required !== false;
  if (body.type === 4) {
    const shared = { required, value: body.value ?? "", placeholder: body.placeholder ?? "", maxLength: body.max_length ?? 4000 };
    return body.style === 2 ? h("textarea", { ...shared, rows: 5 }) : h("input", { ...shared, type: "text" });
  }
  if (body.type === 23) return h("input", { type: "checkbox", checked: Boolean(body.default) });
  if (body.type === 19) return h("input", { type: "file", multiple: (body.max_values ?? 1) > 1, required });
  const many = (body.max_values ?? 1) > 1;
  return h("select", { multiple: many, required }, !many && h("option", { value: "" }, "Choose"),
    optionsFor(body).map((o) => h("option", { value: o.value, selected: Boolean(o.default) }, o.label)));
}

async function valueOf(body, control) {
  if (body.type === 4) return control.value;
  if (body.type === 23) return control.checked;
  if (body.type === 19) return attempt(() => Promise.all([...control.files].map(fileOf)));
  const values = [...control.selectedOptions].map((o) => o.value).filter(Boolean);
  if (!values.length && body.required !== false) toast("choose something", true);
  return body.type === 21 ? values[0] : values;
}
