// The messages of the channel looked at: drawn once, and again one by one as they are edited.

import { $, announce, attempt, avatar, fill, h } from "./dom.js";
import { attachment, components, embed, interact } from "./components.js";
import { markdown } from "./markdown.js";
import { showMenu } from "./menu.js";
import { changed, me, on, state, user } from "./state.js";
import { call } from "./wire.js";
import { openStory } from "./workshop.js";

const EMOJI = ["👍", "❤️", "😂", "🎉", "👀", "🔁"];
let stuck = true;  // whether the newest message is kept in view

export function start() {
  const scroll = $("scroll");
  scroll.addEventListener("scroll", () => {
    stuck = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
  });
  new ResizeObserver(follow).observe($("log"));
  on("typing", drawTyping);
  setInterval(drawTyping, 1000);
}

const follow = () => { if (stuck) $("scroll").scrollTop = $("scroll").scrollHeight; };

/** Draw everything anew, after another channel was opened. */
export function drawAll() {
  stuck = true;
  fill($("log"), [...state.messages.values()].map(draw));
  group();
  follow();
}

/** Put a new message in, or an edited one in its place. */
export function put(message) {
  const before = state.messages.get(message.id);
  state.messages.set(message.id, message);
  const old = $(`m${message.id}`);
  const node = draw(message);
  if (old) {
    const keeps = old.contains(document.activeElement) ? document.activeElement.textContent : null;
    old.replaceWith(node);
    if (keeps) [...node.querySelectorAll("button")].find((b) => b.textContent === keeps)?.focus();
  } else {
    $("log").append(node);
  }
  group();
  state.typing.delete(message.author.id);
  drawTyping();
  follow();
  say(before, message);
}

/** Tell screen readers of finished messages, not of every step of a growing one. */
function say(before, message) {
  const grows = message.loading || message.components.some((row) => row.components?.some((c) => c.label === "Stop"));
  if (grows || message.author.id === me()) return;
  const grew = before?.loading || before?.components.some((row) => row.components?.some((c) => c.label === "Stop"));
  if (before && !grew) return;
  const extra = message.attachments.length ? ` with ${message.attachments.length} attachments` : "";
  announce(`${message.author.name}: ${message.content || message.embeds[0]?.title || ""}${extra}`);
}

export function take(id) {
  state.messages.delete(id);
  $(`m${id}`)?.remove();
  group();
}

/** Messages of one author that follow each other share a head. */
function group() {
  let last = null;
  for (const node of $("log").children) {
    const message = state.messages.get(node.dataset.id);
    if (!message) continue;
    const near = last && last.author.id === message.author.id && !message.used && !message.message_reference
      && !message.only_for_me && !last.only_for_me && new Date(message.timestamp) - new Date(last.timestamp) < 300000;
    node.classList.toggle("follows", Boolean(near));
    last = message;
  }
}

function draw(message) {
  const author = message.author;
  const at = new Date(message.timestamp);
  const node = h("li", {
    id: `m${message.id}`, class: "message", data: { id: message.id },
  },
    message.used && h("p", { class: "above" }, avatarSmall(message.used), h("b", {}, message.used.name), " used ", h("code", {}, message.used.summary.split(" ").slice(0, 2).filter((w) => !w.includes(":")).join(" "))),
    message.referenced_message && h("p", { class: "above" }, "↱ ", h("b", {}, message.referenced_message.author.global_name ?? message.referenced_message.author.username), " ", short(message.referenced_message.content)),
    avatar(author.id, author.name, author.bot),
    h("div", { class: "body" },
      h("p", { class: "by" }, h("b", { class: author.bot ? "name bot" : "name" }, author.name), author.bot && h("span", { class: "badge" }, "APP"),
        h("time", { dateTime: at.toISOString() }, at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }))),
      message.loading
        ? h("p", { class: "thinking" }, h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")), " Parley is thinking…")
        : h("div", { class: "text" }, markdown(message.content), message.edited_timestamp && !author.bot && h("span", { class: "edited" }, " (edited)")),
      message.attachments.map((a) => attachment(message, a)),
      message.embeds.map(embed),
      components(message, message.components),
      reactions(message),
      message.only_for_me && h("p", { class: "only" }, h("span", { class: "drawn eye", "aria-hidden": "true" }), " Only you can see this")),
    tools(message));
  if (message.mentions?.some((m) => m.id === me()) && author.id !== me()) node.classList.add("mentions-me");
  if (message.only_for_me) node.classList.add("ephemeral");
  return node;
}

