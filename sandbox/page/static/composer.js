// Where one writes: messages, replies, mentions, files; and slash commands (command.js).

import { $, attempt, fill, h, toast } from "./dom.js";
import { openCommand, parse } from "./command.js";
import { fileOf } from "./fields.js";
import { listbox } from "./listbox.js";
import { channelNamed, channels, on, server, state, user } from "./state.js";
import { call } from "./wire.js";

let offers = [];
let files = [];
let field = null;
let completing = null;
let typedAt = 0;

export function start() {
  on("reply", drawReply);
}

/** The commands offered here may be others now. */
export async function learn() {
  if (!state.channel) return;
  const { me, locale } = state.world;
  offers = (await attempt(() => call("offers", { channel: state.channel }))) ?? [];
  $("composer").dataset.offeredTo = `${me} ${locale}`;
}

/** Draw the composer for the channel looked at. */
export function draw() {
  const root = $("composer");
  const here = channels().find((c) => c.id === state.channel);
  state.replyTo = null;
  files = [];
  field = h("textarea", {
    id: "composer-text", rows: 1, placeholder: here && !here.can_send ? "You may not write here" : `Message ${state.server === "direct" ? "@" : "#"}${channelNamed(state.channel)}, or / for commands`,
    "aria-label": "Message", disabled: Boolean(here && !here.can_send),
  });
  const picker = h("input", { type: "file", multiple: true, hidden: true, id: "picker", "aria-label": "Files" });
  picker.onchange = () => { add([...picker.files]); picker.value = ""; };
  const box = h("div", { class: "box" },
    h("button", { type: "button", class: "icon", "aria-label": "Attach files", title: "Attach files", onclick: () => picker.click() }, "＋"),
    picker, field,
    h("button", { type: "button", class: "icon send", "aria-label": "Send", title: "Send", onclick: send }, "➤"));
  fill(root, h("div", { id: "reply" }), h("div", { id: "files", class: "row" }), box);
  completing = listbox(field, root, "Completions", complete);
  field.addEventListener("input", typed);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
    if (event.key === "Escape") { state.replyTo = null; drawReply(); }
  });
  field.onpaste = (event) => { if (event.clipboardData.files.length) add([...event.clipboardData.files]); };
  $("main").ondragover = (event) => event.preventDefault();
  $("main").ondrop = (event) => { event.preventDefault(); add([...event.dataTransfer.files]); };
  learn();
}

export const focus = () => field?.focus();

function typed() {
  grow();
  const text = field.value;
  // As in Discord, a space after a command's full name opens its options.
  const exact = offers.find((o) => o.kind === 1 && (text === `/${o.label} ` || text === `/${o.path} `));
  const longer = exact && offers.some((o) => o.kind === 1 && o.path.startsWith(`${exact.path} `));
  if (exact && !longer) { begin(exact); return; }
  if (text && !text.startsWith("/") && Date.now() - typedAt > 8000) {
    typedAt = Date.now();
    call("typing", { channel: state.channel }).catch(() => {});
  }
}

function grow() {
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight, 200)}px`;
}

/** Open a command's options in place of the text field. */
function begin(offer, given = {}) {
  field.value = "";
  grow();
  if (!offer.options.length) { run(offer, {}); return; }
  const back = () => { draw(); focus(); };
  const form = openCommand($("composer"), offer, given, (options) => run(offer, options, () => form.isConnected && back()), back);
}

/** Send a command; `done` once the bot has taken it. */
async function run(offer, options, done = focus) {
  const { interact } = await import("./components.js");
  const answer = await interact("command", { channel: state.channel, path: offer.path, options });
  // Who went on meanwhile, be it with another command, keeps what was begun.
  if (answer) done();
  return Boolean(answer);
}

async function complete() {
  const text = field.value.slice(0, field.selectionStart);
  if (text.startsWith("/")) {
    if (!offers.length) await learn();
    const wanted = text.slice(1).toLowerCase();
    return offers.filter((o) => o.kind === 1 && [o.label, o.path].some((n) => n.toLowerCase().startsWith(wanted))
      || o.kind === 1 && wanted.length > 1 && o.path.includes(wanted)).slice(0, 40)
      .map((o) => ({ label: `/${o.label}`, hint: o.options.map((p) => p.label).join(" "), detail: o.description, run: () => begin(o) }));
  }
  const mention = /(^|\s)@([\w-]*)$/.exec(text);
  if (!mention) return [];
  const ids = state.server === "direct" ? [state.world.bot] : (server()?.members ?? []).map((m) => m.id);
  return ids.filter((id) => user(id).name.toLowerCase().startsWith(mention[2].toLowerCase())).slice(0, 10)
    .map((id) => ({ label: `@${user(id).name}`, run: () => insert(mention[2].length + 1, `@${user(id).name} `) }));
}

function insert(length, text) {
  const at = field.selectionStart;
  field.setRangeText(text, at - length, at, "end");
  grow();
}

/** `@name` as it is sent; longer names first, so that one may begin with another. */
function withMentions(text) {
  const known = Object.entries(state.world.users).sort(([, a], [, b]) => b.name.length - a.name.length);
  for (const [id, { name }] of known) text = text.split(`@${name}`).join(`<@${id}>`);
  return text;
}

async function send() {
  const text = field.value.trim();
  if (!text && !files.length) return;
  if (text.startsWith("/") && !files.length) {
    const found = parse(text.slice(1), offers);
    if (!found) {
      await attempt(() => call("command", { channel: state.channel, path: text.slice(1), options: {} }));
    } else if (found.offer.options.some((o) => o.required && !(o.name in found.given))) {
      begin(found.offer, found.given);
    } else {
      field.value = "";
      grow();
      if (!(await run(found.offer, found.given)) && !field.value) field.value = text;
    }
    return;
  }
  const fields = { channel: state.channel, text: withMentions(text), reply_to: state.replyTo?.id };
  const from = field;
  const done = await attempt(async () => call("say", { ...fields, files: await Promise.all(files.map(fileOf)) }));
  // Who looks at another channel by now may have begun to write there.
  if (!done || from !== field) return;
  field.value = "";
  files = [];
  state.replyTo = null;
  drawReply();
  drawFiles();
  grow();
}

function add(more) {
  files.push(...more);
  if (more.some((f) => f.size > 10 * 1024 * 1024)) toast("A file has at most 10 MB", true);
  files = files.filter((f) => f.size <= 10 * 1024 * 1024);
  drawFiles();
}

function drawFiles() {
  fill($("files"), files.map((f) => h("button", {
    type: "button", class: "chip", "aria-label": `Remove ${f.name}`,
    onclick: () => { files = files.filter((g) => g !== f); drawFiles(); },
  }, `${f.name} ✕`)));
}

function drawReply() {
  const to = state.replyTo;
  fill($("reply"), to && h("p", { class: "replying" }, "Replying to ", h("b", {}, to.author.name),
    h("button", { type: "button", class: "icon", "aria-label": "Do not reply", onclick: () => { state.replyTo = null; drawReply(); } }, "✕")));
  if (to) focus();
}
