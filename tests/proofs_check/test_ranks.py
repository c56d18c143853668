"""Outcomes of compressors that put their uniform numbers in order."""

from __future__ import annotations

import numpy as np
import pytest

from proofs_check.outcomes import NotFinite
from proofs_check.ranks import ranked_outcomes
from toolkit.compressors import QSGD, NonzeroSampling, RTopK
from toolkit.draws import Draw


@pytest.mark.parametrize("compressor", [RTopK(k=2, r=3), NonzeroSampling(k=2)], ids=repr)
def test_outcomes_are_those_that_draws_have(compressor):
    x = np.array([[[1.0, -2.0, 0.0, 5.0]]])
    every = ranked_outcomes(compressor, x)
    assert every.probability == pytest.approx(np.full(24, 1 / 24), rel=1e-15)
    different, counts = np.unique(every.sent, axis=0, return_counts=True)
    assert counts.tolist() == [8, 8, 8]
    runs = 3000
    drawn = compressor.message(np.repeat(x, runs, axis=0), Draw(np.arange(runs)))
    found, counts = np.unique(drawn, axis=0, return_counts=True)
    assert {tuple(one.ravel()) for one in found} == {tuple(one.ravel()) for one in different}
    # By Hoeffding's inequality a count is off by more than 5 % of the runs with a probability of at most 2 exp(−15),
    # each of 3; the seeds are fixed.
    assert abs(counts / runs - 1 / 3).max() < 0.05


def test_workers_draw_independently():
    every = ranked_outcomes(RTopK(k=1, r=2), np.array([[[1.0, 2.0], [3.0, 0.5]], [[0.0, 0.0], [1.0, 1.0]]]))
    assert every.vector.tolist() == [0] * 4 + [1] * 4
    assert every.expect(every.sent).tolist() == [[[0.5, 1.0], [1.5, 0.25]], [[0.0, 0.0], [0.5, 0.5]]]


def test_what_uses_more_than_the_order_is_refused():
    with pytest.raises(NotFinite, match="otherwise"):
        ranked_outcomes(QSGD(s=1), np.array([[[0.3, 0.6, 0.2]]]))
    with pytest.raises(NotFinite, match="orders"):
        ranked_outcomes(RTopK(k=1, r=2), np.ones((1, 2, 8)))
