"""The kernels in plain array code: obviously right, for any array library, and what the fast bodies are tested against.

Arrays have shape ``(run, worker, coordinate)``. Only the array-API standard is used.
"""

from __future__ import annotations

from typing import Any

from toolkit.arrays import Array, namespace

__all__ = [
    "normal",
    "signs",
    "smallest",
    "sum_sq",
    "sum_sq_difference",
    "top_k",
    "top_k_with_memory",
    "uniform",
    "words",
]

LANES = 16  # a row is summed in 16 interleaved partial sums, so that the order depends on its length only


def _first(order: Array, k: Any, xp: Any) -> Array:
    """Mark the first k positions named by each row of `order`."""
    return xp.argsort(order, axis=-1, stable=True) < (k if isinstance(k, int) else xp.asarray(k))


def top_k(x: Array, k: Any) -> Array:
    """Keep the k largest magnitudes of each row, ties to the lowest index, zero elsewhere."""
    xp = namespace(x)
    kept = _first(xp.argsort(-xp.abs(x), axis=-1, stable=True), k, xp)
    return xp.where(kept, x, xp.zeros_like(x))


def top_k_with_memory(memory: Array, v: Array, scale: Any, k: Any) -> tuple[Array, Array, Array]:
    """With p = memory + scale·v, return Top-k(p), p − Top-k(p) and ‖p − Top-k(p)‖² per row."""
    p = memory + scale * v
    message = top_k(p, k)
    rest = p - message
    return message, rest, sum_sq(rest)


def smallest(words: Array, k: Any) -> Array:
    """Mark the k smallest numbers of each row, ties to the lowest index."""
    xp = namespace(words)
    return _first(xp.argsort(words, axis=-1, stable=True), k, xp)


