"""Random draws, compiled: the blocks of many rows side by side in strips, so that short rows fill the vector units too.

Every number is bit for bit that of the plain body. What makes the loops vectorise: the ten rounds are one straight line
of code, the four words of a block go to four arrays, logarithm, sine and cosine are polynomials without branches, and
floating-point bits are read and set as integers.
"""

from __future__ import annotations

import numpy as np

from toolkit.kernels.compiled import kernel
from toolkit.kernels.reference import COSINE, LN2, LOGARITHM, SINE

__all__ = ["NORMAL", "SIGNS", "UNIFORM", "fill", "fill_words", "row_words", "uniform"]

UNIFORM, NORMAL, SIGNS = 0, 1, 2
STRIP = 256  # blocks; the scratch of a strip stays in the first-level cache

U, U32 = np.uint64, np.uint32  # an unsigned index cannot be negative: without it these loops do not vectorise
LOW, HALF = U(0xFFFFFFFF), U(32)
LEFT, RIGHT, KEY0, KEY1 = U(0xD2511F53), U(0xCD9E8D57), U(0x9E3779B9), U(0xBB67AE85)


@kernel
def mix(block, k0, k1):
    """One round. The upper halves of the second and fourth word and of the keys are never looked at."""
    left, right = LEFT * (block[0] & LOW), RIGHT * (block[2] & LOW)
    return (right >> HALF) ^ block[1] ^ k0, right, (left >> HALF) ^ block[3] ^ k1, left


@kernel(forceinline=True)
def ten_rounds(x, k, purpose):
    """Return the four words of the counter x under the key (k, purpose), in one straight line."""
    x = mix(mix(x, k, purpose), k + U(1) * KEY0, purpose + U(1) * KEY1)
    x = mix(mix(x, k + U(2) * KEY0, purpose + U(2) * KEY1), k + U(3) * KEY0, purpose + U(3) * KEY1)
    x = mix(mix(x, k + U(4) * KEY0, purpose + U(4) * KEY1), k + U(5) * KEY0, purpose + U(5) * KEY1)
    x = mix(mix(x, k + U(6) * KEY0, purpose + U(6) * KEY1), k + U(7) * KEY0, purpose + U(7) * KEY1)
    return mix(mix(x, k + U(8) * KEY0, purpose + U(8) * KEY1), k + U(9) * KEY0, purpose + U(9) * KEY1)


@kernel
def draw_blocks(first, step, third, index, seed, purpose, a, b, c, e):
    """Write the four words of each counter (first, step, third, index) under the key (seed, purpose)."""
    for i in range(a.size):
        a[i], b[i], c[i], e[i] = ten_rounds((U(first[i]), step, U(third[i]), index), U(seed[i]), purpose)


@kernel
def address_blocks(start, blocks, rows, shared, seeds, block, worker, seed):
    """Write the addresses of a strip of blocks, counted row by row; a run has `rows` rows."""
    row, at = start // blocks, start % blocks
    run, row = row // rows, row % rows
    i = 0
    while i < block.size:
        n = min(blocks - at, block.size - i)
        w, s = U32(0xFFFFFFFF if shared else row), seeds[run]
        for j in range(n):
            block[U(i) + U(j)], worker[U(i) + U(j)], seed[U(i) + U(j)] = at + j, w, s
        i, at, row = i + n, 0, row + 1
        if row == rows:
            run, row = run + 1, 0


