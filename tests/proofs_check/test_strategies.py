"""What the strategies draw, how far it reaches, and how it shrinks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from proofs_check.strategies import KINDS, batches, compressors, draws, vectors
from toolkit import members
from toolkit.compressors.top_k import TopK
from toolkit.errors import WrongUse

ROOT = Path(__file__).parent.parent.parent
DTYPES = (np.float32, np.float64)
# The search for an example is seeded, so that what is found does not depend on chance.
SEARCH = settings(max_examples=2000, derandomize=True, database=None, phases=[Phase.generate])
SHRINK = settings(SEARCH, phases=[Phase.generate, Phase.shrink])


def simplest(fails, **parameters):
    """Return the vector to which a failure shrinks."""
    return find(vectors(**parameters), fails, settings=SHRINK)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_vectors_are_finite_and_so_are_their_sums(kind, dtype, data):
    x = data.draw(vectors(2, 9, dtype=dtype, kinds=[kind]))
    assert x.dtype == dtype
    assert x.ndim == 1
    assert 2 <= x.size <= 9
    assert np.isfinite(np.abs(x).sum(dtype=dtype))
    assert np.isfinite(x.size * np.abs(x).max())


SHOWN = {  # a kind, and what only it, or few others, reach
    "zero": lambda x: np.signbit(x).any() and not x.any(),
    "integer": lambda x: (x == [2, -3, 0]).all(),
    "one-hot": lambda x: np.count_nonzero(x) == 1,
    "constant": lambda x: np.unique(np.abs(x)).size == 1 and 0 < (x < 0).sum() < 3,
    "ties": lambda x: np.unique(np.abs(x)).size == 2 and abs(x[0]) == abs(x[2]),
    "sparse": lambda x: np.count_nonzero(x) == 1 and np.signbit(x[x == 0]).any(),
    "dense": lambda x: np.unique(np.abs(x)).size == 3,
    "structured": lambda x: (x == x[0] * x.dtype.type(0.5) ** np.arange(3)).all(),
    "levels": lambda x: (np.nextafter(np.abs(x), x.dtype.type(0)) == np.rint(x)).any(),
    "wide": lambda x: np.abs(x).max() > 1e30 and 0 < np.abs(x).min() < 1e-30,
    "subnormal": lambda x: 0 < np.abs(x[0]) < np.finfo(x.dtype).smallest_normal,
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_reaches_what_it_is_there_for(kind, dtype):
    assert find(vectors(3, 3, dtype=dtype, kinds=[kind]), SHOWN[kind], settings=SEARCH).shape == (3,)


@pytest.mark.parametrize(("dtype", "largest", "smallest"), [(np.float32, 1e37, 1e-37), (np.float64, 1e300, 1e-300)])
def test_wide_vectors_reach_both_ends_of_the_numbers(dtype, largest, smallest):
    wide = vectors(1, 1, dtype=dtype, kinds=["wide"])
    assert find(wide, lambda x: abs(x[0]) >= largest, settings=SEARCH).dtype == dtype
    assert find(wide, lambda x: 0 < abs(x[0]) <= smallest, settings=SEARCH).dtype == dtype


def test_failures_shrink_to_short_vectors_of_simple_numbers():
    tie = simplest(lambda x: x.size > 2 and x.any() and np.unique(np.abs(x)).size < x.size)
    assert sorted(np.abs(tie)) in ([0, 0, 1], [0, 1, 1], [1, 1, 1])
    assert simplest(lambda x: np.count_nonzero(x) > 3).tolist() == [1] * 4
    assert simplest(lambda x: np.abs(x).max() > 20).tolist() == [21]
    assert simplest(lambda x: x.size > 4).tolist() == [0] * 5


def test_rows_of_a_batch_may_be_of_different_kinds():
    def mixed(x):
        return x.shape[1] == 2 and (x[0, 0] == 0).all() and np.abs(x[0, 1]).max() > 9

    x = find(batches(max_runs=1, max_workers=2), mixed, settings=SHRINK)
    assert x.tolist() == [[[0.0], [10.0]]]


@given(x=batches(2, 5, max_runs=2, max_workers=4, dtype=np.float32, kinds=["ties", "wide"]))
def test_batches_have_three_axes(x):
    assert x.dtype == np.float32
    assert x.shape <= (2, 4, 5)
    assert x.shape[1] <= 4
    assert 2 <= x.shape[2] <= 5


@given(draw=draws(runs=2, workers=3))
def test_draws_fit_the_batch(draw):
    assert draw.shape == (2, 3)
    assert draw.uniform(4).shape == (2, 3, 4)


def test_draws_reach_both_sides_of_a_coin():
    for heads in (True, False):
        draw = find(draws(), lambda draw, heads=heads: draw.coin(0.5).item() == heads, settings=SEARCH)
        assert draw.coin(0.5).item() == heads


@pytest.mark.parametrize("name", members.names("toolkit.compressors"))
def test_every_member_can_be_drawn(name):
    """A member that no grid of its fields makes would be left out of every property in silence."""
    drawn = find(compressors(4, names=[name]), lambda compressor: True, settings=SEARCH)
    assert isinstance(drawn, members.load("toolkit.compressors", name))


@given(data=st.data(), d=st.sampled_from([1, 3]))
def test_drawn_compressors_accept_their_dimension(data, d):
    compressor = data.draw(compressors(d))
    x, draw = data.draw(vectors(d, d, kinds=["integer", "dense"])), data.draw(draws())
    assert compressor.compress(x, draw).shape == (d,)


def test_parameters_reach_the_ends_of_their_range():
    assert find(compressors(7), lambda one: one == TopK(k=7), settings=SEARCH)
    assert find(compressors(7, names=["qsgd"]), lambda one: one.s > 3, settings=SEARCH).s == 7
    assert find(compressors(7, names=["qsgd"]), lambda one: one.norm == "max", settings=SEARCH)  # from the docstring


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda: vectors(0), "no such dimension"),
        (lambda: vectors(3, 2), "no such dimension"),
        (lambda: vectors(dtype=np.int64), "single and double"),
        (lambda: vectors(kinds=["spares"]), "Nearest names: sparse"),
        (lambda: vectors(kinds=[]), "no kind"),
        (lambda: batches(max_workers=0), "at least one"),
        (lambda: batches(kinds=["?"]), "no kind"),
        (lambda: compressors(3, names=["topk?"]), "no member"),
        (lambda: compressors(3, names=[]), "no member accepts"),
    ],
)
def test_impossible_requests_are_refused(make, wrong):
    with pytest.raises(WrongUse, match=wrong):
        make()


def test_nothing_else_needs_hypothesis():
    """The tests bring hypothesis; whoever only checks claims need not have it."""
    needs = ("import hypothesis", "from hypothesis", "import proofs_check.strategies", "from proofs_check.strategies")
    packages = ("toolkit", "problems", "proofs_check", "figures")
    files = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    importers = [path for path in files if any(line.startswith(needs) for line in path.read_text().splitlines())]
    assert sorted(path.stem for path in importers) == ["codes", "examples", "strategies"]


def test_importing_the_strategies_loads_no_compressor():
    code = (
        "import proofs_check.strategies, sys;"
        "print([m for m in sys.modules if m.startswith('toolkit.compressors.') and '._' not in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
