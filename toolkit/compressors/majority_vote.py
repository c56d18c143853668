"""The sign of a sum of votes, for the way down."""

from __future__ import annotations

from toolkit.compressors.raw_sign import RawSign


class MajorityVote(RawSign):
    r"""Majority vote: the server sends what most workers voted for, coordinate by coordinate.

    .. math:: C(v)_j = \mathrm{sign}(v_j), \qquad v = \tfrac1n \textstyle\sum_i s_i, \qquad s_i \in \{-1, 0, 1\}^d .

    Parameters
    ----------
    zero : {1, 0, 'random'}
        What a tie goes to: +1, as in the code of the majority vote; 0, no step; or a fair coin for each tie.

    Raises
    ------
    WrongUse
        If `zero` is something else.

    Notes
    -----
    This is the raw sign in the place of the server's compressor, ``down=MajorityVote()``; it takes a name of its own
    because its input is a sum of votes, so that zero is a tie and, with an even number of workers, common. Votes ±1
    sum without rounding, and a tie is then exactly zero. Votes of another magnitude (`StochasticSign` sends ±B) may
    miss a tie by rounding unless that magnitude is a power of two.

    For a mean of votes the error is at most d, and 0 where they all agree; it has no constant that holds for all
    vectors. P(wrong vote) ≤ 1/(√M S) for M workers of signal-to-noise ratio S with symmetric unimodal noise. Source:
    S-s3 (derived). The price is d bits a message, up and down.

    Examples
    --------
    Three workers pull to 1, 2 and 9; the votes go to the median, at one bit a step each way.

    >>> import numpy as np
    >>> from toolkit import simulate
    >>> from toolkit.algorithms import SignSGD
    >>> class Pull:
    ...     workers, dimension, target = 3, 1, np.array([[1.0], [2.0], [9.0]])
    ...     def value(self, x):
    ...         return ((x - self.target) ** 2).sum(axis=-1) / 2
    ...     def gradient(self, x):
    ...         return x - self.target
    >>> result = simulate(Pull(), SignSGD(), RawSign(), down=MajorityVote(), stepsize=0.5, steps=20, x0=[6.0],
    ...                   keep=("x",))
    >>> [float(result[name].values[0, -1].squeeze()) for name in ("x", "bits_up", "bits_down")]
    [2.0, 20.0, 20.0]
    """
