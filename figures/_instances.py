"""Instances of every compressor in small dimensions."""

from __future__ import annotations

from toolkit import members
from toolkit.compressors import (
    FCC,
    QSGD,
    AdaptiveThreshold,
    Bernoulli,
    BlockRandK,
    Blocks,
    Composition,
    Compressor,
    CoordinateSampling,
    CountSketch,
    DitheredUniform,
    Drive,
    Eden,
    FixedBlocks,
    FloatFormat,
    HardThreshold,
    Induced,
    LloydMax,
    Natural,
    NaturalDithering,
    NoisySign,
    NonzeroSampling,
    PermK,
    PowerSGD,
    RandK,
    Rotated,
    RTopK,
    Scaled,
    ScaledSign,
    StochasticSign,
    TernGrad,
    TopK,
)
from toolkit.errors import WrongUse

__all__ = ["compressors"]


def compressors(level: str) -> tuple[dict[str, Compressor], list[str]]:
    """Return instances of every compressor by their labels, and the names of members that parameters are missing for.

    At the level 'quick' there is one instance of each class. A member that is not listed here has its defaults.

    Examples
    --------
    >>> compressors("quick")[0]["top-k"]
    TopK(k=2)
    """
    found: dict[str, Compressor] = {
        "top-k": TopK(k=2),
        "r-top-k": RTopK(k=1, r=3),
        "rand-k": RandK(k=2),
        "rand-k, unbiased": RandK(k=2, unbiased=True),
        "rand-k, common draws": RandK(k=2, unbiased=True, common=True),
        "block-rand-k": BlockRandK(k=1, size=2),
        "bernoulli": Bernoulli(p=0.3),
        "bernoulli, unbiased": Bernoulli(p=0.3, unbiased=True),
        "nonzero-sampling": NonzeroSampling(k=2),
        "hard-threshold": HardThreshold(raw=0.5),
        "adaptive-threshold": AdaptiveThreshold(count=2),
        "perm-k": PermK(),
        "coordinate-sampling": CoordinateSampling(),
        "fixed-blocks": FixedBlocks(),
        "scaled-sign": ScaledSign(),
        "scaled-sign, zero kept": ScaledSign(zero=0),
        "noisy-sign": NoisySign(noise=1.0),
        "stochastic-sign, max": StochasticSign(norm="max"),
        "stochastic-sign, 2-norm": StochasticSign(norm="2"),
        "stochastic-sign, 1-norm": StochasticSign(norm="1"),
        "qsgd, s = 1": QSGD(s=1),
        "qsgd, s = 3": QSGD(s=3),
        "qsgd, max": QSGD(s=2, norm="max"),
        "qsgd, 1-norm": QSGD(s=2, norm="1"),
        "tern-grad": TernGrad(),
        "natural-dithering": NaturalDithering(s=2),
        "natural-dithering, max": NaturalDithering(s=4, norm="max"),
        "natural-dithering, 1-norm": NaturalDithering(s=3, norm="1"),
        "natural": Natural(),
        "dithered-uniform": DitheredUniform(spacing=0.5),
        "dithered, subtractive": DitheredUniform(spacing=0.5, subtractive=True),
        "lloyd-max": LloydMax(levels=3, scale="max"),
        "count-sketch": CountSketch(rows=1, columns=2),
        "count-sketch, median": CountSketch(rows=3, columns=2, estimate="median"),
        "qsgd, rotated": Rotated(compressor=QSGD(s=2)),
        "scaled-sign, rotated": Rotated(compressor=ScaledSign()),
        "drive": Drive(scale="least-squares"),
        "eden, 2 bits": Eden(bits=2, scale="least-squares"),
        "power-sgd": PowerSGD(rank=1, columns=2, restart=True),
        "bfloat16": FloatFormat(format="bfloat16"),
        "bfloat16, stochastic": FloatFormat(format="bfloat16", rounding="stochastic"),
        "qsgd, scaled": Scaled(compressor=QSGD(s=1)),
        "natural, scaled": Scaled(compressor=Natural()),
        "qsgd of top-k": Composition(outer=QSGD(s=2), inner=TopK(k=2)),
        "natural of rand-k": Composition(outer=Natural(), inner=RandK(k=2, unbiased=True)),
        "natural of perm-k": Composition(outer=Natural(), inner=PermK()),
        "top-k + rand-k": Induced(biased=TopK(k=2), unbiased=RandK(k=1, unbiased=True)),
        "scaled-sign + qsgd": Induced(biased=ScaledSign(), unbiased=QSGD(s=2)),
        "top-k, fcc": FCC(compressor=TopK(k=1), rounds=2),
        "natural, fcc": FCC(compressor=Natural(), rounds=2),
        "top-k in blocks": Blocks(compressor=TopK(k=1), size=2),
        "qsgd in blocks": Blocks(compressor=QSGD(s=2), size=2),
        "perm-k in blocks": Blocks(compressor=PermK(), size=3),
    }
    unknown = []
    for name in members.names("toolkit.compressors"):
        member = members.load("toolkit.compressors", name)
        if not any(type(one) is member for one in found.values()):
            try:
                found[name] = member()
            except (TypeError, WrongUse):  # a field without a default
                unknown.append(name)
    classes = [type(one) for one in found.values()]
    first = {label: one for i, (label, one) in enumerate(found.items()) if type(one) not in classes[:i]}
    return first if level == "quick" else found, unknown