@kernel
def deal(flat, d, start, a, b, c, e):
    """Interleave a strip of blocks into the rows of length d that are laid end to end in `flat`."""
    blocks = (d + 3) // 4
    at, rest = start % blocks, d % 4
    p = U((start // blocks) * d + 4 * at)
    i = 0
    while i < a.size:
        n = min(d // 4 - at, a.size - i)
        for j in range(n):
            q, g = p + U(4) * U(j), U(i) + U(j)
            flat[q], flat[q + U(1)], flat[q + U(2)], flat[q + U(3)] = a[g], b[g], c[g], e[g]
        p, i, at = p + U(4 * n), i + n, 0
        if rest and i < a.size:
            flat[p] = a[i]
            if rest > 1:
                flat[p + U(1)] = b[i]
            if rest > 2:
                flat[p + U(2)] = c[i]
            p, i = p + U(rest), i + 1


WORD = U(0x4130000000000000)  # the exponent of 2²⁰: its mantissa's lowest 32 bits are a fraction
INTEGER = U(0x4330000000000000)  # that of 2⁵²: they are an integer
ONE = U(0x3FF0000000000000)
MANTISSA = U(0x000FFFFFFFFFFFFF)
ROOT = U(0x3FE6A09E667F3BCD)  # √½
SIGN = U(0x8000000000000000)


@kernel
def number(bits):
    """Return the floating-point number with these bits."""
    return U(bits).view(np.float64)


@kernel
def uniform(word):
    """Return (word + 1/2)/2³²."""
    return number(WORD | U(word)) - (2.0**20 - 2.0**-33)


@kernel
def uniforms(word, u):
    for i in range(u.size):
        u[i] = uniform(word[i])


@kernel
def fair_signs(word, s):
    for i in range(s.size):
        s[i] = number(ONE | ((U(word[i]) << HALF) & SIGN))


@kernel
def polynomial(c, x):
    """The plain body's polynomial, in the same order."""
    y = x * x
    return (c[0] + x * c[1]) + y * ((c[2] + x * c[3]) + y * (c[4] + x * c[5]))


@kernel
def radii(word, r):
    """Write √(−ln u) for u = (word + 1/2)/2³²."""
    for i in range(r.size):
        bits = np.float64(number(INTEGER | U(word[i])) - (2.0**52 - 0.5)).view(np.uint64) + (ONE - ROOT)
        m = number((bits & MANTISSA) + ROOT)
        halvings = (2.0**52 + 1023.0 + 32.0) - number(INTEGER | (bits >> U(52)))
        z = (m - 1.0) / (m + 1.0)
        r[i] = np.sqrt(halvings * LN2 - z * polynomial(LOGARITHM, z * z))


@kernel
def normals(turn, r, x, y):
    """Write the two normal numbers of each radius and angle."""
    for i in range(r.size):
        t = U(turn[i])
        h = number(ONE | ((t & U(0x3FFFFFFF)) << U(22))) - (1.5 - 2.0**-31)
        s, c = h * polynomial(SINE, h * h), polynomial(COSINE, h * h)
        cosine, sine = np.float64(r[i] * (c - s)), np.float64(r[i] * (c + s))
        x[i] = number(cosine.view(np.uint64) ^ ((t << U(32)) & SIGN))
        y[i] = number(sine.view(np.uint64) ^ ((t << U(33)) & SIGN))


@kernel
def fill_words(out, seeds, step, shared, purpose, index):
    """Write random words to rows of shape (run, row, coordinate)."""
    rows, d = out.shape[1], out.shape[2]
    flat, blocks = out.reshape(out.size), (d + 3) // 4
    total = out.shape[0] * rows * blocks
    scratch = np.empty((7, min(total, STRIP)), np.uint32)
    for start in range(0, total, STRIP):
        n = min(STRIP, total - start)
        block, worker, seed = scratch[0, :n], scratch[1, :n], scratch[2, :n]
        a, b, c, e = scratch[3, :n], scratch[4, :n], scratch[5, :n], scratch[6, :n]
        address_blocks(start, blocks, rows, shared, seeds, block, worker, seed)
        draw_blocks(block, U(step), worker, U(index), seed, U(purpose), a, b, c, e)
        deal(flat, d, start, a, b, c, e)


@kernel
def fill(out, seeds, step, shared, purpose, index, law):
    """Write random numbers of a law to rows of shape (run, row, coordinate)."""
    rows, d = out.shape[1], out.shape[2]
    flat, blocks = out.reshape(out.size), (d + 3) // 4
    total = out.shape[0] * rows * blocks
    scratch = np.empty((7, min(total, STRIP)), np.uint32)
    numbers = np.empty((5, min(total, STRIP)))
    for start in range(0, total, STRIP):
        n = min(STRIP, total - start)
        block, worker, seed = scratch[0, :n], scratch[1, :n], scratch[2, :n]
        a, b, c, e = scratch[3, :n], scratch[4, :n], scratch[5, :n], scratch[6, :n]
        x, y, v, w, r = numbers[0, :n], numbers[1, :n], numbers[2, :n], numbers[3, :n], numbers[4, :n]
        address_blocks(start, blocks, rows, shared, seeds, block, worker, seed)
        draw_blocks(block, U(step), worker, U(index), seed, U(purpose), a, b, c, e)
        if law == NORMAL:
            radii(a, r)
            normals(b, r, x, y)
            radii(c, r)
            normals(e, r, v, w)
        else:
            for lane in range(4):
                if law == UNIFORM:
                    uniforms(scratch[3 + lane, :n], numbers[lane, :n])
                else:
                    fair_signs(scratch[3 + lane, :n], numbers[lane, :n])
        deal(flat, d, start, x, y, v, w)


@kernel
def draw_row(first, address, a, b, c, e):
    """Write the four words of the blocks first, first + 1, … of one row."""
    step, worker, index, seed, purpose = address
    for i in range(a.size):
        a[i], b[i], c[i], e[i] = ten_rounds((first + U(i), step, worker, index), seed, purpose)


@kernel
def interleave(a, b, c, e, word):
    """Lay the words of blocks in the order of their coordinates."""
    for i in range(a.size):
        g, q = U(i), U(4) * U(i)
        word[q], word[q + U(1)], word[q + U(2)], word[q + U(3)] = a[g], b[g], c[g], e[g]


@kernel
def row_words(address, start, size, lanes, word):
    """Write the words of `size` coordinates from `start`, a multiple of 4, and up to three words more.

    The address of a row is (step, worker, index, seed, purpose); `lanes` is scratch of shape (4, ⌈size/4⌉ or more).
    """
    n = (size + 3) // 4
    a, b, c, e = lanes[0, :n], lanes[1, :n], lanes[2, :n], lanes[3, :n]
    draw_row(U(start) // U(4), address, a, b, c, e)
    interleave(a, b, c, e, word)
