"""Changing the sample rate, by a windowed sinc."""

from __future__ import annotations

import math

import numpy as np

from vits.arrays import F32

_ZEROS = 16  # zero crossings on each side: about 90 dB of stop band with the window below
_BETA = 9.0


def resample(sound: F32, from_hz: int, to_hz: int) -> F32:
    """float32 (n,) at ``from_hz`` -> (about n to_hz / from_hz,) at ``to_hz``; same pitch."""
    if from_hz == to_hz or not sound.size:
        return sound
    common = math.gcd(from_hz, to_hz)
    up, down = to_hz // common, from_hz // common
    # The lower rate's band is kept, a little narrowed for the filter's slope.
    cutoff = 0.95 * min(1.0, to_hz / from_hz)
    reach = math.ceil(_ZEROS / cutoff)
    length = -(-len(sound) * up // down)
    places = np.arange(length) * down  # in units of 1 / up input samples
    whole, phase = places // up, places % up
    offsets = np.arange(-reach, reach + 1)
    # One row of taps for each phase that occurs; there are `up` of them.
    time = offsets[None, :] - np.arange(up)[:, None] / up
    window = np.i0(_BETA * np.sqrt(np.clip(1 - (time / (reach + 1)) ** 2, 0, 1))) / np.i0(_BETA)
    taps = (cutoff * np.sinc(cutoff * time) * window).astype(np.float32)
    padded = np.pad(sound, (reach, reach + 1))
    out = np.empty(length, np.float32)
    for start in range(0, length, 8192):  # in pieces: the index table is large
        part = slice(start, start + 8192)
        index = whole[part, None] + offsets[None, :] + reach
        out[part] = np.einsum("ij,ij->i", padded[index], taps[phase[part]])
    return out
