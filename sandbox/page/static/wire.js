// The websocket: calls with answers, events, and binary frames of sound.

let socket = null;
let number = 0;
const waiting = new Map();
export const clock = { offset: 0, best: Infinity };  // page seconds -> sandbox real seconds

/** Open the connection; `onEvent(event)` and `onSound(ArrayBuffer)` get what comes. */
export function connect(onEvent, onSound, onClosed) {
  const address = new URL("live", location.href);
  address.protocol = "ws:";
  socket = new WebSocket(address);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    if (typeof data !== "string") return onSound(data);
    const message = JSON.parse(data);
    if (!("re" in message)) return onEvent(message);
    const { resolve, reject } = waiting.get(message.re) ?? {};
    waiting.delete(message.re);
    if (message.error !== undefined) reject?.(new Error(message.error));
    else resolve?.(message.result);
  };
  socket.onopen = () => { measure(); setInterval(measure, 5000); };
  socket.onclose = onClosed;
}

/** Ask the sandbox to do something; rejects with its sentence when it refuses. */
export function call(what, fields = {}) {
  number += 1;
  const id = number;
  return new Promise((resolve, reject) => {
    if (socket.readyState !== WebSocket.OPEN) return reject(new Error("the sandbox has been closed"));
    waiting.set(id, { resolve, reject });
    socket.send(JSON.stringify({ id, do: what, ...fields }));
  });
}

/** The sandbox's real seconds now, as well as the quickest answer so far tells. */
export const sandboxNow = () => performance.now() / 1000 + clock.offset;

async function measure() {
  const sent = performance.now() / 1000;
  const there = await call("ping").catch(() => null);
  const took = performance.now() / 1000 - sent;
  if (there === null) return;
  clock.best *= 1.05;  // clocks drift: an old measurement loses its weight
  if (took <= clock.best) { clock.best = took; clock.offset = there - (sent + took / 2); }
}
