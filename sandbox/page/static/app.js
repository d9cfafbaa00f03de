// The page's front door: connects, keeps the state, and has each part draw itself.

import * as composer from "./composer.js";
import { $, attempt, fill, h, toast } from "./dom.js";
import * as log from "./log.js";
import * as people from "./people.js";
import * as sidebar from "./sidebar.js";
import { changed, channels, me, server, state } from "./state.js";
import * as voice from "./voice.js";
import { call, connect } from "./wire.js";
import * as workshop from "./workshop.js";

const TYPING_MS = 9000;
const phone = matchMedia("(max-width: 760px)");

/** Look at a server, or at a channel of it. */
async function go(serverId, channelId) {
  const here = state.world.servers.find((s) => s.id === serverId);
  state.server = here ? serverId : "direct";
  const texts = here?.channels.filter((c) => c.kind === "text").map((c) => c.id) ?? [state.world.direct];
  const wanted = channelId ?? state.last[state.server];
  state.channel = texts.includes(wanted) ? wanted : texts[0] ?? null;
  state.last[state.server] = state.channel;
  delete state.unread[state.channel];
  delete state.pings[state.channel];
  const channel = state.channel;
  state.messages = new Map();
  $("channel-name").textContent = (state.server === "direct" ? "@ " : "# ") + sidebar.title();
  document.title = `${sidebar.title()} · Parley on localhost`;
  side(false);
  changed("place");
  log.drawAll();
  composer.draw();
  if (!phone.matches) composer.focus();
  const found = channel ? await attempt(() => call("open", { channel })) : [];
  if (channel !== state.channel) return;
  // What came while the list was on its way is newer than the list.
  state.messages = new Map([...(found ?? []).map((m) => [m.id, m]), ...state.messages]);
  log.drawAll();
}

function onWorld(world) {
  const before = state.world;
  state.world = world;
  state.speaking.forEach((id) => { if (!channels().some((c) => c.voice?.includes(id))) state.speaking.delete(id); });
  const moved = before?.me !== world.me || before?.locale !== world.locale;
  changed("world");
  drawNote();
  if (!before || moved || (state.server !== "direct" && !server())) {
    state.unread = before?.me === world.me ? state.unread : {};
    state.pings = {};
    voice.flush();
    go(state.server ?? world.servers[0]?.id ?? "direct", state.channel);
  } else if (before.online !== world.online) {
    composer.learn();
  }
}

const EVENTS = {
  world: ({ world }) => onWorld(world),
  hello: ({ note, trouble }) => { state.note = note; drawNote(); state.trouble = trouble; changed("trouble"); },
  trouble: ({ trouble }) => { state.trouble = trouble; changed("trouble"); },
  message: ({ message, pinged }) => {
    const here = message.channel_id === state.channel;
    if (here) { log.put(message); return; }
    if (!pinged && (message.edited_timestamp || message.author.id === me())) return;
    state.unread[message.channel_id] = (state.unread[message.channel_id] ?? 0) + 1;
    if (pinged || message.channel_id === state.world.direct) state.pings[message.channel_id] = (state.pings[message.channel_id] ?? 0) + 1;
    changed("unread");
  },
  gone: ({ channel, message }) => { if (channel === state.channel) log.take(message); },
  typing: ({ channel, user }) => {
    if (channel !== state.channel) return;
    state.typing.set(user, Date.now() + TYPING_MS);
    changed("typing");
  },
  speaking: ({ user, on }) => { if (on) voice.light(user); else voice.speaking(user, false); },
  failed: ({ summary }) => toast(`${summary.split(" ")[0]}: the application did not respond`, true),
  incident: (event) => changed("incident", event),
  bench: ({ bench }) => drawBench(bench),
};

function drawNote() {
  const text = `${state.world.online ? "" : "Parley is not connected (yet). "}${state.note}`;
  if ($("note").textContent !== text) $("note").textContent = text;
}

function drawBench(bench) {
  if (bench.acknowledged === undefined) { fill($("bench")); return; }
  const time = (s) => (s === null || s === undefined ? "…" : s < 1 ? `${Math.round(s * 1000)} ms` : `${s.toFixed(2)} s`);
  const cell = (name, long, s) => h("div", { title: long }, h("dt", {}, name), h("dd", {}, time(s)));
  fill($("bench"), cell("ack", "Acknowledged after", bench.acknowledged),
    cell("text", "First text after", bench.text), cell("sound", "First sound after", bench.sound));
}

function side(open) {
  document.body.classList.toggle("side-open", open);
  $("open-side").setAttribute("aria-expanded", String(open));
}

function theme(next) {
  document.documentElement.dataset.theme = next;
  localStorage.setItem("theme", next);
}

function main() {
  const light = matchMedia("(prefers-color-scheme: light)").matches;
  document.documentElement.dataset.theme = localStorage.getItem("theme") ?? (light ? "light" : "dark");
  $("theme").onclick = () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  $("open-side").onclick = () => side(!document.body.classList.contains("side-open"));
  $("toggle-people").onclick = () => workshop.showPeople($("people").hidden);
  $("toggle-workshop").onclick = () => workshop.setOpen($("workshop").hidden);
  if (phone.matches) workshop.showPeople(false);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") side(false);
    if (event.key === "/" && !/INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName)) { event.preventDefault(); composer.focus(); }
  });
  sidebar.start(go);
  log.start();
  people.start();
  workshop.start();
  composer.start();
  connect((event) => EVENTS[event.ev]?.(event), voice.hear, () => toast("The sandbox has been closed. Start `make try` again, and open the new address.", true));
}

main();
