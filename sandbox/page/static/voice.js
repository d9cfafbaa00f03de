// The bot's voice in the browser: Opus frames -> WebCodecs -> a ring buffer in an AudioWorklet.

import { announce, toast } from "./dom.js";
import { changed, state } from "./state.js";
import { sandboxNow } from "./wire.js";

const RATE = 48000;
const FRAME = 960;
const LATE_S = 0.04;
const HEADER = 26;
const LIGHT_MS = 250;

export const meter = { frames: 0, late: 0, lost: 0, underruns: 0, delayMs: null, spurt: null };
let context = null;
let ring = null;
let decoder = null;
let gain = null;
let last = null;
let first = null;
const lights = new Map();

/** The node that everything heard passes through, for meters and tests. */
export const output = () => gain;

/** Open the sound. Browsers want this to happen under a press of a key or button. */
export async function open() {
  if (context) { await context.resume(); return; }
  context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
  gain = new GainNode(context);
  gain.connect(context.destination);
  if (!("AudioDecoder" in window)) {
    toast("This browser has no WebCodecs: voice cannot be heard here. Attachments can.", true);
    return;
  }
  await context.audioWorklet.addModule("static/ring.js");
  ring = new AudioWorkletNode(context, "ring", { numberOfInputs: 0, outputChannelCount: [2] });
  ring.connect(gain);
  ring.port.onmessage = ({ data }) => {
    if (data.underrun) meter.underruns += 1;
    if (data.held !== undefined) measureDelay(data.held);
    changed("meter");
  };
  await context.resume();
}

export const deafened = () => gain !== null && gain.gain.value === 0;

export function deafen(on) {
  if (gain) gain.gain.value = on ? 0 : 1;
  announce(on ? "Muted" : "Unmuted");
}

/** Forget what is left to play, as after leaving a channel. */
export function flush() {
  ring?.port.postMessage({ flush: true });
  last = first = null;
}

/** One binary message: see sandbox/page/sound.py. */
export function hear(buffer) {
  const view = new DataView(buffer);
  const frame = {
    arrived: view.getFloat64(0), speaker: view.getBigUint64(8).toString(), time: view.getUint32(16),
    spurt: view.getUint32(20), sequence: view.getUint16(24), opus: new Uint8Array(buffer, HEADER),
  };
  const silence = frame.opus.length === 3 && frame.opus[0] === 0xf8 && frame.opus[1] === 0xff;
  if (frame.spurt !== meter.spurt) { meter.spurt = frame.spurt; first = null; last = null; }
  if (silence) {
    ring?.port.postMessage({ end: true });
    return;
  }
  light(frame.speaker);
  count(frame);
  play(frame);
}

function count(frame) {
  first ??= frame;
  meter.frames += 1;
  const due = ((frame.time - first.time) >>> 0) / RATE;
  if (frame.arrived - first.arrived - due > LATE_S) meter.late += 1;
}

function play(frame) {
  if (!ring) return;
  if (!decoder || decoder.state === "closed") decoder = makeDecoder();
  const step = last === null ? 1 : (frame.sequence - last.sequence + 65536) % 65536;
  if (step === 0 || step > 30000) return;  // a duplicate, or one that was overtaken
  const gap = Math.min(step - 1, 25);
  if (gap) {
    meter.lost += gap;
    const nothing = new Float32Array(gap * FRAME);
    ring.port.postMessage({ left: nothing, right: nothing });
  }
  last = frame;
  decoder.decode(new EncodedAudioChunk({ type: "key", timestamp: Math.round(frame.arrived * 1e6), data: frame.opus }));
}

function makeDecoder() {
  const made = new AudioDecoder({
    output: (sound) => {
      const left = new Float32Array(sound.numberOfFrames);
      const right = new Float32Array(sound.numberOfFrames);
      sound.copyTo(left, { planeIndex: 0, format: "f32-planar" });
      sound.copyTo(right, { planeIndex: sound.numberOfChannels > 1 ? 1 : 0, format: "f32-planar" });
      sound.close();
      ring.port.postMessage({ left, right }, [left.buffer, right.buffer]);
    },
    error: () => { decoder = null; },
  });
  made.configure({ codec: "opus", sampleRate: RATE, numberOfChannels: 2 });
  return made;
}

/** From a frame's arrival at the sandbox to the loudspeaker: on the way, in the ring, in the output. */
function measureDelay(held) {
  if (!last) return;
  const way = Math.max(0, sandboxNow() - last.arrived);
  const out = (context.baseLatency ?? 0) + (context.outputLatency ?? 0);
  if (way < 1) meter.delayMs = Math.round((held + Math.min(way, 0.02) + out) * 1000);
}

/** Light somebody up for a moment: sound, or word of it, keeps the light on. */
export function light(speaker) {
  clearTimeout(lights.get(speaker));
  lights.set(speaker, setTimeout(() => { lights.delete(speaker); speaking(speaker, false); }, LIGHT_MS));
  if (!state.speaking.has(speaker)) speaking(speaker, true);
}

/** Light the ring around somebody, or put it out at once. */
export function speaking(id, on) {
  if (on) state.speaking.add(id);
  else state.speaking.delete(id);
  changed("speaking");
}
