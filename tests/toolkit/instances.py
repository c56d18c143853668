"""Instances of every compressor, for the batteries of tests.

A new compressor adds one line to `PARAMETERS`: its command-line name and the parameters of some instances, written as
on the command line. An instance stands alone, where any number of workers will do, or with its number of workers.
"""

from __future__ import annotations

from typing import NamedTuple

from toolkit import members
from toolkit.cli.inline import build
from toolkit.compressors import Compressor

WORKERS = 4  # where any number will do

PARAMETERS: dict[str, list[str | tuple[str, int]]] = {
    "adaptive-threshold": ["count=2", "count=1.5,threshold=0.5"],
    "bernoulli": ["p=0.3", "p=0.3,unbiased=true", "p=0.7,unbiased=true,common=true"],
    "block-rand-k": ["k=1,size=2", "k=2,size=2,unbiased=true,common=true", "k=1,size=3,unbiased=true,anywhere=true"],
    "blocks": [
        "compressor=(top-k:k=1),size=4",
        "compressor=(rand-k:k=1,unbiased=true),size=2",
        "compressor=(rand-k:k=1,common=true),size=4",
        "compressor=(qsgd:s=2),size=2",
        "compressor=(scaled-sign:zero=0),size=3",
        "compressor=(hard-threshold:raw=0.5),size=64",
        "compressor=(fcc:compressor=(hard-threshold:raw=0.5),rounds=2),size=3",
        ("compressor=(perm-k),size=3", 4),
    ],
    "composition": [
        "outer=(natural),inner=(rand-k:k=2,unbiased=true)",
        "outer=(qsgd:s=2),inner=(top-k:k=2)",
        "outer=(scaled-sign),inner=(rand-k:k=2,common=true)",
    ],
    "count-sketch": ["rows=1,columns=4", "rows=3,columns=2,estimate=median", "rows=2,columns=3,k=1"],
    "coordinate-sampling": [("", 4), ("", 7)],
    "dithered-uniform": ["spacing=0.5", "spacing=0.5,subtractive=true"],
    "drive": ["", "scale=least-squares"],
    "eden": ["bits=2", "bits=3,scale=least-squares"],
    "fcc": ["compressor=(top-k:k=1),rounds=2", "compressor=(rand-k:k=2),rounds=3", "compressor=(natural),rounds=2"],
    "fixed-blocks": [("", 4), ("", 7)],
    "float-format": [
        "format=bfloat16",
        "format=float16,rounding=stochastic",
        "format=float8_e4m3",
        "format=float8_e5m2,rounding=stochastic",
    ],
    "hard-threshold": ["raw=0.5", "raw=0"],
    "identity": [""],
    "induced": [
        "biased=(top-k:k=2),unbiased=(rand-k:k=1,unbiased=true)",
        "biased=(rand-k:k=2),unbiased=(qsgd:s=2)",
        "biased=(scaled-sign),unbiased=(rand-k:k=2,unbiased=true,common=true)",
    ],
    "lloyd-max": ["levels=2", "levels=5,source=laplace", "levels=7,scale=max"],
    "majority-vote": ["", "zero=0"],
    "natural": [""],
    "natural-dithering": ["s=2", "s=4,norm=max", "s=3,norm=1"],
    "noisy-sign": ["noise=0.5", "noise=2,law=uniform"],
    "nonzero-sampling": ["k=2", "k=4"],
    "perm-k": [("", 4), ("", 5), ("", 7)],
    "power-sgd": ["rank=1", "rank=1,columns=2,restart=true"],
    "qsgd": ["s=1", "s=3", "s=64", "s=2,norm=max", "s=2,norm=1"],
    "r-top-k": ["k=1,r=3", "k=2,r=5"],
    "rand-k": ["k=2", "k=2,unbiased=true", "k=4,unbiased=true", "k=2,common=true", "k=2,unbiased=true,common=true"],
    "raw-sign": ["", "zero=0"],
    "rotated": ["compressor=(scaled-sign)", "compressor=(top-k:k=2)", "compressor=(qsgd:s=2)"],
    "scaled": ["compressor=(rand-k:k=2,unbiased=true)", "compressor=(qsgd:s=1)", "compressor=(natural)"],
    "scaled-sign": ["zero=1", "zero=0"],
    "stochastic-sign": ["bound=1", "norm=max", "norm=2", "norm=1"],
    "tern-grad": ["", "clip=1.2"],
    "top-k": ["k=1", "k=3", "fraction=0.4", "k=2,ties=highest", "k=2,ties=random"],
}


class Example(NamedTuple):
    """A compressor, and a number of workers to use it with."""

    compressor: Compressor
    workers: int


def instances() -> list[Example]:
    """Return the examples of every member listed, in dimensions of at least 5."""
    found = []
    for name, each in PARAMETERS.items():
        for entry in each:
            parameters, workers = entry if isinstance(entry, tuple) else (entry, WORKERS)
            found.append(Example(build("toolkit.compressors", f"{name}:{parameters}"), workers))
    return found


def missing() -> set[str]:
    """Return the members found by scanning that have no instance, and the names listed that are no members."""
    return set(PARAMETERS) ^ set(members.names("toolkit.compressors"))
