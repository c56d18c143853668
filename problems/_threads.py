"""Equal bits whatever the number of BLAS threads."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

__all__ = ["one_blas_thread"]

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def one_blas_thread(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Make a function run on one BLAS thread: the last bits of large products depend on how many share the work.

    For what is computed once per problem, such as a smoothness constant: a step size made from it must be the same
    number wherever it is first asked for.
    """

    @functools.wraps(function)
    def on_one_thread(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, user_api="blas"):
            return function(*args, **kwargs)

    return on_one_thread
