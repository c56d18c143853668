"""The public names of worst cases say where they come from, and show what they do."""

from __future__ import annotations

import inspect

import pytest

from proofs_check import worst_case


@pytest.mark.parametrize("name", sorted(worst_case.__all__))
def test_a_public_name_has_a_source_and_an_example(name):
    told = inspect.getdoc(getattr(worst_case, name)) or ""
    assert ">>>" in told
    assert "Source" in told
