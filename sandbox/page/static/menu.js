// A small menu by a button: arrow keys move, Escape closes, focus goes back.

import { $, h } from "./dom.js";

let closeOpen = null;

/** Show `entries` ({label, run, danger}; a promise of them, too) beside `anchor`. */
export async function showMenu(anchor, entries, label) {
  closeOpen?.();
  const found = await entries;
  const menu = h("div", { class: "menu", role: "menu", "aria-label": label }, found.map((entry) =>
    h("button", {
      type: "button", role: "menuitem", class: entry.danger ? "danger" : "",
      onclick: () => { close(); entry.run(); },
    }, entry.label)));
  const outside = (event) => { if (!menu.contains(event.target)) close(false); };
  const close = (focus = true) => {
    menu.remove();
    document.removeEventListener("pointerdown", outside);
    closeOpen = null;
    if (focus && anchor.isConnected) anchor.focus();
  };
  closeOpen = close;
  menu.onkeydown = (event) => {
    const items = [...menu.children];
    const at = items.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      items[(to + items.length) % items.length].focus();
    }
    if (event.key === "Escape" || event.key === "Tab") { event.preventDefault(); close(); }
  };
  $("popup-root").append(menu);
  const box = anchor.getBoundingClientRect();
  const width = menu.offsetWidth;
  menu.style.left = `${Math.max(8, Math.min(box.right - width, innerWidth - width - 8))}px`;
  const below = box.bottom + menu.offsetHeight + 8 < innerHeight;
  menu.style.top = `${Math.max(8, below ? box.bottom + 4 : box.top - menu.offsetHeight - 4)}px`;
  menu.firstElementChild?.focus();
  document.addEventListener("pointerdown", outside);
}
