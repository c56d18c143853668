"""Labelled data: sets by name, LIBSVM files, standardising, equal shards."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from pathlib import Path

import numpy as np

from toolkit.arrays import Array
from toolkit.errors import EnvironmentLack, WrongUse, nearest

__all__ = ["DATA_SETS", "load", "read_libsvm", "shards", "signs", "standardised"]

DENSE_BYTES = 4 * 2**30  # features are held dense, because standardising fills them


def _breast_cancer() -> tuple[Array, Array]:
    """569 samples, 30 features: malignant against benign."""
    from sklearn.datasets import load_breast_cancer

    return load_breast_cancer(return_X_y=True)


def _digits() -> tuple[Array, Array]:
    """1797 images of 8 × 8 pixels: even digits (+1) against odd ones (−1)."""
    from sklearn.datasets import load_digits

    images, digits = load_digits(return_X_y=True)
    return images, 1 - 2 * (digits % 2)


def _madelon_like() -> tuple[Array, Array]:
    """2000 samples, 500 features, of which 5 are informative and 15 mixtures of these, as in Madelon."""
    from sklearn.datasets import make_classification

    return make_classification(
        n_samples=2000, n_features=500, n_informative=5, n_redundant=15, n_clusters_per_class=16, random_state=0
    )


DATA_SETS: dict[str, Callable[[], tuple[Array, Array]]] = {
    "breast-cancer": _breast_cancer,
    "digits": _digits,
    "madelon-like": _madelon_like,
}


def load(name: str) -> tuple[Array, Array]:
    """Return features, shape ``(sample, d)``, and two-valued labels of a data set by name or a LIBSVM file by path.

    Raises
    ------
    WrongUse
        If there is neither a data set nor a file of that name, the file is malformed, or its labels are not two-valued.
    EnvironmentLack
        If a data set that comes with scikit-learn is asked for and scikit-learn is missing.
    """
    if name in DATA_SETS:
        try:
            return DATA_SETS[name]()
        except ImportError as error:
            raise EnvironmentLack(
                f"data set {name!r}",
                f"it comes with scikit-learn, which cannot be imported ({error})",
                "install scikit-learn, or name a LIBSVM file",
            ) from error
    if not Path(name).exists():
        raise WrongUse(
            f"data set {str(name)!r}",
            "there is no data set and no file of that name",
            f"choose one of: {', '.join(DATA_SETS)}; or name a LIBSVM file",
            nearest(str(name), DATA_SETS),
        )
    features, labels = read_libsvm(name)
    return features, signs(labels, str(name))


def read_libsvm(path: str | Path) -> tuple[Array, Array]:
    """Return features and labels of a LIBSVM file: ``label index:value …`` on each line, indices from 1, increasing.

    What follows a ``#`` is a comment; empty lines are skipped; features not named are 0.

    Returns
    -------
    features : array, shape (sample, d)
        Dense; d is the largest index.
    labels : array, shape (sample,)

    Raises
    ------
    WrongUse
        If the file cannot be read, is malformed (the message names file, line and what is wrong there), empty, or too
        large to be held dense.
    """
    labels, values = array("d"), array("d")
    rows, columns = array("q"), array("q")
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, start=1):
                fields = line.partition("#")[0].split()
                if not fields:
                    continue
                try:
                    label, indices, entries = _parse(fields)
                except ValueError as error:
                    raise WrongUse(
                        f"{path}, line {number}",
                        str(error),
                        "a LIBSVM line reads: label index:value index:value …, indices from 1 and increasing",
                    ) from None
                rows.extend([len(labels)] * len(indices))
                labels.append(label)
                columns.extend(indices)
                values.extend(entries)
    except OSError as error:
        raise WrongUse(str(path), f"the file cannot be read ({error.strerror})", "name a readable file") from error
    if not columns:
        raise WrongUse(str(path), "the file holds no samples with features", "name a file in LIBSVM format")
    shape = (len(labels), max(columns))
    if shape[0] * shape[1] * 8 > DENSE_BYTES:
        raise WrongUse(
            str(path),
            f"{shape[0]} samples × {shape[1]} features do not fit in {DENSE_BYTES >> 30} GiB when standardised",
            "choose a smaller file",
        )
    features = np.zeros(shape)
    features[np.array(rows), np.array(columns) - 1] = values
    return features, np.array(labels)


def _parse(fields: list[str]) -> tuple[float, list[int], list[float]]:
    """Return label, indices and values of one line; a ValueError says what is wrong."""
    label = _number(fields[0], "the label")
    indices, values = [], []
    last = 0
    for field in fields[1:]:
        index, colon, value = field.partition(":")
        if not colon:
            raise ValueError(f"{field!r} is not of the form index:value")
        if not index.isdecimal() or int(index) < 1:
            raise ValueError(f"the index {index!r} is not a whole number of at least 1")
        if int(index) <= last:
            raise ValueError(f"the index {index} follows the index {last}")
        last = int(index)
        indices.append(last)
        values.append(_number(value, f"the value of feature {index}"))
    return label, indices, values


def _number(text: str, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        raise ValueError(f"{what}, {text!r}, is not a finite number")
    return number


def signs(labels: Array, source: str) -> Array:
    """Return two-valued labels as ±1, the larger value as +1.

    Raises
    ------
    WrongUse
        If the labels do not have exactly two values.
    """
    found = np.unique(labels)
    if found.size != 2:
        shown = ", ".join(f"{value:g}" for value in found[:5]) + (", …" if found.size > 5 else "")
        values = "value" if found.size == 1 else "values"
        raise WrongUse(source, f"the labels take {found.size} {values} ({shown})", "give labels of exactly two values")
    return np.where(labels == found[1], 1.0, -1.0)


def shards(samples: int, workers: int, seed: int | None) -> Array:
    """Return which samples each worker holds, shape ``(worker, samples // workers)``.

    One permutation of all samples (none if `seed` is None) is cut into equal shards; the remainder is dropped.
    """
    order = np.arange(samples) if seed is None else np.random.default_rng(seed).permutation(samples)
    share = samples // workers
    return order[: share * workers].reshape(workers, share)


def standardised(features: Array) -> Array:
    """Return features with mean 0 and variance 1 over the samples; constant columns, which say nothing, are dropped."""
    features = features[:, features.max(axis=0) > features.min(axis=0)]
    centred = features - features.mean(axis=0)
    return centred / np.sqrt(np.mean(centred**2, axis=0))
