// The members of the server looked at, and what one may do with each.

import { $, attempt, avatar, fill, h, keepFocus, toast } from "./dom.js";
import { interact } from "./components.js";
import { showMenu } from "./menu.js";
import { me, on, server, state, user } from "./state.js";
import { call } from "./wire.js";

const DEEDS = [["mute", "Server mute, or unmute"], ["disconnect", "Disconnect from voice"], ["time_out", "Time out for 5 minutes"], ["kick", "Kick"]];

export function start() {
  on("world", draw);
  on("place", draw);
  on("trouble", draw);
}

function draw() {
  const here = server();
  const extras = (state.trouble?.extras ?? []).filter((e) => e.people);
  const members = here?.members ?? [];
  const bots = members.filter((m) => user(m.id).bot);
  const others = members.filter((m) => !user(m.id).bot);
  keepFocus($("people"), () => fill($("people"),
    bots.length > 0 && [h("h3", {}, "Apps"), h("ul", {}, bots.map(entry))],
    h("h3", {}, here ? `Members, ${others.length}` : "Direct messages"),
    h("ul", {}, others.map(entry)),
    extras.map((extra) => h("button", { type: "button", class: "button wide", onclick: () => turn(extra.name) }, extra.label)),
    (state.trouble?.dials ?? []).map(dial)));
}

async function turn(what, fields = {}) {
  const said = await attempt(() => call("fault", { what, ...fields }));
  if (said) toast(said);
}

/** A few positions, one of which is on. */
function dial({ name, label, value, choices }) {
  return h("fieldset", { class: "dial" }, h("legend", {}, label), choices.map((choice) =>
    h("label", {}, h("input", { type: "radio", name, value: choice.value, checked: choice.value === value, onchange: () => turn(name, { value: choice.value }) }),
      h("span", {}, choice.label))));
}

function entry(member) {
  const { name, bot } = user(member.id);
  const online = !bot || state.world.online;
  const notes = [member.owner && "owner", ...member.roles.filter((r) => r !== name), member.muted && "muted", member.timed_out && "timed out", bot && !online && "offline"].filter(Boolean);
  return h("li", {}, h("button", {
    type: "button", class: online ? "person" : "person away", "aria-haspopup": "menu",
    onclick: (event) => showMenu(event.currentTarget, entries(member), name),
  }, avatar(member.id, name, bot), h("span", {}, name, notes.length > 0 && h("small", {}, notes.join(", ")))));
}

async function entries(member) {
  const here = server();
  const offers = (await attempt(() => call("offers", { channel: state.channel }))) ?? [];
  const found = offers.filter((o) => o.kind === 2).map((o) => ({
    label: `${o.label} ⟶ app`, run: () => interact("menu", { name: o.path, user: member.id, channel: state.channel }),
  }));
  const person = state.world.people.find((p) => p.id === member.id);
  if (person && member.id !== me()) found.push({ label: `Act as ${person.name}`, run: () => attempt(() => call("as", { who: person.id })) });
  for (const [what, label] of DEEDS) {
    if (here.moderate[what] && member.id !== me()) {
      found.push({ label, danger: true, run: () => attempt(() => call("moderate", { what, guild: here.id, user: member.id })) });
    }
  }
  found.push({ label: "Mention", run: () => { const t = $("composer-text"); if (t) { t.value += `@${user(member.id).name} `; t.focus(); } } });
  return found;
}
