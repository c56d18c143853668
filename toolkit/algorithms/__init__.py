"""Methods: one per file, written the way its paper writes it; ``from toolkit.algorithms import EF21``."""

from __future__ import annotations

from toolkit.algorithms._base import Algorithm, State, mean, where
from toolkit.members import by_class_name

__all__ = ["Algorithm", "State", "mean", "where"]

__getattr__ = by_class_name(__name__)
