"""Which parameters of every compressor make its curve, and which group it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from figures._messages import D
from toolkit import members
from toolkit.compressors import QSGD, Compressor, Natural, RandK, ScaledSign, TopK
from toolkit.errors import WrongUse

__all__ = ["GROUPS", "Family", "families"]


@dataclass(frozen=True)
class Family:
    """A compressor at some parameters, from coarse to fine.

    Parameters
    ----------
    name : str
        On the command line.
    group : str
        One of `GROUPS`.
    compressors : tuple of Compressor
    """

    name: str
    group: str
    compressors: tuple[Compressor, ...]


COUNTS = [D // 256, D // 32, D // 4]
KEPT: list[dict[str, Any]] = [{"k": k} for k in COUNTS]
LEVELS: list[dict[str, Any]] = [{"s": s} for s in (1, 4, 32)]
ONCE: list[dict[str, Any]] = [{}]

# A member that is not here is drawn in the last group if all of its fields have a default.
GROUPS: dict[str, dict[str, list[dict[str, Any]]]] = {
    "sparsifiers": {
        "top-k": KEPT,
        "rand-k": KEPT,
        "block-rand-k": [{"k": max(k // 8, 1), "size": 8} for k in COUNTS],
        "bernoulli": [{"p": k / D} for k in COUNTS],
        "r-top-k": [{"k": k, "r": 2 * k} for k in COUNTS],
        "hard-threshold": [{"raw": raw} for raw in (3.0, 2.0, 1.0)],
        "nonzero-sampling": KEPT,
        "adaptive-threshold": [{"count": k} for k in COUNTS],
        "perm-k": ONCE,
        "coordinate-sampling": ONCE,
        "fixed-blocks": ONCE,
    },
    "quantisers": {
        "scaled-sign": ONCE,
        "raw-sign": ONCE,
        "noisy-sign": [{"noise": 1.0}],
        "stochastic-sign": [{"norm": "max"}],
        "majority-vote": ONCE,
        "qsgd": LEVELS,
        "tern-grad": ONCE,
        "natural-dithering": [{"s": s} for s in (1, 4, 8)],
        "natural": ONCE,
        "dithered-uniform": [{"spacing": spacing, "subtractive": True} for spacing in (2.0, 1.0, 0.5, 0.25)],
        "lloyd-max": [{"levels": levels} for levels in (2, 4, 16)],
    },
    "rotations and sketches": {
        "drive": ONCE,
        "eden": [{"bits": bits, "scale": "least-squares"} for bits in (1, 2, 4)],
        "rotated": [{"compressor": QSGD(s=s)} for s in (4, 32)],
        "count-sketch": [{"rows": 1, "columns": columns} for columns in COUNTS],
    },
    "low rank": {
        "power-sgd": [{"rank": rank} for rank in (1, 4, 12)],
    },
    "formats": {
        "float-format": [{"format": name} for name in ("float8_e5m2", "float8_e4m3", "bfloat16", "float16")],
        "identity": ONCE,
    },
    "made of others": {
        "scaled": [{"compressor": QSGD(s=s)} for s in (1, 4, 32)],
        "composition": [{"outer": Natural(), "inner": TopK(k=k)} for k in COUNTS],
        "induced": [{"biased": TopK(k=k), "unbiased": RandK(k=k, unbiased=True)} for k in COUNTS],
        "fcc": [{"compressor": ScaledSign(), "rounds": rounds} for rounds in (1, 2, 4)],
        "blocks": [{"compressor": QSGD(s=s), "size": 64} for s in (1, 4, 32)],
    },
}


def families() -> Iterator[Family]:
    """Yield every compressor there is, group by group; those of unknown parameters come without compressors.

    Examples
    --------
    >>> found = {family.name: family for family in families()}
    >>> found["top-k"].group, len(found["top-k"].compressors)
    ('sparsifiers', 3)
    """
    package = "toolkit.compressors"
    rest = set(members.names(package))
    for group, choices in GROUPS.items():
        for name, parameters in choices.items():
            member = members.load(package, name)
            rest.remove(name)
            yield Family(name, group, tuple(member(**one) for one in parameters))
    for name in sorted(rest):
        member = members.load(package, name)
        try:
            yield Family(name, group, (member(),))
        except (TypeError, WrongUse):  # a field needs a value
            yield Family(name, group, ())
