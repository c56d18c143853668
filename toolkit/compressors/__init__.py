"""Compressors: one per file, found by scanning this folder; ``from toolkit.compressors import TopK``."""

from __future__ import annotations

from toolkit.compressors._base import Compressor
from toolkit.members import by_class_name

__all__ = ["Compressor"]

__getattr__ = by_class_name(__name__)