/** One line of a message, without the signs that format it. */
function short(text) {
  const plain = text.replace(/^(#{1,3}|-#|>|[-*]) /gm, "").replace(/\*\*|~~|\|\||`+/g, "").replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/\s+/g, " ").trim();
  return (plain.length > 90 ? `${plain.slice(0, 90)}…` : plain) || "an attachment";
}
const avatarSmall = (used) => { const node = avatar(used.user, used.name); node.classList.add("small"); return node; };

function reactions(message) {
  if (!message.reactions?.length) return null;
  return h("div", { class: "row reactions" }, message.reactions.map((r) =>
    h("button", {
      type: "button", class: r.me ? "reaction mine" : "reaction", "aria-pressed": String(r.me),
      "aria-label": `${r.emoji.name}, ${r.count}`,
      onclick: () => attempt(() => call("react", { message: message.id, emoji: r.emoji.name, remove: r.me })),
    }, `${r.emoji.name} ${r.count}`)));
}

function tools(message) {
  const open = (event) => showMenu(event.currentTarget, entries(message), "Message");
  return h("div", { class: "tools" },
    h("button", { type: "button", class: "icon", "aria-label": "Reply", title: "Reply", onclick: () => reply(message) }, "↰"),
    h("button", { type: "button", class: "icon", "aria-label": "More for this message", title: "More", "aria-haspopup": "menu", onclick: open }, "⋯"));
}

function reply(message) {
  state.replyTo = message;
  changed("reply");
}

/** What can be done with a message: the bot's menu entries come from Discord's own list. */
async function entries(message) {
  const offers = (await attempt(() => call("offers", { channel: message.channel_id }))) ?? [];
  const mine = message.author.id === me();
  const found = offers.filter((o) => o.kind === 3).map((o) => ({
    label: `${o.label} ⟶ app`, run: () => interact("menu", { name: o.path, message: message.id }),
  }));
  found.push({ label: "Reply", run: () => reply(message) });
  if (mine) {
    found.push({ label: "Edit", run: () => edit(message) });
  }
  found.push({ label: "Timeline of this message", run: () => openStory(message.id) });
  for (const emoji of EMOJI) {
    found.push({ label: `React ${emoji}`, run: () => attempt(() => call("react", { message: message.id, emoji, remove: false })) });
  }
  found.push({ label: "Delete", danger: true, run: () => attempt(() => call("delete", { message: message.id })) });
  return found;
}

function edit(message) {
  const node = $(`m${message.id}`).querySelector(".text");
  const area = h("textarea", { class: "editing", value: message.content, rows: 2, "aria-label": "Edit your message; Enter saves, Escape cancels" });
  area.onkeydown = (event) => {
    if (event.key === "Escape") put(message);
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      attempt(() => call("edit", { message: message.id, text: area.value }));
    }
  };
  fill(node, area);
  area.focus();
}

function drawTyping() {
  const now = Date.now();
  for (const [id, until] of state.typing) if (until < now) state.typing.delete(id);
  const names = [...state.typing.keys()].filter((id) => id !== state.world?.me).map((id) => user(id).name);
  const text = names.length ? `${names.slice(0, 3).join(", ")} ${names.length > 1 ? "are" : "is"} typing…` : "";
  if ($("typing").textContent !== text) $("typing").textContent = text;
}
