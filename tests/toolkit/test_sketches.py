"""Compressors by linear maps of few outputs: the count sketch and low rank."""

from __future__ import annotations

import numpy as np
import pytest

from problems import Quadratic
from proofs_check.outcomes import outcomes
from toolkit import simulate
from toolkit.algorithms import CompressedSGD, ErrorFeedback
from toolkit.channel import Channel
from toolkit.compressors import CountSketch, Identity, PowerSGD, Rotated, Scaled
from toolkit.draws import Draw
from toolkit.errors import WrongUse
from toolkit.ledger import ledger
from toolkit.parameters import bind

ROUNDING = 1e-13


def gaussian(*shape: int, dtype: str = "float64", seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


# The count sketch.

SMALL = [  # rows, columns, estimate, d
    (1, 1, "mean", 2),
    (1, 2, "mean", 3),
    (2, 2, "mean", 3),
    (3, 2, "mean", 2),
    (1, 2, "median", 3),
    (2, 2, "median", 3),
    (3, 1, "median", 3),
    (3, 2, "median", 2),
    (4, 2, "median", 2),
]


@pytest.mark.parametrize(("rows", "columns", "estimate", "d"), SMALL)
def test_a_sketch_is_unbiased_and_its_variance_is_as_derived(rows, columns, estimate, d) -> None:
    sketch = CountSketch(rows=rows, columns=columns, estimate=estimate)
    x = np.array([3.0, -1.0, 0.5])[None, None, :d]
    every = outcomes(sketch, x, limit=1 << 17)
    np.testing.assert_allclose(every.expect(every.sent), x, atol=ROUNDING)
    variance, bound = every.expect(((every.sent - x) ** 2).sum(axis=-1)), sketch.constants(d).omega
    expected = sketch.expected_error(x)
    if estimate == "mean" or rows <= 2:
        assert bound.kind == "exact"
        assert float(bound) == pytest.approx((d - 1) / (rows * columns), rel=1e-15)
        np.testing.assert_allclose(variance, expected, rtol=ROUNDING)
        np.testing.assert_allclose(variance, float(bound) * (x**2).sum(), rtol=ROUNDING)
    else:
        assert expected is None
        assert bound.kind == "upper bound"
        assert (variance <= (d - 1) / columns * (x**2).sum() * (1 + ROUNDING)).all()


def test_the_bound_of_the_median_is_reached_in_one_column() -> None:
    sketch, spike = CountSketch(rows=3, columns=1, estimate="median"), np.array([[[1.0, 0.0]]])
    every = outcomes(sketch, spike)
    assert every.expect(((every.sent - spike) ** 2).sum(axis=-1)).item() == pytest.approx(1.0, rel=1e-14)
    assert float(sketch.constants(2).omega) == 1


def test_the_tables_of_workers_add_up() -> None:
    x, draw = gaussian(2, 3, 50), Draw(seed=[1, 2], workers=3)
    for sketch in (CountSketch(3, 7), CountSketch(3, 7, "median"), CountSketch(3, 7, "median", k=4)):
        parts = {"table": sketch.parts(x, draw)["table"].sum(axis=1, keepdims=True)}
        of_sum = sketch.message(x.sum(axis=1, keepdims=True), draw)
        np.testing.assert_allclose(sketch.assemble(parts, draw, 50, x.dtype), of_sum, atol=1e-13)
        assert sketch.summable
    mean = CountSketch(3, 7)
    np.testing.assert_allclose(mean.message(x, draw).mean(axis=1), mean.message(x.mean(axis=1)[:, None], draw)[:, 0])


def test_the_table_is_made_by_hand() -> None:
    sketch, x, draw = CountSketch(rows=2, columns=3), gaussian(1, 1, 20), Draw(seed=4)
    table = np.zeros((2, 3))
    for row in range(2):
        column = np.floor(3 * draw.of("column", row).uniform(20)[0, 0]).astype(int)
        for j in range(20):
            table[row, column[j]] += draw.of("sign", row).signs(20)[0, 0, j] * x[0, 0, j]
    assert (sketch.parts(x, draw)["table"].reshape(2, 3) == table).all()
    assert set(column) == {0, 1, 2}


def test_heavy_coordinates_are_found_again() -> None:
    """A message is wrong only if 3 of 5 rows mix up a heavy coordinate with another, or a light one with heavy ones.

    That has probability at most 4·10·(3/600)³ + 496·10·(4/600)³ < 1.5e-3, so 4 wrong ones of 40 have at most 1e-6.
    """
    x = np.zeros((40, 1, 500))
    x[..., [3, 77, 123, 400]] = [9.0, -8.0, 7.0, -6.0]
    sent = CountSketch(rows=5, columns=600, estimate="median", k=4).compress(x, Draw(seed=np.arange(40)))
    assert (sent == x).all(axis=-1).sum() > 36


def test_what_is_shared_is_drawn_once_and_charged_once() -> None:
    channel = Channel(CountSketch(rows=2, columns=3), Identity())
    channel.begin(Draw(seed=[0, 1], workers=3))
    sent = channel.send(np.ones((2, 3, 20)))
    assert (sent == sent[:, :1]).all()
    assert channel.bits_up == 6 * 64
    bits = ledger(CountSketch(rows=2, columns=3), gaussian(20, dtype="float32"), Draw(seed=1))
    assert (bits.formula.item(), bits.encoded.item(), bits.side.item()) == (6 * 32, 7 * 32, 32)
    with pytest.raises(WrongUse, match="must draw the same"):
        CountSketch(2, 3).compress(np.ones((3, 5)), Draw(seed=1, workers=3).per_worker)


def test_workers_with_one_sketch_gain_nothing_from_their_number() -> None:
    """(A, B) = (ω, 0): with equal vectors the mean of the messages is one message."""
    constants = CountSketch(2, 3).constants(5, n=4)
    assert constants.ab.value == (float(constants.omega), 0.0)
    sketch = CountSketch(1, 2)
    x = np.broadcast_to(np.array([3.0, -1.0, 0.5]), (1, 4, 3)).copy()
    every = outcomes(sketch, x)
    error = every.expect(((every.sent.mean(axis=1) - x[0, 0]) ** 2).sum(axis=-1))
    assert error.item() == pytest.approx(float(sketch.constants(3).omega) * (x[0, 0] ** 2).sum(), rel=1e-13)


def test_a_swept_k_and_a_run_with_a_sketch() -> None:
    x, draw = gaussian(2, 1, 20), Draw(seed=[1, 2])
    swept = bind(CountSketch(2, 5, k=1), {("k",): np.array([1, 7])[:, None, None]})
    assert np.count_nonzero(swept.message(x, draw), axis=-1).ravel().tolist() == [1, 7]
    problem = Quadratic(hessians=np.arange(1.0, 9).reshape(2, 4), linear=gaussian(2, 4))
    result = simulate(problem, CompressedSGD(), CountSketch(4, 8), stepsize=0.01, steps=50, runs=2)
    assert (result.f_gap.isel(step=-1) < result.f_gap.isel(step=0)).all()
    assert result.bits_up.isel(step=-1).values.tolist() == [50 * 32 * 64] * 2


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda: CountSketch(rows=0, columns=2), "at least 1"),
        (lambda: CountSketch(rows=[1, 2], columns=2), "shapes the message"),
        (lambda: CountSketch(rows=1, columns=2.0), "integer"),
        (lambda: CountSketch(1, 2, estimate="mode"), "none of its choices"),
        (lambda: CountSketch(1, 2, k=0), "at least 1"),
        (lambda: CountSketch(1, 2, k=4).compress(np.ones(3), Draw(seed=0)), "larger than the dimension"),
    ],
)
def test_impossible_sketches_are_refused(make, wrong) -> None:
    with pytest.raises(WrongUse, match=wrong):
        make()


