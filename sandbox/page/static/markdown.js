// Discord's markdown as nodes. Text from outside only ever becomes text nodes.

import { h } from "./dom.js";
import { channelNamed, state, user } from "./state.js";

const INLINE = [
  [/^\\([^\w\s])/, (m) => m[1]],
  [/^``(.+?)``|^`([^`]+)`/s, (m) => h("code", {}, m[1] ?? m[2])],
  [/^<@!?(\d+)>/, (m) => h("span", { class: m[1] === state.world.me ? "mention mine" : "mention" }, `@${user(m[1]).name}`)],
  [/^<@&(\d+)>/, (m) => h("span", { class: "mention" }, `@${roleName(m[1])}`)],
  [/^<#(\d+)>/, (m) => h("span", { class: "mention" }, `#${channelNamed(m[1])}`)],
  [/^<\/([^:>]+):\d+>/, (m) => h("span", { class: "mention" }, `/${m[1]}`)],
  [/^<t:(-?\d+)(?::([tTdDfFR]))?>/, (m) => moment(Number(m[1]), m[2])],
  [/^<a?:(\w+):\d+>/, (m) => `:${m[1]}:`],
  [/^\[([^\]\n]+)\]\((https?:\/\/[^\s)]+)\)/, (m) => link(m[2], inline(m[1]))],
  [/^<(https?:\/\/[^\s>]+)>/, (m) => link(m[1], m[1])],
  [/^https?:\/\/[^\s<]+[^\s<.,;:!?)"'\]]/, (m) => link(m[0], m[0])],
  [/^\|\|([\s\S]+?)\|\|/, (m) => spoiler(m[1])],
  [/^\*\*([\s\S]+?)\*\*(?!\*)/, (m) => h("strong", {}, inline(m[1]))],
  [/^__([\s\S]+?)__(?!_)/, (m) => h("u", {}, inline(m[1]))],
  [/^~~([\s\S]+?)~~/, (m) => h("s", {}, inline(m[1]))],
  [/^\*(?![\s*])([\s\S]*?[^\s*])\*(?!\*)/, (m) => h("em", {}, inline(m[1]))],
  [/^_(?![\s_])([\s\S]*?[^\s_])_(?![\w_])/, (m) => h("em", {}, inline(m[1]))],
];
const PLAIN = /^[^\\`<[h|*_~\n]+|^[\s\S]/;

const link = (url, inside) => h("a", { href: url, target: "_blank", rel: "noreferrer noopener" }, inside);
const roleName = (id) => state.world.servers.map((s) => s.roles[id]).find(Boolean) ?? "role";

function spoiler(text) {
  const node = h("button", { class: "spoiler", type: "button", "aria-label": "Spoiler, press to show" }, inline(text));
  node.onclick = () => { node.classList.add("shown"); node.removeAttribute("aria-label"); };
  return node;
}

function moment(seconds, style) {
  const date = new Date(seconds * 1000);
  const left = seconds - Date.now() / 1000;
  const far = Math.abs(left);
  const [size, unit] = far < 90 ? [1, "second"] : far < 5400 ? [60, "minute"] : far < 129600 ? [3600, "hour"] : [86400, "day"];
  const text = style === "R"
    ? new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.round(left / size), unit)
    : style === "t" || style === "T" ? date.toLocaleTimeString() : date.toLocaleString();
  return h("time", { class: "moment", dateTime: date.toISOString(), title: date.toLocaleString() }, text);
}

/** One paragraph's worth of text. */
export function inline(text) {
  const nodes = [];
  let plain = "";
  while (text) {
    let found = null;
    for (const [pattern, make] of INLINE) {
      const match = pattern.exec(text);
      if (match) { found = [match, make]; break; }
    }
    if (found) {
      if (plain) nodes.push(plain);
      plain = "";
      nodes.push(found[1](found[0]));
      text = text.slice(found[0][0].length);
    } else {
      const [run] = PLAIN.exec(text);
      plain += run;
      text = text.slice(run.length);
    }
  }
  if (plain) nodes.push(plain);
  return nodes;
}

/** A whole message: blocks of code, quotes, headings, lists and small print. */
export function markdown(text) {
  const nodes = [];
  const parts = text.split(/```(?:([\w+-]*)\n)?([\s\S]*?)(?:```|$)/);
  for (let i = 0; i < parts.length; i += 3) {
    if (parts[i]) nodes.push(...lines(parts[i]));
    if (i + 2 < parts.length) {
      nodes.push(h("pre", { tabindex: "0", data: { language: parts[i + 1] ?? "" } }, h("code", {}, parts[i + 2].replace(/\n$/, ""))));
    }
  }
  return nodes;
}

function lines(text) {
  const nodes = [];
  let run = [];
  const flush = () => {
    if (run.length) nodes.push(h("p", {}, inline(run.join("\n"))));
    run = [];
  };
  for (const line of text.replace(/^\n|\n$/g, "").split("\n")) {
    const block = /^(#{1,3}|-#|>|[-*]|\d+\.) (.*)$/.exec(line);
    if (!block) { run.push(line); continue; }
    flush();
    const [, mark, rest] = block;
    if (mark === "-#") nodes.push(h("small", {}, inline(rest)));
    else if (mark === ">") nodes.push(h("blockquote", {}, inline(rest)));
    else if (mark.startsWith("#")) nodes.push(h("p", { class: `h${mark.length}` }, inline(rest)));
    else nodes.push(h("p", { class: "item" }, /\d/.test(mark) ? `${mark} ` : "• ", inline(rest)));
  }
  flush();
  return nodes;
}
