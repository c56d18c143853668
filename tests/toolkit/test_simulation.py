"""The loop: trajectories against plain transcriptions, the same bits whatever the batching, statuses and averages."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from problems import Problem, Quadratic, ThreeWorkers
from toolkit import Experiment, simulate
from toolkit.algorithms import CHOCO, EF21, SGD, Algorithm, CompressedSGD, ErrorFeedback, State, mean, where
from toolkit.algorithms.ef21_momentum import EF21Momentum
from toolkit.averages import contracting, geometric, polynomial, uniform
from toolkit.compressors import (
    QSGD,
    Bernoulli,
    Compressor,
    DitheredUniform,
    HardThreshold,
    Identity,
    Natural,
    RandK,
    ScaledSign,
    TopK,
)
from toolkit.draws import Draw
from toolkit.errors import WrongUse
from toolkit.parameters import Schedule
from toolkit.stepsizes import Decaying, prescribed
from toolkit.topology import ring

STEPS = 300


def top_k(p: np.ndarray, k: int) -> np.ndarray:
    kept = np.zeros_like(p)
    largest = np.argsort(-np.abs(p), kind="stable")[:k]
    kept[largest] = p[largest]
    return kept


def threshold(p: np.ndarray, raw: float) -> np.ndarray:
    return np.where(np.abs(p) >= raw, p, 0.0)


def ef14(gradients, compress, x, gamma, steps):
    x, e = np.array(x, dtype=float), [np.zeros(len(x)) for _ in gradients]
    path = [x]
    for _ in range(steps):
        sent = []
        for i, gradient in enumerate(gradients):
            p = e[i] + gamma * gradient(x)
            sent.append(compress(p))
            e[i] = p - sent[i]
        x = x - sum(sent) / len(sent)
        path.append(x)
    return np.array(path)


def ef21(gradients, compress, x, gamma, steps):
    x = np.array(x, dtype=float)
    g = [compress(gradient(x)) for gradient in gradients]
    path = [x]
    for _ in range(steps):
        x = x - gamma * sum(g) / len(g)
        g = [g_i + compress(gradient(x) - g_i) for g_i, gradient in zip(g, gradients, strict=True)]
        path.append(x)
    return np.array(path)


def compressed_gd(gradients, compress, x, gamma, steps):
    path = [np.array(x, dtype=float)]
    for _ in range(steps):
        path.append(path[-1] - gamma * sum(compress(gradient(path[-1])) for gradient in gradients) / len(gradients))
    return np.array(path)


def gradients_of(problem: Quadratic):
    """Return each worker's gradient as a plain function, from the problem's matrices alone."""
    return [lambda x, A=A, b=b: A @ x - b for A, b in zip(problem.hessians, problem.linear, strict=True)]


def three_workers():
    return ThreeWorkers(), [1.0, 2.0, 4.0], 0.01


def random_quadratic():
    rng = np.random.default_rng(5)
    factors = rng.standard_normal((4, 6, 6))
    hessians = factors @ factors.transpose(0, 2, 1) / 6 + 0.1 * np.eye(6)
    return Quadratic(hessians=hessians, linear=rng.standard_normal((4, 6))), rng.standard_normal(6).tolist(), 0.02


@pytest.mark.parametrize("setting", [three_workers, random_quadratic])
@pytest.mark.parametrize(
    ("algorithm", "plain"), [(ErrorFeedback(), ef14), (EF21(), ef21), (CompressedSGD(), compressed_gd)]
)
def test_trajectories_equal_the_sheets_pseudo_code(setting, algorithm, plain):
    problem, x0, gamma = setting()
    settings = {"stepsize": gamma, "steps": STEPS, "x0": x0, "record": "all", "keep": ("x",), "unproven": True}
    for compressor, compress in (
        (TopK(k=1), lambda p: top_k(p, 1)),
        (TopK(k=2), lambda p: top_k(p, 2)),
        (HardThreshold(raw=0.02), lambda p: threshold(p, 0.02)),
        (ScaledSign(), lambda p: np.abs(p).sum() / len(p) * np.sign(p)),
    ):
        ours = simulate(problem, algorithm, compressor, **settings).x.values[0, :, 0]
        theirs = plain(gradients_of(problem), compress, x0, gamma, STEPS)
        scale = np.abs(theirs).max(axis=1, keepdims=True)
        assert np.all(np.abs(ours - theirs) <= 1e-12 * scale), (compressor, np.abs((ours - theirs) / scale).max())


def noisy(workers=3, d=7):
    return Quadratic.generate(workers, d, spectrum=(0.2, 1.0), heterogeneity=1.0, sigma_sq=0.5, seed=2)


PAIRS = [
    (ErrorFeedback(), TopK(k=2)),
    (ErrorFeedback(), HardThreshold(lam=0.5)),
    (ErrorFeedback(), ScaledSign()),
    (EF21(), RandK(k=3)),
    (CompressedSGD(), QSGD(s=4)),
    (CompressedSGD(), Natural()),
    (CompressedSGD(), RandK(k=2, unbiased=True)),
    (SGD(), Identity()),
]


@pytest.mark.parametrize(("algorithm", "compressor"), PAIRS, ids=lambda one: type(one).__name__)
def test_a_run_has_the_same_bits_alone_in_a_batch_and_on_two_threads(algorithm, compressor):
    problem = noisy()
    settings = {"stepsize": 0.1, "steps": 40, "record": "all"}
    batch = simulate(problem, algorithm, compressor, runs=256, seed=11, threads=1, **settings)
    threaded = simulate(problem, algorithm, compressor, runs=256, seed=11, threads=2, **settings)
    assert batch.identical(threaded)
    for r in (0, 100, 255):
        alone = simulate(problem, algorithm, compressor, runs=1, seed=11 + r, **settings)
        for name in alone.data_vars:
            assert np.array_equal(alone[name].values[0], batch[name].values[r]), name


def test_cells_of_a_sweep_equal_single_experiments():
    problem = noisy()
    settings = {"steps": 30, "runs": 2, "record": "all"}
    swept = simulate(problem, ErrorFeedback(), TopK(k=[1, 3]), stepsize=[0.05, 0.1], **settings)
    assert dict(swept.sizes) == {"stepsize": 2, "k": 2, "run": 2, "step": 31}
    for gamma in (0.05, 0.1):
        for k in (1, 3):
            single = simulate(problem, ErrorFeedback(), TopK(k=k), stepsize=gamma, **settings)
            cell = swept.sel(stepsize=gamma, k=k)
            for name in ("f", "bits_up", "total_error", "memory_norm_sq"):
                assert np.array_equal(single[name], cell[name]), name


class Single:
    """A problem whose gradients keep the type of the iterates."""

    workers, dimension = 3, 10
    target = np.random.default_rng(4).standard_normal((3, 10)).astype(np.float32)

    def value(self, x):
        return ((x - self.target) ** 2).sum(axis=-1) / 2

    def gradient(self, x):
        assert x.dtype == np.float32
        return x - self.target


@pytest.mark.parametrize(
    ("make", "among"),
    [
        (lambda p: Bernoulli(p=p, unbiased=True), [0.3, 1 / 3]),
        (lambda fraction: TopK(fraction=fraction), [0.15, 0.7]),
        (lambda spacing: DitheredUniform(spacing=spacing), [0.1, 0.7]),
        (lambda lam: HardThreshold(lam=lam), [0.3, 1 / 3]),
        (lambda s: QSGD(s=s), [1, 3]),
    ],
)
def test_cells_of_a_sweep_in_single_precision_equal_single_experiments(make, among):
    settings = {"steps": 20, "record": "all", "x0": np.ones(10, np.float32), "unproven": True}
    swept = simulate(Single(), ErrorFeedback(), make(among), stepsize=[0.03, 0.07], **settings)
    for i, gamma in enumerate((0.03, 0.07)):
        for j, value in enumerate(among):
            single = simulate(Single(), ErrorFeedback(), make(value), stepsize=gamma, **settings)
            for name in ("f", "bits_up", "total_error", "memory_norm_sq"):
                cell = swept[name].isel({swept.f.dims[0]: i, swept.f.dims[1]: j})
                assert np.array_equal(single[name].values, cell.values), name


def test_a_message_of_another_type_is_refused():
    class Shrink(Compressor):
        factor: float

        def message(self, x, draw):
            return x * self.factor

    settings = {"stepsize": 0.1, "steps": 2, "x0": np.ones(10, np.float32), "unproven": True}
    assert simulate(Single(), ErrorFeedback(), Shrink(0.5), **settings).f.notnull().all()
    with pytest.raises(WrongUse, match=r"type float64 for vectors of shape .* and type float32"):
        simulate(Single(), ErrorFeedback(), Shrink([0.5, 0.7]), **settings)


@pytest.mark.parametrize(("name", "says"), [("step", "a dimension of every result"), ("stepsize", "two swept fields")])
def test_names_of_swept_fields_must_differ_from_each_other_and_from_the_results_own(name, says):
    class Halve(Compressor):
        __annotations__ = {name: float}

        def message(self, x, draw):
            return x / 2

    with pytest.raises(WrongUse, match=says):
        simulate(
            Quadratic(hessians=[[1.0]]),
            CompressedSGD(),
            Halve(**{name: [1.0, 2.0]}),
            stepsize=[0.1, 0.2],
            steps=1,
            unproven=True,
        )


def test_recording_never_changes_a_run():
    problem = noisy()
    everything = simulate(problem, EF21(), TopK(k=2), stepsize=0.1, steps=50, record="all", keep=("x",))
    rarely = simulate(problem, EF21(), TopK(k=2), stepsize=0.1, steps=50, record=[0, 50], keep=("x",))
    for name in rarely.data_vars:
        if "step" in rarely[name].dims:
            assert np.array_equal(everything[name].sel(step=[0, 50]), rarely[name]), name


def test_bits_and_errors_are_what_one_counts_by_hand():
    problem = Quadratic(hessians=np.ones((2, 4)), linear=np.zeros((2, 4)))
    result = simulate(problem, ErrorFeedback(), TopK(k=1), stepsize=0.5, steps=2, x0=[8.0, 4.0, 2.0, 1.0], record="all")
    assert result.bits_up.values[0].tolist() == [0, 66, 132]  # one double and one of four positions
    assert result.bits_down.values[0].tolist() == [0, 256, 512]
    # p = (4, 2, 1, 1/2): error 4 + 1 + 1/4; then x = (4, 4, 2, 1), p = (2, 4, 2, 1): error 4 + 4 + 1
    assert result.total_error.values[0].tolist() == [0, 5.25, 14.25]
    first = simulate(problem, EF21(), TopK(k=1), stepsize=0.5, steps=1, x0=[8.0, 4.0, 2.0, 1.0], record="all")
    assert first.bits_up.values[0].tolist() == [66, 132]  # the set-up message counts
    assert first.total_error.attrs["unit"] == "gradient²"


def test_divergence_is_a_status_and_leaves_the_others_alone():
    problem = Quadratic(hessians=[[1.0, 1.0]], linear=[[0.0, 0.0]])
    result = simulate(problem, SGD(), stepsize=[0.5, 3.0], steps=200, x0=[1.0, 1.0], limit=1e6)
    assert result.status.values[:, 0].tolist() == ["done", "diverged"]
    assert result.last_step.values[1, 0] < 200
    assert np.isnan(result.f.values[1, 0, -1])
    alone = simulate(problem, SGD(), stepsize=0.5, steps=200, x0=[1.0, 1.0], limit=1e6)
    assert np.array_equal(result.f.values[0], alone.f.values)


def test_runs_that_all_end_before_the_first_record_leave_every_curve():
    problem = Quadratic(hessians=[[1.0, 1.0]])
    settings = {"steps": 200, "x0": [1.0, 1.0], "limit": 1e6, "record": [150, 200], "keep": ("x",), "threads": 1}
    result = simulate(problem, SGD(), stepsize=3.0, average={"f_gap": uniform}, **settings)
    assert {"f", "f_gap", "bits_up", "x", "f_gap_average"} <= set(result.data_vars)
    assert np.isnan(result.f.values).all()
    # Cells are blocks of their own here: all runs of the second end before the first record.
    mixed = simulate(problem, SGD(), stepsize=[0.5, 3.0], runs=40_000, **settings | {"keep": ()})
    assert np.isfinite(mixed.f.sel(stepsize=0.5)).all()
    assert np.isnan(mixed.f.sel(stepsize=3.0)).all()


def test_stop_freezes_a_run_and_says_when():
    problem = Quadratic(hessians=[[1.0]], linear=[[0.0]])
    result = simulate(problem, SGD(), stepsize=0.5, steps=50, x0=[1.0], stop=lambda x: np.abs(x[:, 0, 0]) < 0.1)
    assert result.status.values[0] == "stopped"
    assert result.last_step.values[0] == 4  # 2^-4 < 1/10 < 2^-3


def test_averages_equal_direct_sums_over_all_steps():
    problem = noisy()
    weights = {"grad_norm_sq": uniform, "f_gap": geometric(0.97), "x": polynomial(3, 2)}
    settings = {"stepsize": 0.1, "steps": 60, "runs": 2}
    result = simulate(problem, ErrorFeedback(), TopK(k=2), record=[60], average=weights, **settings)
    every = simulate(problem, ErrorFeedback(), TopK(k=2), record="all", keep=("x",), **settings)
    np.testing.assert_allclose(result.grad_norm_sq_average[:, -1], every.grad_norm_sq[:, :60].mean("step"), rtol=1e-12)
    w = 0.97 ** -(np.arange(60) + 1.0)
    np.testing.assert_allclose(result.f_gap_average[:, -1], every.f_gap.values[:, :60] @ w / w.sum(), rtol=1e-12)
    w = (3 + np.arange(60.0)) ** 2
    x = np.einsum("rtd,t->rd", every.x.values[:, :60, 0], w / w.sum())
    np.testing.assert_allclose(result.f_gap_at_average[:, -1], problem.gap(x[:, None, :]), rtol=1e-9)


def test_a_contracting_weight_follows_each_cells_step_size():
    settings = {"steps": 40, "runs": 2, "average": {"f_gap": contracting(0.5)}}
    both = simulate(noisy(), SGD(), stepsize=[0.1, 0.2], **settings)
    for gamma in (0.1, 0.2):
        alone = simulate(noisy(), SGD(), stepsize=gamma, **settings | {"average": {"f_gap": geometric(1 - gamma / 2)}})
        assert np.array_equal(both.f_gap_average.sel(stepsize=gamma), alone.f_gap_average, equal_nan=True)


def test_a_schedule_is_asked_at_every_step():
    problem = Quadratic(hessians=[[1.0]], linear=[[0.0]])
    result = simulate(problem, SGD(), stepsize=Decaying(1.0, 2), steps=3, x0=[1.0], record="all", keep=("x",))
    assert result.x.values[0, :, 0, 0] == pytest.approx([1, 1 - 1 / 2, 1 / 2 * 2 / 3, 1 / 3 * 3 / 4], rel=1e-15)


def test_a_threshold_follows_the_step_size_in_iterate_units_only():
    problem = noisy()
    settings = {"stepsize": 0.25, "steps": 20, "record": "all"}
    ours = simulate(problem, ErrorFeedback(), HardThreshold(lam=0.5), **settings)
    raw = simulate(problem, ErrorFeedback(), HardThreshold(raw=0.125), **settings)
    assert np.array_equal(ours.f, raw.f)
    ours = simulate(problem, EF21(), HardThreshold(lam=0.5), unproven=True, **settings)
    raw = simulate(problem, EF21(), HardThreshold(raw=0.5), unproven=True, **settings)
    assert np.array_equal(ours.f, raw.f)


def test_a_batch_may_be_a_schedule():
    class Growing(Schedule):
        def __call__(self, step):
            return 1 + step

    plain, growing = (
        simulate(noisy(), SGD(), stepsize=0.1, steps=3, batch=batch, record="all") for batch in (1, Growing())
    )
    assert np.array_equal(plain.f[:, 0], growing.f[:, 0])
    assert not np.array_equal(plain.f[:, 1], growing.f[:, 1])


def test_prescribed_is_the_theorems_step_size():
    problem = random_quadratic()[0]
    result = simulate(problem, EF21(), TopK(k=3), stepsize=prescribed(factor=[1, 4]), steps=5)
    ratio = (1 + 0.5**0.5) / 0.5 - 1
    theory = 1 / (float(problem.constants.L) + float(problem.constants.L_tilde) * ratio)
    np.testing.assert_allclose(result.stepsize.values[:, 0], [theory, 4 * theory], rtol=1e-14)


REFUSED = [
    (dict(algorithm=EF21(), compressor=TopK(k=9), stepsize=0.1), "k is larger than the dimension"),
    (dict(algorithm=EF21(), compressor=TopK(k=1)), "no step size"),
    (dict(algorithm=EF21(stepsize=0.1), compressor=TopK(k=1), stepsize=0.2), "two different step sizes"),
    (dict(algorithm=EF21(), compressor=TopK(k=1), stepsize=-0.1), "at least 0"),
    (dict(algorithm=EF21(), compressor=RandK(k=1, unbiased=True), stepsize=0.1), "Wrap it as Scaled"),
    (dict(algorithm=SGD(), compressor=TopK(k=1), stepsize=0.1), "impossible"),
    (dict(algorithm=CompressedSGD(), compressor=TopK(k=1), stepsize=0.1), "unproven"),
    (dict(algorithm=EF21(), compressor=TopK(k=1), stepsize=0.1, x0=[1.0]), "x0 has shape"),
    (dict(algorithm=EF21(), compressor=TopK(k=1), stepsize=0.1, x0=[1.0] * 6 + [np.nan]), "infinities or NaN"),
    (dict(algorithm=EF21(), compressor=TopK(k=1), stepsize=0.1, keep=("memory",)), "the state has no 'memory'"),
    (dict(algorithm=EF21(), compressor=TopK(k=1), stepsize=0.1, record=[99]), "between 0 and 5"),
    (dict(algorithm=EF21(), compressor=TopK(k=1), stepsize=0.1, runz=2), "Nearest names: runs"),
    (dict(algorithm=EF21(), compressor=TopK(k=1), stepsize=0.1, runs=0), "runs=0"),
    (dict(algorithm=EF21(), compressor=TopK(k=1), stepsize=0.1, batch=0), "batch=0"),
]


@pytest.mark.parametrize(("settings", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_what_does_not_fit_is_refused_with_a_way_out(settings, says):
    with pytest.raises(WrongUse, match=says):
        simulate(noisy(), **({"steps": 5} | settings))


def test_the_same_sample_and_the_same_point():
    """STORM's need: one index is one sample at any point; another index is fresh."""

    class Probe(Algorithm):
        def step(self, state, oracle, channel, draw):
            y = state.x + 1.0
            same = oracle.sample(y) - oracle.sample(state.x) - (oracle.exact(y) - oracle.exact(state.x))
            fresh = oracle.sample(state.x, 1) - oracle.sample(state.x)
            return State(x=state.x, same=same, fresh=fresh)

        def init(self, x, oracle, channel, draw):
            return State(x=x, same=oracle.per_worker(x), fresh=oracle.per_worker(x))

    result = simulate(noisy(), Probe(), stepsize=0.0, steps=1, keep=("same", "fresh"))
    assert np.abs(result.same.values[0, -1]).max() < 1e-14
    assert np.abs(result.fresh.values[0, -1]).min() > 1e-3
    assert result.oracle_calls.values[0, -1] == 5  # two samples, two exact gradients, one fresh sample


