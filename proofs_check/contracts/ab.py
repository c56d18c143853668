"""The AB inequality of the mean over workers."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from proofs_check.contracts._law import Law
from proofs_check.contracts._of_law import OfLaw
from proofs_check.contracts._report import Violation
from proofs_check.contracts._subject import Subject
from toolkit.arrays import Array
from toolkit.constants import Constant


class AB(OfLaw):
    """E‖(1/n)Σ(C(x_i) − x_i)‖² ≤ A·(1/n)Σ‖x_i‖² − B·‖(1/n)Σx_i‖² with the declared (A, B)."""

    statement: ClassVar[str] = (
        "E‖(1/n)Σ(C(x_i) − x_i)‖² ≤ A·(1/n)Σ‖x_i‖² − B·‖(1/n)Σx_i‖² for n workers, with the declared (A, B)"
    )

    of_several: ClassVar[bool] = True

    def reason_not_applicable(self, subject: Subject) -> str:
        return "" if self.dimensions(subject) else "no (A, B) is declared"

    def workers(self, subject: Subject) -> int:
        return subject.workers if subject.compressor.shared else 2

    def dimensions(self, subject: Subject) -> tuple[int, ...]:
        # Outcomes of workers with draws of their own multiply, so only the smallest dimension will do.
        sizes = subject.small if subject.compressor.shared else subject.small[:2]
        return tuple(d for d in sizes if _declared(subject, d, self.workers(subject)) is not None)

    def vectors(self, subject: Subject, d: int, dtype: np.dtype[Any]) -> Array:
        """Return different vectors for the workers, the same one for all, and opposite ones."""
        x = subject.vectors_with_law(d, dtype, self.workers(subject))[::2]
        same = np.broadcast_to(x[:, :1], x.shape)
        opposite = same * (-1.0) ** np.arange(x.shape[1], dtype=dtype)[:, None].astype(dtype)
        return np.concatenate([x, same, opposite.astype(dtype)])

    def how(self, subject: Subject) -> str:
        return f", {self.workers(subject)} workers{super().how(subject)}"

    def failing(self, subject: Subject, x: Array) -> Array:
        law, bound, allowance = _sides(subject, x)
        return ~(law.root_error[:, 0] <= np.sqrt(np.maximum(bound, 0) + allowance) + law.norm_allowance[:, 0])

    def violation(self, subject: Subject, x: Array) -> Violation:
        law, bound, _ = _sides(subject, x)
        declared = _declared(subject, x.shape[-1], x.shape[1])
        assert declared is not None
        unit = float(law.unit[0, 0, 0])
        return Violation(
            f"the mean of the messages errs more than (A, B) = {tuple(map(float, declared.value))} allows",
            draw=subject.laws.basis(x),
            came=f"E‖(1/n)Σ(C(x_i) − x_i)‖² = {float(law.error_low[0, 0]) * unit**2:.6g}",
            expected=f"at most {float(bound[0]) * unit**2:.6g} (declared {declared.kind}: {declared.source})",
        )


def _declared(subject: Subject, d: int, n: int) -> Constant | None:
    found: Constant | None = subject.compressor.constants(d, n).ab
    return found


def _sides(subject: Subject, x: Array) -> tuple[Law, Array, Array]:
    """Return the law of the mean over workers, the bound of its error in its units, and what rounding does to it."""
    law = subject.laws.of(x, of_mean=True)
    declared = _declared(subject, x.shape[-1], x.shape[1])
    assert declared is not None
    A, B = (float(value) for value in declared.value)
    squares = np.sum((x / law.unit) ** 2, axis=-1).mean(axis=1)
    of_mean = np.sum(law.x[:, 0] ** 2, axis=-1)
    allowance = 8 * (x.shape[-1] + 8) * np.finfo(x.dtype).eps * (A * squares + B * of_mean)
    return law, A * squares - B * of_mean, allowance
