// Small helpers for building nodes. Nothing here, or anywhere, turns text into markup.

export const $ = (id) => document.getElementById(id);

/** An element: `h("button", {class: "x", onclick: f, "aria-label": "Y"}, child, "text")`. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "class") node.className = value;
    else if (key === "data") Object.assign(node.dataset, value);
    else if (key in node && !key.includes("-") && key !== "list" && key !== "role") node[key] = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

/** Replace what is in a node. */
export function fill(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

/** Redraw without taking the keyboard away from whoever is in there. */
export function keepFocus(root, work) {
  const name = (node) => node.getAttribute("aria-label") ?? (node.labels?.[0] ?? node).textContent;
  const label = root.contains(document.activeElement) ? name(document.activeElement) : null;
  work();
  if (label !== null) [...root.querySelectorAll("button, select, input")].find((b) => name(b) === label)?.focus();
}

/** A colour for somebody, the same each time. */
export function hue(id) {
  let sum = 0;
  for (const c of String(id)) sum = (sum * 31 + c.charCodeAt(0)) % 360;
  return sum;
}

/** A round picture with the first letter of a name. */
export function avatar(id, name, bot = false) {
  const node = h("span", { class: bot ? "avatar bot" : "avatar", "aria-hidden": "true" }, bot ? "" : [...name][0]?.toUpperCase() ?? "?");
  if (!bot) node.style.background = `hsl(${hue(name)} 42% 38%)`;
  node.dataset.user = id;
  return node;
}

/** A short notice in the corner, which a screen reader says. */
export function toast(text, bad = false) {
  const node = h("p", { class: bad ? "toast bad" : "toast" }, text);
  $("toasts").append(node);
  setTimeout(() => node.remove(), 7000);
}

/** Say something to screen readers alone. */
export function announce(text) {
  $("announcer").textContent = text;
}

/** Run something that may be refused, and show the refusal. */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    toast(error.message, true);
    return undefined;
  }
}
