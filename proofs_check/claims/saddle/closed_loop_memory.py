"""Does a run's own gradient autocorrelation predict what Rand-k's memory holds? Up to a factor, known exactly."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from problems.noisy import Noisy
from problems.quadratic import Quadratic
from proofs_check.claim import Claim, Instance
from proofs_check.closed_loop import ClosedLoop, closed_loop, corrected, factor
from proofs_check.convergence import ERROR_PROBABILITY
from proofs_check.multipliers import multipliers
from proofs_check.sides import agreement, equality, inequality
from proofs_check.statistics import mean_interval
from toolkit.algorithms.error_feedback import ErrorFeedback
from toolkit.arrays import Array
from toolkit.compressors.rand_k import RandK
from toolkit.experiment import Experiment
from toolkit.rates import Estimate

if TYPE_CHECKING:
    import xarray

EPS = float(np.finfo(float).eps)
REFERENCE = "derived, beside Avdiukhin and Yaroslavtsev, NeurIPS 2021 (saddle_escape, A4)"
LOOP = r"g_t=Ax_t+\xi_t,\ C=\mathrm{Rand}_k,\ q=1-\mu,\ c_j=\mathbb E\langle g_t,g_{t-j}\rangle"
LAW = r"v=\tfrac q\mu\gamma^2\Bigl(c_0+2\sum_{j\ge1}q^jc_j\Bigr)"
SHAPES = ((4, 1), (4, 2), (8, 1))  # d, k
CORRELATIONS = (-0.5, 0.0, 0.5, 0.9)
LEFT = 1e-10  # of the start, in what is called stationary


def stationary(A: Array, k: int, c: Array, stepsize: Array) -> ClosedLoop:
    """Return both memories of error feedback with Rand-k when the start is forgotten, for several settings at once.

    Of shape ``(setting, d)``, from A of shape ``(setting, d, d)`` and c and γ of shape ``(setting,)``.
    """
    d, mu = A.shape[-1], k / A.shape[-1]
    # Moments forget like the slowest of the masks, the noise and x.
    slowest = max(1 - mu, abs(c).max(), (1 - stepsize * np.linalg.eigvalsh(A)[:, 0]).max())
    c, stepsize = (np.asarray(one)[:, None, None] for one in (c, stepsize))
    steps = int(np.log(LEFT) / np.log(slowest))
    found = closed_loop(multipliers(RandK(k=k), d), A, np.eye(d), c, stepsize, np.zeros(d), steps)
    return ClosedLoop(found.memory[-1], found.predicted[-1])


class Exact(Claim):
    """The prediction, corrected, is the memory at every step; in the limit the correction is a factor."""

    id = "A4-memory-closed-loop"
    title = "In closed loop Rand-k's memory is (1 + u)/(1 − u) times what its gradients' autocorrelation predicts"
    statement = (
        LOOP + r",\ A=\mathrm{diag}(a_i)\ \Rightarrow\ "
        r"\mathbb E\,e_{\infty,i}^2=\frac{1+u_i}{1-u_i}\,v_i,\quad " + LAW + r"\text{ in each coordinate},\quad "
        r"u_i=\frac{\gamma a_i(1-\mu)}{\mu(2-\mu)},\quad\text{whatever the noise}"
    )
    reference = REFERENCE
    kind = "identity"

    def correction(self, predicted: Array, mu: Any, gain: Any) -> Array:
        """Return the right side at every step."""
        return corrected(predicted, mu, gain)

    def limit(self, mu: Any, gain: Any, growth: Any = 1) -> Any:
        """Return the right side in the limit, in units of the prediction."""
        return factor(mu, gain, growth)

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = [self.at_every_step(c, {"quick": 8, "full": 14}[level]) for c in ("-1/2", "0", "1/3", "1")]
        shapes = SHAPES[:1] if level == "quick" else SHAPES
        for d, k in shapes:
            instances += [*self.in_the_limit(d, k), self.while_it_grows(d, k)]
        return instances

    def at_every_step(self, c: str, steps: int) -> Instance:
        """Judge two bowls and a saddle's escape direction in fractions, from a start that is no mean of anything."""
        curvatures, gamma = [Fraction(1), Fraction(1, 2), Fraction(-1, 3)], Fraction(1, 4)
        one = np.eye(3, dtype=int) * Fraction(1)
        start = np.array([Fraction(1), Fraction(0), Fraction(1, 10)])
        by = multipliers(RandK(k=1), 3, Fraction)
        run = closed_loop(by, one * curvatures, one, Fraction(c), gamma, start, steps)
        law = [self.correction(run.predicted[:, i], Fraction(1, 3), gamma * a) for i, a in enumerate(curvatures)]
        off = ", ".join(f"{float(one):.3g}" for one in run.memory[-1] / run.predicted[-1])
        reason = f"{steps} steps in fractions, curvatures 1, 1/2, −1/3; memory/prediction at the last: {off}"
        return equality(f"every step, c={c}", run.memory, np.transpose(law), rounding=0, reason=reason)

    def in_the_limit(self, d: int, k: int) -> list[Instance]:
        """Judge the factor on a bowl whose curvatures are all different, at half of the largest stable step."""
        curvatures, mu = np.linspace(0.25, 1.0, d), k / d
        gamma = mu / (2 - mu)
        settings = len(CORRELATIONS)
        bowls = np.tile(np.diag(curvatures), (settings, 1, 1))
        found = stationary(bowls, k, np.array(CORRELATIONS), np.full(settings, gamma))
        factors, instances = self.limit(mu, gamma * curvatures), []
        for c, memory, predicted in zip(CORRELATIONS, *found, strict=True):
            # What is left of the start; a step rounds twenty times, and the slowest mode forgets in 2/(γ min a) steps;
            # of noise that alternates both moments are sums of terms up to (1 + |c|)/(1 − |c|) times as large.
            rounding = LEFT / EPS + 20 * 2 / (gamma * curvatures[0]) * (1 + abs(c)) / (1 - abs(c))
            reason = f"γL = {gamma:.3g} = {gamma / mu:.2g}μ; factors from {factors[0]:.3g} to {factors[-1]:.3g}"
            name = f"limit, d={d}, k={k}, c={c:g}"
            instances.append(equality(name, memory, factors * predicted, rounding=rounding, reason=reason))
        return instances

    def while_it_grows(self, d: int, k: int) -> Instance:
        """Judge the factor on the escape direction, along which all moments grow alike."""
        mu, gamma = k / d, 0.25
        by, steps = multipliers(RandK(k=k), d), 600
        run = closed_loop(by, -np.eye(d), np.eye(d), 0.0, gamma, np.zeros(d), steps)
        growth = run.memory[-1, 0] / run.memory[-2, 0]
        law = self.limit(mu, -gamma, growth) * run.predicted[-1]
        reason = f"Λ = {growth:.4g} a step; the factor is {self.limit(mu, -gamma, growth):.4g}: predicted too much"
        return equality(f"escape, d={d}, k={k}", run.memory[-1], law, rounding=40 * steps, reason=reason)