class MARINA(Algorithm):
    p: float

    def init(self, x, oracle, channel, draw):
        gradient = oracle.exact(x)
        return State(x=x, gradient=gradient, estimate=mean(channel.send(gradient, exact=True)))

    def step(self, state, oracle, channel, draw):
        x = state.x - self.stepsize * state.estimate
        gradient = oracle.exact(x)
        full = draw.of("full gradient").coin(self.p)
        sent = mean(channel.send(where(full, gradient, gradient - state.gradient), exact=full))
        return State(x=x, gradient=gradient, estimate=where(full, sent, state.estimate + sent))


def test_the_designs_marina_runs_unchanged_and_its_coin_is_charged():
    problem = Quadratic.generate(3, 8, spectrum=(0.2, 1.0), heterogeneity=1.0, seed=2)
    result = simulate(problem, MARINA(p=0.2), RandK(k=2, unbiased=True), stepsize=0.2, steps=400, runs=4)
    assert (result.f_gap[:, -1] < 1e-10 * result.f_gap[:, 0]).all()
    assert len(np.unique(result.bits_up[:, -1])) > 1  # the coin is the run's own
    each, full = RandK(k=2, unbiased=True).price(3, 8, np.float64), 8 * 64
    paid = result.bits_up.values[:, -1] - full  # the first message is full
    coins = (paid - 400 * each) / (full - each)
    assert np.array_equal(coins, coins.round())
    assert (np.abs(coins - 80) < 60).all()  # Hoeffding over 400 coins: false alarm below 1e-7 for the four runs


