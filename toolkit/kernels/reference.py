"""The kernels in plain array code: obviously right, for any array library, and what the fast bodies are tested against.

Arrays have shape ``(run, worker, coordinate)``. Only the array-API standard is used.
"""

from __future__ import annotations

from typing import Any

from toolkit.arrays import Array, namespace

__all__ = [
    "dot",
    "multiply_add",
    "normal",
    "signs",
    "smallest",
    "sum_sq",
    "sum_sq_difference",
    "top_k",
    "top_k_with_memory",
    "uniform",
    "words",
    "worker_mean",
]


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
    return namespace(x).sum(x * x, axis=-1)


def sum_sq_difference(x: Array, y: Array) -> Array:
    """Return Σ (x_j − y_j)² of each row."""
    return sum_sq(x - y)


def dot(x: Array, y: Array) -> Array:
    """Return Σ x_j y_j of each row."""
    return namespace(x, y).sum(x * y, axis=-1)


def worker_mean(v: Array) -> Array:
    """Return the mean over workers, keeping the axis."""
    return namespace(v).sum(v, axis=1, keepdims=True) / v.shape[1]


def multiply_add(a: Array, x: Array, b: Array, scale: float) -> Array:
    """Return a·x + scale·b, coordinate by coordinate."""
    return a * x + scale * b


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


LN2 = 0.6931471805599453
# Near-minimax polynomials (interpolation at Chebyshev nodes), lowest power first: ln((1+z)/(1−z))/z in z² for
# |z| ≤ (√2−1)/(√2+1), relative error 3e-14; sin(πh/2)/h and cos(πh/2) in h² for |h| ≤ ½, errors 3e-15 and 6e-14.
LOGARITHM = (1.9999999999999472, 0.6666666667957926, 0.3999999489183238, 0.28572166145875727, 0.2217424991007749,
             0.19608095639753054)  # fmt: skip
SINE = (1.57079632679489, -0.645964097504309, 0.07969262615574603, -0.004681752591458209, 0.00016042926504495616,
        -3.556386260704784e-06)  # fmt: skip
COSINE = (0.9999999999999444, -1.2337005501201592, 0.25366950715370434, -0.020863468002244645,
          0.0009191617369539572, -2.4850963357813638e-05)  # fmt: skip


def _polynomial(c: tuple[float, ...], x: Array) -> Array:
    """Return c_0 + c_1 x + … + c_5 x⁵, in an order that a processor can do side by side."""
    y = x * x
    return (c[0] + x * c[1]) + y * ((c[2] + x * c[3]) + y * (c[4] + x * c[5]))


def _minus_log(word: Array) -> Array:
    """Return −ln u for u = (word + 1/2)/2³²: with 2³² u = m·2^e and m in [√½, √2), (32 − e) ln 2 − ln m."""
    xp = namespace(word)
    m = xp.astype(word, xp.float64) + 0.5
    halvings = xp.full(m.shape, 32.0)
    for e in (16, 8, 4, 2, 1):
        large = m >= 2.0**e
        m, halvings = xp.where(large, m * 2.0**-e, m), xp.where(large, halvings - e, halvings)
    large, small = m >= 1.4142135623730951, m < 0.7071067811865476
    m = xp.where(large, m * 0.5, xp.where(small, m * 2.0, m))
    halvings = xp.where(large, halvings - 1.0, xp.where(small, halvings + 1.0, halvings))
    z = (m - 1.0) / (m + 1.0)
    return halvings * LN2 - z * _polynomial(LOGARITHM, z * z)


def _box_muller(radius: Array, turn: Array) -> tuple[Array, Array]:
    """Return two independent standard normal numbers of two words.

    √(−2 ln u)·(cos φ, sin φ), where the top two bits of `turn` choose the quadrant and the others the angle within it,
    φ = π/4 + πh/2 with |h| < ½; and √2·cos φ = cos(πh/2) − sin(πh/2), √2·sin φ = cos(πh/2) + sin(πh/2).
    """
    xp = namespace(radius)
    r = xp.sqrt(_minus_log(radius))
    h = (xp.astype(turn & 0x3FFFFFFF, xp.float64) + 0.5) * 2.0**-30 - 0.5
    s, c = h * _polynomial(SINE, h * h), _polynomial(COSINE, h * h)
    x, y = r * (c - s), r * (c + s)
    return xp.where(turn >= 2**31, -x, x), xp.where((turn >> 30) & 1 == 1, -y, y)


def normal(seeds: Array, step: int, workers: int, purpose: int, index: int, d: int) -> Array:
    """Return standard normal numbers: Box–Muller; lanes (0, 1) share a radius, lanes (2, 3) another."""
    xp = namespace(seeds)
    a, b, c, e = _blocks(seeds, step, workers, purpose, index, d)
    return _deal((*_box_muller(a, b), *_box_muller(c, e)), d, xp)
