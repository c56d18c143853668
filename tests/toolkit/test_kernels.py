"""The compiled kernels against plain array code, bit for bit where no sum is involved."""

from __future__ import annotations

import itertools
import math
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit import kernels
from toolkit.draws import Draw
from toolkit.kernels import compiled, reference, selection

ROOT = Path(__file__).parents[2]
TYPES = (np.float64, np.float32)

# What is hard for a selection: ties, zeros of both signs, subnormal and huge magnitudes, one value everywhere.
NUMBERS = {
    np.float64: st.one_of(
        st.floats(-1, 1),
        st.floats(allow_nan=False, allow_infinity=False, min_value=-1e150, max_value=1e150),
        st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, 5e-324, -5e-324, 1e-310]),
    ),
    np.float32: st.one_of(
        st.floats(-1, 1, width=32),
        st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, 2.0**-149, -(2.0**-149), 2.0**60]),
    ),
}


@st.composite
def batches(draw, dtype, count=1):
    """Arrays of one shape (run, worker, coordinate)."""
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 40)))
    size = int(np.prod(shape))
    rows = [draw(st.lists(NUMBERS[dtype], min_size=size, max_size=size)) for _ in range(count)]
    return [np.array(row, dtype).reshape(shape) for row in rows]


def assert_same(actual, expected):
    """Equal shapes, types and bits."""
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    assert actual.tobytes() == np.ascontiguousarray(expected).tobytes()


@pytest.mark.parametrize("dtype", TYPES)
@given(data=st.data())
def test_top_k_equals_plain(dtype, data):
    (x,) = data.draw(batches(dtype))
    k = data.draw(st.integers(0, x.shape[-1] + 1))
    before = x.copy()
    assert_same(kernels.top_k(x, k), reference.top_k(x, k))
    assert_same(x, before)


@pytest.mark.parametrize("dtype", TYPES)
@given(data=st.data())
def test_top_k_with_memory_equals_the_separate_steps(dtype, data):
    memory, v = data.draw(batches(dtype, count=2))
    scale, k = data.draw(st.sampled_from([0.0, 0.1, 1 / 3, 1.0, -7.5])), data.draw(st.integers(1, v.shape[-1]))
    copies = memory.copy(), v.copy()
    message, rest, error = kernels.top_k_with_memory(memory, v, scale, k)
    p = memory + scale * v
    assert_same(message, reference.top_k(p, k))
    assert_same(rest, p - message)
    assert_same(error, kernels.sum_sq(rest))
    assert_same(error, kernels.sum_sq_difference(p, message))
    assert_same(memory, copies[0])
    assert_same(v, copies[1])


@pytest.mark.parametrize("dtype", TYPES)
@given(data=st.data())
def test_kept_with_memory_equals_the_separate_steps(dtype, data):
    memory, v, chances = data.draw(batches(dtype, count=3))
    scale, factor = data.draw(st.sampled_from([0.0, 1 / 3, 1.0, -7.5])), data.draw(st.sampled_from([1.0, 10 / 3]))
    kept, copies = chances > 0, (memory.copy(), v.copy())
    message, rest, error = kernels.kept_with_memory(memory, v, scale, kept, factor)
    p = memory + scale * v
    assert_same(message, np.where(kept, p, np.zeros_like(p)) * dtype(factor))
    assert_same(rest, p - message)
    assert_same(error, kernels.sum_sq(rest))
    assert_same(memory, copies[0])
    assert_same(v, copies[1])


@pytest.mark.parametrize("dtype", TYPES)
def test_kept_with_memory_where_an_axis_is_one_or_a_number_is_own_to_each_run(dtype):
    full = Draw([1, 2, 3], workers=4).of("v").per_worker.normal(20).astype(dtype)
    shared, kept = full[:, :1] + 1, Draw([1, 2, 3]).of("kept").subset(20, 6)
    scale, factor = (np.array(one, dtype).reshape(3, 1, 1) for one in ((0.1, 1.0, 3.0), (1.0, 10 / 3, 2.0)))
    for memory, v, mask in itertools.product((full, shared), (full, shared), (kept, kept[:1], full > 0)):
        together = kernels.kept_with_memory(memory, v, scale, mask, factor)
        assert_same(together[0], reference.kept_with_memory(memory, v, scale, mask, factor)[0])
        for run in range(3):
            row, own_mask = slice(run, run + 1), mask[run : run + 1] if len(mask) > 1 else mask
            numbers = float(scale[run, 0, 0]), own_mask, float(factor[run, 0, 0])
            alone = kernels.kept_with_memory(memory[row], v[row], *numbers)
            for one, other in zip(together, alone, strict=True):
                assert_same(one[row], other)