# Low rank.


def projected(matrix: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the plain form of one power iteration: the projection of the columns on the span of matrix·start."""
    directions = np.linalg.qr(matrix @ start).Q
    return directions @ directions.T @ matrix


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("rank", "columns", "d"), [(1, 4, 12), (2, 4, 12), (3, 4, 11), (4, 4, 16), (1, None, 1)])
def test_a_message_is_the_projection_of_one_power_iteration(rank, columns, d, dtype) -> None:
    x, draw = gaussian(2, 3, d, dtype=dtype), Draw(seed=[1, 2], workers=3).per_worker
    compressor = PowerSGD(rank, columns)
    columns = columns or 1
    sent, start = compressor.compress(x, draw), draw.of("start").normal(rank * columns)
    eps = np.finfo(dtype).eps
    for run, worker in np.ndindex(2, 3):
        matrix = np.zeros(-(-d // columns) * columns)
        matrix[:d] = x[run, worker]
        expected = projected(matrix.reshape(-1, columns), start[run, worker].reshape(rank, columns).T).ravel()[:d]
        np.testing.assert_allclose(sent[run, worker], expected, atol=200 * eps)  # directions to eps times a condition
    parts = compressor.parts(x, draw)
    left = parts["left"].reshape(2, 3, rank, -1)
    np.testing.assert_allclose(
        left @ left.swapaxes(2, 3), np.broadcast_to(np.eye(rank), (2, 3, rank, rank)), atol=9 * eps
    )
    if d == 12:
        error = ((sent - x) ** 2).sum(axis=-1)
        rest = (x**2).sum(axis=-1) - (parts["right"] ** 2).sum(axis=-1)
        np.testing.assert_allclose(error, rest, atol=100 * eps)


def test_a_matrix_of_low_rank_is_sent_whole_even_if_the_rank_asked_for_is_higher() -> None:
    matrix = np.random.default_rng(0).standard_normal((6, 2)) @ np.random.default_rng(1).standard_normal((2, 5))
    for scale in (1e-200, 1.0, 1e200):
        for rank in (2, 3, 5):
            sent = PowerSGD(rank, columns=5).compress(scale * matrix.ravel(), Draw(seed=1))
            np.testing.assert_allclose(sent, scale * matrix.ravel(), rtol=0, atol=scale * 1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rank", [2, 3])
def test_directions_are_orthonormal_or_zero_where_only_rounding_is_left(rank, dtype) -> None:
    """All columns are parallel to one, and what rounding leaves of the others when it is taken away may be so too."""
    matrix, runs = np.outer([1, 1, 0], [1, 1, 1]).astype(dtype), 200
    x, draw = np.tile(matrix.ravel(), (runs, 1, 1)), Draw(seed=np.arange(runs))
    compressor, eps = PowerSGD(rank, columns=3, restart=True), np.finfo(dtype).eps
    left = compressor.parts(x, draw)["left"].reshape(runs, rank, 3)
    gram = left @ left.swapaxes(1, 2)
    kept = gram.diagonal(axis1=1, axis2=2) > 0.5
    assert kept[:, 0].all()
    np.testing.assert_allclose(gram, kept[:, :, None] * np.eye(rank), atol=9 * eps)
    np.testing.assert_allclose(compressor.message(x, draw), x, atol=9 * eps)


def send(compressor, vectors, runs=1, workers=1):
    """Return what a channel delivers of one vector after another."""
    channel, received = Channel(compressor, Identity()), []
    for step, v in enumerate(vectors):
        channel.begin(Draw(seed=np.arange(runs), workers=workers).at(step))
        received.append(channel.send(np.broadcast_to(v, (runs, workers, np.size(v)))))
    return received


def test_a_warm_start_finds_the_best_approximation_of_a_matrix_that_stays() -> None:
    rng = np.random.default_rng(3)
    u, v = np.linalg.qr(rng.standard_normal((8, 4))).Q, np.linalg.qr(rng.standard_normal((6, 4))).Q
    x = (u * [4.0, 3.0, 1.0, 0.5] @ v.T).ravel()
    best = 1.0**2 + 0.5**2  # what two directions leave
    warm = [((one - x) ** 2).sum() for one in send(PowerSGD(2, columns=6), [x] * 20)]
    assert warm[-1] == pytest.approx(best, rel=1e-12)  # the rest falls by (σ₃/σ₂)⁴ = 1/81 per message
    assert min(((one - x) ** 2).sum() for one in send(PowerSGD(2, columns=6, restart=True), [x] * 20)) > best * 1.001


def test_a_warm_start_has_no_contraction_and_says_so() -> None:
    """The second matrix is orthogonal to what the first one left behind: nothing of it arrives."""
    first, second = np.array([1.0, 0.0, 0.0, 0.0]), np.array([0.0, 0.0, 0.0, 1.0])
    received = send(PowerSGD(1, columns=2), [first, second])
    assert (np.abs(received[0].ravel() - first) < 1e-15).all()
    assert not received[1].any()
    assert vars(PowerSGD(1, columns=2).constants(4)) == vars(PowerSGD(2, columns=2).constants(4)) == {
        "delta": None, "omega": None, "kappa_sq": None, "ab": None
    }  # fmt: skip


def test_what_has_become_zero_is_drawn_anew() -> None:
    x = gaussian(6)
    received = send(PowerSGD(1, columns=3), [np.zeros(6), x])
    assert not received[0].any()
    assert received[1].any()


def test_random_directions_keep_their_share() -> None:
    """Of diag(2, 1), E kept = a + b − √(ab) with a = 4, b = 1, of a + b = 5: at least the half that δ promises.

    20000 runs; the kept share lies in [0, 1], so its mean is further than √(ln(2/p)/(2·20000)) from 3/5 with
    probability at most p = 1e-9 (Hoeffding). A matrix of equal singular values keeps r/N, whatever is drawn.
    """
    x, seeds = np.array([2.0, 0.0, 0.0, 1.0]), np.arange(20000)
    sent = PowerSGD(1, columns=2, restart=True).message(np.broadcast_to(x, (20000, 1, 4)).copy(), Draw(seed=seeds))
    kept = 1 - ((sent - x) ** 2).sum(axis=-1).mean() / 5
    assert abs(kept - 3 / 5) < np.sqrt(np.log(2e9) / 40000)
    orthogonal = np.linalg.qr(gaussian(4, 4)).Q.ravel()
    for rank in (1, 2, 3, 4):
        compressor = PowerSGD(rank, columns=4, restart=True)
        error = (
            (compressor.message(np.broadcast_to(orthogonal, (9, 1, 16)).copy(), Draw(seed=seeds[:9])) - orthogonal) ** 2
        ).sum(axis=-1)
        constant = compressor.constants(16).delta
        assert (float(constant), constant.kind) == (rank / 4, "exact")
        np.testing.assert_allclose(error, (1 - rank / 4) * 4, atol=1e-13)
    assert PowerSGD(1, columns=4, restart=True).constants(15).delta.kind == "lower bound"


def test_reduced_over_workers_the_paper_sends_the_message_of_the_mean() -> None:
    matrices, start = gaussian(3, 5, 4), gaussian(4, 2, seed=2)
    directions = np.linalg.qr((matrices @ start).mean(axis=0)).Q
    reduced = directions @ np.mean([directions.T @ matrix for matrix in matrices], axis=0)
    warm = start.T.reshape(1, 1, 8)
    of_mean = PowerSGD(2, columns=4, warm=warm).compress(matrices.mean(axis=0).ravel(), Draw(seed=0))
    np.testing.assert_allclose(of_mean, reduced.ravel(), atol=1e-13)
    assert not PowerSGD(2).summable


def test_low_rank_runs_in_a_method_whatever_the_batch_also_inside_another_compressor() -> None:
    problem = Quadratic(hessians=np.arange(1.0, 17).reshape(2, 8), linear=gaussian(2, 8))
    for compressor in (PowerSGD(1), PowerSGD(1, restart=True), Rotated(PowerSGD(1, columns=2))):
        setting = {"stepsize": 0.02, "steps": 30, "unproven": True}
        together = simulate(problem, ErrorFeedback(), compressor, runs=3, seed=4, **setting)
        alone = simulate(problem, ErrorFeedback(), compressor, seed=5, **setting)
        assert together.f.isel(run=1).values.tobytes() == alone.f.isel(run=0).values.tobytes()
        assert (together.f_gap.isel(step=-1) < 0.1 * together.f_gap.isel(step=0)).all()


def test_the_state_of_a_compressor_inside_is_kept() -> None:
    x = gaussian(16)
    assert Rotated(PowerSGD(1)).state == ("compressor.warm",)
    plain, rotated = (send(one, [x, x, x]) for one in (PowerSGD(1), Rotated(PowerSGD(1, columns=4))))
    assert ((plain[2] - x) ** 2).sum() < ((plain[0] - x) ** 2).sum()
    channel = Channel(Rotated(PowerSGD(1)), Identity())
    channel.begin(Draw(seed=0))
    channel.send(x[None, None])
    kept = channel._with_state("up", "message 0").compressor.warm
    assert kept.shape == (1, 1, 4)
    assert kept.any()
    assert rotated[2].any()


def test_the_price_of_low_rank_is_its_two_factors() -> None:
    assert PowerSGD(2, columns=4).price(1, 11, "float32") == 2 * (3 + 4) * 32
    bits = ledger(PowerSGD(2, columns=4), gaussian(11), Draw(seed=1))
    assert bits.formula == bits.encoded == bits.values == 2 * 7 * 64


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda: PowerSGD(rank=0), "at least 1"),
        (lambda: PowerSGD(rank=[1, 2]), "shapes the message"),
        (lambda: PowerSGD(rank=1, columns=0), "at least 1"),
        (lambda: PowerSGD(rank=1, restart="yes"), "True or False"),
        (lambda: PowerSGD(rank=3, columns=2).compress(np.ones(9), Draw(seed=0)), "no rank above 2"),
        (lambda: Scaled(PowerSGD(rank=1)).compress(np.ones(9), Draw(seed=0)), "has no ω"),
    ],
)
def test_impossible_ranks_are_refused(make, wrong) -> None:
    with pytest.raises(WrongUse, match=wrong):
        make()


@pytest.mark.parametrize("rows", [13, 33])
def test_a_single_number_is_estimated_alone_as_in_a_batch(rows):
    sketch, x = CountSketch(rows=rows, columns=1), np.full((4, 1, 1), 1.3, dtype=np.float32)
    together = sketch.compress(x, Draw(seed=[5, 6, 7, 8]))
    for row, seed in enumerate((5, 6, 7, 8)):
        assert np.array_equal(sketch.compress(x[:1], Draw(seed=[seed]))[0], together[row])
