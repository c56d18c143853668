"""A coefficient that takes many values at once, so that a whole sweep is one symbolic run."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from toolkit.errors import WrongUse

__all__ = ["Swept", "sweep"]


class Swept:
    """One number per point of a sweep, with the arithmetic of a number; never equal to zero unless all are.

    Parameters
    ----------
    values : array, shape (point,)

    Raises
    ------
    WrongUse
        If the values have another shape.

    Notes
    -----
    Source: of this package, and of no paper. Values are floats, so that a sweep is solved (`solve_all`), not certified.

    Examples
    --------
    >>> 1 - Fraction(1, 2) * Swept([0.5, 1.0])
    Swept([0.75, 0.5])
    """

    __slots__ = ("values",)

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values, dtype=float)
        if self.values.ndim != 1:
            asked = f"Swept with values of shape {self.values.shape}"
            raise WrongUse(asked, "a sweep has one axis", "give one value per point")

    def _with(self, other: Any, operation: Callable[[Any, Any], Any]) -> Any:
        if isinstance(other, Swept):
            return Swept(operation(self.values, other.values))
        if isinstance(other, (int, float, Fraction)):
            return Swept(operation(self.values, float(other)))
        return NotImplemented

    def __add__(self, other: Any) -> Any:
        return self._with(other, np.add)

    def __sub__(self, other: Any) -> Any:
        return self._with(other, np.subtract)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, np.multiply)

    def __truediv__(self, other: Any) -> Any:
        return self._with(other, np.divide)

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, lambda mine, theirs: theirs - mine)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with(other, lambda mine, theirs: theirs / mine)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Swept:
        return Swept(-self.values)

    def __bool__(self) -> bool:
        return bool(self.values.any())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Swept) and np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        return hash(self.values.tobytes())

    def __repr__(self) -> str:
        return f"Swept({self.values.tolist()})"


def sweep(*values: Any) -> tuple[Swept, ...]:
    """Return sets of values that are swept together, point by point.

    Parameters
    ----------
    values : arrays that broadcast to shape (point,)

    Returns
    -------
    tuple of Swept, one for each

    Raises
    ------
    ValueError
        If they do not broadcast.

    Notes
    -----
    Source: of this package, as `Swept`.

    Examples
    --------
    >>> sweep([0.5, 1.0], 2)
    (Swept([0.5, 1.0]), Swept([2.0, 2.0]))
    """
    arrays = np.broadcast_arrays(*(np.asarray(one, dtype=float) for one in values))
    return tuple(Swept(one) for one in arrays)
