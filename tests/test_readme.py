"""Everything the README shows is executed.

Of the two commands of its first screen, continuous integration runs the one for the tests to the letter, and the one
for the report with `--quick`, from a wheel.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
SHELL = [[line for line in block.splitlines() if line] for block in re.findall(r"```sh\n(.*?)```", README, re.S)]


def test_the_python_blocks_run_in_order() -> None:
    shared: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", README, re.S)
    assert len(blocks) >= 4
    for block in blocks:
        exec(compile(block, "README.md", "exec"), shared)
    claim = shared["DescentLemma"]()  # type: ignore[operator]
    from toolkit.sweep import run_all

    (instance,) = claim.check(run_all(claim.experiments("quick"), jobs=1), "quick")
    assert instance.verdict == "holds"


def test_the_block_of_worst_cases_runs_alone_and_its_numbers_are_those_it_tells() -> None:
    section = README.split("## Worst cases, proved")[1].split("\n## ")[0]
    (block,) = re.findall(r"```python\n(.*?)```", section, re.S)
    found: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), found)
    bound, start, end = float(found["certificate"].bound), *found["again"]["f_gap"].values[0, [0, -1]]
    assert round(bound, 5) == 0.68974
    assert (round(start, 5), round(end, 5)) == (1, 0.68973)
    assert end <= bound
    assert round(float(found["proof"].rate), 3) == 0.868


@pytest.mark.parametrize("commands", SHELL, ids=lambda commands: commands[0][:30])
def test_the_commands_run_one_after_the_other(commands: list[str], tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for command in commands:
        name, *arguments = shlex.split(command)
        assert name == "csgd"
        csgd = [sys.executable, "-m", "toolkit", *arguments]
        done = subprocess.run(csgd, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_the_first_screen_has_a_figure_and_two_commands_and_ci_runs_both() -> None:
    (figure,) = re.findall(r"!\[.*\]\((.*?)\)", README)
    assert (ROOT / figure).exists()
    commands = [line.strip() for line in README.splitlines() if line.startswith("    python -m pip")]
    assert len(commands) == 2
    steps = (ROOT / ".ci" / "run").read_text()
    assert commands[1] in steps
    install, report = commands[0].split(" && ")
    assert install == "python -m pip install ."
    assert f"{report} --quick\n" in steps
