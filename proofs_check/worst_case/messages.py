"""What is known of a compressor, as linear conditions on the products of a message with what it was made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from proofs_check.worst_case.expressions import Constraint, Vector, exact
from toolkit.errors import WrongUse

if TYPE_CHECKING:
    from proofs_check.worst_case.model import Model

__all__ = ["AbsoluteError", "Contractive", "Message", "MessageClass", "Noise", "Projection", "Unbiased"]


@dataclass(frozen=True, eq=False)
class Message:
    """One message: what was compressed, what arrived, and how many basis vectors there were before its randomness."""

    kind: MessageClass
    given: Vector
    arrived: Vector
    past: int


class MessageClass:
    """A class of compressors; a subclass says its conditions.

    Attributes
    ----------
    noisy : bool
        Whether what arrives is what was given plus a noise of which only moments are known; else a vector of its own.
    shared : bool
        Whether the workers of a round draw the same numbers.
    """

    noisy = False
    shared = False

    def parameters(self) -> dict[str, Any]:
        """Return the name of the class and its exact constants, as they stand in a statement."""
        raise NotImplementedError

    def conditions(self, model: Model, message: Message) -> Iterator[Constraint]:
        """Yield what holds for a message, by names that are made part of the model's."""
        raise NotImplementedError


def _check(kind: Any, name: str, fits: bool, wanted: str) -> None:
    if not fits:
        asked = f"{type(kind).__name__}({name}={getattr(kind, name)})"
        raise WrongUse(asked, f"{name} must be {wanted}", "give such a number")


@dataclass(frozen=True)
class Contractive(MessageClass):
    r"""Every contractive compressor, deterministic or, read in expectation, random.

    .. math:: \|C(u) - u\|^2 \le (1 - \delta) \|u\|^2

    Parameters
    ----------
    delta : exact number in [0, 1]
        δ; the relative error is s = √(1 − δ). CGD with it is gradient descent with a relatively inexact gradient.
    """

    delta: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "delta", exact(self.delta))
        _check(self, "delta", not isinstance(self.delta, Fraction) or 0 <= self.delta <= 1, "in [0, 1]")

    def parameters(self) -> dict[str, Any]:
        return {"class": "contractive", "delta": self.delta}

    def conditions(self, model: Model, message: Message) -> Iterator[Constraint]:
        error = message.arrived - message.given
        yield Constraint("", error**2 - (1 - self.delta) * message.given**2)


@dataclass(frozen=True)
class Projection(Contractive):
    r"""Contractive compressors whose message is orthogonal to what it leaves out: :math:`\langle C(u), u - C(u)\rangle = 0`.

    Top-k, Rand-k without scaling and every other mask are of this class, which is larger: its upper bounds hold for
    them, its lower bounds need not.
    """  # noqa: E501

    def parameters(self) -> dict[str, Any]:
        return {"class": "projection", "delta": self.delta}

    def conditions(self, model: Model, message: Message) -> Iterator[Constraint]:
        yield from super().conditions(model, message)
        left_out = message.given - message.arrived
        yield Constraint("projection", message.arrived @ left_out, equality=True)


@dataclass(frozen=True)
class AbsoluteError(MessageClass):
    r"""Compressors of absolute error, such as a hard threshold: :math:`\|C(u) - u\|^2 \le \kappa^2`.

    Parameters
    ----------
    kappa_sq : exact number ≥ 0
        κ².
    """

    kappa_sq: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "kappa_sq", exact(self.kappa_sq))
        _check(self, "kappa_sq", not isinstance(self.kappa_sq, Fraction) or self.kappa_sq >= 0, "at least 0")

    def parameters(self) -> dict[str, Any]:
        return {"class": "absolute", "kappa_sq": self.kappa_sq}

    def conditions(self, model: Model, message: Message) -> Iterator[Constraint]:
        yield Constraint("", (message.arrived - message.given) ** 2 - self.kappa_sq)


@dataclass(frozen=True)
class Unbiased(MessageClass):
    r"""Unbiased compressors by their moments: a noise ξ = C(u) − u that is orthogonal to all that was before.

    .. math:: E\langle \xi, v \rangle = 0 \text{ for every earlier } v, \qquad E\|\xi\|^2 \le \omega\,E\|u\|^2

    Products in such a model are expectations. It asks less than that every outcome be possible, so that its worst
    cases are upper bounds and no lower ones.

    Parameters
    ----------
    omega : exact number ≥ 0
        ω.
    shared : bool
        Whether the workers of a round share their randomness; else their noises are orthogonal to each other.
    """

    omega: Any
    shared: bool = False

    noisy = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "omega", exact(self.omega))
        _check(self, "omega", not isinstance(self.omega, Fraction) or self.omega >= 0, "at least 0")

    def parameters(self) -> dict[str, Any]:
        return {"class": "unbiased", "omega": self.omega}

    def conditions(self, model: Model, message: Message) -> Iterator[Constraint]:
        noise = message.arrived - message.given
        yield Constraint("", noise**2 - self.omega * message.given**2)
        yield from _orthogonal(model, message)


@dataclass(frozen=True)
class Noise(MessageClass):
    r"""Unbiased gradient samples of bounded variance, for ``inexact=`` of `trace`.

    .. math:: E\langle \xi, v \rangle = 0 \text{ for every earlier } v, \qquad E\|\xi\|^2 \le \sigma^2

    Parameters
    ----------
    sigma_sq : exact number ≥ 0
        σ².
    """

    sigma_sq: Any

    noisy = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigma_sq", exact(self.sigma_sq))
        _check(self, "sigma_sq", not isinstance(self.sigma_sq, Fraction) or self.sigma_sq >= 0, "at least 0")

    def parameters(self) -> dict[str, Any]:
        return {"class": "variance", "sigma_sq": self.sigma_sq}

    def conditions(self, model: Model, message: Message) -> Iterator[Constraint]:
        yield Constraint("", (message.arrived - message.given) ** 2 - self.sigma_sq)
        yield from _orthogonal(model, message)


def _orthogonal(model: Model, message: Message) -> Iterator[Constraint]:
    """Yield that the noise of a message is orthogonal to all that was before it."""
    for i in range(message.past):
        noise = message.arrived - message.given
        yield Constraint(f"noise {model.vectors[i]}", noise @ model.basis(i), equality=True)
