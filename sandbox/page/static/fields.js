// Values that commands, modals and messages share: files, and what can be picked in a server.

import { channels, server, user } from "./state.js";

/** A file as the websocket carries it. */
export async function fileOf(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return { name: file.name, type: file.type, data: btoa(text) };
}

export function peopleHere() {
  return (server()?.members ?? []).map((m) => ({ label: user(m.id).name, value: m.id }));
}

export function rolesHere() {
  return Object.entries(server()?.roles ?? {}).map(([value, label]) => ({ label: `@${label}`, value }));
}

export function channelsHere(kinds) {
  const wanted = (c) => !kinds || kinds.includes(c.kind === "voice" ? 2 : 0);
  return channels().filter((c) => c.server.id === server()?.id && wanted(c)).map((c) => ({ label: `#${c.name}`, value: c.id }));
}

/** What a select menu offers: its own options, or members, roles and channels. */
export function optionsFor(part) {
  switch (part.type) {
    case 5: return peopleHere();
    case 6: return rolesHere();
    case 7: return [...peopleHere(), ...rolesHere()];
    case 8: return channelsHere(part.channel_types);
    default: return part.options ?? [];
  }
}