class Naive(Claim):
    """The open-loop law as it stands, with the autocovariances that the gradients have in the loop."""

    id = "A4-memory-predicted"
    title = "The open-loop law, given a run's own gradient autocorrelation, predicts its memory to 5 %"
    statement = (
        LOOP + r"\ \Rightarrow\ \left|\frac{\mathbb E\lVert e_\infty\rVert^2}v-1\right|\le0.05,\quad " + LAW
        + r",\quad\gamma L\in\{0.03,0.3,0.6\}\cdot\mu"
    )  # fmt: skip
    reference = REFERENCE
    kind = "identity"
    expected = "violated"
    margin: ClassVar[float] = 0.05
    shares: ClassVar[tuple[float, ...]] = (0.03, 0.3, 0.6)  # γL/μ

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        d, k = 4, 1
        settings = [(share, c) for share in self.shares for c in CORRELATIONS]
        shares, correlations = np.array(settings).T
        bowls = np.tile(np.diag(np.linspace(0.5, 1.0, d)), (len(settings), 1, 1))
        found = stationary(bowls, k, correlations, shares * k / d)
        instances = []
        for share, c, memory, v in zip(shares, correlations, *(one.sum(axis=1) for one in found), strict=True):
            judged = inequality("", abs(memory / v - 1), self.margin, rounding=0)
            reason = "as x moves where the masks let it, a coordinate that is held up has the more correlated gradients"
            name = f"γL = {share:g}μ, c = {c:g}"
            instances.append(Instance(name, judged.verdict, float(memory), float(v), float(memory / v), reason=reason))
        return instances


