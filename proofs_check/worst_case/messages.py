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
        δ; the relative error is s = √(1 − δ).

    Raises
    ------
    WrongUse
        If δ is outside [0, 1].

    Notes
    -----
    Source: Stich, Cordonnier and Jaggi 2018, definition of a k-contraction (recalled). One message can be anything that
    the inequality allows, and another message of the same vector something else, so that worst cases are those of an
    adversary who chooses every message; compressed gradient descent with it is gradient descent with a relatively
    inexact gradient (de Klerk, Glineur and Taylor 2020, recalled).

    Examples
    --------
    Compressed gradient descent at its best step size, with κ = 10 and s = 1/2, has the factor (29/31)²:

    >>> from proofs_check.worst_case import Smooth, certify_tightly, gap, trace
    >>> from toolkit.algorithms import CompressedSGD
    >>> method, functions = CompressedSGD(stepsize=Fraction(40, 31)), Smooth(mu=Fraction(1, 10))
    >>> run = trace(method, functions, Contractive(delta=Fraction(3, 4)), steps=1)
    >>> certify_tightly(run.worst(gap, initial=gap)).bound
    Fraction(841, 961)
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

    Parameters
    ----------
    delta : exact number in [0, 1]
        δ, as k/d of Top-k.

    Raises
    ------
    WrongUse
        If δ is outside [0, 1].

    Notes
    -----
    Source: derived. A projection P has ⟨Pu, u − Pu⟩ = 0; and any c with ⟨c, u − c⟩ = 0 is the projection of u on the
    line of c, so that the class is that of all orthogonal projections, chosen anew for every message.

    Examples
    --------
    A step size with which compressed gradient descent may diverge on contractive messages, and not if they project:

    >>> from proofs_check.worst_case import Smooth, gap, solve, trace
    >>> from toolkit.algorithms import CompressedSGD
    >>> method, functions = CompressedSGD(stepsize=Fraction(3, 2)), Smooth(mu=Fraction(1, 10))
    >>> for kind in (Contractive, Projection):
    ...     run = trace(method, functions, kind(delta=Fraction(3, 4)), steps=1)
    ...     round(solve(run.worst(gap, initial=gap)).value, 4)
    1.5625
    0.8823
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

    Raises
    ------
    WrongUse
        If κ² is negative.

    Notes
    -----
    Source: Sahu et al. 2021, definition of absolute compressors (recalled). The error does not shrink with what is
    compressed, so that nothing contracts down to 0: `certify_every_step` refuses such a model.

    Examples
    --------
    A step on functions with μ = 1/2 takes the distance 1 to at most 1/2, and the error γκ = 1/2 adds to that:

    >>> from proofs_check.worst_case import Smooth, distance, solve, trace
    >>> from toolkit.algorithms import CompressedSGD
    >>> kind = AbsoluteError(kappa_sq=Fraction(1, 4))
    >>> run = trace(CompressedSGD(stepsize=1), Smooth(mu=Fraction(1, 2)), kind, steps=1)
    >>> round(solve(run.worst(distance, initial=distance)).value, 6)
    1.0
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

    Raises
    ------
    WrongUse
        If ω is negative.

    Notes
    -----
    Source: Khirirat, Feyzmahdavian and Johansson 2018 for the class (recalled); its moments as conditions on inner
    products: derived.

    Examples
    --------
    The variance of two workers' messages is halved unless they draw the same numbers; without any it would be 9/16:

    >>> from proofs_check.worst_case import Smooth, distance, solve, trace
    >>> from toolkit.algorithms import CompressedSGD
    >>> method, functions = CompressedSGD(stepsize=Fraction(1, 2)), Smooth(mu=Fraction(1, 2))
    >>> for shared in (False, True):
    ...     kind = Unbiased(omega=1, shared=shared)
    ...     run = trace(method, functions, kind, steps=1, workers=2, minimiser="shared")
    ...     round(solve(run.worst(distance, initial=distance)).value, 6)
    0.59375
    0.625
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

    Raises
    ------
    WrongUse
        If σ² is negative.

    Notes
    -----
    Source: Taylor and Bach 2019, stochastic methods under bounded variance (recalled); as conditions on inner products:
    derived. As of `Unbiased`, worst cases are upper bounds and no lower ones.

    Examples
    --------
    A step takes E‖x − x*‖² = 1 to (1 − γμ)² + γ²σ² = 1/4 + σ², and the next one a quarter of that to what it adds:

    >>> from proofs_check.worst_case import Smooth, distance, solve, trace
    >>> from toolkit.algorithms import SGD
    >>> noise, functions = Noise(sigma_sq=Fraction(1, 10)), Smooth(mu=Fraction(1, 2))
    >>> for steps in (1, 2):
    ...     run = trace(SGD(stepsize=1), functions, inexact=noise, steps=steps)
    ...     round(solve(run.worst(distance, initial=distance)).value, 6)
    0.35
    0.1875
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
