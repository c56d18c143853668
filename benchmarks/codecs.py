"""Every code on uniform supports and on QSGD levels: size against the entropy, speed against zlib and lzma, one thread.

The aims: Golomb within 1 % of log2 C(d, k) for k/d ≤ 0.1; Golomb–Rice within 0.5 % at k/d = 0.01 and 2 % for
k/d ≤ 0.04, and at least 50 times faster than zlib at encoding the same gaps; entropy-coded levels within 0.2 % of their
entropy at 10⁶ levels, side information included. Every row has been decoded and compared in the same run. The sizes d
beside 10³, where everything is compiled, can be chosen with the environment variable ``BENCHMARK_SIZES``.
"""

from __future__ import annotations

import lzma
import os
import statistics
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks import interleaved, ratio
from toolkit.codecs import (
    ANS,
    Bitmap,
    EliasDelta,
    EliasGamma,
    EliasOmega,
    Encoded,
    Enumerative,
    FixedWidth,
    Gaps,
    Golomb,
    Huffman,
    Integers,
    LevelCode,
    MaskRange,
    Packed,
    PositionCode,
    Range,
    Rice,
)
from toolkit.codecs.gaps import gaps
from toolkit.entropy import level_entropy, set_entropy

SIZES = os.environ.get("BENCHMARK_SIZES", "1e5,1e7,1e8")
DENSITY, DENSITIES = 0.01, (0.001, 0.01, 0.04, 0.1)  # at all sizes, and where Golomb codes meet zlib
RICE_AIMS = {0.001: 1.02, 0.01: 1.005, 0.04: 1.02}
S, BUCKET = 4, 100  # of QSGD
INTEGER_CODES = (EliasGamma(), EliasDelta(), EliasOmega(), Golomb(), Rice())
POSITION_CODES: tuple[PositionCode, ...] = (*map(Gaps, INTEGER_CODES), FixedWidth(), Bitmap(), MaskRange())
LEVEL_CODES: tuple[LevelCode, ...] = (*map(Integers, INTEGER_CODES), Packed(), Huffman(), Range(), ANS())
ENUMERABLE = 10**5  # above this size the enumerative code takes too long
MOST = 10**6  # numbers given to zlib and lzma


def uniform_support(d: int, density: float) -> np.ndarray:
    """Return a set of positions that, given their number, is uniform."""
    rng = np.random.default_rng(1)
    blocks = range(0, d, MOST)
    return np.concatenate([start + np.flatnonzero(rng.random(min(MOST, d - start)) < density) for start in blocks])