def test_choco_keeps_the_average_and_optimises():
    problem = Quadratic.generate(5, 8, spectrum=(0.5, 1.0), heterogeneity=1.0, seed=2)
    x0 = np.arange(8.0)
    gossip = CHOCO(consensus=0.1)
    result = simulate(problem, gossip, TopK(k=2), topology=ring(5), stepsize=0.0, steps=50, x0=x0, keep=("x",))
    np.testing.assert_allclose(result.x.values[0, -1].mean(0), x0, rtol=1e-13, atol=1e-13)
    assert result.bits_up.values[0, -1] == 50 * 2 * TopK(k=2).price(5, 8, np.float64)  # two neighbours each
    assert result.bits_down.values[0, -1] == 0
    optimise = simulate(problem, gossip, TopK(k=2), topology=ring(5), stepsize=0.05, steps=2000)
    assert optimise.f_gap.values[0, -1] < 0.05 * optimise.f_gap.values[0, 0]


def test_workers_may_start_at_points_of_their_own():
    problem = Quadratic.generate(5, 8, spectrum=(0.5, 1.0), heterogeneity=1.0, seed=2)
    own = np.random.default_rng(0).standard_normal((1, 5, 8))
    setting = dict(topology=ring(5), stepsize=0.0, steps=60, keep=("x",), runs=2)
    result = simulate(problem, CHOCO(consensus=0.3), TopK(k=4), x0=own, **setting)
    x = result.x.values[:, -1]
    np.testing.assert_allclose(x.mean(axis=1), np.repeat(own.mean(axis=1), 2, axis=0), rtol=1e-12, atol=1e-13)
    assert np.square(x - x.mean(axis=1, keepdims=True)).sum() < 0.1 * np.square(own - own.mean(axis=1)).sum()
    two = simulate(problem, CHOCO(consensus=0.3), TopK(k=4), x0=np.concatenate([own, own]), **setting)
    assert np.array_equal(two.x.values, result.x.values)
    with pytest.raises(WrongUse, match="own points of the workers"):
        simulate(problem, CHOCO(consensus=0.3), TopK(k=4), x0=own[:, :4], **setting)


