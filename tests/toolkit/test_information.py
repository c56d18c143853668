"""Rate–distortion functions against closed forms, tables and each other; the universal law and where it ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from toolkit.errors import WrongUse
from toolkit.information.bernoulli import bernoulli_rate, binary_entropy
from toolkit.information.curve import BITS, RateCurve
from toolkit.information.fixed_slope import best_mixture, fixed_slope
from toolkit.information.gaussian import gaussian_distortion, gaussian_rate, water_filling
from toolkit.information.laplace import LAPLACE, laplace_lower_bound
from toolkit.information.sparse import bernoulli_gaussian, sparse_lower_bound, sparse_upper_bound
from toolkit.information.squared_error import SymmetricSource, rate_at, rate_curve, rate_point
from toolkit.information.universal_law import least_worst_error

SPARSE = bernoulli_gaussian(0.1)
GAUSSIAN = bernoulli_gaussian(1.0)


# The closed forms


def test_gaussian_rate_and_distortion_are_inverse():
    rates = np.linspace(0, 10, 21)
    np.testing.assert_allclose(gaussian_rate(gaussian_distortion(rates, 3.0), 3.0), rates, atol=1e-14)
    assert gaussian_rate(4.0, variance=3.0) == 0


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=8), st.floats(1e-3, 1))
def test_water_filling_spends_the_distortion_and_nothing_beats_it(variances, share):
    variances = np.array(variances)
    total = share * variances.sum()
    shared = water_filling(variances, total)
    # A sum of at most eight numbers, rounded at each step.
    np.testing.assert_allclose(shared.distortions.sum(), total, rtol=16 * np.finfo(float).eps)
    np.testing.assert_array_equal(shared.distortions, np.minimum(shared.level, variances))
    proportional = gaussian_rate(share * variances, variances).sum()
    assert shared.rates.sum() <= proportional * (1 + 1e-12) + 1e-12


@pytest.mark.parametrize("distortion", [0.0, -1.0, 5.3, np.nan])
def test_water_filling_refuses_a_distortion_out_of_range(distortion):
    with pytest.raises(WrongUse, match=r"the whole variance is 5\.25"):
        water_filling([4.0, 1.0, 0.25], distortion)


@pytest.mark.parametrize("p", [0.05, 0.3, 0.5])
@pytest.mark.parametrize("slope", [1.0, 3.0, 6.0])
def test_the_solver_finds_the_coins_closed_form(p, slope):
    point = fixed_slope([p, 1 - p], [[0.0, 1.0], [1.0, 0.0]], slope, gap=1e-9)
    exact = bernoulli_rate(point.distortion, p)
    assert point.gap <= 1e-9
    assert point.lower - 1e-12 <= exact <= point.upper + 1e-12


def test_the_solver_finds_laplace_under_absolute_error():
    """R(D) = log2(b/D): here b = 1, on a grid of step 0.05, whose own error is about (step/b)²/24·log2(e) < 2e-3."""
    x = np.arange(-400, 401) * 0.05
    p = np.exp(-np.abs(x)) / np.exp(-np.abs(x)).sum()
    point = fixed_slope(p, np.abs(np.subtract.outer(x, x)), slope=2.0)
    assert point.gap <= 1e-6
    assert abs(point.upper + np.log2(point.distortion)) < 2e-3


def test_a_mixture_certifies_itself_without_the_solver():
    rng = np.random.default_rng(1)
    kernel, weights = rng.random((30, 12)), rng.dirichlet(np.ones(30))
    q = best_mixture(kernel, weights, gap=1e-10)
    best = -weights @ np.log(kernel @ q)
    assert q.sum() == pytest.approx(1)
    for other in rng.dirichlet(np.full(12, 0.3), size=200):
        value = -weights @ np.log(kernel @ other)
        c = kernel.T @ (weights / (kernel @ other))
        assert -1e-12 <= value - best <= np.log(c.max()) + 1e-10


def test_what_is_no_distribution_is_refused():
    with pytest.raises(WrongUse, match=r"its probabilities sum to 0\.9"):
        fixed_slope([0.4, 0.5], [[0, 1], [1, 0]], slope=1.0)


# The line


@pytest.mark.parametrize(
    ("distortion", "slope", "rate", "lower_bound", "gaussian"),
    [
        (0.4760, 1.0, 0.4459, 0.4310, 0.5354),
        (0.2474, 2.0, 0.9065, 0.9031, 1.0075),
        (0.0999, 5.0, 1.5580, 1.5576, 1.6620),
        (0.0250, 20.0, 2.5564, 2.5567, None),
    ],
)
def test_laplace_table(distortion, slope, rate, lower_bound, gaussian):
    """The table rounds D as well as the rates to four digits, and half a unit of D is worth slope/ln 2 of bits.

    Its rates are those of a discretised source, by the table's own account up to 3e-4 too low.
    """
    digits = 5e-5 * (1 + slope * BITS) + 1e-12
    lower, upper = rate_at(LAPLACE, distortion)
    assert upper - lower <= 1e-4
    assert lower - digits - 3e-4 <= rate <= upper + digits
    assert laplace_lower_bound(distortion) == pytest.approx(lower_bound, abs=digits)
    assert laplace_lower_bound(distortion) <= upper
    if gaussian is not None:
        assert gaussian_rate(distortion) == pytest.approx(gaussian, abs=digits)
        assert upper < gaussian_rate(distortion)


def test_laplace_lies_between_its_bounds_and_its_distance_is_told():
    assert gaussian_rate(0.3) - laplace_lower_bound(0.3) == pytest.approx(0.5 * np.log2(np.pi / np.e), abs=1e-15)
    for distortion, told in ((0.0999, 6e-4), (0.476, 0.015)):
        lower, upper = rate_at(LAPLACE, distortion)
        assert lower - laplace_lower_bound(distortion) > 0  # nowhere attained
        assert (lower + upper) / 2 - laplace_lower_bound(distortion) == pytest.approx(told, rel=0.1)


@pytest.mark.parametrize("slope", [0.6, 1.0, 3.0, 12.0])
def test_the_gaussian_source_has_its_closed_form(slope):
    """No atoms are optimal here, so the exchange is put to the test as well."""
    point = rate_point(GAUSSIAN, slope)
    assert point.gap <= 5e-5
    assert point.lower <= gaussian_rate(point.distortion) <= point.upper


@pytest.mark.parametrize("distortion", [0.9, 0.5, 0.1])
def test_the_sparse_source_lies_between_its_bounds(distortion):
    lower, upper = rate_at(SPARSE, distortion)
    assert upper - lower <= 1e-4
    assert sparse_lower_bound(distortion, 0.1) < lower
    assert upper < sparse_upper_bound(distortion, 0.1)


def test_sparse_bounds_close_as_the_distortion_vanishes():
    gap = sparse_upper_bound(1e-9, 0.1) - sparse_lower_bound(1e-9, 0.1)
    assert gap == pytest.approx(binary_entropy(0.1))


@pytest.mark.parametrize(("source", "slopes"), [(LAPLACE, (0.3, 1.0, 5.0)), (SPARSE, (0.06, 0.3, 2.0))])
def test_twice_the_nodes_change_nothing(source, slopes):
    for slope in slopes:
        one, two = rate_point(source, slope), rate_point(source, slope, nodes=16)
        assert abs(one.upper - two.upper) < 1e-8
        assert abs(one.intercept - two.intercept) < 1e-8


def test_a_grid_of_the_source_has_another_function():
    """What the certificate is for: the grid's own function, as certain as that is, is not the source's."""
    x = np.linspace(-10, 10, 41)
    p = np.exp(-np.sqrt(2) * np.abs(x))
    grid = fixed_slope(p / p.sum(), np.subtract.outer(x, x) ** 2, slope=8.0)
    lower, _ = rate_at(LAPLACE, grid.distortion)
    assert grid.gap < 1e-6
    assert grid.upper < lower - 0.01


@pytest.mark.parametrize("source", [LAPLACE, SPARSE, GAUSSIAN])
def test_sources_have_mass_and_variance_one(source):
    from scipy.integrate import quad

    mass, _ = quad(lambda x: 2 * float(source.density(np.array(x))), 0, np.inf)
    tail, _ = quad(lambda x: 2 * float(source.density(np.array(x))), source.reach, np.inf)
    variance, _ = quad(lambda x: 2 * x**2 * float(source.density(np.array(x))), 0, np.inf)
    excess, _ = quad(
        lambda x: 2 * (x - source.reach) ** 2 * float(source.density(np.array(x))), source.reach, np.inf, epsabs=1e-16
    )
    assert mass + source.atom == pytest.approx(1, abs=1e-7)
    assert variance == pytest.approx(source.variance, abs=1e-7)
    assert tail == pytest.approx(source.tail_mass, rel=1e-6)
    assert excess == pytest.approx(source.tail_excess, rel=1e-6)


@pytest.mark.parametrize("reach", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("slope", [0.6, 3.0])
def test_the_tail_is_charged(slope, reach):
    """With a short reach the bounds move apart and stay valid; of a Gaussian the truth between them is known."""
    tail = 2 * norm.sf(reach)
    excess = (1 + reach**2) * tail - 2 * reach * norm.pdf(reach)
    short = SymmetricSource(lambda x: norm.pdf(x), 1.0, reach, tail, excess)
    point = rate_point(short, slope)
    assert point.lower <= gaussian_rate(point.distortion) <= point.upper
    below = np.linspace(0.01, 1.5, 50)
    assert (RateCurve([point], 1.0).lower(below) <= gaussian_rate(below)).all()
    assert point.gap > 0.005


def test_the_tail_is_charged_in_full():
    """Half of the mass a Gaussian of variance 1, the other half beyond the reach: every term is then known."""
    slope, reach, excess = 3.0, 5.7, 3.0
    source = SymmetricSource(lambda x: norm.pdf(x) / 2, 10.0, reach, 0.5, excess)
    inside = 1 / (2 * slope)  # the Gaussian's distortion at this slope
    point = rate_point(source, slope)
    assert point.distortion == pytest.approx(inside / 2 + excess, rel=1e-3)
    line = RateCurve([point], 10.0).lower(inside / 2)
    assert gaussian_rate(inside) / 2 - 5e-5 <= line <= gaussian_rate(inside) / 2
    # The outermost atom costs at least what it would if the Gaussian's best reproduction, N(0, 5/6), put all of its
    # mass beyond the last grid point there.
    grid = 1 / np.sqrt(2 * slope) / 6
    outermost = 2 * norm.sf((reach - grid) / np.sqrt(1 - inside))
    assert point.upper - gaussian_rate(inside) / 2 > 0.5 * np.log2(2 / outermost)


def test_a_curve_is_bracketed_everywhere():
    curve = rate_curve(LAPLACE, [0.5, 1.0, 2.0, 4.0], gap=1e-3)
    distortions = np.linspace(0.13, 1.2, 100)
    assert (curve.lower(distortions) <= curve.upper(distortions) + 1e-12).all()
    assert (np.diff(curve.upper(distortions)) <= 1e-12).all()
    assert curve.upper(0.01) == np.inf
    assert curve.upper(1.0) == curve.lower(1.0) == 0


@pytest.mark.parametrize(("slope", "gap"), [(0.0, 1e-4), (-1.0, 1e-4), (1.0, 1e-9)])
def test_points_out_of_reach_are_refused(slope, gap):
    with pytest.raises(WrongUse, match="out of reach"):
        rate_point(LAPLACE, slope, gap)


@pytest.mark.parametrize("wrong", [0.0, -1.0])
def test_rates_need_a_distortion_and_a_probability(wrong):
    with pytest.raises(WrongUse, match="must be positive"):
        rate_at(LAPLACE, wrong)
    with pytest.raises(WrongUse, match="must be positive"):
        gaussian_rate(wrong)
    with pytest.raises(WrongUse, match="p is a probability"):
        bernoulli_gaussian(wrong)


# The universal law

LINE = np.linspace(-1, 1, 100_001)  # the unit ball of one dimension


def squared_distance(x, outputs):
    return np.min((x[:, None] - np.asarray(outputs)) ** 2, axis=1)


@pytest.mark.parametrize("n", [1, 2, 4, 16])
def test_uniform_quantisers_attain_both_constants_in_one_dimension(n):
    error = squared_distance(LINE, -1 + (2 * np.arange(n) + 1) / n)
    assert error.max() == pytest.approx(least_worst_error(np.log2(n), d=1), rel=1e-9)
    # The mean over a grid of 10⁵ points has a relative error of order n²/10¹⁰.
    assert error.mean() == pytest.approx(least_worst_error(np.log2(n), d=1, shared_randomness=True), rel=1e-3)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_no_codebook_covers_a_ball_better(d):
    """Exact from one side: the largest distance over some points of the ball is at most the one over all."""
    rng = np.random.default_rng(7)
    points = rng.normal(size=(20_000, d))
    points *= rng.random((20_000, 1)) ** (1 / d) / np.linalg.norm(points, axis=1, keepdims=True)
    for n in (1, 2, 5, 16):
        outputs = points[rng.choice(20_000, n)]
        for _ in range(20):  # Lloyd's algorithm, to codebooks that are no fools
            nearest = np.linalg.norm(points[:, None] - outputs, axis=2).argmin(axis=1)
            outputs = np.array([points[nearest == j].mean(axis=0) for j in range(n)])
        error = (np.linalg.norm(points[:, None] - outputs, axis=2) ** 2).min(axis=1)
        mean_law = least_worst_error(np.log2(n), d, shared_randomness=True)
        assert error.max() >= least_worst_error(np.log2(n), d)
        # The mean of 20 000 errors in [0, 4] misses its expectation by 6 % of the law with probability below 1e-9 at
        # these spreads (at most the law's own size; normal limit, 8.5 standard errors).
        assert error.mean() >= 0.94 * mean_law


def test_shared_randomness_beats_one_but_not_the_smaller_constant():
    """Two one-bit quantisers, one the mirror image of the other, drawn by a coin that the receiver sees."""
    one = squared_distance(LINE, [-0.8, 0.4])
    worst = ((one + one[::-1]) / 2).max()
    assert worst == pytest.approx(1 / 5, rel=1e-6)
    assert least_worst_error(1, d=1, shared_randomness=True) < worst < least_worst_error(1, d=1)


def test_private_randomness_does_not():
    """The same four outputs need two bits where the receiver does not know the coin."""
    outputs = [-0.8, 0.4, 0.8, -0.4]
    one, other = squared_distance(LINE, outputs[:2]), squared_distance(LINE, outputs[2:])
    assert ((one + other) / 2).max() >= least_worst_error(2, d=1)


@pytest.mark.parametrize(("source", "distortion", "below"), [(SPARSE, 0.1, 5), (LAPLACE, 0.0999, 1.1)])
def test_mean_bits_on_other_sources_do_not_obey_the_law(source, distortion, below):
    """What a code for the source can attain is below what the law would ask for at its mean bits."""
    _, bits = rate_at(source, distortion)
    assert distortion * below < gaussian_distortion(bits)
