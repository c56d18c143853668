"""What published step sizes give away, and what exact certificates cost in bytes and seconds against N."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction as Q
from functools import cache
from statistics import median
from time import process_time
from typing import TYPE_CHECKING, Any

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate, Side
from figures._style import LOOKS
from proofs_check.claims.worst_case.longest_pl_steps import AnyWeight, LongestUnderPL, published
from proofs_check.claims.worst_case.longest_unbiased_steps import (
    Longest,
    OfDiana,
    OfDianaAnyWeight,
    SharedMinimiser,
    UnlikeWorkers,
)
from proofs_check.claims.worst_case.longest_unbiased_steps import Setting as NoiseSetting
from proofs_check.worst_case.certificate import Certificate
from proofs_check.worst_case.certifying import Uncertified, certify
from proofs_check.worst_case.ef21_steps import curvature, longest, proof_of_descent, published_weight
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.pl_steps import of_rate, shrinking
from proofs_check.worst_case.settings import best_stepsize, cgd, cgd_best_stepsize, ef21, error_feedback
from proofs_check.worst_case.solving import Unsolved
from proofs_check.worst_case.unbiased_steps import diana_longest, diana_longest_of_weights, farthest, floor_longest
from toolkit.arrays import Array

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

MU, S = Q(1, 10), Q(1, 2)
STEPS = {"quick": (1, 2, 3, 4), "full": (1, 2, 3, 4, 5, 6, 8, 10)}
ROOTS = {"quick": 8, "full": 24}  # how many rational largest steps, less one
FLAT = Q(1, 100)  # μ where a step size depends on it
ERRORS = {"quick": (2, 4, 6), "full": (1, 2, 3, 4, 5, 6, 7)}  # s in eighths
NOISES = {"quick": (Q(1, 10), Q(1), Q(10)), "full": tuple(map(Q, ("1/20", "1/5", "1/2", "1", "2", "5", "20", "100")))}
TIMES, ENOUGH = 5, 3.0  # how often one certificate is made, and CPU seconds after which no more
METHODS: dict[str, tuple[str, Callable[[int], Model]]] = {
    "CGD": ("no memory", lambda steps: cgd(MU, S, cgd_best_stepsize(MU, S), steps)),
    "EF": ("EF14 top-k", lambda steps: error_feedback(MU, S, best_stepsize(MU, S), steps)),
    "EF21": ("EF21 top-k", lambda steps: ef21(MU, S, best_stepsize(MU, S), steps)),
}


MARKERS = ("s", "o", "^")  # of the methods


@dataclass(frozen=True)
class Cost:
    """What one certificate took: CPU seconds of every time it was made, in order, and bytes."""

    steps: int
    seconds: tuple[float, ...]
    size: int

    @property
    def median(self) -> float:
        """The seconds that half of them took at most."""
        return median(self.seconds)


@cache
def costs(level: str) -> dict[str, tuple[tuple[Cost, ...], tuple[int, ...]]]:
    """Return the costs of the certificates of every method, and the numbers of steps at which there was none."""
    certify(METHODS["EF"][1](1))  # what is loaded at the first call is not counted
    found = {}
    for name, (_, model) in METHODS.items():
        made, missing = [], []
        for steps in STEPS[level]:
            seconds: list[float] = []
            try:
                while len(seconds) < TIMES and sum(seconds) < ENOUGH:
                    begin = process_time()
                    certificate = certify(model(steps))
                    seconds.append(process_time() - begin)
            except (Unsolved, Uncertified):
                missing.append(steps)
                continue
            made.append(Cost(steps, tuple(sorted(seconds)), _size(certificate)))
        found[name] = tuple(made), tuple(missing)
    return found


def _size(certificate: Certificate) -> int:
    certificate.verified()
    return len(json.dumps(certificate.document).encode())


def proved_ratios(level: str) -> list[tuple[float, float]]:
    """Return ε and the ratio of a rational step size, proved by an exact certificate, to the published one, 1 − s."""
    found = []
    for k in range(1, ROOTS[level]):
        t = Q(k, ROOTS[level])
        s, stepsize = t / (1 - t * t + t), 1 - t * t  # the root of γ + γ²(s/(1 − s))² = 1
        proof_of_descent(stepsize, s, (Q(1),), Q(1), published_weight(s)).verified()
        found.append((float(s * s), float(stepsize / (1 - s))))
    return found


@cache
def proved_under_pl(level: str) -> dict[str, list[tuple[float, float]]]:
    """Return ε and the ratio of a step size, proved by an exact certificate, to the published one, by weight."""
    found: dict[str, list[tuple[float, float]]] = {}
    for name, claim in (("published", LongestUnderPL()), ("best", AnyWeight())):
        for s in (Q(k, 8) for k in ERRORS[level]):
            γ, bound = claim.certified(s, FLAT)
            if bound <= claim.rate(γ, FLAT):
                found.setdefault(name, []).append((float(s * s), float(γ) / published(s, FLAT)))
    return found


def proved_unbiased(claim: Longest, workers: int, level: str) -> list[tuple[float, float]]:
    """Return ω/n and the ratio of a step size, proved by an exact certificate, to the published one."""
    found = []
    for v in NOISES[level]:
        one = NoiseSetting(workers, workers * v, FLAT)
        γ = claim.step(one)
        claim.proof(one, γ).verified()
        found.append((float(v), float(γ / claim.published(one))))
    return found


class Certificates(Figure):
    """The slack of published step sizes, and the cost of certificates."""

    name = "certificates"
    title = (
        "Published steps could be up to 5/4 (EF21) to 4 times (a shared minimiser) as long; exact proofs of N steps "
        "grow faster in seconds than in bytes"
    )
    claims = (
        "WC-EF21-step", "WC-EF21-step-slack", "WC-EF21-PL-longest", "WC-EF21-PL-weight", "WC-DCGD-longest-shared",
        "WC-DCGD-longest", "WC-DIANA-longest", "WC-DIANA-weight", "WC-DCGD-slack-shared", "WC-DCGD-slack",
        "WC-DIANA-slack", "WC-DIANA-weight-slack", "WC-CGD-N", "WC-EF-N", "WC-EF21-N",
    )  # fmt: skip

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        found, ratios = costs(level), proved_ratios(level)
        with Plate(panels=4, columns=2, height=4.6) as plate:
            self.feedback(plate, ratios, proved_under_pl(level))
            self.unbiased(plate, level)
            self.cost(plate, "seconds", "CPU seconds to certify", level)
            last = self.cost(plate, "size", "kilobytes of JSON", level)
            plate.figure.legend(*last.get_legend_handles_labels(), loc="outside lower center", ncols=3)
        none = [f"{name} at N = {', '.join(map(str, missing))}" for name, (_, missing) in found.items() if missing]
        slowest = max(one.median for made, _ in found.values() for one in made)
        fewest = min(len(one.seconds) for made, _ in found.values() for one in made)
        times = f"{TIMES}" if fewest == TIMES else f"{fewest} to {TIMES}"
        growth = [(made[-1].median / made[0].median, made[-1].size / made[0].size) for made, _ in found.values()]
        (slow, slower), (small, smaller) = ((min(one), max(one)) for one in zip(*growth, strict=True))
        at = max(ratios, key=lambda one: one[1])
        caption = (
            "Above: how much longer than the published step a step may be for the published one-step bound to hold; "
            "lines are closed forms, dots step sizes that exact certificates prove. Left, EF21: on smooth functions "
            "the published step is $\\gamma L = 1 - s$, and the line is the root of the condition that its proof needs "
            f"before it is simplified, at most {at[1]:.4f}, at $\\varepsilon = {at[0]:.3g}$. Under Polyak–Łojasiewicz, "
            "$\\mu = L/100$, the line is where EF21 itself becomes slower than the rate $1 - \\gamma\\mu$, so that "
            "no potential allows more; squares are proved for the published potential, dots with the "
            "best weight of $G$. "
            "Right, descent without shifts and DIANA with the published and the best weight of its shifts, "
            "$\\mu = L/100$: the dots are proved on the lines, and exact quadratics refute steps above them. "
            "Below: making an exact upper bound of N steps within "
            "$10^{-5}$ of the worst case, $\\mu = 1/10$, "
            f"$L = 1$, $s = 1/2$, at the best step sizes, medians of {times} times with bars from the "
            f"fastest to the slowest: {slowest:.2g} s of one core at most, here and now. From N = 1 to "
            f"{STEPS[level][-1]} seconds grow {slow:.0f} to {slower:.0f} times, "
            f"bytes {small:.1f} to {smaller:.1f} times. "
            + (f"None was found for {'; '.join(none)}. " if none else "One was found at every N shown. ")
            + verdicts(self.claims, records)
        )
        return Drawing(self.title, plate.figure, plate.table, caption)

    def feedback(self, plate: Plate, ratios: list[tuple[float, float]], under_pl: Mapping[str, Any]) -> None:
        axes = plate.panel(
            "step size",
            x=r"compression error $\varepsilon = s^2$",
            y="longest step / published",
            title="EF21, one worker",
        )
        s = np.linspace(0.001, 0.999, 300)
        longer = [longest(1, curvature(one, 1, 1, published_weight(one))) / (1 - one) for one in s]
        plate.theory(axes, "smooth: root of the condition", s * s, longer, at=0.55, side="above")
        plate.measured(axes, "certificates", *zip(*ratios, strict=True), look=LOOKS["EF21 top-k"], weight="points")
        mu = float(FLAT)
        most = [of_rate(one, shrinking(one, mu)) / published(Q(one), FLAT) for one in s]
        plate.theory(axes, "Polyak–Łojasiewicz: no potential above", s * s, most, at=0.72, side="above")
        for name, look, marker in (("published", LOOKS["no memory"], "s"), ("best", LOOKS["EF14 top-k"], "o")):
            points = zip(*under_pl[name], strict=True)
            dots = plate.measured(axes, f"certificates, {name} weight", *points, look=look, weight="points")
            dots.set_marker(marker)
        axes.set_ylim(1, 2.05)

    def unbiased(self, plate: Plate, level: str) -> None:
        axes = plate.panel(
            "unbiased", x=r"noise $\omega/n$", y="longest step / published", log="x", title="unbiased compressors"
        )
        mu, v = float(FLAT), np.geomspace(0.02, 200, 300)
        h = np.array([farthest(one, mu) for one in v])
        diana = np.array([diana_longest(1, one, mu, 1 / (1 + one)) for one in v])
        weighted = np.array([diana_longest_of_weights(1, one, mu) for one in v])
        lines: dict[str, tuple[Longest, int, Array, float, Side]] = {
            "shared minimiser": (SharedMinimiser(), 1, floor_longest(v, mu, 1.0) * (1 + 2 * v), 0.45, "above"),
            "unlike workers": (UnlikeWorkers(), 2, floor_longest(v, mu, h) * (1 + 2 * v), 0.8, "above"),
            "DIANA, one worker": (OfDiana(), 1, diana * (1 + 6 * v), 0.6, "below"),
            "DIANA, best weight": (OfDianaAnyWeight(), 1, weighted * (1 + 6 * v), 0.75, "above"),
        }
        looks = (LOOKS["EF14 top-k"], LOOKS["EF14 rand-k"], LOOKS["EF14 sign"], LOOKS["raw sign"])
        for (name, (claim, workers, ratio, at, side)), look in zip(lines.items(), looks, strict=True):
            plate.theory(axes, name, v, ratio, at=at, side=side)
            points = zip(*proved_unbiased(claim, workers, level), strict=True)
            plate.measured(axes, f"{name}, certificates", *points, look=look, weight="points")
        axes.set_ylim(1, 4.1)

    def cost(self, plate: Plate, name: str, y: str, level: str) -> Axes:
        axes = plate.panel(name, x="steps $N$", y=y, log="xy", title="exact bounds of $N$ steps")
        for (method, (look, _)), marker in zip(METHODS.items(), MARKERS, strict=True):
            made = costs(level)[method][0]
            steps = [one.steps for one in made]
            if name == "seconds":
                ends = [one.seconds[0] for one in made], [one.seconds[-1] for one in made]
                medians = [one.median for one in made]
                line = plate.measured(axes, method, steps, medians, ends, look=LOOKS[look], weight="points")
            else:
                sizes = [one.size / 1000 for one in made]
                line = plate.measured(axes, method, steps, sizes, look=LOOKS[look], label=method)
            line.set(marker=marker, markersize=3.5)
        axes.set_xticks(STEPS[level], [str(one) for one in STEPS[level]])
        low, high = axes.get_ylim()
        ticks = [one for one in (0.003, 0.01, 0.03, 0.1, 0.3, 1, 2, 3, 5, 10, 20) if low <= one <= high]
        axes.set_yticks(ticks, [f"{one:g}" for one in ticks])
        axes.minorticks_off()
        return axes
