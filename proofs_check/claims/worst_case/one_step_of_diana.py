"""DIANA's Lyapunov function in one step: the unified theory's rate against the worst case."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction as Q
from itertools import product
from typing import TYPE_CHECKING

from proofs_check.claim import Claim, Instance
from proofs_check.worst_case.certifying import certify
from proofs_check.worst_case.rational import at_most
from proofs_check.worst_case.unbiased_steps import diana as one_step

if TYPE_CHECKING:
    import xarray

# Workers, ω, μ; L = 1.
POINTS = {
    "quick": [(1, Q(1), Q(1, 10)), (2, Q(4), Q(1, 2))],
    "full": list(product((1, 2, 3), (Q(1), Q(4), Q(20)), (Q(1, 100), Q(1, 10), Q(1, 2)))),
}


class OneStepOfDiana(Claim):
    """The largest a and γ of the theorem, from any state; a model of moments, of which an upper bound is proved."""

    id = "WC-DIANA"
    title = "DIANA: its Lyapunov function after one step, for every convex problem and independent unbiased compressors"
    statement = (
        r"a\le\frac1{1+\omega},\ \gamma\le\frac{1}{(1+6\omega/n)L}\ \Rightarrow\ "
        r"E\,V^+\le\max\{1-\gamma\mu,1-a/2\}\,V,\quad V=\lVert x-x^\star\rVert^2"
        r"+\frac{4\omega\gamma^2}{na}\cdot\frac1n\sum_i\lVert h_i-\nabla f_i(x^\star)\rVert^2"
    )
    reference = "Gorbunov, Hanzely and Richtárik 2020, unified theory (sheet D3, derived)"
    status = "derived"

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = []
        for n, omega, mu in POINTS[level]:
            a, stepsize = 1 / (1 + omega), 1 / (1 + 6 * omega / n)
            stated = max(1 - stepsize * mu, 1 - a / 2)
            proved = certify(one_step(n, omega, mu, stepsize, a)).bound
            verdict = "holds" if proved <= stated else "undecided"
            slower = (1 - float(proved)) / (1 - float(stated))
            reason = f"proved: at most {at_most(proved, 7)}, {slower:.3g} times what the theorem takes off"
            name = f"n = {n}, ω = {omega}, μ = {mu}, γ = {stepsize}"
            sides = float(proved), float(stated), float(proved / stated)
            found.append(Instance(name, verdict, *sides, reason=reason))
        return found