def test_mixing_with_the_own_value_leaves_the_own_message_out():
    from toolkit.channel import Channel

    channel, rng = Channel(Identity(), Identity(), ring(5)), np.random.default_rng(0)
    seen, own = rng.standard_normal((2, 1, 5, 3))
    expected = [sum(ring(5).matrix[i, j] * (seen[0, j] - own[0, i]) for j in range(5) if j != i) for i in range(5)]
    np.testing.assert_allclose(channel.mix(seen, own=own)[0], expected, rtol=0, atol=1e-15)
    np.testing.assert_allclose(channel.mix(seen, own=seen), channel.mix(seen), rtol=0, atol=1e-15)


class MajorityVote(Algorithm):
    def step(self, state, oracle, channel, draw):
        return State(x=state.x - self.stepsize * channel.broadcast(mean(channel.send(oracle.sample(state.x)))))


def test_the_server_may_compress_what_it_broadcasts():
    problem = Quadratic.generate(3, 8, spectrum=(0.2, 1.0), heterogeneity=1.0, seed=2)
    result = simulate(problem, MajorityVote(), ScaledSign(), down=TopK(k=2), stepsize=0.05, steps=30, record="all")
    assert result.bits_down.values[0, -1] == 30 * TopK(k=2).price(3, 8, np.float64)
    # The workers and the server hold the same x, so the broadcast's error is that of Top-2 on the mean message.
    kept = simulate(problem, MajorityVote(), ScaledSign(), stepsize=0.05, steps=1, keep=("x",))
    mean_message = kept.x.values[0, 0, 0] - kept.x.values[0, 1, 0]
    lost = mean_message / 0.05 - top_k(mean_message / 0.05, 2)
    assert result.total_error_down.values[0, 1] == pytest.approx(np.sum(lost**2), rel=1e-10)
    assert "total_error_down" not in kept