def qsgd_levels(d: int) -> np.ndarray:
    """Return the levels −S, …, S of Gaussian numbers in buckets."""
    rng, parts = np.random.default_rng(2), []
    for start in range(0, d, MOST):
        x = rng.standard_normal((min(MOST, d - start) // BUCKET, BUCKET))
        scaled = S * np.abs(x) / np.linalg.norm(x, axis=1, keepdims=True)
        parts.append((np.sign(x) * np.floor(scaled + rng.random(x.shape))).astype(np.int8).ravel())
    return np.concatenate(parts)


def timed(call: Callable[[], Any], rounds: int) -> tuple[Any, float]:
    """Return what a call gives and its median time; with more than one round, the first is not counted."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - start)
    return result, statistics.median(times[1:] or times)


def measure(
    name: str, numbers: np.ndarray, entropy: float, encode: Callable[[], Encoded], decode: Callable[[Any], np.ndarray]
) -> dict[str, Any]:
    """Return size and speed of a code that has to give back `numbers`."""
    rounds = 10 if len(numbers) <= 10**6 else 3 if len(numbers) <= 10**7 else 1
    encoded, encoding = timed(encode, rounds)
    decoded, decoding = timed(lambda: decode(encoded.data), rounds)
    if not np.array_equal(decoded, numbers):
        raise AssertionError(f"{name} has not given back what it was given")
    return {
        "code": name,
        "numbers": len(numbers),
        "bits / entropy": encoded.bits / entropy,
        "without side information": (encoded.bits - encoded.side) / entropy,
        "encode, M/s": len(numbers) / 1e6 / encoding,
        "decode, M/s": len(numbers) / 1e6 / decoding,
    }


def peers(numbers: np.ndarray, entropy_of: Callable[[np.ndarray], float]) -> Iterator[dict[str, Any]]:
    """Yield the rows of zlib and lzma on the first numbers, as bytes of their smallest type."""
    few = numbers[:MOST]
    kind = np.min_scalar_type(few.max() if few.min() >= 0 else min(few.min(), -int(few.max()) - 1))
    raw = few.astype(kind).tobytes()
    compressors: dict[str, tuple[Callable[[], bytes], Callable[[Any], bytes]]] = {
        "zlib 6": (lambda: zlib.compress(raw, 6), zlib.decompress),
        "lzma": (lambda: lzma.compress(raw), lzma.decompress),
    }
    for name, (compress, decompress) in compressors.items():

        def encode(compress: Callable[[], bytes] = compress) -> Encoded:
            data = np.frombuffer(compress(), np.uint8)
            return Encoded(data, 8 * len(data))

        def decode(data: Any, decompress: Callable[[Any], bytes] = decompress) -> np.ndarray:
            return np.frombuffer(decompress(data.tobytes()), kind)

        yield measure(f"{name} on {kind}", few, entropy_of(few), encode, decode)


def positions(d: int, density: float) -> dict[str, Any]:
    """Return the rows of one support."""
    support = uniform_support(d, density)
    k = len(support)
    entropy = float(set_entropy(d, k))

    def row(code: PositionCode) -> dict[str, Any]:
        def encode() -> Encoded:
            return code.encode(support, d)

        def decode(data: Any) -> np.ndarray:
            return code.decode(data, d, k)[0]

        return measure(repr(code), support, entropy, encode, decode)

    rows = [row(code) for code in (*POSITION_CODES, *([Enumerative()] if d <= ENUMERABLE else []))]
    rows += peers(gaps(support), lambda few: float(set_entropy(int(few.sum()), len(few))))
    return {"d": d, "k": k, "bits of entropy": entropy, "rows": rows}


def levels(d: int) -> dict[str, Any]:
    """Return the rows of one stream of levels."""
    stream = qsgd_levels(d)
    entropy = float(level_entropy(stream))

    def row(code: LevelCode) -> dict[str, Any]:
        def encode() -> Encoded:
            return code.encode(stream, -S, S)

        def decode(data: Any) -> np.ndarray:
            return code.decode(data, len(stream), -S, S)[0]

        return measure(repr(code), stream, entropy, encode, decode)

    rows = [row(code) for code in LEVEL_CODES]
    rows += peers(stream, lambda few: float(level_entropy(few)))
    return {"d": d, "s": S, "bits of entropy": entropy, "rows": rows}


def against_zlib(d: int, density: float) -> dict[str, Any]:
    """Return how much faster Golomb–Rice is than zlib on the same gaps, and both Golomb sizes, beside their aims."""
    support = uniform_support(d, density)
    numbers = gaps(support)
    code = Rice().fit(len(numbers), d)
    raw = numbers.astype(np.min_scalar_type(numbers.max())).tobytes()
    times = interleaved({"rice": lambda: code.encode(numbers), "zlib": lambda: zlib.compress(raw, 6)})
    entropy = float(set_entropy(d, len(support)))
    return {
        "d": d,
        "density": density,
        "zlib / golomb-rice, encoding": ratio(times["zlib"], times["rice"]),
        "zlib / golomb-rice, encoding, aim": 50,
        # The longer call of the two suffers more from other processes, which flatters the ratio; here it does not.
        "zlib / golomb-rice, encoding, fastest rounds": min(times["zlib"]) / min(times["rice"]),
        "golomb-rice, M gaps/s": len(numbers) / statistics.median(times["rice"]) / 1e6,
        "golomb, bits / log2 C(d, k)": Gaps(Golomb()).bits(support, d) / entropy,
        "golomb, aim": 1.01,
        "golomb-rice, bits / log2 C(d, k)": Gaps(Rice()).bits(support, d) / entropy,
        "golomb-rice, aim": RICE_AIMS.get(density),
    }


def run() -> dict[str, Any]:
    """Measure and return everything, as `python -m benchmarks codecs` prints and writes it."""
    sizes = sorted({10**3, *(int(float(one)) for one in SIZES.split(","))})
    return {
        "golomb": [against_zlib(10**7, density) for density in DENSITIES],
        "levels, aim for range and ANS codes at d = 1e6": 1.002,
        "levels": [levels(d) for d in sorted({*sizes, MOST})],
        "positions": [positions(d, DENSITY) for d in sizes],
    }
