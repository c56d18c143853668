"""Every figure: drawn from its quick experiments, its table equal to what is drawn, its names legible."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.path import Path
from matplotlib.text import Text

import problems
from figures import _messages, _sparsified, logistic_regression, portrait, without_heterogeneity
from figures._base import Figure
from figures._limits import limits
from figures._style import CODE_LOOKS, COLUMN, TEXT
from figures.rates import plain_sgd
from proofs_check.claims.saddle.compression_escape import E_FOLDS
from proofs_check.claims.total_error.rates import in_workers
from proofs_check.moments import model, moments
from proofs_check.multipliers import sure
from toolkit import members
from toolkit.sweep import run_all

NAMES = members.names("figures")
DRAWN_FROM_RUNS = [name for name in NAMES if members.load("figures", name)().experiments("quick")]
OF_CLAIMS = [name for name in DRAWN_FROM_RUNS if members.load("figures", name)().claims]


def record(claim, **more):
    case = {"name": "a case", "measured": 0.5, "bound": 1.0, "ratio": 0.5, "verdict": "holds", "reason": "why"}
    case |= {"error_probability": 0.0, "basis": "exact", "runs": 1} | more
    known = {"id": claim, "title": "A title", "statement": r"a \le b", "reference": "A paper", "status": "derived"}
    return known | {"kind": "upper bound", "expected": "holds", "seconds": 0.1, "instances": [case]} | case


@pytest.fixture(scope="module")
def records():
    ids = {claim for name in NAMES for claim in members.load("figures", name)().claims}
    tiny = record("tiny", ratio=1e-9, measured=1e-9)
    refuted = record("refuted", ratio=1.3, measured=1.3, verdict="violated") | {"expected": "violated"}
    surprise = record("surprise", ratio=1.5, measured=1.5, verdict="violated")
    nothing = record("nothing", ratio=None, measured=None, bound=None, verdict="not applicable")
    return [*(record(claim) for claim in sorted(ids)), tiny, refuted, surprise, nothing]


@pytest.fixture(scope="module")
def data():
    # With few bits: how the curves run is looked at elsewhere, here only how they are drawn.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(logistic_regression.ROUNDS, "quick", 5)
        yield {name: run_all(members.load("figures", name)().experiments("quick"), jobs=1) for name in NAMES}


@pytest.fixture(scope="module")
def drawings(data, records):
    return {name: members.load("figures", name)().draw(data[name], records, "quick") for name in NAMES}


def test_every_file_is_a_figure_of_its_name():
    assert NAMES
    for name in NAMES:
        figure = members.load("figures", name)
        assert issubclass(figure, Figure)
        assert figure.name == name
        assert figure.title


@pytest.mark.parametrize("name", OF_CLAIMS)
def test_caption_states_the_claims_and_whether_they_held(name, drawings, data):
    figure = members.load("figures", name)()
    for claim in figure.claims:
        assert f"{claim}, “A title”: holds" in drawings[name].caption
    surprised, *unchecked = figure.claims
    caption = figure.draw(data[name], [record(surprised, verdict="violated", ratio=2.0)], "quick").caption
    assert f"{surprised}, “A title”: violated, against expectation" in caption
    for claim in unchecked:
        assert f"{claim}: not checked here" in caption


@pytest.mark.parametrize("name", DRAWN_FROM_RUNS)
def test_table_is_what_is_drawn(name, drawings):
    drawing = drawings[name]
    table = drawing.table
    panels = list(dict.fromkeys(table.panel))
    own = [axes for axes in drawing.figure.axes if axes.get_label() != "<colorbar>"]
    assert len(panels) == len(own)
    for axes, panel in zip(own, panels, strict=True):
        shown = table[table.panel == panel]
        curves = shown[shown.kind != "field"]
        lines = [line for line in axes.lines if line.get_marker() != "_"]  # these are the ends of error bars
        groups = [group for _, group in curves.groupby(["curve", "kind"], sort=False)]
        assert len(lines) == len(groups)
        for line, group in zip(lines, groups, strict=True):
            np.testing.assert_array_equal(line.get_xydata(), group[["x", "y"]])
            assert line.get_color() == "#000000" or set(group.kind) == {"measured"}
        fields = [one for one in axes.collections if isinstance(one, QuadMesh)]
        cells = [group for _, group in shown[shown.kind == "field"].groupby("curve", sort=False)]
        assert len(fields) == len(cells)
        for field, group in zip(fields, cells, strict=True):
            np.testing.assert_array_equal(np.ma.filled(field.get_array(), np.nan).ravel(), group.value)
            corners = field.get_coordinates()
            middles = group[["x", "y"]].values
            assert (corners[:-1, :-1].reshape(middles.shape) < middles).all()
            assert (middles < corners[1:, 1:].reshape(middles.shape)).all()
        bands = [one for one in axes.collections if one not in fields]
        banded = [group for group in groups if group.y_low.notna().any()]
        assert len(bands) == len(banded)
        for band, group in zip(bands, banded, strict=True):
            corners = np.concatenate([path.vertices for path in band.get_paths()])
            for end in ("y_low", "y_high"):
                wanted = set(map(tuple, group[["x", end]].values.tolist()))
                assert wanted <= set(map(tuple, corners.tolist()))
        assert set(shown.x_quantity) == {axes.get_xlabel() or own[-1].get_xlabel()}
        assert set(shown.y_quantity) == {axes.get_ylabel()}


def test_the_wall_counts_the_claims_and_names_surprises(data, records):
    wall, own = members.load("figures", "museum-wall")(), data["museum-wall"]
    ids = {claim for one in wall.exhibits.values() for claim in one.claims}
    assert len(wall.exhibits) == 10
    assert f"{len(ids)} of {len(ids)} claims checked: every verdict" in wall.draw(own, records, "quick").caption
    caption = wall.draw(own, [record("CE1", verdict="violated")], "quick").caption
    assert f"1 of {len(ids)} claims checked: not as expected: CE1." in caption
    assert wall.draw(own, [], "quick").caption.endswith(f"0 of {len(ids)} claims checked.")


def test_tightness_has_one_dot_per_claim_with_a_ratio(drawings, records):
    drawing = drawings["tightness"]
    (axes,) = drawing.figure.axes
    rows = {label.get_text(): y for y, label in zip(axes.get_yticks(), axes.get_yticklabels(), strict=True)}
    assert set(rows) == {one["id"] for one in records}
    dots = {float(line.get_ydata()[0]): line for line in axes.lines if line.get_marker() in ("o", "<")}
    for one in records:
        if one["ratio"] is None:
            assert rows[one["id"]] not in dots
        elif one["ratio"] > 1e-3:
            assert dots[rows[one["id"]]].get_xdata()[0] == one["ratio"]
        else:
            assert dots[rows[one["id"]]].get_marker() == "<"
    decisive = drawing.table[drawing.table.decisive].set_index("claim").ratio
    assert decisive["tiny"] == 1e-9
    assert decisive["surprise"] == 1.5
    assert dots[rows["surprise"]].get_color() != dots[rows["refuted"]].get_color()
    assert "Not as expected: surprise, nothing." in drawing.caption
    assert "refuted" in drawing.caption


def test_accounting_has_a_bar_as_long_as_every_charge(drawings):
    drawing = drawings["accounting"]
    bars = drawing.table[drawing.table.panel == "rules"]
    drawn = sorted(bar.get_width() for bar in drawing.figure.axes[0].patches if bar.get_height() < 1)
    *shown, longest = sorted(bars.y)
    assert drawn == shown
    assert f"{longest:,.0f} bits" in drawing.caption
    known = {"values only": 320, "values and 32-bit positions": 640, "values and 64-bit positions": 960}
    assert {name: float(bars[bars.curve == name].y.item()) for name in known} == known
    undecodable = bars[bars.lacks != ""].curve
    assert set(undecodable) >= {"values only", "8-bit values only"}
    assert "values and a bitmap" not in set(undecodable)


def test_no_position_code_is_drawn_below_the_entropy(drawings):
    table = drawings["accounting"].table
    codes = table[table.panel == "codes"].pivot_table(index="x", columns="curve", values="y")
    (limit,) = set(codes.columns).difference(CODE_LOOKS)
    assert (codes.drop(columns=limit).min(axis=1) >= codes[limit] - 1e-9)[codes[limit].notna()].all()


def test_portrait_shows_every_compressor_or_says_that_it_does_not(drawings):
    drawing = drawings["portrait"]
    left_out = drawing.caption.partition("parameters are not known here: ")[2].partition(".")[0].split(", ")
    shown = set(drawing.table.curve[drawing.table.panel == "gaussian"]) - {
        line.name for line in limits("gaussian", 0.1).lines
    }
    assert shown | set(left_out) - {""} == set(members.names("toolkit.compressors"))
    key = [text.get_text() for text in drawing.figure.axes[-1].texts]
    numbered = drawing.table[drawing.table.kind == "measured"].groupby("curve").number.first()
    assert {f"{int(number)}  {name}" for name, number in numbered.items()} <= set(key)


def test_portrait_draws_its_table_with_what_is_beyond_on_the_edge(drawings):
    drawing = drawings["portrait"]
    for axes, panel in zip(drawing.figure.axes, portrait.TITLES, strict=False):
        rows = drawing.table[drawing.table.panel == panel]
        drawn = {line.get_xydata().tobytes() for line in axes.lines if line.get_marker() not in ("None", None)}
        for _, own in rows[rows.kind == "measured"].groupby("curve"):
            points = np.column_stack([own.x.clip(*portrait.BITS), own.y.clip(*portrait.ERROR)])
            assert points.tobytes() in drawn, (panel, own.curve)
        numbers = {text.get_text() for text in axes.texts}
        assert {str(int(number)) for number in rows.number.dropna()} <= numbers, panel


def test_no_compressor_is_below_what_is_possible(drawings):
    """The bytes sent of every source, and declared constants: theorems, decided at five standard errors of the means.

    A jackknife over four messages is rough, but every margin but the smallest is hundreds of standard errors.
    """
    drawing = drawings["portrait"]
    measured = drawing.table[drawing.table.kind == "measured"]
    assert (measured.margin > -5 * measured.deviation.fillna(0.0)).all()
    assert "LEFT" not in drawing.caption
    assert drawing.caption.count("0 of ") == len(portrait.TITLES)
    theory = drawing.table[(drawing.table.kind == "theory") & (drawing.table.panel == "gaussian")]
    np.testing.assert_allclose(theory.y, 4.0**-theory.x, rtol=1e-12)


def test_a_compressor_below_what_is_possible_would_be_named(drawings):
    points = drawings["portrait"].table.copy()
    first = points.index[points.panel == "laplace"][0]
    points.loc[first, "margin"] = -0.1
    assert "LEFT of it" in portrait._verdict(points, "laplace")
    assert points.compressor[first] in portrait._verdict(points, "laplace")
    assert "LEFT" not in portrait._verdict(points, "gaussian")


def test_margins_are_means_and_their_jackknife():
    """With no error to weigh, the margin is a mean of bits, and the jackknife its usual standard error."""
    bits, one = np.array([1.0, 2.0, 4.0, 5.0]), np.ones(4)
    measured = _messages.Measured(bits, bits, bits, one, one)
    margin, deviation = measured.margin("encoded", lambda error: 3 * error)
    assert margin == 0.0
    assert deviation == pytest.approx(np.std(bits, ddof=1) / 2)


def corners(text, renderer):
    """The corners of a text on the page, turned as it is."""
    if text.get_rotation_mode() == "default":
        return text.get_window_extent(renderer).corners()[[0, 1, 3, 2]]
    angle = text.get_rotation()
    text.set_rotation(0)
    upright = text.get_window_extent(renderer).corners()[[0, 1, 3, 2]]
    text.set_rotation(angle)
    anchor = text.get_transform().transform(text.get_position())
    turn = np.radians(angle)
    return anchor + (upright - anchor) @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])


@pytest.mark.parametrize("name", NAMES)
def test_names_neither_overlap_nor_leave_the_page(name, drawings):
    figure = drawings[name].figure
    assert figure.get_figwidth() in (COLUMN, TEXT)
    figure.draw_without_rendering()
    renderer = figure._get_renderer()
    shown = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    ticks = [label for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for label in _outside(axis)]
    boxes = [(text.get_text(), corners(text, renderer)) for text in shown if text not in ticks]
    page = figure.bbox.extents
    for words, box in boxes:
        assert (box >= page[:2] - 1).all(), words
        assert (box <= page[2:] + 1).all(), words
    for (words, box), (others, other) in itertools.combinations(boxes, 2):
        assert not Path([*box, box[0]]).intersects_path(Path([*other, other[0]])), (words, others)


def _outside(axis):
    """The labels of ticks beyond the view, which matplotlib keeps and does not show."""
    low, high = sorted(axis.get_view_interval())
    ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
    return [label for tick in ticks if not low <= tick.get_loc() <= high for label in (tick.label1, tick.label2)]


def test_three_workers_follow_the_law(drawings):
    table = drawings["three-workers"].table
    measured = table[table.curve == "no memory"].y.values
    law = table[table.kind == "theory"].y.values
    # 150 steps of some ten roundings each, so 1500 eps.
    np.testing.assert_allclose(measured, law, rtol=1500 * np.finfo(float).eps)


def test_phase_diagrams_have_horizons_where_cells_cross_them(drawings):
    table = drawings["phase-diagrams"].table
    for _, panel in table[table.panel.str.startswith(("Top-k", "Rand-k", "QSGD"))].groupby("panel"):
        times = panel[panel.kind == "field"].value.fillna(np.inf)
        crossed = times.min() < E_FOLDS < times.max()
        assert crossed == (panel.kind == "theory").any()
    strips = table[table.panel.str.startswith("no parameter")]
    (descent,) = set(strips.groupby("y").value.min()[[0.0]])
    assert strips[strips.y > 0].value.max() < E_FOLDS < 36 < descent


def test_most_runs_escape_where_the_median_is_before_the_horizon(drawings):
    times, shares = (
        drawings[name].table.query("kind == 'field'").reset_index(drop=True)
        for name in ("phase-diagrams", "escape-probability")
    )
    assert (times[["panel", "x", "y"]] == shares[["panel", "x", "y"]]).all(axis=None)
    assert shares.value.between(0, 1).all()
    before = times.value <= E_FOLDS
    assert (shares.value[before] >= 0.5).all()
    assert (shares.value[~before] <= 0.5).all()
    assert set(shares.value) >= {0.0, 1.0}
    curves = drawings["escape-probability"].table.query("kind == 'measured' and y_low == y_low")
    assert (curves.y_low <= curves.y).all()
    assert (curves.y <= curves.y_high).all()
    alone = curves[curves.curve == "descent: by rounding"]
    assert (alone.y == 0).all()


def test_total_error_shows_what_it_says(drawings):
    table = drawings["total-error"].table
    for one in _sparsified.SETTINGS:
        bits, memory, total = (
            table[table.panel == f"{what}, {one.data}"].groupby(["kind", "curve"])
            for what in ("bits", "memory_norm_sq", "total_error")
        )
        for panel in (memory, total):
            (bound,) = (panel.get_group(key).y.values for key in panel.groups if key[0] == "theory")
            assert (panel.get_group(("measured", "threshold")).y_high.values <= bound).all()
        # The one bursts in error and sends the same at every step; the other bursts in bits.
        assert memory.get_group(("measured", "Top-k")).y.max() > memory.get_group(("measured", "threshold")).y.max()
        assert bits.get_group(("measured", "Top-k")).y.nunique() == 1
        assert bits.get_group(("measured", "threshold")).y.max() > 2 * bits.get_group(("measured", "Top-k")).y.max()
        assert total.get_group(("measured", "Top-k")).y.max() > total.get_group(("measured", "threshold")).y.max()


def test_equal_bits_is_cut_where_one_of_both_ends(drawings, data):
    table = drawings["equal-bits"].table
    for one in _sparsified.SETTINGS:
        ends = [
            float(data["equal-bits"][f"{one.data}/{method}"].bits_up.isel(step=-1).mean()) / 1e3
            for method in ("Top-k", "threshold")
        ]
        last = table[table.panel == f"bits, {one.data}"].groupby("curve").x.max()
        assert last[["Top-k", "threshold"]].max() == pytest.approx(min(ends))


def test_heterogeneity_shows_the_law_and_the_square(drawings):
    table = drawings["heterogeneity"].table.set_index("curve")
    sends = table[(table.panel == "sends") & (table.kind == "measured")].loc["threshold"]
    law = table[table.panel == "sends"].loc["S-a9"]
    for s in (1.0, 3.0, 10.0):
        measured = float(sends.y[sends.x == s].iloc[0])
        assert measured == pytest.approx(np.interp(s, law.x, law.y), rel=0.02)
    floors = table[table.panel == "floors"]
    assert floors.loc["threshold"].y.max() < floors.loc[r"S-a7: $6L\gamma^2\kappa^2$"].y.min() / 100
    top = floors.loc["Top-k"]
    np.testing.assert_allclose(top.y / top.x**2, (top.y / top.x**2).mean(), rtol=0.1)


def test_without_heterogeneity_the_threshold_stays_below_its_bound(drawings):
    table = drawings["without-heterogeneity"].table
    for n in without_heterogeneity.COUNTS:
        memory = table[table.panel == f"memory, n = {n}"]
        (bound,) = set(memory.y[memory.kind == "theory"])
        assert bound == pytest.approx(500 * without_heterogeneity.RAW**2)
        assert memory.y[memory.curve == "threshold"].max() <= bound < memory.y[memory.curve == "Top-k"].max()


def test_captions_say_what_is_left_out_of_the_data(drawings):
    breast_cancer = "9 of 569 samples left out, so that shards are equal; 0 of 30 features left out as constant"
    assert breast_cancer in drawings["total-error"].caption
    assert breast_cancer in drawings["logistic-regression"].caption
    assert "digits: 17 of 1797 samples left out" in drawings["logistic-regression"].caption
    assert "3 of 64 features left out as constant" in drawings["logistic-regression"].caption


def test_caption_says_where_step_sizes_and_threshold_come_from(drawings):
    caption = drawings["logistic-regression"].caption
    assert "no theorem limits the step size" in caption
    for data in logistic_regression.DATA:
        problem = problems.LogisticRegression.on(data, logistic_regression.WORKERS)
        lam = logistic_regression.threshold_sending(problem.dimension // 10, problem)
        assert f"{lam:.3g} on {data}" in caption


def test_step_size_is_chosen_on_runs_that_are_not_drawn(data, records, drawings):
    qsgd = data["logistic-regression"]["breast-cancer/QSGD"].copy(deep=True)
    half = qsgd.sizes["run"] // 2
    # Were they asked, the drawn runs would now choose the smallest factor.
    qsgd.f_gap[{"run": slice(half, None), "step": slice(1, None)}] *= qsgd.factor**8
    bits = logistic_regression.budget(problems.LogisticRegression.on("breast-cancer", 20), "quick")
    assert logistic_regression.best_factor(qsgd.isel(run=slice(half, None)), bits) == min(qsgd.factor)
    changed = data["logistic-regression"] | {"breast-cancer/QSGD": qsgd}
    drawn = members.load("figures", "logistic-regression")().draw(changed, records, "quick")
    before, after = (
        [text.get_text() for text in one.figure.axes[0].get_legend().get_texts()]
        for one in (drawings["logistic-regression"], drawn)
    )
    assert before == after
    assert any("QSGD" in words and ", 0.25×" not in words for words in after)


def test_threshold_sends_what_was_asked_for():
    problem = problems.LogisticRegression.on("breast-cancer", 20)
    magnitude = np.abs(problem.gradient(problem.x_star[None, None])[0])
    for k in (1, 3, 10):
        lam = logistic_regression.threshold_sending(k, problem)
        sends = np.mean(np.sum(1 / np.ceil(lam / magnitude), axis=1))
        assert 0.9 * k < sends <= k


def test_plain_sgd_is_what_its_exact_moments_are():
    for experiment in in_workers("quick").experiments.values():
        shorter, all_sent = replace(experiment, steps=50, record=[50]), sure(1.0, experiment.problem.dimension)
        exact = moments(model(experiment.problem), all_sent, [float(experiment.stepsize)] * 50, memory=False)
        assert plain_sgd(shorter) == pytest.approx(exact.grad_norm_sq[:50].mean(), rel=1e-12)
