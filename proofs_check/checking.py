"""Check claims: collect what they need, run it in one sweep, and judge."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from proofs_check.claim import Claim, summary
from toolkit import members
from toolkit.errors import WrongUse, nearest
from toolkit.experiment import Experiment
from toolkit.members import short
from toolkit.processes import spread
from toolkit.progress import Progress
from toolkit.simulation import default_threads
from toolkit.store import Store
from toolkit.sweep import Results, run_all

if TYPE_CHECKING:
    import xarray

__all__ = ["all_claims", "check_claims", "find_claims", "judge_claims", "needed"]


def all_claims() -> dict[str, Claim]:
    """Return every claim by its id, found by scanning ``proofs_check/claims``."""
    return _claims_in(members.names("proofs_check.claims"))


def _claims_in(files: Iterable[str]) -> dict[str, Claim]:
    """Return the claims in these files by their ids.

    Raises
    ------
    WrongUse
        If two ids differ by case and punctuation at most, or one differs no more from the name of a group: whoever
        asks for one would be given the other.
    """
    found: dict[str, Claim] = {}
    taken: dict[str, type[Claim]] = {}
    groups = {_bare(group): group for group in members.groups("proofs_check.claims")}
    for name in files:
        module = members.load_module("proofs_check.claims", name)
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, Claim)
                and value.__module__ == module.__name__
                and value.id
            ):
                bare = _bare(value.id)
                other = taken.setdefault(bare, value)
                if other is not value:
                    asked = f"the claims {other.id!r} of {other.__module__} and {value.id!r} of {value.__module__}"
                    raise WrongUse(asked, "two claims have this id, up to case and punctuation", "rename one of them")
                if bare in groups:
                    asked = f"the claim {value.id!r} of {value.__module__}"
                    raise WrongUse(asked, f"the group {groups[bare]!r} has this name", "rename one of them")
                found[value.id] = value()
    return found


def _bare(name: str) -> str:
    """Return the letters and digits of a name, without case."""
    return "".join(filter(str.isalnum, name)).casefold()


def find_claims(names: Iterable[str]) -> dict[str, Claim]:
    """Return the claims of these ids and groups, or all if none is given; case and punctuation do not matter.

    A group is a folder of ``proofs_check/claims``.

    Raises
    ------
    WrongUse
        If a name is unknown; the message gives the nearest ones.

    Examples
    --------
    >>> list(find_claims(["s-a5"]))
    ['S-a5']
    >>> "S-a5" in find_claims(["total-error"])
    True
    """
    claims = all_claims()
    wanted = list(names)
    if not wanted:
        return claims
    by_name = {short(known): [known] for known in claims}
    groups = members.groups("proofs_check.claims")
    by_name |= {short(group): list(_claims_in(files)) for group, files in groups.items()}
    for one in wanted:
        if short(one) not in by_name:
            remedy = f"see `csgd list claims` for all of them; groups are {', '.join(groups)}"
            known = [*claims, *groups]
            raise WrongUse(f"the claim {one!r}", "there is no claim or group of that name", remedy, nearest(one, known))
    return {known: claims[known] for one in wanted for known in by_name[short(one)]}


def needed(claims: Mapping[str, Claim], level: str) -> dict[str, Experiment]:
    """Return the experiments of all claims, named ``claim/experiment``."""
    return {
        f"{claim.id}/{name}": experiment
        for claim in claims.values()
        for name, experiment in claim.experiments(level).items()
    }


def judge_claims(
    claims: Mapping[str, Claim],
    results: Mapping[str, xarray.Dataset],
    level: str,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Return the record of every claim, given the results of `needed`; whatever the number of jobs, but for its time.

    Raises
    ------
    EnvironmentLack
        If a process is killed from outside.
    Exception
        Of a claim that fails, with a note that names it.
    """
    progress = progress or Progress(quiet=True)
    found = Results(results)
    records = {}
    calls = {name: (claim, found.under(claim.id), level) for name, claim in claims.items()}
    with progress.work("claims", total=len(claims)) as advance:
        for name, record in spread(_judged, calls, what="claim", jobs=jobs):
            records[name] = record
            advance(f"{record['id']} {record['verdict']}", 1)
    return [records[name] for name in claims]


def _judged(claim: Claim, data: Mapping[str, xarray.Dataset], level: str) -> dict[str, Any]:
    begin = time.perf_counter()
    return summary(claim, claim.check(data, level), time.perf_counter() - begin)


def check_claims(
    ids: Iterable[str] = (),
    *,
    level: str = "quick",
    store: Store | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Check claims and return their records.

    Parameters
    ----------
    ids : iterable of str
        Which claims, by their ids or groups; all by default.
    level : {'quick', 'full'}
        Size of the instances.
    store : Store, optional
        Where results of experiments are looked for and kept.
    jobs : int, optional
        Processes; by default one per core.
    progress : Progress, optional
        Is told of every experiment and claim as it is done.

    Returns
    -------
    list of dict
        With id, reference, kind, verdict, expected, measured, bound, ratio, error_probability, basis, runs, seconds,
        reason and all instances.
    """
    claims = find_claims(ids)
    jobs = jobs or default_threads()
    results = run_all(needed(claims, level), store, jobs=jobs, progress=progress)
    return judge_claims(claims, results, level, jobs=jobs, progress=progress)
