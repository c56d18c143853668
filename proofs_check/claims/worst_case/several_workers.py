"""EF and EF21 with many workers: one worker's rate for every number of them, and what fails with another potential."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction as Q
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from proofs_check.claim import Claim, Instance
from proofs_check.claims.worst_case.rate_of_error_feedback import EF, EF21, RATE
from proofs_check.claims.worst_case.rate_proofs import AllParameters, on_the_line
from proofs_check.worst_case.certificate import upper_certificate
from proofs_check.worst_case.certifying import Uncertified, exhibit
from proofs_check.worst_case.expressions import Expression
from proofs_check.worst_case.feedback_proofs import Proof, domain, proof, split
from proofs_check.worst_case.functions import Smooth
from proofs_check.worst_case.measures import norm_sq
from proofs_check.worst_case.messages import Contractive
from proofs_check.worst_case.model import Model
from proofs_check.worst_case.settings import best_stepsize
from proofs_check.worst_case.solving import Unsolved
from proofs_check.worst_case.statements import statement
from proofs_check.worst_case.symbolic import all_positive, parameters, proves, residual
from proofs_check.worst_case.tracing import Trace, trace
from toolkit.algorithms import State
from toolkit.algorithms.ef21 import EF21 as Method
from toolkit.errors import WrongUse

if TYPE_CHECKING:
    import xarray

# Where the proof is also made as a certificate: μ, s, r, and the numbers of workers.
POINTS = ((Q(1, 2), Q(1, 4), Q(3, 4)), (Q(3, 5), Q(1, 3), Q(2, 3)), (Q(3, 25), Q(1, 4), Q(7, 8)))
NUMBERS = {"quick": (2, 4), "full": (2, 3, 4, 5, 6)}


class EveryNumber(AllParameters):
    r"""Each worker gets 1/n of one worker's multipliers; then the residual matrix splits.

    Its part of the workers' means is one worker's matrix, and n times its part of a deviation from them does not depend
    on n. Both parts are linear in 1/n, so that two numbers of workers decide for all. One worker's line, the same for
    all, attains the rate.
    """

    numbers: ClassVar[tuple[int, int]] = (2, 3)

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = super().check(data, level)
        for point in POINTS if level == "full" else POINTS[:1]:
            found += [self.certified(proof(self.method, "μ", *point), n) for n in NUMBERS[level]]
        return found

    def proved(self, one: Proof) -> bool:
        mean, deviation = self.parts(one, 2)
        signs = all_positive(self.multipliers(one, one.model(), 1).values(), domain())  # 1/n of each for n workers
        return signs and self.splits and proves(mean, domain()) and proves(deviation, domain())

    @cached_property
    def splits(self) -> bool:
        """Whether the matrix splits in this way for any step size: an identity in μ, s, r and γ."""
        one = Proof(self.method, "", *parameters("mu", "s", "r", "γ"))
        single = one.model()
        expected = residual(single, self.multipliers(one, single, 1))
        (mean, deviation), (other_mean, other_deviation) = (self.parts(one, n) for n in self.numbers)
        return mean == other_mean == expected and deviation == other_deviation

    def parts(self, one: Proof, workers: int) -> tuple[Any, Any]:
        """Return the two parts of the residual matrix."""
        model = one.model(workers)
        S = residual(model, self.multipliers(one, model, workers))
        return split(S, model.vectors, one.model().vectors, workers)

    def multipliers(self, one: Proof, model: Model, workers: int) -> dict[str, Any]:
        """Return the multipliers of the proof for n workers."""
        return {**one.multipliers(model, workers), "initial": self.rate(one)}

    def certified(self, one: Proof, workers: int) -> Instance:
        """Return the instance of the same proof in numbers, as a certificate without slack."""
        model, rate = one.model(workers), self.rate(one)
        name = f"{self.method}, n = {workers}, μ = {one.mu}, s = {one.s}, γ = {one.stepsize}"
        before, after, _ = on_the_line(one)
        sides = float(after / before), float(rate), float(after / before / rate)
        try:
            proved = {**self.multipliers(one, model, workers), "metric 0": Q(1)}
            upper_certificate(statement(model), rate, proved).verified()
        except WrongUse as wrong:
            verdict = "violated" if after > rate * before else "undecided"
            return Instance(
                name, verdict, *sides, reason=f"{wrong.wrong}; sides on a line, where all workers are alike"
            )
        verdict = "tight" if after == rate * before else "holds"
        return Instance(
            name, verdict, *sides, reason=f"proved: V_1 <= {rate} V_0; identical workers on a line attain it"
        )


class SharedMinimiser(EveryNumber):
    """Error feedback."""

    id = "WC-EF-every-n"
    title = "Error feedback, any number of workers with a shared minimiser: one worker's rate, for all parameters"
    statement = (
        rf"{EF},\ \nabla f_i(x^\star)=0\ \Rightarrow\ \max V^+/V=r^2\text{{ for every }}n,\mu,s,\gamma,\quad {RATE}"
    )
    reference = "sheet worst_case_sdp 4.5 (derived)"
    method = "EF"


class Heterogeneous(EveryNumber):
    """EF21."""

    id = "WC-EF21-every-n"
    title = "EF21, any number of workers, as unlike as they please: one worker's rate, for all parameters"
    statement = rf"{EF21}\ \Rightarrow\ \max V^+/V=r^2\text{{ for every }}n,\mu,s,\gamma,\quad {RATE}"
    reference = "sheet worst_case_sdp 4.5 (derived)"
    method = "EF21"


class MeanOfSquares(Claim):
    """With the workers' own squared gradients in place of the squared mean gradient nothing contracts."""

    id = "WC-EF21-mean-of-squares"
    title = "EF21's potential with the mean of squared gradients in place of the squared mean gradient can grow"
    statement = (
        r"V=\frac1n\sum_i\left(\lVert\nabla f_i(x)-d_i\rVert^2+s\lVert\nabla f_i(x)\rVert^2\right)"
        r"\ \Rightarrow\ \max V^+/V>1\quad(n=2,\text{ at the best }\gamma)"
    )
    reference = "sheet worst_case_sdp 4.5 (measured there; proved here by exact instances)"
    status = "derived"
    kind = "lower bound"
    points: ClassVar[tuple[tuple[Q, Q], ...]] = ((Q(1, 10), Q(1, 2)), (Q(1, 2), Q(1, 4)))

    def potential(self, s: Q) -> Any:
        """Return the potential as a measure."""

        def V(run: Trace, state: State) -> Expression:
            gradients = run.oracle.uncounted(state.x)
            return norm_sq(gradients - state.estimate) + s * norm_sq(gradients)

        return V

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        found = []
        for mu, s in self.points:
            stepsize, V = best_stepsize(mu, s), self.potential(s)
            kind, functions = Contractive(delta=1 - s * s), Smooth(mu=mu, L=1)
            run = trace(Method(stepsize=stepsize), functions, kind, steps=1, workers=2, start="any", minimiser=None)
            name = f"n = 2, μ = {mu}, s = {s}, γ = {stepsize}"
            try:
                factor = exhibit(run.worst(V, V), slack=1e-3).bound
            except (Unsolved, Uncertified) as lack:
                found.append(Instance(name, "undecided", bound=1.0, reason=str(lack)))
                continue
            verdict, sides = "holds" if factor > 1 else "violated", (float(factor), 1.0, float(factor))
            found.append(Instance(name, verdict, *sides, reason="an exact instance has this factor"))
        return found
