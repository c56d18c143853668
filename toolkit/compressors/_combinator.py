"""What compressors that are made of other compressors have in common."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from toolkit.arrays import Array
from toolkit.compressors._base import Compressor
from toolkit.compressors._fields import per_row
from toolkit.compressors._unbiased import unbiased
from toolkit.constants import CompressorConstants, Constant
from toolkit.errors import WrongUse
from toolkit.layout import Field
from toolkit.parameters import bind

__all__ = [
    "Combinator",
    "growth",
    "labelled",
    "labelled_layout",
    "price_of_one",
    "sum_of_prices",
    "unbiased_of",
    "unlabelled",
    "workers_of",
]


class Combinator(Compressor):
    """A compressor made of those in its fields of type `Compressor`: what it declares follows from what they declare.

    Where it sends several of their messages, the parts of the one in field ``f`` are named ``f.…``, and where several
    may be random, that one draws from ``draw.of("f")``.
    """

    @property
    def inside(self) -> dict[str, Compressor]:
        """The compressors it is made of, by the names of their fields."""
        fields = dataclasses.fields(self)
        return {field.name: getattr(self, field.name) for field in fields if field.type in ("Compressor", Compressor)}

    def validate(self) -> None:
        for name, compressor in self.inside.items():
            if not isinstance(compressor, Compressor):
                asked = f"{type(self).__name__}({name}={compressor!r})"
                raise WrongUse(asked, "this is not a compressor", "pass one, such as TopK(k=1) or QSGD(s=4)")

    def check(self, d: int) -> None:
        for compressor in self.inside.values():
            compressor.check(d)

    # What it declares -------------------------------------------------------------------------------------------------

    def _any(self, declaration: str) -> bool:
        return any(getattr(compressor, declaration) for compressor in self.inside.values())

    def _all(self, declaration: str) -> bool:
        return all(getattr(compressor, declaration) for compressor in self.inside.values())

    @property
    def random(self) -> bool:  # type: ignore[override]
        return self._any("random")

    @property
    def shared(self) -> bool:  # type: ignore[override]
        return self._any("shared")

    @property
    def correlated(self) -> bool:  # type: ignore[override]
        return self._any("correlated")

    @property
    def summable(self) -> bool:  # type: ignore[override]
        return self._all("summable")

    @property
    def homogeneous(self) -> bool:  # type: ignore[override]
        return self._all("homogeneous")

    @property
    def symmetric(self) -> bool:  # type: ignore[override]
        return self._all("symmetric")

    @property
    def fixes_zero(self) -> bool:  # type: ignore[override]
        return self._all("fixes_zero")

    @property
    def keeps_zeros(self) -> bool:  # type: ignore[override]
        return self._all("keeps_zeros")

    @property
    def state(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(f"{name}.{field}" for name, compressor in self.inside.items() for field in compressor.state)

    def domain(self, d: int, dtype: Any) -> tuple[float, float]:
        own = super().domain(d, dtype)
        ends = [own, *(compressor.domain(d, dtype) for compressor in self.inside.values())]
        # What one of them leaves or makes of x is 0, or smaller than x by the last bit of a number at most.
        return max(low for low, _ in ends) / float(np.finfo(dtype).eps), min(high for _, high in ends) * self._room(d)

    def _room(self, d: int) -> float:
        """Return how much smaller x must be than what the compressors inside can take, for what they make of it."""
        return 1.0

    def for_messages(self, unit: str, stepsize: Any) -> Compressor:
        return bind(self, {(name,): one.for_messages(unit, stepsize) for name, one in self.inside.items()})

    # The messages of the compressors inside ---------------------------------------------------------------------------

    def draw_of(self, name: str, draw: Any, workers: int) -> Any:
        """Return the randomness of the compressor in a field, independent of the others'.

        Of a draw that the workers share, because another compressor inside wants it so, it gets every worker's own.
        """
        if draw is None:
            return None
        own = draw.of(name)
        return own.per_worker if self.shared and not self.inside[name].shared and workers > 1 else own

    def parts_of(self, name: str, parts: Mapping[str, Array]) -> Mapping[str, Array]:
        """Return the parts that are those of the compressor in a field."""
        return unlabelled(name, parts) if len(self.inside) > 1 else parts

    def after(self, parts: Mapping[str, Array]) -> dict[str, Array]:
        new: dict[str, Array] = {}
        for name, compressor in self.inside.items():
            if compressor.state:
                of_one = compressor.after(self.parts_of(name, parts))
                new |= {f"{name}.{field}": value for field, value in of_one.items()}
        return new


def growth(compressor: Compressor, d: int) -> float:
    """Return about how many times larger than the largest coordinate of x one of C(x) or x − C(x) may be.

    About: 1 where the error is bounded by ‖x‖ or a constant, 1 + ω of an unbiased compressor, as of Rand-k, and 1 + d
    where nothing is known, as of a sketch whose sums are kept.
    """
    constants = compressor.constants(d)
    if constants.omega is not None:
        return 1 + float(np.max(constants.omega.value))
    bounded = constants.delta is not None or constants.kappa_sq is not None
    return 1.0 if bounded or compressor.selects else 1.0 + d


def unbiased_of(omega: Constant, ab: Constant | None) -> CompressorConstants:
    """Return ω, the AB pair where there is one and, where ω < 1, δ = 1 − ω."""
    return dataclasses.replace(unbiased(omega), ab=ab)


def labelled_layout(label: str, layout: tuple[Field, ...]) -> tuple[Field, ...]:
    """Return the fields of a message with their names after a label.

    Examples
    --------
    >>> from toolkit.layout import Numbers, Positions
    >>> [field.name for field in labelled_layout("inner", (Positions("sent", 3), Numbers("value", 3, at="sent")))]
    ['inner.sent', 'inner.value']
    """
    fields = []
    for field in layout:
        at = getattr(field, "at", None)
        names: dict[str, Any] = {"name": f"{label}.{field.name}"} | ({} if at is None else {"at": f"{label}.{at}"})
        fields.append(dataclasses.replace(field, **names))
    return tuple(fields)


def sum_of_prices(*prices: Any) -> Any:
    """Return the price of several messages, or None if that of one depends on it.

    Examples
    --------
    >>> sum_of_prices(3.0, 4.0), sum_of_prices(3.0, None)
    (7.0, None)
    """
    return None if any(price is None for price in prices) else sum(prices)


def price_of_one(compressor: Compressor, parts: Mapping[str, Array], draw: Any, d: int, dtype: Any) -> Any:
    """Return the formula price of the messages with these parts, which broadcasts to ``(run, worker)``."""
    price = compressor.price(workers_of(parts), d, dtype)
    return compressor.price_of_parts(parts, draw, d, dtype) if price is None else per_row(price)


def workers_of(parts: Mapping[str, Array]) -> int:
    """Return the number of workers whose messages these are the parts of; what they share may have a worker axis of 1.

    Examples
    --------
    >>> import numpy as np
    >>> workers_of({"kept": np.ones((2, 1, 5)), "value": np.ones((2, 3, 5))})
    3
    """
    return max((part.shape[1] for part in parts.values()), default=1)


def labelled(label: str, parts: Mapping[str, Array]) -> dict[str, Array]:
    """Return the parts of a message with their names after a label."""
    return {f"{label}.{name}": part for name, part in parts.items()}


def unlabelled(label: str, parts: Mapping[str, Array]) -> dict[str, Array]:
    """Return the parts with this label, without it.

    Examples
    --------
    >>> unlabelled("inner", {"inner.sent": 1, "outer.sent": 2})
    {'sent': 1}
    """
    start = f"{label}."
    return {name.removeprefix(start): part for name, part in parts.items() if name.startswith(start)}
