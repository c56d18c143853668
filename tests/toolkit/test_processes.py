"""Work in several processes: the same results, errors that say of what they are, one thread each."""

from __future__ import annotations

import os

import pytest

from toolkit.errors import WrongUse
from toolkit.processes import spread


def place(number: int) -> tuple[int, int, str | None]:
    return number**2, os.getpid(), os.environ.get("OMP_NUM_THREADS")


def refuse(number: int) -> int:
    if number == 2:
        raise WrongUse(f"the number {number}", "it is refused", "give another")
    return number


def test_every_call_is_made_once_and_named() -> None:
    calls = {f"number {i}": (i,) for i in range(7)}
    here, spread_out = (dict(spread(place, calls, what="square", jobs=jobs)) for jobs in (1, 2))
    assert list(here) == list(calls)
    for i in range(7):
        assert here[f"number {i}"][:2] == (i**2, os.getpid())
        assert spread_out[f"number {i}"][0] == i**2
    elsewhere = {(process, threads) for _, process, threads in spread_out.values()}
    assert elsewhere.isdisjoint({(os.getpid(), threads) for _, _, threads in here.values()})
    assert {threads for _, threads in elsewhere} == {"1"}


def test_processes_are_kept_for_the_next_piece_of_work() -> None:
    calls = {str(i): (i,) for i in range(8)}
    first, second = ({process for _, (_, process, _) in spread(place, calls, what="", jobs=2)} for _ in range(2))
    assert len(first | second) <= 2


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_is_the_call_s_own_and_names_it(jobs: int) -> None:
    calls = {f"number {i}": (i,) for i in range(4)}
    with pytest.raises(WrongUse, match="the number 2: it is refused") as raised:
        list(spread(refuse, calls, what="test", jobs=jobs))
    assert raised.value.__notes__ == ["This was the test number 2."]


def test_nothing_to_do_is_nothing_done() -> None:
    assert list(spread(refuse, {}, what="test", jobs=2)) == []