class Between(Claim):
    """How far the law may be off on a bowl."""

    id = "A4-memory-shortfall"
    title = "On a bowl the open-loop law falls short of Rand-k's memory, by less than (1 + γL/2μ)/(1 − γL/2μ)"
    statement = (
        LOOP + r",\ 0\preceq A\preceq L,\ \gamma L<\mu\ \Rightarrow\ "
        r"v\le\mathbb E\lVert e_\infty\rVert^2\le\frac{1+\gamma L/2\mu}{1-\gamma L/2\mu}\,v,\quad " + LAW
    )
    reference = f"{REFERENCE}; for diagonal A, in other bases only observed"
    kind = "upper bound"
    shares: ClassVar[tuple[float, ...]] = (0.2, 0.5, 0.9)  # γL/μ

    def bound(self, share: Any) -> Any:
        """Return the right side in units of v."""
        return (1 + share / 2) / (1 - share / 2)

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for d, k in ((4, 1), (12, 1)) if level == "full" else ((4, 1),):
            turn = np.linalg.qr(np.random.default_rng(d).standard_normal((d, d)))[0]
            bowls = {
                "all curvatures L": np.eye(d),
                "curvatures from L/4 to L": np.diag(np.linspace(0.25, 1.0, d)),
                "the same, rotated": turn @ np.diag(np.linspace(0.25, 1.0, d)) @ turn.T,
            }
            settings = [(name, share) for name in bowls for share in self.shares]
            gammas = np.array([share for _, share in settings]) * k / d
            found = stationary(np.array([bowls[name] for name, _ in settings]), k, np.full(len(settings), 0.5), gammas)
            for (name, share), memory, v in zip(settings, *(one.sum(axis=1) for one in found), strict=True):
                bound = self.bound(share) * v
                judged = inequality("", [v, memory], [memory, bound], rounding=0)
                reason = f"{memory / v:.4g} times the prediction, and at least that much"
                label = f"{name}, d={d}, k={k}, γL={share:g}μ"
                sides = float(memory), float(bound), float(memory / bound)
                instances.append(Instance(label, judged.verdict, *sides, reason=reason))
        return instances


class Rotated(Claim):
    """Where the axes are not the eigenvectors, the factor is that of the diagonal only to first order."""

    id = "A4-memory-closed-loop-rotated"
    title = "In any basis the law falls short by 1 + 2γ(tr A/d)(1 − μ)/(μ(2 − μ)), to second order in the step size"
    statement = (
        LOOP + r",\ \mathbb E\,\xi\xi^\top\propto I\ \Rightarrow\ "
        r"\frac{\mathbb E\lVert e_\infty\rVert^2}v=1+\frac{2\gamma(1-\mu)}{\mu(2-\mu)}\cdot\frac{\mathrm{tr}A}d"
        r"+O(\gamma^2),\quad " + LAW
    )
    reference = REFERENCE
    kind = "rate"

    def first(self, mu: float, gamma: Array, A: Array) -> Array:
        """Return the right side without its O(γ²)."""
        return 1 + 2 * gamma * np.trace(A) / len(A) * (1 - mu) / (mu * (2 - mu))

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        instances = []
        for d, k in ((4, 1), (6, 2)) if level == "full" else ((4, 1),):
            for seed in range(2 if level == "full" else 1):
                turn = np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))[0]
                A = turn @ np.diag(np.linspace(0.5, 1.0, d)) @ turn.T
                correlations, gammas = (0.0, 0.9), k / d * np.array([0.08, 0.04])
                settings = np.array([(c, gamma) for c in correlations for gamma in gammas])
                found = stationary(np.tile(A, (4, 1, 1)), k, *settings.T)
                ratios = (found.memory.sum(axis=1) / found.predicted.sum(axis=1)).reshape(2, 2)
                for c, off in zip(correlations, ratios - self.first(k / d, gammas, A), strict=True):
                    order = float(np.log2(off[0] / off[1]))
                    found_order = Estimate(order, order, order, 1.0, "exact")
                    reason = f"off by {off[0]:.2g} at γL = 0.08μ and by {off[1]:.2g} at half of it; the order measured"
                    name = f"rotation {seed}, d={d}, k={k}, c={c:g}"
                    instances.append(agreement(name, found_order, 2.0, 0.1, reason=reason))
        return instances


def gradients(result: xarray.Dataset, stepsize: float) -> Array:
    """Return all stochastic gradients of runs recorded at every step: the virtual iterate x − e moves by −γg."""
    virtual = result["x"].values - result["memory"].values
    return (virtual[:, :-1] - virtual[:, 1:])[:, :, 0] / stepsize


