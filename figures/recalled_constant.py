"""By how much the recalled rate of error feedback fails, where, and on what."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from figures._base import Drawing, Figure, Records, verdicts
from figures._plate import Plate
from figures._style import LOOKS
from problems.counterexamples.clipped_bowl import ClippedBowl
from proofs_check.claims.museum.clipped_bowl import stepping
from proofs_check.claims.sign.error_feedback_sgd import recalled_bound, simple_bound
from proofs_check.claims.sign.recalled_constant import CAP, RHO, recalled, worst_case
from proofs_check.convergence import curve
from proofs_check.moments import line, stationary
from proofs_check.multipliers import sure
from toolkit.arrays import Array
from toolkit.experiment import Experiment

if TYPE_CHECKING:
    import xarray

Q, WALK = Fraction(1, 11), 3
STEPS = 1000
RIGHT, TOP = 0.6, 2.1  # of the map
LEVELS = (1.02, 1.05, 1.07)
# Of the instances with noise on x²/2 and of those with samples ±1 on the clipped bowl: q and γL.
NOISY = ((1 / 12, 1.0), (1 / 13, 0.5), (1 / 13, 0.85), (1 / 13, 0.25))
SIGNS = ((1 / 14, 0.1), (1 / 14, 0.2), (1 / 14, 0.3))


class RecalledConstant(Figure):
    """The exact worst case over the recalled bound, its largest value, and an instance that has it."""

    name = "recalled-constant"
    title = "A recalled constant of error feedback fails, by 8 % at most"
    claims = ("S-d3-long-run", "S-d3-cap", "S-d3-region", "S-d3-recalled", "clipped-bowl")

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {"stepping": stepping(Q, WALK, STEPS)}

    def draw(self, data: Mapping[str, xarray.Dataset], records: Records, level: str) -> Drawing:
        with Plate(panels=3, height=7.2, shares=(1.25, 1, 1)) as plate:
            self._map(plate)
            self._profile(plate)
            self._run(plate, data["stepping"])
        q = (1 - RHO) / (1 + RHO)
        caption = (
            "Error feedback with a contraction, $q = \\sqrt{1 - \\delta}$, constant step size, one worker, unbiased "
            "samples with $E\\|g_t\\|^2 \\le \\sigma^2$. Its rate is recalled with the term $\\gamma L\\sigma^2/2$; "
            "the proof gives twice that, and whether the paper prints the half is open. Top: the exact worst case of "
            "the long-run mean of $E\\|\\nabla f\\|^2$, over the recalled bound, as curves of equal ratio. The "
            "recalled bound is false within the curve 1 and true beyond, where the sharp error lemma shows it only "
            "from the dashed "
            f"curve on. The largest ratio is {CAP:.5f}, at $q = {q:.4f}$, $\\gamma L = {2 * RHO:.4f}$. Points: known "
            "instances. Middle: the largest ratio at each step size, which is attained, and what a compressor that "
            "stretches everything alike attains on $x^2/2$ with noise that is added. Bottom: a run without noise, "
            f"$q = {Q}$, $\\gamma L = {float(ClippedBowl.stepping(Q, WALK)[1]):.4f}$, whose gradients have length 1 at "
            "every step, and both bounds for it. " + verdicts(self.claims, records)
        )
        return Drawing(self.title, plate.figure, plate.table, caption)

    def _map(self, plate: Plate) -> None:
        axes = plate.panel("map", x=r"$q = \sqrt{1-\delta}$", y=r"$\gamma L$", title="worst case / recalled bound")
        axes.set_xlim(0, RIGHT)
        axes.set_ylim(0, TOP)
        q, gamma = np.linspace(0.002, RIGHT, 200), np.linspace(0.002, TOP, 200)
        ratio = worst_case(0.0, gamma[:, None], q) / recalled(0.0, gamma[:, None], q)
        for level, at in zip(LEVELS, (0.33, 0.3, 0.27), strict=True):
            line = _level(q, gamma, ratio, level)
            plate.measured(
                axes, f"ratio {level}", *line, look=LOOKS["uncompressed"], label=f"{level}", at=at, side="below"
            )
        plate.theory(axes, "1: true beyond", *_level(q, gamma, ratio, 1.0), at=0.9)
        edge = (1 - q) * (1 + q) ** 4 / (8 * q**2 * (3 + q))
        shown = edge < TOP
        plate.theory(axes, "true by the error lemma", q[shown], edge[shown], at=0.8, dashes=(0, (4, 2)))
        for name, points, look in (
            ("$x^2/2$ with noise, $C = 1 + q$", np.transpose(NOISY), "EF14 top-k"),
            (r"samples $\pm1$", np.transpose(SIGNS), "EF14 sign"),
            ("largest ratio", ([(1 - RHO) / (1 + RHO)], [2 * RHO]), "EF21 top-k"),
        ):
            plate.measured(axes, name, *points, look=LOOKS[look], weight="points", label=name)
        axes.legend(loc="upper right")

    def _profile(self, plate: Plate) -> None:
        axes = plate.panel("step size", x=r"$\gamma L$", y="largest ratio over $q$", log="x")
        gamma, q = np.geomspace(0.01, 3, 200), np.linspace(1e-3, 0.9, 900)
        ratio = worst_case(0.0, gamma[:, None], q) / recalled(0.0, gamma[:, None], q)
        plate.theory(axes, "worst case", gamma, ratio.max(axis=1), at=0.15, side="below")
        plate.theory(axes, f"{CAP:.4f}", [0.01, 3], [CAP, CAP], at=0.2, dashes=(0, (1, 1.5)))
        tried = np.geomspace(0.01, 1.6, 12)
        best = [max(_with_noise(one, stretch) for stretch in np.linspace(0.02, 0.1, 6)) for one in tried]
        label = "$x^2/2$, added noise, $C = 1 + q$"
        plate.measured(axes, "added noise", tried, best, look=LOOKS["EF14 top-k"], label=label, at=0.2)
        axes.set_ylim(0.995, 1.09)

    def _run(self, plate: Plate, result: xarray.Dataset) -> None:
        axes = plate.panel("run", x="step $T$", y=r"$\|\nabla f\|^2/\sigma^2$", log="x")
        T = result.step.values[10:]
        smallest = np.minimum.accumulate(curve(result, "grad_norm_sq")[0])[10:]
        problem, gamma = ClippedBowl.stepping(Q, WALK)
        where = problem.F_0, 1, float(gamma), 1, float(1 - Q**2), T
        label = r"$\min_{t\leq T}\|\nabla f(x_t)\|^2$, the run"
        plate.measured(axes, "smallest", T, smallest, look=LOOKS["EF14 top-k"], label=label, at=0.25, side="below")
        plate.theory(axes, "recalled bound", T, recalled_bound(*where), at=0.8, side="below")
        plate.theory(axes, "bound that the proof gives, S-d3", T, simple_bound(*where), at=0.6, side="below")
        axes.set_ylim(0.8, 2.4)


def _level(x: Array, y: Array, z: Array, level: float) -> tuple[Array, Array]:
    """Return the longest curve on which z is this number, clockwise, from its highest point if it is closed."""
    from contourpy import contour_generator

    curves: list[Array] = contour_generator(x, y, z).lines(level)  # type: ignore[assignment]
    longest = max(curves, key=len)
    across, up = longest.T
    closed = bool((longest[0] == longest[-1]).all())
    if np.sum(across[:-1] * up[1:] - across[1:] * up[:-1]) > 0:
        across, up = across[::-1], up[::-1]
    if closed:
        top = -int(np.argmax(up))
        across, up = np.append(np.roll(across[:-1], top), across[-top]), np.append(np.roll(up[:-1], top), up[-top])
    return across, up


def _with_noise(gamma: float, q: float) -> float:
    """Return the ratio in the long run for x²/2 with noise that is added; 0 if the run diverges."""
    if gamma >= 2 * (1 - q) / (1 + q):
        return 0.0
    limit = stationary(line(0.0, 1.0), sure(1 + q, 1), gamma)
    return float(limit.grad_norm_sq[0] / limit.sample_norm_sq[0] / recalled(0.0, gamma, q))