def test_kept_with_memory_promotes_types_and_refuses_shapes_as_numpy_does():
    memory, v, kept = np.ones((1, 1, 3), np.float32), np.array([[[1.0, 3.0, 2.0]]]), np.array([[[True, False, False]]])
    message, rest, error = kernels.kept_with_memory(memory, v, 0.5, kept, 10 / 3)
    np.testing.assert_array_equal(message, [[[1.5 * (10 / 3), 0.0, 0.0]]])
    assert message.dtype == rest.dtype == error.dtype == np.float64
    with pytest.raises(ValueError, match="broadcast"):
        kernels.kept_with_memory(v, v[..., :2].copy(), 0.5, kept, 1.0)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("shape", "columns"), [((1, 1, 1), 1), ((2, 3, 5), 7), ((3, 1, 8), 8), ((9, 2, 40), 21)])
def test_a_product_with_a_matrix_equals_plain_and_does_not_know_its_batch(shape, columns, dtype):
    x = Draw(1).normal(int(np.prod(shape))).reshape(shape).astype(dtype)
    matrix = Draw(2).normal(shape[-1] * columns).reshape(shape[-1], columns).astype(dtype)
    matrix[0, 0] = -0.0
    product = kernels.matrix_product(x, matrix)
    assert_same(product, reference.matrix_product(x, matrix))
    assert_same(kernels.matrix_product(x[:1, :1], matrix), product[:1, :1])
    assert_same(kernels.matrix_product(x[0, 0], matrix), product[0, 0])
    assert_same(kernels.matrix_product(x[:, ::-1], matrix.T.copy().T), product[:, ::-1])
    np.testing.assert_allclose(product, x @ matrix, rtol=0, atol=100 * np.finfo(dtype).eps)


def test_a_product_promotes_types_and_refuses_shapes_that_do_not_fit():
    x = Draw([1, 2]).normal(4)
    single = kernels.matrix_product(x.astype(np.float32), np.eye(4))
    assert_same(single, x.astype(np.float32).astype(np.float64))
    with pytest.raises(ValueError, match="no product"):
        kernels.matrix_product(x, np.eye(5))


@given(data=st.data())
def test_one_k_and_one_scale_for_each_run(data):
    memory, v = data.draw(batches(np.float64, count=2))
    runs, _, d = v.shape
    k = np.array(data.draw(st.lists(st.integers(1, d), min_size=runs, max_size=runs)))
    scale = np.linspace(0.1, 1.0, runs)
    message = kernels.top_k(v, k.reshape(-1, 1, 1))
    fused = kernels.top_k_with_memory(memory, v, scale.reshape(-1, 1, 1), k.reshape(-1, 1, 1))
    for run in range(runs):
        row = slice(run, run + 1)
        assert_same(message[row], kernels.top_k(v[row], int(k[run])))
        alone = kernels.top_k_with_memory(memory[row], v[row], float(scale[run]), int(k[run]))
        for together, single in zip(fused, alone, strict=True):
            assert_same(together[row], single)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shapes", [((2, 3, 5), (2, 1, 5)), ((2, 1, 5), (2, 3, 5)), ((1, 1, 5), (2, 3, 5))])
def test_an_axis_of_one_broadcasts(shapes, dtype):
    memory, v = (Draw(seed).normal(int(np.prod(shape))).reshape(shape) for seed, shape in enumerate(shapes))
    memory, v = memory.astype(dtype), v.astype(dtype)
    message, rest, error = kernels.top_k_with_memory(memory, v, 0.3, 2)
    p = memory + 0.3 * v
    assert_same(message, reference.top_k(p, 2))
    assert_same(rest, p - message)
    assert_same(error, kernels.sum_sq(rest))
    assert_same(kernels.sum_sq_difference(memory, v), kernels.sum_sq(memory - v))
    assert_same(kernels.top_k(v[:1], np.array([1, 2]).reshape(2, 1, 1))[1:], kernels.top_k(v[:1], 2))


