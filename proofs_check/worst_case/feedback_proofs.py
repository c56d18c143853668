r"""The published proofs of EF and EF21, for every μ, s, step size and number of workers, as rational functions.

The rate is r² with r² = b r + s. With r as a parameter the step size is rational: where |1 − γ'μ| is the larger of the
two in b, γ = (1 − r)(r + s)/(r(1 + s)μ), and where |1 − γ'L| is, γ = (1 + r)(r − s)/(r(1 + s)L); here L = 1. Both with
√s < r < 1 and (r + s)(1 − r)/((r − s)(r + 1)) ≤ μ < 1; together these are all steps with which the methods contract.
At the smallest μ both step sizes are the best one: there what is proved inside holds by continuity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from proofs_check.worst_case.model import Model
from proofs_check.worst_case.settings import FEEDBACK
from proofs_check.worst_case.symbolic import on_a_line, parameters

__all__ = ["Proof", "domain", "proof", "proofs", "split"]

Matrix = list[list[Any]]


@dataclass(frozen=True)
class Proof:
    """A method with one of the two step sizes, and the multipliers of its proof.

    Parameters
    ----------
    method : {'EF', 'EF21'}
    active : {'μ', 'L'}
        Which of the two curvatures decides the rate.
    mu, s, r, stepsize : number
        Rational functions, or fractions for a proof at one point.
    """

    method: str
    active: str
    mu: Any
    s: Any
    r: Any
    stepsize: Any

    def model(self, workers: int = 1) -> Model:
        """Return the model of one step from any state with V ≤ 1."""
        return FEEDBACK[self.method](self.mu, self.s, self.stepsize, 1, workers)

    def multipliers(self, model: Model, workers: int = 1) -> dict[str, Any]:
        """Return the multipliers, the worker's share of each; that of the start is the rate.

        Source: Berg Thomsen, Taylor and Dieuleveut 2025, Theorems 1 and 2 (read in the authors' repository), at the
        best step size; any step size and any number of workers: derived.
        """
        EF = self.method == "EF"
        on_functions = (2 * self.stepsize * self.r if EF else 2 * self.s * self.r / self.stepsize) / workers
        on_messages = (1 / self.s if EF else self.s / self.s) / workers
        found = {"initial": self.r * self.r}
        for constraint in model.constraints():
            if constraint.name.startswith("message"):
                found[constraint.name] = on_messages
            elif constraint.name != "initial":
                found[constraint.name] = on_functions
        return found

    def attained(self, model: Model) -> Callable[..., Any]:
        """Return the values of a one-worker model's expressions on a line: hx²/2, with C(u) = (1 + s)u.

        There the method is a linear recursion of trace 1 − s − (1 + s)γh and determinant −s; it starts in the direction
        of its eigenvalue, r for h = μ and −r for h = L.
        """
        h, eigenvalue = (self.mu, self.r) if self.active == "μ" else (self.mu / self.mu, -self.r)
        if self.method == "EF":
            start, slope = {"x_0": h / h, "memory_0": -self.s * self.stepsize * h / (eigenvalue + self.s)}, 0 * h
        else:
            start, slope = {"estimate_0": (1 - eigenvalue) / (self.stepsize * h)}, h / h
        return on_a_line(model, start, h, slope, lambda u: (1 + self.s) * u)


def proof(method: str, active: str, mu: Any, s: Any, r: Any) -> Proof:
    """Return the proof of a rate r², numbers or rational functions alike, at the step size that has it."""
    longest = (1 - r) * (r + s) / mu if active == "μ" else (1 + r) * (r - s)
    return Proof(method, active, mu, s, r, longest / (r * (1 + s)))


@cache
def proofs() -> tuple[Proof, ...]:
    """Return the four proofs, for all parameters."""
    mu, s, r = parameters("mu", "s", "r")
    return tuple(proof(method, active, mu, s, r) for method in ("EF", "EF21") for active in ("μ", "L"))


@cache
def domain() -> Mapping[str, Any]:
    """Return r, s and μ as functions of three positive numbers, which reach all of the domain's interior."""
    p, q, w = parameters("p", "q", "w")
    r = 1 / (1 + p)
    s = r * r / (1 + q)
    least = (r + s) * (1 - r) / ((r - s) * (r + 1))
    return {"r": r, "s": s, "mu": least + (1 - least) * w / (1 + w)}


def split(matrix: Matrix, names: list[str], single: list[str], workers: int) -> tuple[Matrix, Matrix]:
    """Return the parts of n workers' residual matrix: of their means, and, times n, of one's deviation from these.

    Parameters
    ----------
    matrix : list of lists
    names : list of str
        The names of its vectors; those of worker i end in [i].
    single : list of str
        The names of one worker's vectors.
    workers : int
        n ≥ 2.
    """
    places = {one: [k for k, name in enumerate(names) if name.split("[")[0] == one] for one in single}
    mean = [[sum(matrix[i][j] for i in places[a] for j in places[b]) for b in single] for a in single]
    own = [one for one in single if len(places[one]) == workers]
    deviation = [
        [workers * (matrix[places[a][0]][places[b][0]] - matrix[places[a][0]][places[b][1]]) for b in own] for a in own
    ]
    return mean, deviation
