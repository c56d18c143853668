"""Laws found through a compressor's own message, against its closed forms and against samples."""

from __future__ import annotations

import numpy as np
import pytest

from proofs_check.enumeration import two_point_law
from proofs_check.panel import panel
from toolkit.compressors import Compressor
from toolkit.compressors.natural import Natural
from toolkit.compressors.qsgd import QSGD
from toolkit.compressors.scaled_sign import ScaledSign
from toolkit.draws import Draw
from toolkit.errors import ToolkitError


@pytest.mark.parametrize("compressor", [QSGD(s=1), QSGD(s=3), Natural()])
def test_law_agrees_with_the_closed_form(compressor):
    x = panel(12, 20).x
    expected = compressor.expected_error(x)
    # Sums of 12 non-negative terms; a threshold is good to an eps of the levels it is the rest of.
    np.testing.assert_allclose(two_point_law(compressor, x).expected_error(x), expected, rtol=1e-13, atol=0)


def test_law_agrees_with_samples():
    x = np.array([[[0.3, -1.7, 2.5, 0.0]]])
    law = two_point_law(QSGD(s=2), x)
    runs = 4096
    messages = QSGD(s=2).compress(x, Draw(np.arange(runs)))
    assert ((messages == law.low) | (messages == law.high)).all()
    # Hoeffding for 4 frequencies: each is off by more than the margin with probability at most 1e-9/4.
    margin = np.sqrt(np.log(2 * 4 / 1e-9) / (2 * runs))
    assert (
        abs((messages == law.high).mean(axis=0) - np.where(law.low == law.high, 1, law.probability)) <= margin
    ).all()


def test_a_deterministic_compressor_has_one_outcome():
    x = panel(5, 4).x
    law = two_point_law(ScaledSign(), x)
    assert (law.mean == ScaledSign().compress(x)).all()
    assert (law.probability == 0).all()


class Entangled(Compressor):
    """Rounds all coordinates by the first uniform number."""

    random = True

    def message(self, x, draw):
        return x * (draw.of("one").uniform(x.shape[-1])[..., :1] < 0.5)


def test_entangled_coordinates_are_refused():
    with pytest.raises(ToolkitError, match="not a rounding of each coordinate"):
        two_point_law(Entangled(), np.ones((1, 1, 6)))