def test_shapes_that_do_not_broadcast_are_refused():
    x = np.ones((2, 3, 4))
    for wrong in (np.ones((3, 3, 4)), np.ones((2, 2, 4)), np.ones((2, 3, 5))):
        with pytest.raises(ValueError, match="broadcast"):
            kernels.top_k_with_memory(x, wrong, 1.0, 1)
        with pytest.raises(ValueError, match="broadcast"):
            kernels.sum_sq_difference(x, wrong)
    with pytest.raises(ValueError, match="broadcast"):
        kernels.top_k(x, np.ones((3, 1, 1), int))


def test_mixed_types_are_promoted_as_numpy_does():
    memory, v = np.ones((1, 1, 3), np.float32), np.array([[[1.0, 3.0, 2.0]]])
    message, rest, error = kernels.top_k_with_memory(memory, v, 0.5, 1)
    np.testing.assert_array_equal(message, [[[0.0, 2.5, 0.0]]])
    np.testing.assert_array_equal(rest, [[[1.5, 0.0, 2.0]]])
    assert message.dtype == error.dtype == np.float64


LONG_ROWS = {
    "normal": lambda d: Draw(1).normal(d),
    "heavy tails": lambda d: Draw(1).normal(d) / Draw(2).uniform(d) ** 3,
    "ties": lambda d: np.round(Draw(1).normal(d) * 4),
    "mostly zero": lambda d: Draw(1).normal(d) * (Draw(2).uniform(d) < 0.01),
    "one magnitude": lambda d: Draw(1).signs(d),
    "wide scales": lambda d: Draw(1).normal(d) * 10.0 ** np.round(600 * Draw(2).uniform(d) - 300),
    "sorted": lambda d: np.sort(Draw(1).normal(d), axis=-1),
    "large where no sample looks": lambda d: np.where(np.arange(d) % 16 == 7, 1.0, 1e-3) * Draw(1).normal(d),
    "subnormal": lambda d: Draw(1).normal(d) * 1e-310,
}


