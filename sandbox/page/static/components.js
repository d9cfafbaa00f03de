// Embeds, buttons, selects and attachments of a message.

import { attempt, h } from "./dom.js";
import { optionsFor } from "./fields.js";
import { markdown } from "./markdown.js";
import { showModal } from "./modal.js";
import { call } from "./wire.js";

const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link" };

/** Send an interaction, and show the modal if that is the answer. */
export async function interact(what, fields) {
  const answer = await attempt(() => call(what, fields));
  if (answer?.modal) showModal(answer.interaction, answer.modal);
  return answer;
}

export function embed(body) {
  const node = h("article", { class: "embed" },
    body.author?.name && h("p", { class: "embed-author" }, body.author.name),
    body.title && h("p", { class: "embed-title" }, body.title),
    body.description && h("div", { class: "embed-text" }, markdown(body.description)),
    body.fields?.length && h("dl", { class: "embed-fields" }, body.fields.map((f) =>
      h("div", { class: f.inline ? "inline" : "" }, h("dt", {}, f.name), h("dd", {}, markdown(f.value))))),
    body.footer?.text && h("p", { class: "embed-footer" }, body.footer.text));
  if (body.color) node.style.borderInlineStartColor = `#${body.color.toString(16).padStart(6, "0")}`;
  return node;
}

export function components(message, parts) {
  return parts.map((part) => component(message, part));
}

function component(message, part) {
  switch (part.type) {
    case 1: return h("div", { class: "row" }, components(message, part.components));
    case 2: return button(message, part);
    case 3: case 5: case 6: case 7: case 8: return select(message, part);
    case 9: return h("div", { class: "part-section" }, h("div", {}, components(message, part.components)), component(message, part.accessory));
    case 10: return h("div", {}, markdown(part.content));
    case 14: return h("hr");
    case 17: return h("div", { class: "embed" }, components(message, part.components));
    default: return null;
  }
}

function button(message, part) {
  const emoji = part.emoji?.name ? `${part.emoji.name} ` : "";
  if (part.style === 5) {
    return h("a", { class: "button link", href: part.url, target: "_blank", rel: "noreferrer noopener" }, emoji, part.label ?? "");
  }
  const node = h("button", {
    type: "button", class: `button ${STYLES[part.style] ?? ""}`, disabled: Boolean(part.disabled),
    "aria-label": part.label ? undefined : part.emoji?.name,
  }, emoji, part.label ?? "");
  node.onclick = async () => {
    node.classList.add("busy");
    await interact("click", { message: message.id, custom_id: part.custom_id });
    node.classList.remove("busy");
  };
  return node;
}

function select(message, part) {
  const many = (part.max_values ?? 1) > 1;
  const label = part.placeholder ?? "Choose";
  const node = h("select", { "aria-label": label, multiple: many, disabled: Boolean(part.disabled) },
    !many && h("option", { value: "", selected: true }, label),
    optionsFor(part).map((o) => h("option", { value: o.value, selected: Boolean(o.default), title: o.description ?? "" }, o.label)));
  const send = () => {
    const values = [...node.selectedOptions].map((o) => o.value).filter(Boolean);
    if (values.length) interact("choose", { message: message.id, custom_id: part.custom_id, values });
  };
  if (!many) { node.onchange = send; return node; }
  return h("span", { class: "many" }, node, h("button", { type: "button", class: "button primary", onclick: send }, "Choose"));
}

export function attachment(message, file) {
  if (message.voice_message && file.waveform) return voiceMessage(file);
  if (file.content_type?.startsWith("image/")) {
    const picture = h("img", { src: file.src, alt: file.description ?? file.filename, loading: "lazy" });
    if (file.width) { picture.width = Math.min(file.width, 420); }
    return h("a", { href: file.src, target: "_blank", class: "picture" }, picture);
  }
  const size = file.size < 2048 ? `${file.size} bytes` : `${Math.round(file.size / 1024)} kB`;
  const name = h("a", { href: file.src, download: file.filename }, file.filename);
  if (file.content_type?.startsWith("audio/")) {
    return h("figure", { class: "file" }, h("figcaption", {}, name, ` ${size}`),
      h("audio", { controls: true, preload: "metadata", src: file.src, "aria-label": file.filename }));
  }
  return h("p", { class: "file" }, name, ` ${size}`);
}

/** A native voice message: its waveform is the player. */
function voiceMessage(file) {
  const bars = Uint8Array.from(atob(file.waveform), (c) => c.charCodeAt(0));
  const audio = h("audio", { preload: "none", src: file.src });
  const clock = h("span", { class: "clock" }, seconds(file.duration_secs));
  const wave = h("span", { class: "wave", "aria-hidden": "true" }, pick(bars, 48).map((level) => {
    const bar = h("i");
    bar.style.height = `${12 + (88 * level) / 255}%`;
    return bar;
  }));
  const play = h("button", { type: "button", class: "play", "aria-label": `Play voice message, ${seconds(file.duration_secs)}` }, "▶");
  play.onclick = () => (audio.paused ? audio.play() : audio.pause());
  audio.onplay = () => { play.textContent = "❚❚"; };
  audio.onpause = audio.onended = () => { play.textContent = "▶"; };
  audio.ontimeupdate = () => {
    const share = audio.currentTime / (file.duration_secs || 1);
    [...wave.children].forEach((bar, i) => bar.classList.toggle("played", i / wave.children.length < share));
    clock.textContent = seconds(audio.currentTime || file.duration_secs);
  };
  return h("div", { class: "voice-message", role: "group", "aria-label": "Voice message" }, play, wave, clock, audio);
}

const seconds = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

function pick(bars, count) {
  const step = Math.max(1, bars.length / count);
  return Array.from({ length: Math.min(count, bars.length) }, (_, i) => bars[Math.floor(i * step)]);
}
