"""Problems: one per file, constants known in closed form; ``from problems import Quadratic``."""

from __future__ import annotations

from problems._base import Problem
from toolkit.members import by_class_name

__all__ = ["Problem"]

__getattr__ = by_class_name(__name__)
