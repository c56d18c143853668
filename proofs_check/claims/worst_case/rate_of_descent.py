"""Gradient descent, nothing compressed, on functions that are not convex and on quadratic ones: exact worst cases."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction as Q
from itertools import product
from typing import TYPE_CHECKING, Any

from proofs_check.claim import Claim, Instance
from proofs_check.worst_case.brackets import bracket
from proofs_check.worst_case.functions import Smooth
from proofs_check.worst_case.measures import distance, gap, gradient
from proofs_check.worst_case.quadratics import Quadratic
from proofs_check.worst_case.tracing import trace
from toolkit.algorithms.sgd import SGD

if TYPE_CHECKING:
    import xarray

# μ, γ and N; L = 1.
POINTS = {
    "quick": {
        "not convex": [(Q(-1, 2), Q(1, 2), 2), (Q(-1), Q(1), 1), (Q(-1, 10), Q(3, 2), 3)],
        "quadratic": [(Q(0), Q(1, 2), 2), (Q(1, 10), Q(20, 11), 3), (Q(1, 10), Q(3, 2), 2)],
    },
    "full": {
        "not convex": list(
            product(map(Q, ("-2", "-1", "-1/2", "-1/10")), map(Q, ("1/2", "1", "5/4", "3/2")), (1, 2, 5))
        ),
        "quadratic": list(product(map(Q, ("0", "1/10", "1/2")), map(Q, ("1/2", "1", "3/2", "9/5")), (1, 2, 4))),
    },
}


def fall(mu: Q, stepsize: Q) -> float:
    """Return p, the share of the smallest ‖∇f‖²/2 so far that every step takes from f."""
    if stepsize <= 1:
        return float(stepsize * (2 + stepsize * mu / (1 - mu)))
    return float(stepsize * (2 - stepsize * mu) * (2 - stepsize) / (2 - stepsize - stepsize * mu))


def largest(mu: Q, stepsize: Q, steps: int) -> float:
    """Return the largest h/2·(1 − γh)^2N, at an end of [μ, 1] or between them."""
    between = max(mu, min(1 / (stepsize * (2 * steps + 1)), Q(1)))
    return float(max(h / 2 * (1 - stepsize * h) ** (2 * steps) for h in (mu, between, Q(1))))


class RateOfDescent(Claim):
    """A rate of N steps of gradient descent, L = 1."""

    kind = "tight"
    expected = "tight"
    functions: str

    def model(self, mu: Q, stepsize: Q, steps: int) -> Any:
        """Return the model of N steps."""
        raise NotImplementedError

    def stated(self, mu: Q, stepsize: Q, steps: int) -> float:
        """Return what the statement says of it."""
        raise NotImplementedError

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        return [
            bracket(f"μ = {mu}, γ = {stepsize}, N = {steps}", self.model(mu, stepsize, steps),
                    self.stated(mu, stepsize, steps))
            for mu, stepsize, steps in POINTS[level][self.functions]
        ]  # fmt: skip


class NotConvex(RateOfDescent):
    """The smallest gradient of N steps on functions whose curvature is bounded below."""

    id = "WC-GD-nonconvex"
    title = "Gradient descent on functions of curvature between μ < 0 and L: the exact bound on its smallest gradient"
    statement = (
        r"\max\frac{\min_{k\le N}\lVert\nabla f(x_k)\rVert^2}{f(x_0)-f^\star}=\frac{2L}{1+N p},\quad "
        r"p=\gamma L\Big(2+\frac{\gamma\mu L}{L-\mu}\Big)\ (\gamma L\le1),\quad "
        r"p=\gamma L\frac{(2-\gamma\mu)(2-\gamma L)}{2-\gamma L-\gamma\mu}\ (1\le\gamma L\le\tfrac32)"
    )
    reference = "Rotaru, Glineur and Patrinos 2022 (arXiv 2203.00775) and 2024 (arXiv 2406.17506)"
    status = "recalled"
    functions = "not convex"

    def model(self, mu: Q, stepsize: Q, steps: int) -> Any:
        run = trace(SGD(stepsize=stepsize), Smooth(mu=mu, L=1), steps=steps, minimiser="infimum")
        return run.worst(gradient, gap, smallest=True)

    def stated(self, mu: Q, stepsize: Q, steps: int) -> float:
        return 2 / (1 + steps * fall(mu, stepsize))


class OnQuadratics(RateOfDescent):
    """The gap after N steps on quadratic functions, from a bounded distance."""

    id = "WC-GD-quadratic"
    title = "Gradient descent on quadratic functions: its worst case of N steps is that of one eigenvalue"
    statement = (
        r"f(x)=\tfrac12\langle x,Ax\rangle,\ \mu\lVert x\rVert^2\le\langle x,Ax\rangle\le L\lVert x\rVert^2"
        r"\ \Rightarrow\ \max\frac{f(x_N)-f^\star}{\lVert x_0-x^\star\rVert^2}"
        r"=\max_{\mu\le h\le L}\tfrac h2(1-\gamma h)^{2N}"
    )
    reference = "elementary; as a semidefinite program: Bousselmi, Hendrickx and Glineur 2024"
    status = "derived"
    functions = "quadratic"

    def model(self, mu: Q, stepsize: Q, steps: int) -> Any:
        return trace(SGD(stepsize=stepsize), Quadratic(mu=mu, L=1), steps=steps).worst(gap, distance)

    def stated(self, mu: Q, stepsize: Q, steps: int) -> float:
        return largest(mu, stepsize, steps)
