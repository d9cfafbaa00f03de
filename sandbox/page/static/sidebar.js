// Servers, channels, one's voice connection, and whom one acts as.

import { $, attempt, avatar, fill, h, keepFocus } from "./dom.js";
import { channelNamed, me, myVoice, on, server, state, user } from "./state.js";
import * as sound from "./voice.js";
import { call } from "./wire.js";

let go = null;  // (server id, channel id) opens them
const LOCALES = ["en-US", "en-GB", "zh-TW", "zh-CN", "ja", "de", "fr", "es-ES", "ko"];

export function start(openPlace) {
  go = openPlace;
  on("world", draw);
  on("place", draw);
  on("unread", draw);
  on("speaking", drawLights);
  on("meter", drawMeter);
}

function draw() {
  drawRail();
  drawChannels();
  drawVoice();
  drawSelf();
  drawLights();
}

const initials = (name) => name.split(/\s+/).map((w) => w[0]).join("").slice(0, 2);

function drawRail() {
  const direct = state.world.direct;
  const entry = (id, name, text, ids) => h("button", {
    type: "button", class: "server", "aria-current": state.server === id ? "true" : undefined, title: name, onclick: () => go(id),
    "aria-label": name + (ids.some((i) => state.unread[i]) ? ", unread messages" : ""),
  }, text, badge(ids));
  keepFocus($("rail"), () => fill($("rail"),
    entry("direct", "Direct messages", "✉", [direct]), h("hr"),
    state.world.servers.map((s) => entry(s.id, s.name, initials(s.name), s.channels.map((c) => c.id)))));
}

function badge(ids) {
  const pings = ids.reduce((sum, id) => sum + (state.pings[id] ?? 0), 0);
  if (pings) return h("span", { class: "pings" }, String(pings));
  return ids.some((id) => state.unread[id]) ? h("span", { class: "dot" }) : null;
}

function drawChannels() {
  const here = server();
  $("place").textContent = here?.name ?? "Direct messages";
  const list = here
    ? [h("h3", {}, "Text"), ...here.channels.filter((c) => c.kind === "text").map(textChannel),
      h("h3", {}, "Voice"), ...here.channels.filter((c) => c.kind === "voice").map(voiceChannel)]
    : [textChannel({ id: state.world.direct, name: "Parley", direct: true })];
  keepFocus($("channels"), () => fill($("channels"), list));
}

function textChannel(channel) {
  return h("button", {
    type: "button", class: state.unread[channel.id] ? "channel unread" : "channel",
    "aria-current": state.channel === channel.id ? "page" : undefined, onclick: () => go(state.server, channel.id),
  }, h("span", { class: "sign", "aria-hidden": "true" }, channel.direct ? "@" : "#"), channel.name, badge([channel.id]));
}

function voiceChannel(channel) {
  const inside = channel.voice.includes(me());
  const join = async () => {
    await sound.open();
    if (!inside) await attempt(() => call("join", { channel: channel.id }));
  };
  return h("div", { class: "voice-channel" },
    h("button", {
      type: "button", class: "channel", "aria-label": inside ? `${channel.name}, you are here` : `Join voice channel ${channel.name}`,
      "aria-current": inside ? "true" : undefined, onclick: join, disabled: !channel.can_connect,
    }, h("span", { class: "sign drawn speaker", "aria-hidden": "true" }), channel.name, channel.voice.length > 0 && h("span", { class: "count" }, String(channel.voice.length))),
    channel.voice.length > 0 && h("ul", { "aria-label": `In ${channel.name}` }, channel.voice.map((id) =>
      h("li", { class: "in-voice" }, avatar(id, user(id).name, user(id).bot), user(id).name, h("span", { class: "sr speaking-word", data: { user: id } })))));
}

function drawLights() {
  for (const node of document.querySelectorAll(".in-voice .avatar")) {
    node.classList.toggle("speaking", state.speaking.has(node.dataset.user));
  }
  for (const node of document.querySelectorAll(".speaking-word")) {
    const text = state.speaking.has(node.dataset.user) ? " is speaking" : "";
    if (node.textContent !== text) node.textContent = text;
  }
}

function drawVoice() {
  const where = myVoice();
  const root = $("voice");
  root.hidden = !where;
  if (!where) return;
  const muted = sound.deafened();
  keepFocus(root, () => fill(root,
    h("p", { class: "connected" }, "● Voice connected", h("small", {}, `${where.name} / ${where.server.name}`)),
    h("p", { id: "meter", title: "Delay from a packet's arrival to the loudspeaker; frames later than 40 ms; lost; stalls heard" }),
    h("div", { class: "row" },
      h("button", { type: "button", class: "button", "aria-pressed": String(muted), onclick: () => { sound.deafen(!muted); drawVoice(); } }, muted ? "Unmute sound" : "Mute sound"),
      h("button", { type: "button", class: "button danger", onclick: async () => { await attempt(() => call("leave")); sound.flush(); } }, "Leave voice"))));
  drawMeter();
}

function drawMeter() {
  const node = $("meter");
  if (!node) return;
  const m = sound.meter;
  const text = m.frames
    ? `delay ${m.delayMs ?? "…"} ms · late ${m.late} of ${m.frames}${m.lost ? ` · lost ${m.lost}` : ""}${m.underruns ? ` · stalls ${m.underruns}` : ""}`
    : "nothing heard yet: /voice join, then /chat";
  if (node.textContent !== text) node.textContent = text;
}

function drawSelf() {
  const root = $("self");
  const mine = state.world.people.find((p) => p.id === me());
  const who = h("select", { id: "act-as", "aria-label": "Act as", onchange: (e) => attempt(() => call("as", { who: e.target.value })) },
    state.world.people.map((p) => h("option", { value: p.id, selected: p.id === me() }, p.note ? `${p.name} (${p.note})` : p.name)));
  const locale = h("select", { "aria-label": "Language of your Discord", onchange: (e) => attempt(() => call("locale", { locale: e.target.value })) },
    LOCALES.map((l) => h("option", { value: l, selected: l === state.world.locale }, l)));
  keepFocus(root, () => fill(root, avatar(me(), mine?.name ?? "?"), h("div", { class: "who" }, h("small", {}, "acting as"), who), locale));
}

export const title = () => (state.server === "direct" ? "Parley" : channelNamed(state.channel));