@pytest.mark.parametrize("d", [100, 1000, selection.LONG - 1, 3 * selection.LONG + 5])
@pytest.mark.parametrize("make", LONG_ROWS.values(), ids=LONG_ROWS)
def test_top_k_of_long_rows(make, d):
    x = make(d)
    for k in (1, 2, d // 1000 + 3, d // 10, d // 2, d - 1, d):
        assert_same(kernels.top_k(x, k), reference.top_k(x, k))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("share", [0.01, 0.5, 1.0])
@pytest.mark.parametrize("d", [10, 1000, 3 * selection.LONG])
def test_top_k_ends_on_numbers_that_are_not_finite(bad, share, d):
    x = np.where(Draw(3).uniform(d) < share, bad, Draw(4).normal(d))
    for k in (1, 2, d // 2, d):
        message = kernels.top_k(x, k)
        assert ((message == 0) | (message == x) | np.isnan(x)).all()


@given(data=st.data())
def test_subset_equals_plain(data):
    runs, workers, d = (data.draw(st.integers(1, high)) for high in (3, 3, 40))
    words = kernels.words(np.arange(runs, dtype=np.uint32), 0, workers, data.draw(st.integers(0, 2**32 - 1)), 0, d)
    k = data.draw(st.integers(0, d))
    assert_same(kernels.subset(words, d, k), reference.subset(words, d, k))
    ks = np.array(data.draw(st.lists(st.integers(0, d), min_size=runs, max_size=runs))).reshape(-1, 1, 1)
    marked = kernels.subset(words, d, ks)
    assert_same(marked, reference.subset(words, d, ks))
    for run in range(runs):
        assert_same(marked[run : run + 1], kernels.subset(words[run : run + 1], d, int(ks[run, 0, 0])))
    assert_same(kernels.subset(words[:1], d, ks)[1:], kernels.subset(np.repeat(words[:1], runs, axis=0), d, ks)[1:])


@pytest.mark.parametrize(("d", "k"), [(4, 1), (4, 2), (5, 2), (5, 3), (6, 3)])
def test_every_subset_has_the_same_share_of_choices(d, k):
    """Choice i is one of j + 1 coordinates, j = d − min(k, d − k) + i: here are all combinations of choices."""
    few = min(k, d - k)
    firsts = [[-(-t * 2**64 // end) for t in range(end)] for end in range(d - few + 1, d + 1)]
    numbers = np.array(list(itertools.product(*firsts)), dtype=np.uint64)
    words = np.stack([numbers >> np.uint64(32), numbers & np.uint64(2**32 - 1)], axis=-1).astype(np.uint32)
    masks = kernels.subset(words.reshape(len(words), 1, -1), d, k)[:, 0]
    subsets, counts = np.unique(masks, axis=0, return_counts=True)
    assert len(subsets) == math.comb(d, k)
    assert (subsets.sum(axis=1) == k).all()
    assert (counts == counts[0]).all()


@pytest.mark.parametrize("d", [1, 2, 7, 16, 100, 1001, 100_000])
def test_sums_are_accurate_and_do_not_depend_on_the_batch(d):
    """Any order of d additions is within d units of rounding of the exact sum of positive terms."""
    x, y = Draw([1, 2, 3], workers=2).per_worker.normal(d), Draw([4, 5, 6], workers=2).per_worker.normal(d)
    total, difference = kernels.sum_sq(x), kernels.sum_sq_difference(x, y)
    exact = np.sum(x.astype(np.longdouble) ** 2, axis=-1)
    assert (np.abs(total - exact) <= (d + 1) * 2.0**-53 * exact).all()
    assert_same(difference, kernels.sum_sq(x - y))
    for run in range(3):
        for worker in range(2):
            cell = slice(run, run + 1), slice(worker, worker + 1)
            assert_same(kernels.sum_sq(x[cell]), total[cell])
            assert_same(kernels.sum_sq_difference(x[cell], y[cell]), difference[cell])


def test_single_precision_sums_are_added_in_double_precision():
    x = np.full((1, 1, 2**20), 0.1, np.float32)
    assert_same(kernels.sum_sq(x), np.array([[2**20 * float(np.float32(0.1)) ** 2]], np.float32))


def test_frozen_and_strided_arrays_are_accepted():
    x = Draw([1, 2], workers=3).per_worker.normal(8)
    expected = kernels.top_k(x[..., ::2].copy(), 2)
    x.flags.writeable = False
    assert_same(kernels.top_k(x[..., ::2], 2), expected)
    assert_same(kernels.sum_sq(x.transpose(1, 0, 2)), kernels.sum_sq(x).T.copy())


def test_threads_compute_the_same():
    batches = [Draw([run], workers=4).per_worker.normal(500) for run in range(40)]
    with ThreadPoolExecutor(4) as pool:
        for alone, threaded in zip(map(top_50, batches), pool.map(top_50, batches), strict=True):
            assert_same(alone, threaded)


def top_50(x):
    return kernels.top_k(x, 50)


def test_other_array_libraries_take_the_plain_body():
    x, y = Draw([1, 2], workers=3).per_worker.normal(20), Draw([3, 4], workers=3).per_worker.normal(20)
    words = kernels.words(np.array([1, 2], np.uint32), 0, 3, 0, 0, 20)
    other_x, other_y, other_words = (array_api_strict.asarray(a) for a in (x, y, words))
    k, other_k = (library.asarray([[[2]], [[5]]]) for library in (np, array_api_strict))
    assert_same(np.asarray(kernels.top_k(other_x, other_k)), kernels.top_k(x, k))
    assert_same(np.asarray(kernels.subset(other_words, 20, 3)), kernels.subset(words, 20, 3))
    assert_same(np.asarray(kernels.subset(other_words, 20, other_k)), kernels.subset(words, 20, k))
    np.testing.assert_allclose(np.asarray(kernels.sum_sq(other_x)), kernels.sum_sq(x), rtol=1e-14)
    message, rest, error = kernels.top_k_with_memory(other_x, other_y, 0.5, other_k)
    fused = kernels.top_k_with_memory(x, y, 0.5, k)
    assert_same(np.asarray(message), fused[0])
    assert_same(np.asarray(rest), fused[1])
    np.testing.assert_allclose(np.asarray(error), fused[2], rtol=1e-14)
    kept, matrix = kernels.subset(words, 20, 3), Draw(5).normal(60).reshape(20, 3)
    other_kept, other_matrix = (array_api_strict.asarray(a) for a in (kept, matrix))
    message, rest, error = kernels.kept_with_memory(other_x, other_y, 0.5, other_kept, 20 / 3)
    fused = kernels.kept_with_memory(x, y, 0.5, kept, 20 / 3)
    assert_same(np.asarray(message), fused[0])
    assert_same(np.asarray(rest), fused[1])
    np.testing.assert_allclose(np.asarray(error), fused[2], rtol=1e-14)
    assert_same(np.asarray(kernels.matrix_product(other_x, other_matrix)), kernels.matrix_product(x, matrix))


def test_warm_up_tells_its_progress():
    seen = []
    kernels.warm_up(lambda done, total: seen.append((done, total)))
    total = seen[-1][1]
    assert seen == [(done, total) for done in range(total + 1)]
    assert kernels.is_compiled()


def run_python(code, folder=ROOT, **environment):
    """Return what a fresh interpreter prints, run in `folder`."""
    inherited = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    command = [sys.executable, "-B", "-c", code]
    done = subprocess.run(command, cwd=folder, env=inherited | environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_importing_kernels_does_not_import_numba():
    run_python("import toolkit.kernels, toolkit.draws, sys; assert 'numba' not in sys.modules")


def test_an_edit_in_a_called_file_is_never_missed(tmp_path):
    """The edit is in a function that the cached one calls, which Numba's own cache would not notice."""
    shutil.copytree(ROOT / "toolkit", tmp_path / "toolkit", ignore=shutil.ignore_patterns("__pycache__"))
    code = (
        "import numpy as np; from toolkit import kernels; from toolkit.kernels.compiled import cache_folder;"
        "print(cache_folder(), kernels.is_compiled(), kernels.sum_sq(np.full((1, 1, 2), 3.0)).item())"
    )
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    folder, was_compiled, total = run_python(code, tmp_path, **cache).split()
    assert (was_compiled, total) == ("False", "18.0")
    assert run_python(code, tmp_path, **cache).split() == [folder, "True", "18.0"]
    edited = tmp_path / "toolkit" / "kernels" / "sums.py"
    edited.write_text(edited.read_text().replace("return result\n", "return result + 1.0\n"))
    other_folder, was_compiled, total = run_python(code, tmp_path, **cache).split()
    assert other_folder != folder
    assert (was_compiled, total) == ("False", "19.0")


def test_the_cache_folder_can_be_chosen_and_falls_back_to_a_temporary_one(tmp_path):
    code = "from toolkit.kernels.compiled import cache_folder as f; print(f(), f().is_dir())"
    assert run_python(code, NUMBA_CACHE_DIR=str(tmp_path / "chosen")) == f"{tmp_path / 'chosen'} False"
    occupied = tmp_path / "file"
    occupied.write_text("not a folder")
    folder, was_there = run_python(code, XDG_CACHE_HOME=str(occupied)).split()
    assert was_there == "True"
    assert not Path(folder).is_relative_to(tmp_path)
    assert not Path(folder).exists()


def test_kernels_do_not_move_the_cache_of_other_functions():
    numba = pytest.importorskip("numba")
    before = numba.config.CACHE_DIR
    compiled.kernel(lambda x: x)
    assert before == numba.config.CACHE_DIR


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("runs", "workers", "d"), [(1, 1, 1), (3, 5, 7), (4, 2, 100)])
def test_means_and_products_equal_plain(runs, workers, d, dtype):
    rng = np.random.default_rng(d)
    v = rng.standard_normal((runs, workers, d)).astype(dtype)
    a, x = rng.standard_normal((workers, d)).astype(dtype), rng.standard_normal((runs, 1, d)).astype(dtype)
    assert np.array_equal(kernels.worker_mean(v), np.add.reduce(v, axis=1, keepdims=True) / v.shape[1])
    assert np.array_equal(kernels.multiply_add(a, x, v, 0.5), reference.multiply_add(a, x, v, 0.5))
    scale = d * np.finfo(dtype).eps * reference.dot(np.abs(v), np.abs(x))
    assert np.all(np.abs(kernels.dot(v, x) - reference.dot(v, x)) <= scale)  # d roundings, each at most eps
    assert np.array_equal(kernels.dot(v, x)[:1], kernels.dot(v[:1], x[:1]))
