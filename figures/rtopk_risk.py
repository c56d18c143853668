"""The mean of sparse vectors of zeros and ones from short messages: exact risks, runs, and the limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._style import SCHEME_LOOKS
from problems import SparseBernoulli
from proofs_check.claims.rtop_k.bernoulli_limits import crossing
from proofs_check.claims.rtop_k.bernoulli_mean import measured_risks, one_step
from proofs_check.statistics import mean_interval
from toolkit.arrays import Array
from toolkit.estimation.schemes import AllCoordinates, LowestOnes, RandomCoordinates, RandomOnes, Scheme
from toolkit.experiment import Experiment
from toolkit.information.sparse_mean import sparse_mean_limit

if TYPE_CHECKING:
    import xarray

D, S, N, M = 256, 16, 64, 4
BITS = RandomOnes(M).bits(D)
CONFIDENCE = 0.99
MEASURED = {  # where runs are made
    "bits": (1, 2, 4, 8, 16),  # of m
    "n": (1, 4, 16, 64),
    "s": (2, 8, 32, 96),
    "d": (64, 256, 1024),
}


def _flat(d: int, s: float) -> Array:
    return SparseBernoulli.flat(1, d, s).theta


class RtopkRisk(Figure):
    """The risk against bits, workers, sparsity and dimension."""

    name = "rtopk-risk"
    title = "Naming random ones beats random coordinates as long as ones are rare"
    claims = ("S-b1", "S-b1-slopes", "S-b2", "S-b2-crossover", "S-b2-bias", "S-b3-limit")

    def experiments(self, level: str) -> dict[str, Experiment]:
        runs = {"quick": 48, "full": 400}[level]
        return {name: one_step(_flat(d, s), scheme, n, runs) for name, (scheme, d, s, n) in _points().items()}

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        with Plate(panels=4, columns=2, height=5.2) as plate:
            for draw in (_against_bits, _against_workers, _against_sparsity, _against_dimension):
                axes = draw(plate)
                _draw_points(plate, axes, draw.__name__.rpartition("_")[2], data)
        crossed = crossing(D, BITS)
        far = 10**7
        limit = sparse_mean_limit(D, S, far, BITS).risk
        caption = (
            "Exact risk $E\\|\\hat\\theta-\\theta\\|^2$ of schemes (lines) and means of runs (points, bars of "
            f"{CONFIDENCE:.0%} confidence, mostly within the points) at flat $\\theta=s/d$, the worst of its sum but "
            f"for the lowest ones. Where not varied, $d={D}$, $s={S}$, $n={N}$ and $k={BITS}$ bits, formula count, "
            f"which name $m={M}$ ones or send as many coordinates. Risks fall as $1/n$ but for what is biased (lowest "
            "ones) or common. Random coordinates overtake random ones at "
            f"$s={crossed:.1f}$, foretold $dm/k={D * M / BITS:.1f}$. "
            f"At $n=10^7$ naming ones is {RandomOnes(M).risk(_flat(D, S), far) / limit:.1f} times above the limit for "
            f"any scheme of so many bits. {verdicts(self.claims, records)}"
        )
        return Drawing(self.title, plate.figure, plate.table, caption)


def _points() -> dict[str, tuple[Scheme, int, float, int]]:
    """Return what is run: the scheme, d, s and n, by panel, scheme and place on the horizontal axis."""
    found: dict[str, tuple[Scheme, int, float, int]] = {}
    for m in MEASURED["bits"]:
        bits = RandomOnes(m).bits(D)
        found[f"bits/random ones/{bits}"] = RandomOnes(m), D, S, N
        found[f"bits/lowest ones/{bits}"] = LowestOnes(m), D, S, N
        found[f"bits/random coordinates/{bits}"] = RandomCoordinates(bits), D, S, N
    for n in MEASURED["n"]:
        found[f"workers/random ones/{n}"] = RandomOnes(M), D, S, n
        found[f"workers/lowest ones/{n}"] = LowestOnes(M), D, S, n
        found[f"workers/random coordinates/{n}"] = RandomCoordinates(BITS), D, S, n
        found[f"workers/common coordinates/{n}"] = RandomCoordinates(BITS, sets="common"), D, S, n
    for s in MEASURED["s"]:
        found[f"sparsity/random ones/{s}"] = RandomOnes(M), D, s, N
        found[f"sparsity/random coordinates/{s}"] = RandomCoordinates(BITS), D, s, N
    for d in MEASURED["d"]:
        found[f"dimension/random ones/{d}"] = RandomOnes.within(BITS, d), d, S, N
        found[f"dimension/random coordinates/{d}"] = RandomCoordinates(BITS), d, S, N
    return found


def _draw_points(plate: Plate, axes: Any, panel: str, data: Mapping[str, xarray.Dataset]) -> None:
    """Draw the means of the runs of one panel."""
    keys = [key.split("/") for key in data if key.startswith(panel)]
    for scheme in dict.fromkeys(scheme for _, scheme, _ in keys):
        places = [place for _, other, place in keys if other == scheme]
        samples = [measured_risks(data[f"{panel}/{scheme}/{place}"]) for place in places]
        found = [mean_interval(one, 1 - CONFIDENCE) for one in samples]
        x, y = [float(place) for place in places], [float(one.value) for one in found]
        ends = [max(float(one.low), 1e-9) for one in found], [float(one.high) for one in found]
        plate.measured(axes, f"{scheme}, runs", x, y, ends, look=SCHEME_LOOKS[scheme], weight="points")


def _panel(plate: Plate, name: str, x: str, ticks: tuple[float, ...], levels: tuple[float, ...]) -> Any:
    """Return a panel of risks with these ticks."""
    axes = plate.panel(name, x=x, y=r"risk $E\|\hat\theta-\theta\|^2$", log="xy")
    axes.minorticks_off()
    axes.set_xticks(ticks, [f"{tick:g}" if tick < 1e4 else f"$10^{{{np.log10(tick):.0f}}}$" for tick in ticks])
    axes.set_yticks(levels, [f"{one:g}" if one > 1e-3 else f"$10^{{{np.log10(one):.0f}}}$" for one in levels])
    return axes


def _against_bits(plate: Plate) -> Any:
    axes = _panel(plate, "bits", "bits per worker $k$", (20, 40, 80, 160), (0.25, 0.5, 1, 2, 4))
    counts = np.arange(1, 31)
    bits = [RandomOnes(int(m)).bits(D) for m in counts]
    theta = _flat(D, S)
    plate.theory(axes, "random ones", bits, [RandomOnes(int(m)).risk(theta, N) for m in counts], at=0.25, side="below")
    some = [1, 2, 4, 8, 16, 24, 30]
    lowest = [LowestOnes(m).risk(theta, N) for m in some]
    plate.theory(
        axes, "lowest ones", [RandomOnes(m).bits(D) for m in some], lowest, at=0.2, dashes=(0, (4, 1.2, 1, 1.2))
    )
    coordinates = [RandomCoordinates(k).risk(theta, N) for k in bits]
    plate.theory(axes, "random coordinates", bits, coordinates, at=0.4, dashes=(0, (2.6, 1.0)))
    everything = AllCoordinates().risk(theta, N)
    plate.theory(axes, f"no limit ({D} bits)", [bits[0], bits[-1]], [everything] * 2, at=0.25)
    return axes


def _against_workers(plate: Plate) -> Any:
    axes = _panel(plate, "workers", "workers $n$", (1, 100, 1e4, 1e6), (1e-6, 1e-4, 0.01, 1, 100))
    n = np.unique(np.geomspace(1, 10**7, 29).astype(int))
    theta = _flat(D, S)
    schemes: dict[str, tuple[Scheme, float, Any, Any]] = {
        "random ones": (RandomOnes(M), 0.72, "below", "solid"),
        "lowest ones (biased)": (LowestOnes(M), 0.8, "above", (0, (4, 1.2, 1, 1.2))),
        "common coordinates": (RandomCoordinates(BITS, sets="common"), 0.8, "above", (0, (1.2, 1.0))),
        "random coordinates": (RandomCoordinates(BITS), 0.62, "above", (0, (2.6, 1.0))),
    }
    for name, (scheme, at, side, dashes) in schemes.items():
        plate.theory(axes, name, n, [scheme.risk(theta, int(one)) for one in n], at=at, side=side, dashes=dashes)
    limit = [sparse_mean_limit(D, S, int(one), BITS).risk for one in n]
    plate.theory(axes, f"limit of {BITS} bits", n, limit, at=0.5, side="below")
    return axes


def _against_sparsity(plate: Plate) -> Any:
    axes = _panel(plate, "sparsity", "expected ones $s$", (1, 4, 16, 64), (0.01, 0.1, 1, 10))
    s = np.geomspace(1, D / 2, 15)
    thetas = [_flat(D, one) for one in s]
    ones = [RandomOnes(M).risk(theta, N) for theta in thetas]
    coordinates = [RandomCoordinates(BITS).risk(theta, N) for theta in thetas]
    plate.theory(axes, r"random ones, $\sim s^2$", s, ones, at=0.35, side="below")
    plate.theory(axes, r"random coordinates, $\sim s$", s, coordinates, at=0.3, dashes=(0, (2.6, 1.0)))
    where = D * M / BITS
    ends = min(ones), max(ones)
    plate.theory(axes, "$s=dm/k$", [where, where], ends, at=0.2, side="below", dashes=(0, (1, 2)))
    return axes


def _against_dimension(plate: Plate) -> Any:
    axes = _panel(plate, "dimension", "dimension $d$", (64, 256, 1024, 4096), (0.3, 1, 3, 10, 30))
    d = 2 ** np.arange(6, 13)
    thetas = [_flat(int(one), S) for one in d]
    ones = [RandomOnes.within(BITS, int(one)).risk(theta, N) for one, theta in zip(d, thetas, strict=True)]
    coordinates = [RandomCoordinates(BITS).risk(theta, N) for theta in thetas]
    plate.theory(axes, rf"random ones, {BITS} bits", d, ones, at=0.86)
    plate.theory(axes, rf"random coordinates, {BITS} bits", d, coordinates, at=0.6, dashes=(0, (2.6, 1.0)))
    return axes
