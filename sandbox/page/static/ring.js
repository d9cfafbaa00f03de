// Runs beside the page: takes decoded sound in, holds a jitter buffer, gives samples out.

const RATE = 48000;
const JITTER = 0.06 * RATE;
const CAPACITY = 30 * RATE;

class Ring extends AudioWorkletProcessor {
  constructor() {
    super();
    this.left = new Float32Array(CAPACITY);
    this.right = new Float32Array(CAPACITY);
    this.written = 0;
    this.read = 0;
    this.playing = false;
    this.ending = false;  // the spurt is over: playing to the end is no underrun
    this.port.onmessage = ({ data }) => this.take(data);
  }

  take(data) {
    if (data.end) { this.ending = true; if (this.written > this.read) this.playing = true; return; }
    if (data.flush) { this.read = this.written; this.playing = false; return; }
    this.ending = false;
    const { left, right } = data;
    for (let i = 0; i < left.length; i += 1) {
      this.left[(this.written + i) % CAPACITY] = left[i];
      this.right[(this.written + i) % CAPACITY] = right[i];
    }
    this.written += left.length;
    if (this.written - this.read > CAPACITY) this.read = this.written - CAPACITY;
  }

  process(_, [[left, right]]) {
    const held = this.written - this.read;
    if (!this.playing && held >= JITTER) {
      this.playing = true;
      this.port.postMessage({ begun: true, held: held / RATE });
    }
    if (!this.playing) return true;
    const count = Math.min(held, left.length);
    for (let i = 0; i < count; i += 1) {
      left[i] = this.left[(this.read + i) % CAPACITY];
      if (right) right[i] = this.right[(this.read + i) % CAPACITY];
    }
    this.read += count;
    if (count < left.length) {
      this.playing = false;
      if (!this.ending) this.port.postMessage({ underrun: true });
      this.ending = false;
    }
    this.left.length && (this.turns = (this.turns ?? 0) + 1) % 100 === 0 && this.port.postMessage({ held: (this.written - this.read) / RATE });
    return true;
  }
}

registerProcessor("ring", Ring);
