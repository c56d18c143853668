"""What theorems on perturbed descent promise at their own constants, and whether so many steps can be made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from math import sqrt
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from problems.saddles.strict_saddle import StrictSaddle
from proofs_check.claim import Claim, Instance
from proofs_check.eq_6 import Eq6
from proofs_check.eq_8 import Eq8
from proofs_check.parameters_2017 import Parameters2017
from proofs_check.sides import agreement, inequality, proportion
from toolkit.algorithms.perturbed_gd_2017 import PerturbedGD2017
from toolkit.experiment import Experiment
from toolkit.rates import Estimate
from toolkit.stationarity import second_order

if TYPE_CHECKING:
    import xarray

JACM = "Jin, Netrapalli, Ge, Kakade and Jordan, JACM 2021"
BILLION = 1e9
CONDITIONS = (1.0, 2.0, 1e3)  # ℓ/√(ρε)
DIMENSIONS = (1, 10, 10_000)


class OutOfReach(Claim):
    """Theorem 18: where its probability is not void, it speaks of more than 10⁹ steps."""

    id = "A2-18-own-constants"
    title = "At its own constants the theorem on perturbed descent promises nothing for fewer than 10⁹ steps"
    statement = (
        r"x_0\text{ no }\epsilon\text{-SOSP},\ T=\left\lceil8\max\left\{\frac{\Delta_f\mathcal T}{\mathcal F},"
        r"\frac{\Delta_f}{\eta\epsilon^2}\right\}\right\rceil,\ "
        r"\frac{T\ell\sqrt d}{\sqrt{\rho\epsilon}}\iota^22^{8-\iota}\le1\ \Rightarrow\ "
        r"\Delta_f\ge\frac{\epsilon^2}{2\ell},\ T\ge200\iota^4,\ \iota>49,\ T>10^9"
    )
    reference = f"{JACM}, Theorem 18 and Eq. 6 (A2); derived"
    kind = "lower bound"

    def failure(self, of: Eq6, d: int, gap: float) -> float:
        """Return the probability that the theorem leaves: that of its lemma, times the iterations."""
        return of.iterations(gap) * of.failure(d)

    def least_iota(self, of: Eq6, d: int, gap: float) -> float:
        """Return the least ι at which something is promised, by bisection; the failure falls from ι = 9 on."""
        low, high = 9.0, 1000.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self.failure(replace(of, iota=middle), d, gap) > 1 else (low, middle)
        return high

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for condition, d, share in product(CONDITIONS, DIMENSIONS, (1.0, 100.0)):
            of = Eq6(L=condition, rho=1.0, epsilon=1.0, iota=9.0)
            gap = share * of.epsilon**2 / (2 * of.L)  # of ℓx²/2 where the slope is ε, and this many times it
            of = replace(of, iota=self.least_iota(of, d, gap))
            found = inequality("", BILLION, float(of.iterations(gap)), rounding=0)
            name = f"ℓ/√(ρε)={condition:g}, d={d}, Δ={share:g}ε²/2ℓ"
            T = float(of.iterations(gap))
            instances.append(Instance(name, found.verdict, T, BILLION, T / BILLION, reason=f"ι = {of.iota:.4g}"))
        return instances


class OutOfReachWithNoise(Claim):
    """Theorem 16, of which one constant is not known, if that constant is at least 1."""

    id = "A2-16-own-constants"
    title = "With its unnamed constant at least 1 the theorem on perturbed SGD speaks of more than 10⁹ steps as well"
    statement = (
        r"x_0\text{ no }\epsilon\text{-SOSP},\ \mu_0\ge1,\ \delta\le\tfrac1{10},\ \iota\ge\mu_0(1+\log Q)"
        r"\ \Rightarrow\ T=\left\lceil100\max\left\{\frac{\Delta_f\mathcal T}{\mathcal F},"
        r"\frac{\Delta_f}{\eta\epsilon^2}\right\}\right\rceil\ge50\,\iota^{15}N>10^9"
    )
    reference = f"{JACM}, Theorem 16 and Eq. 8 (A2); derived"
    kind = "lower bound"
    mu_0: ClassVar[float] = 1.0

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for condition, d, sigma_sq, lipschitz in product(CONDITIONS, DIMENSIONS, (0.0, 1.0), (False, True)):
            of = Eq8(condition, 1.0, 1.0, 1.0, sigma_sq, d, condition if lipschitz else None)
            gap = of.epsilon**2 / (2 * of.L)
            of = replace(of, iota=of.least_iota(gap, 0.1, self.mu_0))
            T = float(of.iterations(gap))
            found = inequality("", BILLION, T, rounding=0)
            name = f"ℓ/√(ρε)={condition:g}, d={d}, σ={sqrt(sigma_sq):g}ε, {'' if lipschitz else 'not '}Lipschitz"
            reason = f"ι = {of.iota:.4g}, N = {of.samples:.4g}"
            instances.append(Instance(name, found.verdict, T, BILLION, T / BILLION, reason=reason))
        return instances


class Rates(Claim):
    """What the numbers of both theorems make of ε and d, but for the logarithms in ι."""

    id = "A2-own-rates"
    title = "By their own numbers the theorems' T goes as ε⁻², with noise as ε⁻⁴, and as d if not Lipschitz"
    statement = (
        r"\iota\text{ fixed},\ \epsilon\to0:\quad T_{18}=400\iota^4\frac{\ell\Delta_f}{\epsilon^2},\qquad "
        r"T_{16}\sim100\iota^{15}\frac{\ell\Delta_fN}{\epsilon^2},\ N\sim\frac{\sigma^2}{\epsilon^2}\text{ if "
        r"Lipschitz, else }\frac{\sigma^2d}{\epsilon^2}"
    )
    reference = f"{JACM}, Theorems 16 and 18 (A2)"
    kind = "rate"
    exponents: ClassVar[Mapping[str, tuple[float, float]]] = {  # in ε and in d
        "Theorem 18": (-2.0, 0.0),
        "Theorem 16, Lipschitz": (-4.0, 0.0),
        "Theorem 16, not Lipschitz": (-4.0, 1.0),
    }
    margin: ClassVar[float] = 0.02

    def iterations(self, name: str, epsilon: float, d: int) -> int:
        if name == "Theorem 18":
            return Eq6(1.0, 1.0, epsilon, 50.0).iterations(1.0)
        return Eq8(1.0, 1.0, epsilon, 5.0, 1.0, d, None if "not" in name else 1.0).iterations(1.0)

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, exponents in self.exponents.items():
            here, finer, larger = (self.iterations(name, *at) for at in ((1e-6, 100), (5e-7, 100), (1e-6, 200)))
            slopes = -float(np.log2(finer / here)), float(np.log2(larger / here))
            for what, slope, exponent in zip(("ε", "d"), slopes, exponents, strict=True):
                found = Estimate(slope, slope, slope, 1.0, "exact")
                reason = f"T = {here:.4g} at ε = 1e-6, d = 100"
                instances.append(agreement(f"{name}, in {what}", found, exponent, self.margin, reason=reason))
        return instances


@dataclass(frozen=True)
class Setting:
    """A saddle with the numbers of 2017 for it."""

    problem: StrictSaddle
    numbers: Parameters2017

    @property
    def steps(self) -> int:
        """How long runs are: much shorter than the theorem allows, and all return."""
        return 4 * self.numbers.patience + 200


class Returns(Claim):
    """The form of 2017 is run at its own numbers, from a saddle itself."""

    id = "A1-own-constants"
    title = "At its own numbers perturbed descent of 2017 returns a second-order point, 10⁵ times sooner than it must"
    statement = (
        r"c\in\{1,\tfrac12,\tfrac14\},\ x_0\text{ a saddle with }\lambda_{\min}=-2\sqrt{\rho\epsilon}\ \Rightarrow\ "
        r"\mathbb P(\text{returns no }\epsilon\text{-SOSP within }T)\le\delta,\quad "
        r"T=\frac{\chi^4\ell\Delta_f}{\epsilon^2}\left(\frac1{c^3}+\frac2{c^2}\right)+t_{\mathrm{thr}}"
    )
    reference = "Jin, Ge, Netrapalli, Kakade and Jordan, ICML 2017 (A1); T derived, c_max not known"
    status = "recalled"
    delta: ClassVar[float] = 0.1
    epsilon: ClassVar[float] = 0.25
    runs: ClassVar[int] = 400
    error_probability: ClassVar[float] = 1e-6

    def method(self, numbers: Parameters2017) -> PerturbedGD2017:
        """Return what is run."""
        return numbers.method()

    def settings(self, level: str) -> dict[str, Setting]:
        """Return saddles with ℓ = ρ = 1: two directions of escape in d = 4, and one of twenty."""
        found = {}
        for d, negative in ((4, 2), (20, 1)):
            problem = StrictSaddle([-1.0] * negative + [1.0] * (d - negative), rho=1.0, top=1.0)
            for c in (1.0, 0.5, 0.25) if level == "full" else (1.0,):
                numbers = Parameters2017(1.0, 1.0, self.epsilon, c, self.delta, -problem.f_star, d)
                found[f"d={d}, c={c:g}"] = Setting(problem, numbers)
        return found

    def experiments(self, level: str) -> dict[str, Experiment]:
        return {
            name: Experiment(
                one.problem, self.method(one.numbers), stepsize=one.numbers.stepsize, steps=one.steps, runs=self.runs,
                x0=np.zeros(one.problem.dimension), record=(0, one.steps), keep=("x",),
            )
            for name, one in self.settings(level).items()
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for name, one in self.settings(level).items():
            result = data[name]
            good = second_order(one.problem, result["x"].values[:, -1], self.epsilon).holds
            failures = int((~(good & (result["returned"].values[:, -1] > 0))).sum())
            allowed = one.numbers.iterations()
            reason = (
                f"all within {one.steps} steps, {allowed / one.steps:.2g} times fewer than T = {allowed:.3g}; χ = "
                f"{one.numbers.chi:.3g}, t_thr = {one.numbers.patience}, r = {one.numbers.radius:.2g}"
            )
            judged = proportion(
                name, failures, self.runs, self.delta, at_least=False, error_probability=self.error_probability,
                reason=reason,
            )  # fmt: skip
            instances.append(judged)
        return instances
