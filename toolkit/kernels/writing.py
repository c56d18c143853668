"""The vectors that messages stand for, written out by compiled code, part of a row by part."""

from __future__ import annotations

import numpy as np

from toolkit.kernels.compiled import kernel
from toolkit.kernels.rounding import CHUNK, level_values, power_values

__all__ = ["clear", "levels", "place", "powers", "signs"]


@kernel
def place(out, positions, values):
    for i in range(positions.size):
        out[positions[i]] = values[i]


@kernel
def clear(out, positions):
    for i in range(positions.size):
        out[positions[i]] = 0


@kernel
def with_sign(mark, scale, out):
    for i in range(out.size):
        out[i] = -scale if mark[i] else scale


@kernel
def signs(bits, scale, out, start, stop):
    mark = np.empty(CHUNK, np.uint8)
    eights = mark.view(np.uint64)
    for at in range(start, stop, CHUNK):
        end = min(at + CHUNK, stop)
        byte = bits[at // 8 : (end + 7) // 8]
        for i in range(byte.size):  # a copy of the byte for each of its bits, of which each keeps its own
            eights[i] = (np.uint64(byte[i]) * np.uint64(0x0101010101010101)) & np.uint64(0x8040201008040201)
        with_sign(mark, scale[0], out[at:end])


@kernel
def levels(level, norms, s, bucket, out, start, stop):
    at = start
    while at < stop:
        end = min((at // bucket + 1) * bucket, stop)
        level_values(level[at:end], norms[at // bucket], s, out[at:end])
        at = end


@kernel
def powers(code, out, start, stop):
    power_values(code[start:stop], out[start:stop])
