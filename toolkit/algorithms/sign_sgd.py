"""signSGD: the workers vote on the sign of every step, and some of them may lie."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.algorithms import Algorithm, State, mean, where
from toolkit.arrays import Array
from toolkit.compressors.noisy_sign import NoisySign
from toolkit.compressors.raw_sign import RawSign
from toolkit.compressors.stochastic_sign import StochasticSign
from toolkit.errors import WrongUse
from toolkit.parameters import check_number

SIGNS = (RawSign, NoisySign, StochasticSign)
ADVERSARIES = ("inverting", "omniscient", "constant")


class SignSGD(Algorithm):
    r"""signSGD, and with several workers and ``down=MajorityVote()`` signSGD with majority vote.

    .. math:: x \leftarrow x - \delta\, \mathrm{sign}\Big(\tfrac1M \sum_m \mathrm{sign}(g_m(x))\Big) .

    The up compressor is the sign of a vote, `RawSign()`; the down one is the server's. Without one the server sends the
    mean of the votes, uncompressed, which for one worker is the same step.

    Parameters
    ----------
    alpha : float
        The fraction α of the workers that are adversaries: below 1/2, and αM an integer. They are the first ones.
    adversary : {'inverting', 'omniscient', 'constant'}
        What adversaries send: the opposite sign of their own sample; the opposite sign of ∇f(x), which they know; or
        always the sign of zero, which is +1 by default, by multiplying their sample with 0.

    Raises
    ------
    WrongUse
        If α is not in [0, 1/2), αM is no integer, or there is no such adversary.

    Notes
    -----
    S-s1, S-s4 and S-s7 bound (1/K) Σ ‖∇f(x_k)‖₁, whose terms are observed as ``grad_norm_1``, for batches of K; S-s6 is
    for batches of 1. Their step sizes are `toolkit.stepsizes.tuned` with b = ‖L‖₁/2, c = a = 0, and r = 1/2 for S-s1
    and S-s4, r = F_0/2 for S-s6 and S-s7. Without majority vote and adversaries this is compressed SGD with raw signs;
    the 'signSGD' of Karimireddy et al. is compressed SGD with the *scaled* sign.

    Source: Bernstein et al., ICML 2018, and ICLR 2019 with majority vote (code). Of the adversaries the theorem
    speaks of the inverting ones only (S-s7).

    Examples
    --------
    >>> from problems import Quadratic
    >>> from toolkit import simulate
    >>> from toolkit.compressors import MajorityVote, RawSign
    >>> problem = Quadratic(hessians=[[1.0, 2.0]] * 3)
    >>> result = simulate(problem, SignSGD(), RawSign(), down=MajorityVote(), stepsize=0.5, steps=4, x0=[2.0, 1.0],
    ...                   keep=("x",))
    >>> result.x.isel(run=0, server=0).values[:3].tolist(), float(result.bits_up[0, -1]), float(result.bits_down[0, -1])
    ([[2.0, 1.0], [1.5, 0.5], [1.0, 0.0]], 8.0, 8.0)
    """

    symbolic = False

    alpha: float = 0.0
    adversary: str = "inverting"

    def validate(self) -> None:
        check_number(self, "alpha", "a number in [0, 1/2): with half no vote is safe", lambda alpha: 0 <= alpha < 0.5)
        if self.adversary not in ADVERSARIES:
            raise WrongUse(f"adversary={self.adversary!r}", "there is none", f"choose {', '.join(ADVERSARIES)}")

    def init(self, x: Any, oracle: Any, channel: Any, draw: Any) -> State:
        self.adversaries(oracle.problem.workers)
        return State(x=x)

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        votes = channel.send(self.manipulated(oracle.sample(state.x), state.x, oracle))
        return State(x=state.x - self.stepsize * channel.broadcast(mean(votes)))

    def observe(self, state: State, oracle: Any, constants: Any) -> dict[str, Any]:
        return {"grad_norm_1": np.add.reduce(abs(mean(oracle.uncounted(state.x))), axis=-1)[:, 0]}

    def impossible(self, compressor: Any) -> str | None:
        return None if isinstance(compressor, SIGNS) else "the workers send signs: RawSign, NoisySign or StochasticSign"

    def adversaries(self, workers: int) -> Array:
        """Return which workers are adversaries, shape ``(1 or run, workers, 1)``; refuse an αM that is no integer."""
        count = np.multiply(self.alpha, workers)
        if (abs(count - np.rint(count)) > 1e-9).any():
            asked = f"alpha={', '.join(map(str, np.unique(self.alpha)))} with M = {workers} workers"
            raise WrongUse(asked, "αM is not a number of workers", "give a multiple of 1/M")
        return np.arange(workers)[:, None] < np.rint(np.reshape(count, (-1, 1, 1)))

    def manipulated(self, vectors: Array, x: Array, oracle: Any) -> Array:
        """Return the vectors whose signs the workers send: their own, or what an adversary puts in its place."""
        liars = self.adversaries(vectors.shape[1])
        if not liars.any():
            return vectors
        lies = {
            "inverting": lambda: -vectors,
            "omniscient": lambda: -mean(oracle.uncounted(x)),
            "constant": lambda: 0 * vectors,
        }
        return where(liars, lies[self.adversary](), vectors)
