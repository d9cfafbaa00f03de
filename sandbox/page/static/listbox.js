// Completion under (above, on this page) a text field: a combobox with a listbox.

import { fill, h } from "./dom.js";

let count = 0;

/**
 * Attach to `field`. `source()` gives items {label, detail, hint, run} for what is typed now (a
 * promise, too), or an empty list. Returns {refresh, open}.
 */
export function listbox(field, holder, label, source) {
  count += 1;
  const id = `list${count}`;
  const list = h("ul", { class: "listbox", id, role: "listbox", "aria-label": label, hidden: true });
  holder.prepend(list);
  let items = [];
  let at = 0;
  let turn = 0;
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", id);
  field.setAttribute("aria-expanded", "false");
  field.setAttribute("autocomplete", "off");

  const close = () => show([]);
  const mark = () => {
    [...list.children].forEach((node, i) => node.setAttribute("aria-selected", String(i === at)));
    if (items.length) field.setAttribute("aria-activedescendant", `${id}-${at}`);
    else field.removeAttribute("aria-activedescendant");
    list.children[at]?.scrollIntoView({ block: "nearest" });
  };
  const pick = (i) => { const item = items[i]; close(); item.run(); field.focus(); };
  function show(found) {
    items = found;
    at = 0;
    list.hidden = !found.length;
    field.setAttribute("aria-expanded", String(Boolean(found.length)));
    fill(list, found.map((item, i) => {
      const node = h("li", { id: `${id}-${i}`, role: "option" },
        h("b", {}, item.label), item.hint && h("span", { class: "hint" }, item.hint), item.detail && h("span", { class: "detail" }, item.detail));
      node.onpointerdown = (event) => { event.preventDefault(); pick(i); };
      return node;
    }));
    mark();
  }
  async function refresh() {
    turn += 1;
    const mine = turn;
    const found = (await source()) ?? [];
    if (mine === turn) show(found);
  }
  field.addEventListener("input", refresh);
  field.addEventListener("blur", () => { turn += 1; close(); });
  field.addEventListener("keydown", (event) => {
    if (list.hidden || event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { at = (at + step + items.length) % items.length; mark(); }
    else if (event.key === "Enter" || event.key === "Tab") pick(at);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  return { refresh, open: () => !list.hidden };
}
