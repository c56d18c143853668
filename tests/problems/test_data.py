"""Data sets by name, LIBSVM files good and bad, standardising, shards."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from problems import _data
from toolkit.errors import EnvironmentLack, WrongUse


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "set.libsvm"
        path.write_text(text)
        return path

    return write


def test_a_good_file_is_read(file):
    path = file("# made by hand\n+1 1:0.5 3:-2e1 # first\n\n-1 2:4\n+1\n")
    features, labels = _data.read_libsvm(path)
    assert_array_equal(features, [[0.5, 0.0, -20.0], [0.0, 4.0, 0.0], [0.0, 0.0, 0.0]])
    assert_array_equal(labels, [1.0, -1.0, 1.0])
    assert_array_equal(_data.load(path)[0], features)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("cat 1:2", "the label, 'cat', is not a finite number"),
        ("1 2", "'2' is not of the form index:value"),
        ("1 0:2", "the index '0' is not a whole number of at least 1"),
        ("1 -3:2", "the index '-3' is not a whole number"),
        ("1 a:2", "the index 'a' is not a whole number"),
        ("1 2:2 2:3", "the index 2 follows the index 2"),
        ("1 5:2 3:3", "the index 3 follows the index 5"),
        ("1 1:x", "the value of feature 1, 'x', is not a finite number"),
        ("1 1:nan", "the value of feature 1, 'nan', is not a finite number"),
        ("1 1:", "the value of feature 1, '', is not a finite number"),
    ],
)
def test_a_malformed_line_is_named_with_its_file_and_number(file, line, wrong):
    path = file(f"1 1:1\n-1 1:2\n{line}\n")
    with pytest.raises(WrongUse) as caught:
        _data.load(str(path))
    assert caught.value.asked == f"{path}, line 3"
    assert wrong in caught.value.wrong
    assert "index:value" in caught.value.remedy


def test_a_binary_file_is_refused_at_its_first_line(tmp_path):
    path = tmp_path / "binary"
    path.write_bytes(bytes(range(128, 256)))
    with pytest.raises(WrongUse, match="line 1: the label"):
        _data.read_libsvm(path)


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "1\n-1\n"])
def test_a_file_without_features_is_refused(file, text):
    with pytest.raises(WrongUse, match="holds no samples with features"):
        _data.read_libsvm(file(text))


def test_a_file_too_large_to_be_dense_is_refused(file):
    with pytest.raises(WrongUse, match="do not fit in 4 GiB"):
        _data.read_libsvm(file("1 999999999999:1\n"))


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(WrongUse, match="cannot be read"):
        _data.load(str(tmp_path))


def test_an_unknown_name_gets_the_nearest_one():
    with pytest.raises(WrongUse, match="no data set and no file") as caught:
        _data.load("breast-cancr")
    assert caught.value.nearest == ("breast-cancer",)


def test_missing_scikit_learn_is_a_lack_of_the_environment(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(EnvironmentLack, match="Install scikit-learn"):
        _data.load("digits")


@pytest.mark.parametrize(
    ("name", "shape", "positive"), [("breast-cancer", (569, 30), 357), ("digits", (1797, 64), 891)]
)
def test_real_sets_have_their_published_sizes(name, shape, positive):
    features, labels = _data.load(name)
    assert features.shape == shape
    assert (_data.signs(labels, name) == 1).sum() == positive


def test_madelon_like_is_the_same_every_time():
    features, labels = _data.load("madelon-like")
    again = _data.load("madelon-like")
    assert features.shape == (2000, 500)
    assert_array_equal(features, again[0])
    assert_array_equal(labels, again[1])


def test_the_larger_label_is_plus_one():
    assert_array_equal(_data.signs(np.array([2, 1, 1]), "labels"), [1.0, -1.0, -1.0])


@pytest.mark.parametrize(("labels", "shown"), [([1, 1], r"1 value \(1\)"), ([1, 2, 3, 4, 5, 6], r"6 values \(1, 2")])
def test_labels_that_are_not_two_valued_are_refused(labels, shown):
    with pytest.raises(WrongUse, match=shown):
        _data.signs(np.array(labels), "set")


def test_shards_are_equal_disjoint_and_fixed_by_the_seed():
    held = _data.shards(569, 20, seed=0)
    assert held.shape == (20, 28)
    assert np.unique(held).size == 560
    assert_array_equal(held, _data.shards(569, 20, seed=0))
    assert (held != _data.shards(569, 20, seed=1)).any()
    assert_array_equal(_data.shards(7, 3, seed=None), [[0, 1], [2, 3], [4, 5]])


def test_standardised_features_have_mean_0_and_variance_1_and_no_constant_column():
    features = np.random.default_rng(0).uniform(5, 9, (50, 3))
    features = np.insert(features, 1, 7.7, axis=1)
    result = _data.standardised(features)
    assert result.shape == (50, 3)
    assert_allclose(result.mean(axis=0), 0, atol=1e-14)
    assert_allclose(result.var(axis=0), 1, rtol=1e-13)
