"""The kernels in plain array code: obviously right, for any array library, and what the fast bodies are tested against.

Arrays have shape ``(run, worker, coordinate)``. Only the array-API standard is used.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.arrays import Array, namespace

__all__ = [
    "dot",
    "kept_with_memory",
    "matrix_product",
    "mean_abs",
    "multiply_add",
    "natural",
    "norm",
    "normal",
    "qsgd",
    "signs",
    "subset",
    "sum_sq",
    "sum_sq_difference",
    "top_k",
    "top_k_with_memory",
    "uniform",
    "words",
    "worker_mean",
]


def top_k(x: Array, k: Any) -> Array:
    """Keep the k largest magnitudes of each row, ties to the lowest index, zero elsewhere."""
    xp = namespace(x)
    rank = xp.argsort(xp.argsort(-xp.abs(x), axis=-1, stable=True), axis=-1, stable=True)
    kept = rank < (k if isinstance(k, int) else xp.asarray(k))
    return xp.where(kept, x, xp.zeros_like(x))


def top_k_with_memory(memory: Array, v: Array, scale: Any, k: Any) -> tuple[Array, Array, Array]:
    """With p = memory + scale·v, return Top-k(p), p − Top-k(p) and ‖p − Top-k(p)‖² per row."""
    p = memory + scale * v
    message = top_k(p, k)
    rest = p - message
    return message, rest, sum_sq(rest)


def kept_with_memory(memory: Array, v: Array, scale: Any, kept: Array, factor: Any) -> tuple[Array, Array, Array]:
    """With p = memory + scale·v and C(p) = factor·p where kept, return C(p), p − C(p) and ‖p − C(p)‖² per row."""
    xp, p = namespace(memory), memory + scale * v
    message = xp.where(kept, p, xp.zeros_like(p)) * xp.asarray(factor, dtype=p.dtype)
    rest = p - message
    return message, rest, sum_sq(rest)


def subset(words: Array, d: int, k: Any) -> Array:
    """Mark a uniformly random subset of size k of each row: Floyd's algorithm, two words for each choice.

    Choice i takes the coordinate t, uniform in 0, …, j with j = d − k + i, or j itself if t was taken before. For
    k > d/2 the coordinates left out are chosen instead.
    """
    xp = namespace(words)
    k = xp.asarray(k)
    few = xp.minimum(k, d - k)
    coordinate = xp.arange(d)
    chosen = xp.zeros((*np.broadcast_shapes(words.shape[:2], k.shape[:2]), d), dtype=xp.bool)
    for i in range(int(xp.max(few))):
        j = d - few + i
        end = xp.astype(j + 1, xp.uint64)
        high, low = (xp.astype(words[..., 2 * i + n : 2 * i + n + 1], xp.uint64) for n in range(2))
        t = xp.astype((high * end + (low * end >> 32)) >> 32, xp.int64)  # ⌊(j + 1)·number/2⁶⁴⌋
        taken = xp.any(chosen & (coordinate == t), axis=-1, keepdims=True)
        chosen = chosen | ((coordinate == xp.where(taken, j, t)) & (i < few))
    return chosen != (few < k)


def sum_sq(x: Array) -> Array:
    """Return Σ x_j² of each row."""
    return namespace(x).sum(x * x, axis=-1)


def mean_abs(x: Array) -> Array:
    """Return Σ |x_j|/d of each row."""
    return namespace(x).mean(namespace(x).abs(x), axis=-1)


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


def matrix_product(x: Array, matrix: Array) -> Array:
    """Return Σ_j x_j A_j· of each row, added in the order of j."""
    total = namespace(x).zeros((*x.shape[:-1], matrix.shape[1]), dtype=x.dtype)
    for j in range(matrix.shape[0]):
        total = total + x[..., j : j + 1] * matrix[j, :]
    return total


def norm(x: Array, bucket: int) -> Array:
    """Return the 2-norms of the buckets of each row, by x/max|x_j|, which neither over- nor underflows."""
    xp, d = namespace(x), x.shape[-1]
    missing = xp.zeros((*x.shape[:-1], -d % bucket), dtype=xp.float64)
    wide = xp.concat((xp.astype(x, xp.float64), missing), axis=-1)
    wide = xp.reshape(wide, (*x.shape[:-1], -1, bucket))
    peak = xp.max(xp.abs(wide), axis=-1)
    divisor = xp.where(peak > 0, peak, xp.ones_like(peak))
    return xp.astype(peak * xp.sqrt(xp.sum((wide / divisor[..., None]) ** 2, axis=-1)), x.dtype)


def qsgd(x: Array, s: Any, uniform: Array, norms: Array, bucket: int) -> Array:
    """Round each coordinate at random to a multiple of ‖x‖/s, up where `uniform` is less than what lies above one.

    Single precision numbers are rounded in double precision, where nothing can over- or underflow.
    """
    xp, d = namespace(x), x.shape[-1]
    length = xp.astype(xp.repeat(norms, bucket, axis=-1)[..., :d], xp.float64)
    divisor = xp.where(length > 0, length, xp.ones_like(length))
    wide, s = xp.astype(x, xp.float64), xp.astype(xp.asarray(s), xp.float64)
    single = x.dtype == xp.float32
    exact = xp.abs(wide) * (s / divisor) if single else s * (xp.abs(wide) / divisor)
    below = xp.floor(exact)
    level = xp.minimum(xp.where(uniform < exact - below, below + 1, below), s)
    message = level * (length / s) if single else length * (level / s)
    return xp.astype(xp.where(x < 0, -message, message) + 0.0, x.dtype)  # 0.0 takes the sign off zeros


def natural(x: Array, uniform: Array) -> Array:
    """Round each magnitude at random, without bias, to one of the two nearest powers of two, or to zero.

    Below the smallest normal number lies zero; above the largest power of two nothing, as the next one is infinite.
    """
    smallest = np.finfo(x.dtype).smallest_normal
    magnitude = np.abs(x)
    _, exponent = np.frexp(magnitude)
    below = np.where(magnitude < smallest, 0, np.ldexp(x.dtype.type(0.5), exponent))
    gap = np.maximum(below, smallest)
    bounded = exponent < np.finfo(x.dtype).maxexp
    up = uniform < np.where(bounded, (magnitude - below) / gap, 0)
    return np.copysign(below + np.where(up, gap, 0), x)


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
