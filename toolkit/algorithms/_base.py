"""What a method is to the program: its paper's pseudo-code, on arrays of shape (run, worker, coordinate)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, dataclass_transform

from toolkit import kernels
from toolkit.arrays import Array, namespace
from toolkit.constants import CompressorConstants, Constant, ProblemConstants
from toolkit.parameters import Parametrised

__all__ = ["Algorithm", "Needs", "State", "mean", "needs", "where"]


@dataclass(frozen=True)
class Needs:
    """A constant that a method's theorem asks of a compressor: 'delta', 'omega', 'kappa_sq' or 'ab'."""

    constant: str

    def met_by(self, constants: CompressorConstants) -> bool:
        """Tell whether the compressor has this constant."""
        return getattr(constants, self.constant) is not None


def needs(constant: str) -> Needs:
    """Return the requirement of one constant, for `Algorithm.accepts`."""
    return Needs(constant)


class State:
    """What a method carries from one step to the next: named arrays, never written to.

    Examples
    --------
    >>> State(x=1.0, memory=0.0).memory
    0.0
    """

    def __init__(self, **fields: Array) -> None:
        self.__dict__.update(fields)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a State is never written to: return a new one from step")

    def __iter__(self) -> Iterator[tuple[str, Array]]:
        return iter(self.__dict__.items())

    def __repr__(self) -> str:
        return f"State({', '.join(self.__dict__)})"

    if not hasattr(object, "__getattr__"):  # tells type checkers that fields are dynamic

        def __getattr__(self, name: str) -> Array:
            raise AttributeError(f"this state has no field {name!r}, only {', '.join(self.__dict__)}")


def mean(v: Array) -> Array:
    """Return the mean over workers, keeping the axis: shape ``(run, 1, coordinate)``."""
    if v.shape[1] == 1:
        return v
    return kernels.worker_mean(v)


def where(condition: Array, a: Array, b: Array) -> Array:
    """Return `a` where the condition holds, otherwise `b`; a coin has shape ``(run, 1, 1)``."""
    return namespace(a, b).where(condition, a, b)


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Algorithm(Parametrised):
    """A method; subclass it, declare every number it needs as a field, and write `init` and `step`.

    A step may use ``+ − *``, division by numbers, `mean`, `where`, the oracle, the channel, the draw and plain loops.

    Parameters
    ----------
    stepsize : float, swept set or schedule, optional
        The step size γ; None means 'given to `simulate`'.

    Attributes
    ----------
    unit : {'iterate', 'gradient'}
        The unit of its messages: a step (γ·gradient) or a gradient.
    accepts : tuple
        What it needs of a compressor: one of these `needs`. Empty: any compressor.
    implementable : bool
        Whether real workers can do it; False for one that asks for what nobody knows, such as the minimiser.
    in_place : bool
        Whether a step has no use for the memory it gave to `send_with_memory`, nor the next one for what arrived, so
        that the channel may write over both; it does so for long vectors.
    symbolic : bool
        Whether a step keeps to the rule above, so that the same lines run on symbolic vectors.
    """

    keyword_only: ClassVar[bool] = True
    unit: ClassVar[str] = "gradient"
    accepts: ClassVar[tuple[Any, ...]] = ()
    implementable: ClassVar[bool] = True
    in_place: ClassVar[bool] = False
    symbolic: ClassVar[bool] = True

    stepsize: Any = None

    def init(self, x: Array, oracle: Any, channel: Any, draw: Any) -> State:
        """Return the state of step 0 at the start `x`, shape ``(run, 1, coordinate)``."""
        return State(x=x)

    def step(self, state: State, oracle: Any, channel: Any, draw: Any) -> State:
        """Return the next state: one synchronous round."""
        raise TypeError(f"{type(self).__name__} does not say its step: define step(state, oracle, channel, draw)")

    def output(self, state: State) -> Array:
        """Return the point at which f is measured; by default the mean of x over workers."""
        return mean(state.x)

    def observe(self, state: State, oracle: Any, constants: ProblemConstants | None) -> dict[str, Array]:
        """Return further curves of the method's own proof, by name: arrays of shape ``(run,)`` or ``(run, worker)``.

        The latter are averaged over workers.
        """
        return {}

    def theory_stepsize(self, problem: ProblemConstants, compressor: CompressorConstants) -> Constant | None:
        """Return the largest step size its theorem allows, or None where no theorem or constant is known."""
        return None

    def impossible(self, compressor: Any) -> str | None:
        """Return why this method cannot work with a compressor at all, or None."""
        return None
