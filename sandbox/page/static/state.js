// What the page knows, and who wants to hear of changes.

export const state = {
  world: null,        // see views.world_view
  note: "",           // what the page says above the messages
  trouble: null,      // see trouble.view
  server: null,       // id of the server looked at, "direct" for direct messages
  channel: null,      // id of the channel looked at
  last: {},           // server id -> channel id looked at last
  unread: {},         // channel id -> number of unread messages, of which pings in `pings`
  pings: {},
  messages: new Map(),// id -> message, of the channel looked at
  typing: new Map(),  // user id -> until when, in ms
  speaking: new Set(),
  replyTo: null,
};

const listeners = {};

/** Call `f` whenever `topic` has changed. */
export function on(topic, f) {
  (listeners[topic] ??= []).push(f);
}

/** Tell everybody that `topic` has changed. */
export function changed(topic, detail) {
  for (const f of listeners[topic] ?? []) f(detail);
}

export const me = () => state.world.me;
export const user = (id) => state.world.users[id] ?? { name: "somebody", bot: false };
export const server = () => state.world.servers.find((s) => s.id === state.server);

/** Every channel one can see, with its server. */
export function channels() {
  return state.world.servers.flatMap((s) => s.channels.map((c) => ({ ...c, server: s })));
}

export function channelNamed(id) {
  if (id === state.world.direct) return "Parley";
  return channels().find((c) => c.id === id)?.name ?? "unknown";
}

/** Where one is in voice: the channel with its server, or nothing. */
export function myVoice() {
  return channels().find((c) => c.kind === "voice" && c.voice.includes(me()));
}