def test_one_purpose_down_and_up_is_one_mask_per_worker():
    from toolkit.channel import Channel

    channel = Channel(RandK(k=2), RandK(k=2))
    channel.begin(Draw([4, 5], workers=3))
    v = np.ones((2, 3, 20))
    down, up, other = channel.scatter(v, purpose="mask"), channel.send(v, purpose="mask"), channel.send(v)
    assert np.array_equal(down, up)
    assert not np.array_equal(up, other)
    assert len(np.unique(up.reshape(6, 20), axis=0)) > 1  # masks differ between workers: all equal by chance < 1e-9
    assert channel.bits_down == 2 * 64 + 8  # two doubles and one of 190 pairs of positions


def test_a_preview_is_what_the_next_message_will_be_and_is_free():
    from toolkit.channel import Channel

    channel = Channel(RandK(k=2), Identity())
    channel.begin(Draw([4], workers=3))
    v = np.arange(30.0).reshape(1, 3, 10)
    assert np.array_equal(channel.preview(v), channel.preview(v))
    assert channel.bits_up == 0
    foreseen = channel.preview(v)
    assert np.array_equal(channel.send(v), foreseen)
    assert not np.array_equal(channel.send(v), foreseen)


def test_channel_rows_can_stay_silent_or_go_exactly():
    from toolkit.channel import Channel

    channel = Channel(TopK(k=1), Identity())
    channel.begin(Draw([0, 1], workers=2))
    v = np.arange(1.0, 13.0).reshape(2, 2, 3)
    active = np.array([[[True], [False]], [[True], [True]]])
    exact = np.array([[[False]], [[True]]])
    sent = channel.send(v, active=active, exact=exact)
    assert sent.tolist() == [[[0, 0, 3], [0, 0, 0]], [[7, 8, 9], [10, 11, 12]]]
    assert channel.bits_up.tolist() == [(64 + 2) / 2, 192]
    assert channel.total_error.tolist() == [(1 + 4) / 2, 0]


