"""Error feedback where messages project, on a grid of κ and s: at which step sizes it is proved to gain how much.

Both were searched for once; that they are right is proved whenever it is asked for. The certificates can be kept as
rows of numbers, from which the method gives the statements again: ``python -m proofs_check.worst_case.ordering_points
FILE`` writes those of the whole grid.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from fractions import Fraction as Q
from pathlib import Path
from typing import Any

from proofs_check.worst_case.certificate import upper_certificate
from proofs_check.worst_case.certifying import Uncertified
from proofs_check.worst_case.lyapunov import LyapunovProof, Potential
from proofs_check.worst_case.measures import gap
from proofs_check.worst_case.ordering import Comparison, best_scale, compare, feedback
from proofs_check.worst_case.solving import Unsolved
from proofs_check.worst_case.statements import statement
from toolkit.files import write_whole

__all__ = ["ERRORS", "POINTS", "proved", "row", "searched", "verified"]

# Relative errors s whose squares are about evenly spaced.
ERRORS = (
    Q(1, 20), Q(1, 7), Q(2, 9), Q(6, 19), Q(9, 20), Q(11, 20), Q(19, 30), Q(12, 17), Q(31, 40), Q(21, 25), Q(17, 19),
    Q(19, 20),
)  # fmt: skip
UNIT = 640  # of step sizes: they are multiples of `best_stepsize` over this
GAIN = 10_000  # gains are multiples of one over this
PRECISION = 2e-4  # of the gain that is searched for
# By κ and, in the order of ERRORS, by s: step size and gain, in these units.
POINTS: dict[int, tuple[tuple[int, int], ...]] = {
    2: (
        (658, 9103), (666, 8060), (666, 7639), (667, 7347), (663, 7095), (661, 6975), (657, 6894), (654, 6838),
        (651, 6791), (648, 6750), (645, 6718), (642, 6687),
    ),
    3: (
        (671, 9924), (687, 9231), (691, 8841), (691, 8527), (687, 8223), (681, 8052), (673, 7931), (667, 7834),
        (661, 7751), (655, 7672), (649, 7608), (644, 7546),
    ),
    4: (
        (678, 10230), (702, 9858), (710, 9550), (710, 9265), (706, 8950), (696, 8754), (686, 8602), (678, 8475),
        (669, 8358), (660, 8250), (653, 8162), (646, 8072),
    ),
    6: (
        (684, 10474), (720, 10508), (732, 10358), (736, 10152), (730, 9855), (718, 9626), (704, 9432), (692, 9261),
        (680, 9094), (668, 8940), (658, 8810), (648, 8676),
    ),
    8: (
        (686, 10576), (730, 10844), (746, 10810), (754, 10674), (746, 10402), (734, 10156), (717, 9935), (702, 9728),
        (687, 9528), (673, 9338), (661, 9179), (650, 9024),
    ),
    12: (
        (690, 10669), (742, 11188), (764, 11304), (774, 11270), (766, 11042), (750, 10778), (732, 10514), (714, 10264),
        (696, 10016), (679, 9784), (665, 9588), (651, 9388),
    ),
    20: (
        (692, 10740), (752, 11479), (780, 11748), (794, 11828), (788, 11656), (770, 11370), (747, 11060), (725, 10758),
        (704, 10460), (684, 10174), (668, 9938), (653, 9714),
    ),
    40: (
        (694, 10798), (762, 11722), (796, 12136), (814, 12332), (808, 12216), (786, 11900), (760, 11536), (735, 11180),
        (711, 10828), (689, 10498), (671, 10226), (654, 9966),
    ),
    80: (
        (696, 10832), (768, 11870), (804, 12374), (826, 12644), (820, 12558), (796, 12212), (767, 11804), (740, 11406),
        (715, 11026), (692, 10674), (673, 10382), (655, 10104),
    ),
    160: (
        (696, 10855), (772, 11964), (810, 12526), (832, 12840), (828, 12764), (801, 12388), (771, 11950), (743, 11528),
        (717, 11128), (693, 10758), (674, 10462), (655, 10168),
    ),
    320: (
        (697, 10872), (774, 12028), (814, 12624), (837, 12966), (831, 12888), (803, 12482), (773, 12026), (745, 11596),
        (718, 11180), (694, 10806), (674, 10496), (656, 10215),
    ),
}  # fmt: skip

Row = Mapping[str, Any]  # what JSON holds


def proved(kappa: int, s: Q) -> Comparison:
    """Return the comparison at a point of the grid, with a proof that is made now.

    Raises
    ------
    Unsolved, Uncertified
        If the solver finds none here.

    Examples
    --------
    >>> found = proved(40, Q(9, 20))
    >>> found.better, round(found.gain, 4)
    (True, 1.2216)
    """
    scale, gain = POINTS[kappa][ERRORS.index(s)]
    return compare(Q(1, kappa), s, Q(scale, UNIT), gain / GAIN)


def searched(kappa: int, s: Q, start: Q = Q(1)) -> tuple[int, int] | None:
    """Search for the step size with the largest gain, and return both in units of `POINTS` if they can be proved."""
    scale, best = best_scale(Q(1, kappa), s, start, PRECISION, finest=Q(1, UNIT))
    for less in (0.5, 2.0, 8.0, 32.0):
        gain = int((best - less * PRECISION) * GAIN)
        try:
            compare(Q(1, kappa), s, scale, gain / GAIN)
        except (Unsolved, Uncertified):
            continue
        return int(scale * UNIT), gain
    return None


def row(found: Comparison) -> Row:
    """Return the numbers of a comparison and of its proof, as texts."""
    parts = {"step": found.proof.step, "bound": found.proof.bound}
    return {
        "mu": str(found.mu),
        "s": str(found.s),
        "stepsize": str(found.stepsize),
        "weights": [str(weight) for weight in found.proof.potential.weights],
        **{
            name: {"bound": one.document["bound"], "multipliers": one.document["proof"]["multipliers"]}
            for name, one in parts.items()
        },
    }


def verified(kept: Row) -> Comparison:
    """Return the comparison of a row, whose proof was just verified, in exact numbers.

    Raises
    ------
    WrongUse
        If the numbers prove nothing.

    Examples
    --------
    >>> kept = row(proved(40, Q(9, 20)))
    >>> verified(kept).proof.verified()[:18]
    'proved for every N'
    """
    mu, s, stepsize = (Q(kept[name]) for name in ("mu", "s", "stepsize"))
    run, potential = feedback(mu, s, stepsize), Potential(tuple(map(Q, kept["weights"])))
    models = {"step": run(1).worst(potential, potential), "bound": run(0).worst(gap, potential)}
    certificates = {
        name: upper_certificate(
            statement(model),
            Q(kept[name]["bound"]),
            {constraint: Q(value) for constraint, value in kept[name]["multipliers"].items()},
        )
        for name, model in models.items()
    }
    proof = LyapunovProof(run, gap, potential, **certificates)
    proof.verified()
    return Comparison(mu, s, stepsize, proof)


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(row(proved(kappa, s))) for kappa in POINTS for s in ERRORS)
    write_whole(Path(sys.argv[1]), f"[\n{lines}\n]\n")
