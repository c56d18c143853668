"""Signum: the sign of a momentum."""

from __future__ import annotations

from typing import Any

from toolkit.algorithms import State, mean
from toolkit.algorithms.sign_sgd import SignSGD
from toolkit.parameters import check_number


class Signum(SignSGD):
    r"""Signum: every worker votes with the sign of its momentum.

    .. math:: m_i \leftarrow \beta m_i + (1 - \beta)\, g_i(x), \qquad
              x \leftarrow x - \delta\, \mathrm{sign}\Big(\tfrac1M \sum_i \mathrm{sign}(m_i)\Big) .

    Parameters
    ----------
    beta : float
        The momentum β in [0, 1]; 0 is signSGD, and 1 the sign of the sum of all gradients so far.
    alpha, adversary
        As in `SignSGD`.

    Raises
    ------
    WrongUse
        If β is not in [0, 1], or as in `SignSGD`.

    Notes
    -----
    A sign does not depend on the scale, so the factor 1 − β is left out, and β = 1 has a meaning: the momentum without
    damping of the code of Karimireddy et al. (code). The theorem (S-s8, recalled) has δ_k = δ/√(k+1), which is
    `toolkit.stepsizes.InverseSqrt`, and batches of k + 1. Source: Bernstein et al., ICML 2018 (code).

    Examples
    --------
    >>> from problems import Quadratic
    >>> from toolkit import simulate
    >>> from toolkit.compressors import RawSign
    >>> result = simulate(Quadratic(hessians=[[1.0]]), Signum(beta=0.5), RawSign(), stepsize=1.0, steps=4, x0=[2.5],
    ...                   keep=("x",))
    >>> result.x.values.ravel().tolist()
    [2.5, 1.5, 0.5, -0.5, -1.5]
    """

    beta: float = 0.9

    def validate(self) -> None:
        super().validate()
        check_number(self, "beta", "a number in [0, 1]", lambda beta: 0 <= beta <= 1)

    def init(self, x: Any, oracle: Any, channel: Any, draw: Any) -> State:
        return State(x=super().init(x, oracle, channel, draw).x, momentum=0 * oracle.per_worker(x))

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        momentum = self.beta * state.momentum + oracle.sample(state.x)
        votes = channel.send(self.manipulated(momentum, state.x, oracle))
        return State(x=state.x - self.stepsize * channel.broadcast(mean(votes)), momentum=momentum)