def sum_sq(x: Array) -> Array:
    """Return Σ x_j² of each row."""
    xp = namespace(x)
    runs, workers, d = x.shape
    rows = -(-d // LANES)
    padded = xp.concat([x * x, xp.zeros((runs, workers, rows * LANES - d), dtype=x.dtype)], axis=-1)
    total = xp.zeros((runs, workers, LANES), dtype=x.dtype)
    for block in range(rows):
        total = total + padded[..., block * LANES : (block + 1) * LANES]
    while total.shape[-1] > 1:
        half = total.shape[-1] // 2
        total = total[..., :half] + total[..., half:]
    return total[..., 0]


def sum_sq_difference(x: Array, y: Array) -> Array:
    """Return Σ (x_j − y_j)² of each row."""
    return sum_sq(x - y)


# Philox4x32-10 (Salmon, Moraes, Dror and Shaw, 'Parallel random numbers: as easy as 1, 2, 3', 2011). A 32-bit word is
# held in a 64-bit integer, so that a product of two keeps its upper half.
MASK = 0xFFFFFFFF


def philox(c0: Array, c1: Array, c2: Array, c3: Array, k0: Array, k1: Array) -> tuple[Array, Array, Array, Array]:
    """Return the four output words of the counter (c0, c1, c2, c3) under the key (k0, k1), all uint64 arrays."""
    for _ in range(10):
        left, right = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (right >> 32) ^ c1 ^ k0, right & MASK, (left >> 32) ^ c3 ^ k1, left & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c0, c1, c2, c3


def _blocks(seeds: Array, step: int, workers: int, purpose: int, index: int, d: int) -> tuple[Array, ...]:
    """Return the four words of each block, uint64 arrays of shape (run, worker, ⌈d/4⌉)."""
    xp = namespace(seeds)
    shape = (seeds.shape[0], max(workers, 1), -(-d // 4))

    def number(value: Any) -> Array:
        return xp.broadcast_to(xp.astype(xp.asarray(value), xp.uint64), shape)

    worker = xp.reshape(xp.arange(workers), (1, -1, 1)) if workers else MASK
    return philox(
        number(xp.arange(shape[2])),
        number(step),
        number(worker),
        number(index),
        number(xp.reshape(seeds, (-1, 1, 1))),
        number(purpose),
    )


def _deal(lanes: tuple[Array, ...], d: int, xp: Any) -> Array:
    """Interleave four lanes: coordinate j is lane j mod 4 of block ⌊j/4⌋."""
    dealt = xp.stack(lanes, axis=-1)
    return xp.reshape(dealt, (*dealt.shape[:2], -1))[..., :d]


def words(seeds: Array, step: int, workers: int, purpose: int, index: int, d: int) -> Array:
    """Return uniformly distributed uint32 words."""
    xp = namespace(seeds)
    return xp.astype(_deal(_blocks(seeds, step, workers, purpose, index, d), d, xp), xp.uint32)


def uniform(seeds: Array, step: int, workers: int, purpose: int, index: int, d: int) -> Array:
    """Return uniform numbers in (0, 1): (word + 1/2)/2³²."""
    xp = namespace(seeds)
    return (xp.astype(words(seeds, step, workers, purpose, index, d), xp.float64) + 0.5) * 2.0**-32


def signs(seeds: Array, step: int, workers: int, purpose: int, index: int, d: int) -> Array:
    """Return fair signs: −1 where the top bit of the word is set, else +1."""
    xp = namespace(seeds)
    word = words(seeds, step, workers, purpose, index, d)
    return 1.0 - 2.0 * xp.astype(word >> 31, xp.float64)


def minus_two_log(u: Array) -> Array:
    """Return −2 ln u for u in [2⁻³³, 1), from a series in z = (m − 1)/(m + 1), u = m·2^e, m in [√½, √2)."""
    xp = namespace(u)
    m, e = u, xp.zeros_like(u)
    for shift in (32, 16, 8, 4, 2, 1):
        small = m < 2.0**-shift
        m = xp.where(small, m * 2.0**shift, m)
        e = xp.where(small, e - shift, e)
    small = m < 0.7071067811865476
    m, e = xp.where(small, m * 2.0, m), xp.where(small, e - 1.0, e)
    z = (m - 1.0) / (m + 1.0)
    w = z * z
    s = 0.1479819860511658591
    for coefficient in LOG:
        s = coefficient + w * s
    return -2.0 * (e * 0.6931471805599453 + z * s)


LOG = (0.1531383769920937, 0.1818357216161805, 0.2222219843214978, 0.2857142874366239, 0.3999999999940942,
       0.6666666666666735, 2.0)  # fmt: skip
SIN = (1.6059043836821613e-10, -2.505210838544172e-08, 2.7557319223985893e-06, -0.0001984126984126984,
       0.008333333333333333, -0.16666666666666666, 1.0)  # fmt: skip
COS = (-1.1470745597729725e-11, 2.08767569878681e-09, -2.755731922398589e-07, 2.48015873015873e-05,
       -0.001388888888888889, 0.041666666666666664, -0.5, 1.0)  # fmt: skip


def cos_sin(turn: Array) -> tuple[Array, Array]:
    """Return cos(2πt), sin(2πt) for the angle t = (word + 1/2)/2³²."""
    xp = namespace(turn)
    quarter = turn >> 30
    h = (xp.astype(turn & 0x3FFFFFFF, xp.float64) - 536870911.5) * 1.4629180792671596e-09  # π/2 · 2⁻³⁰
    q = h * h
    s = -7.647163731819816e-13
    for coefficient in SIN:
        s = coefficient + q * s
    c = 4.779477332387385e-14
    for coefficient in COS:
        c = coefficient + q * c
    s = h * s
    odd = (quarter & 1) == 1
    first, second = xp.where(odd, s, c), xp.where(odd, c, s)
    return xp.where(quarter >= 2, -first, first), xp.where(quarter >= 2, -second, second)


def normal(seeds: Array, step: int, workers: int, purpose: int, index: int, d: int) -> Array:
    """Return standard normal numbers: Box–Muller; lanes (0, 1) share a radius, lanes (2, 3) another."""
    xp = namespace(seeds)
    lanes: list[Array] = []
    block = _blocks(seeds, step, workers, purpose, index, d)
    for radius, turn in (block[:2], block[2:]):
        r = xp.sqrt(minus_two_log((xp.astype(radius, xp.float64) + 0.5) * 2.0**-32))
        c, s = cos_sin(turn)
        lanes += [r * c, r * s]
    return _deal(tuple(lanes), d, xp)
