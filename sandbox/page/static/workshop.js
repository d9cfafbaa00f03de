// The workshop: what can go wrong on purpose, what went wrong, and the timeline of one message.

import { $, attempt, fill, h, toast } from "./dom.js";
import { on, state } from "./state.js";
import { call } from "./wire.js";

const incidents = [];
let shown = null;  // id of the message whose timeline is shown
let lines = [];
let crowded = false;  // whether the members had to make room

export function start() {
  on("trouble", draw);
  on("incident", (incident) => {
    incidents.unshift(`${incident.kind}: ${incident.text}`);
    incidents.length = Math.min(incidents.length, 30);
    drawIncidents();
  });
}

const fault = (what, fields = {}) => async () => {
  const said = await attempt(() => call("fault", { what, ...fields }));
  if (said) toast(said);
};
const button = (label, what, fields) => h("button", { type: "button", class: "button", onclick: fault(what, fields) }, label);

/** Show the workshop with the timeline of a message. */
export async function openStory(id) {
  shown = id;
  lines = (await attempt(() => call("story", { message: id }))) ?? [];
  setOpen(true);
  drawStory();
  $("story").focus();
}

export function showPeople(open) {
  $("people").hidden = !open;
  $("toggle-people").setAttribute("aria-pressed", String(open));
}

export function setOpen(open) {
  $("workshop").hidden = !open;
  if (open && innerWidth < 1400 && !$("people").hidden) {
    crowded = true;
    showPeople(false);
  } else if (!open && crowded && innerWidth > 760) {
    crowded = false;
    showPeople(true);
  }
  $("toggle-workshop").setAttribute("aria-pressed", String(open));
  if (open && !$("story")) draw();
}

function draw() {
  const t = state.trouble;
  if (!t) return;
  const code = h("select", { "aria-label": "Close code" }, t.codes.map((c) => h("option", { value: c }, String(c))));
  fill($("workshop"),
    h("h3", {}, "Faults"),
    h("div", { class: "group" }, h("h4", {}, "Gateway"), h("div", { class: "row" },
      button("Drop it", "gateway_drop"), button("Cut it", "gateway_cut"), button("Void the session", "session"))),
    h("div", { class: "group" }, h("h4", {}, "Voice"), h("div", { class: "row" },
      code, h("button", { type: "button", class: "button", onclick: () => fault("voice_close", { code: Number(code.value) })() }, "Close with it"),
      button("Cut it", "voice_drop")),
      h("label", { class: "check" }, h("input", { type: "checkbox", checked: t.slow_dave, onchange: (e) => fault("slow_dave", { on: e.target.checked })() }), " Slow keys (DAVE)"),
      slider("Packets lost", "loss", t.loss, 0.5, (v) => `${Math.round(v * 100)} %`),
      slider("Jitter", "jitter", t.jitter_s, 0.3, (v) => `${Math.round(v * 1000)} ms`)),
    h("div", { class: "group" }, h("h4", {}, "Requests"), h("div", { class: "row" },
      button("429 to three edits", "rest_limit"), button("502 to three edits", "rest_error"))),
    t.extras.some((e) => !e.people) && h("div", { class: "group" }, h("h4", {}, "The bot itself"), h("div", { class: "row" },
      t.extras.filter((e) => !e.people).map((e) => button(e.label, e.name)))),
    h("button", { type: "button", class: "button primary wide", onclick: fault("heal") }, "Heal everything"),
    h("h3", {}, "What happened"), h("ol", { id: "incidents" }),
    h("h3", {}, "Timeline of a message"), h("div", { id: "story", tabindex: "-1" }));
  drawIncidents();
  drawStory();
}

function slider(label, what, value, max, show) {
  const out = h("output", {}, show(value));
  const range = h("input", { type: "range", min: 0, max, step: max / 50, "aria-label": label });
  range.value = value;
  range.oninput = () => { out.textContent = show(Number(range.value)); };
  range.onchange = () => fault(what, { value: Number(range.value) })();
  return h("label", { class: "slider" }, h("span", {}, label), range, out);
}

function drawIncidents() {
  if (!$("incidents")) return;
  fill($("incidents"), incidents.length ? incidents.map((text) => h("li", {}, text)) : h("li", { class: "none" }, "nothing yet"));
}

function drawStory() {
  if (!$("story")) return;
  const every = h("input", { type: "checkbox", onchange: drawStory, checked: $("story-all")?.checked, id: "story-all" });
  if (!shown) { fill($("story"), h("p", { class: "none" }, "Choose “Timeline of this message” in a message's ⋯ menu.")); return; }
  const told = every.checked ? lines : lines.filter((l) => l.own || /^(voice|gateway|fault|violation|typing)/.test(l.kind));
  fill($("story"), h("label", { class: "check" }, every, " everything in that time"),
    h("table", {}, h("thead", {}, h("tr", {}, ["s", "event", "what"].map((t) => h("th", { scope: "col" }, t)))),
      h("tbody", {}, told.map((l) => h("tr", { class: l.own ? "own" : "" }, h("td", {}, l.at_s.toFixed(3)), h("td", {}, l.kind), h("td", {}, l.text))))));
}