def prediction(g: Array, mu: float, stepsize: float) -> Array:
    """Return v_t of single runs from their own products g_t g_{t−j}, shape ``(run, T + 1, d)``.

    It is the mean of e_t² over fresh masks, drawn without regard to the run, on the same gradients.
    """
    q = 1 - mu
    found = np.zeros((g.shape[0], g.shape[1] + 1, g.shape[2]))
    past = np.zeros_like(g[:, 0])
    for t in range(g.shape[1]):
        now = stepsize * g[:, t]
        found[:, t + 1] = q * (found[:, t] + now * (now + 2 * past))
        past = q * (past + now)
    return found


class Simulated(Claim):
    """The correction in simulated runs of the method, with the autocorrelation measured along them."""

    id = "A4-memory-closed-loop-simulated"
    title = (
        "In simulated runs on a bowl and a saddle the measured gradients, corrected, give the memory to 10 %, then 5 %"
    )
    statement = (
        r"w_{t+1,i}=q\Bigl(w_{t,i}+\gamma^2g_{t,i}^2+2\gamma^2\sum_{j=1}^tq^jg_{t,i}g_{t-j,i}\Bigr)\text{ along a run},"
        r"\ A=\mathrm{diag}(a_i)\ \Rightarrow\ \left|\frac{\mathbb E\sum_t\lVert e_t\rVert^2}"
        r"{\sum_{t,i}K_i(\mathbb E\,w_i)_t}-1\right|\le0.1,\quad K_i(v)_\infty=\frac{1+u_i}{1-u_i}v_{\infty}"
    )
    reference = REFERENCE
    kind = "identity"
    d: ClassVar[int] = 8
    k: ClassVar[int] = 2
    margin: ClassVar[Mapping[str, float]] = {"quick": 0.1, "full": 0.05}
    shares: ClassVar[Mapping[str, tuple[float, ...]]] = {"quick": (0.5,), "full": (0.1, 0.5)}  # γL/μ
    correlations: ClassVar[Mapping[str, tuple[float, ...]]] = {"quick": (0.5,), "full": (-0.5, 0.0, 0.8)}
    size: ClassVar[Mapping[str, tuple[int, int]]] = {"quick": (1400, 100), "full": (4000, 100)}  # runs, steps
    shapes: ClassVar[Mapping[str, tuple[float, ...]]] = {"bowl": (1.0,) * 8, "saddle": (1.0,) * 4 + (-0.5,) * 4}

    def compressor(self) -> RandK:
        return RandK(k=self.k)

    def correction(self, predicted: Array, mu: float, gain: Array) -> Array:
        """Return the memory that follows from a prediction; linear in it, so that means commute with it."""
        return corrected(predicted, mu, gain)

    def experiments(self, level: str) -> dict[str, Experiment]:
        runs, steps = self.size[level]
        return {
            f"{name}, γL = {share:g}μ, c = {c:g}": Experiment(
                Noisy(Quadratic(np.array([curvatures]), start=np.zeros(self.d)), 1.0, autocorrelation=c),
                ErrorFeedback(), self.compressor(), stepsize=share * self.k / self.d, steps=steps, runs=runs,
                record="all", keep=("x", "memory"),
            )
            for name, curvatures in self.shapes.items()
            for share in self.shares[level]
            for c in self.correlations[level]
        }  # fmt: skip

    def check(self, data: Mapping[str, xarray.Dataset], level: str) -> list[Instance]:
        margin = self.margin[level]
        return [self.judge(name, one, data[name], margin) for name, one in self.experiments(level).items()]

    def judge(self, name: str, experiment: Experiment, result: xarray.Dataset, margin: float) -> Instance:
        mu, gamma = self.k / self.d, float(experiment.stepsize)
        v = prediction(gradients(result, gamma), mu, gamma).swapaxes(0, 1)
        law = self.correction(v, mu, gamma * np.array(self.shapes[name.split(",")[0]]))
        v, law = (one.sum(axis=2).mean(axis=0) for one in (v, law))
        memory = (result["memory"].values[:, :, 0] ** 2).sum(axis=2).mean(axis=1)
        # Both sides of a run differ by what has mean 0: their ratio as a mean over the runs.
        mean = mean_interval((memory - law) / memory.mean(), ERROR_PROBABILITY)
        value, low, high = (1 + float(one) for one in (mean.value, mean.low, mean.high))
        found = Estimate(value, low, high, mean.confidence, mean.basis)
        reason = f"memory/prediction {memory.mean() / v.mean():.4g} before the correction, {value:.4g} after it"
        return agreement(name, found, 1.0, margin, runs=len(memory), reason=reason)
