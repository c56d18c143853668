r"""How small the worst error over a ball can be: a covering argument.

**Theorem** (derived). Let C compress vectors of dimension d into self-delimiting messages, all those for vectors of the
unit ball, whatever is drawn, at most b bits long, everything in them counted, scales and norms too. Then

.. math:: \sup_{\|x\| \le 1} E\|C(x) - x\|^2 \cdot 4^{b/d} \ge
          \begin{cases} 1 & \text{if C is deterministic, or random with private randomness,} \\
          d/(d + 2) & \text{if sender and receiver share randomness.} \end{cases}

*Proof.* Self-delimiting messages of at most b bits number N ≤ 2^b (Kraft). Without shared randomness the receiver has N
outputs. If every x of the ball is within r of one of them, N balls of radius r cover the unit ball, so N·r^d ≥ 1; hence
some x is at least N^{−1/d} away from all of them, and its error is at least N^{−2/d} whichever output is drawn. With
shared randomness the outputs depend on the draw u. Let x be uniform in the ball: the worst mean error is at least the
mean over x and u, and for fixed u, N outputs have cells of shares p_i of the ball, whose second moments about any point
are least for balls of these volumes. So the mean over x is at least d/(d+2)·Σ p_i^{1+2/d} ≥ d/(d+2)·N^{−2/d}, by
convexity. ∎

In one dimension the uniform quantiser with N cells has the worst error 1/N² and
the mean error 1/(3N²), both with equality. With shared randomness the constant 1 is false: in one dimension, of the
one-bit quantiser with outputs −0.8 and 0.4 and its mirror image, drawn by a shared coin, the worst mean error is 1/5,
so that times 4 it is 0.8 (tested).

What it does not say. It is about errors relative to the ball's radius, not to ‖x‖: for ‖C(x) − x‖²/‖x‖² at all x, which
is the same for a compressor that scales with x, finitely many messages never suffice near 0, and a scale is sent with
a finite range. If messages are told apart by their lengths as well, N < 2^{b+1}, and one bit more has to be charged. It
says nothing of mean lengths and mean errors: for i.i.d. Gaussian vectors the same inequality is Shannon's (see
`gaussian`), for sparse or Laplace vectors it is false.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["least_worst_error"]


def least_worst_error(bits: Any, d: int, *, shared_randomness: bool = False) -> Any:
    r"""Return the universal law: no compressor has a smaller worst error over the unit ball.

    .. math:: \sup_{\|x\| \le 1} E\|C(x) - x\|^2 \ge 4^{-b/d}, \qquad
              \text{with shared randomness } \ge \tfrac{d}{d + 2}\,4^{-b/d} .

    Parameters
    ----------
    bits : float or array
        b: the longest message over the unit ball, self-delimiting, the scale charged.
    d : int
        Dimension.
    shared_randomness : bool
        Whether the receiver knows what was drawn.

    Notes
    -----
    The proof is in the module's docstring (derived).

    Examples
    --------
    >>> float(least_worst_error(2, d=1)), float(least_worst_error(0, d=2, shared_randomness=True))
    (0.0625, 0.5)
    """
    return (4.0 ** (-np.asarray(bits) / d) * (d / (d + 2) if shared_randomness else 1.0))[()]