class Halve(Compressor):
    def message(self, x, draw):
        return x / 2


def test_equal_descriptions_are_equal_experiments():
    def build(k):
        return Experiment(noisy(), EF21(), TopK(k=k), stepsize=[0.1, 0.2], steps=5)

    assert build(1) == build(1)
    assert hash(build(1)) == hash(build(1))
    assert build(1) != build(2)
    assert "source" in Experiment(noisy(), SGD(), Identity(), down=Halve(), stepsize=0.1, steps=5).description["down"]


class Misshapen(Problem):
    workers, dimension = 2, 3

    def __init__(self, value=None, gradient=None):
        self.shapes = value, gradient

    def value(self, x):
        return np.zeros((len(x), 2) if self.shapes[0] is None else self.shapes[0])

    def gradient(self, x):
        return np.zeros((len(x), 2, 3) if self.shapes[1] is None else self.shapes[1])


class Short(Compressor):
    def message(self, x, draw):
        return x[..., :1]


@pytest.mark.parametrize(
    ("problem", "compressor", "says"),
    [
        (Misshapen(gradient=(1, 5, 3)), Identity(), "Misshapen.gradient"),
        (Misshapen(gradient=(1, 2, 1)), Identity(), "Misshapen.gradient"),
        (Misshapen(gradient=(1, 3)), Identity(), "Misshapen.gradient"),
        (Misshapen(value=(2,)), Identity(), "Misshapen.value"),
        (Misshapen(value=()), Identity(), "Misshapen.value"),
        (Misshapen(), Short(), "Short.message"),
    ],
)
def test_wrong_shapes_from_a_users_parts_are_told(problem, compressor, says):
    with pytest.raises(WrongUse, match=says):
        simulate(problem, CompressedSGD(), compressor, stepsize=0.1, steps=2, unproven=True)
    with pytest.raises(WrongUse, match=says):
        simulate(problem, ErrorFeedback(), compressor, stepsize=0.1, steps=2, unproven=True)


def test_exact_numbers_are_for_symbolic_runs():
    problem = Quadratic(np.ones((1, 2)))
    with pytest.raises(WrongUse, match=r"simulate\(EF21Momentum.*momentum=Fraction\(1, 4\) is an exact number.*0\.25"):
        simulate(problem, EF21Momentum(momentum=Fraction(1, 4)), TopK(k=1), stepsize=0.1, steps=2)
