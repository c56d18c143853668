"""What a wheel will hold, read off pyproject.toml and the tree; building one is left to .ci/run."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from toolkit import provenance

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OPTIONAL = {"cupy"}  # looked for where they are used
PACKAGES = ("toolkit", "problems", "proofs_check", "figures")


def matches(name: str, patterns: list[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def test_exactly_the_four_packages_are_shipped() -> None:
    patterns = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    found = {path.parent.relative_to(ROOT).as_posix().replace("/", ".") for path in ROOT.rglob("__init__.py")}
    shipped = {name for name in found if matches(name, patterns)}
    assert {name.partition(".")[0] for name in shipped} == set(PACKAGES)
    assert not matches("toolkit_old", patterns)
    assert not matches("tests", patterns)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_source_folder_is_a_package_and_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()
    folders = {path.parent for path in (ROOT / package).rglob("*.py")}
    assert not [folder for folder in folders if not (folder / "__init__.py").exists()]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_that_is_not_python_is_package_data(package: str) -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    files = [path for path in (ROOT / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    others = [path.relative_to(ROOT / package).as_posix() for path in files if path.suffix != ".py"]
    unshipped = {name for name in others if not matches(name, [pattern.removeprefix("**/") for pattern in patterns])}
    assert unshipped <= {"readme.svg"}  # the picture of the README


def third_party_imports() -> set[str]:
    nodes = [
        node
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
    ]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in names} - {*sys.stdlib_module_names, *PACKAGES}


def test_what_is_imported_is_declared() -> None:
    declared = {re.split(r"[<>=\[]", text)[0] for text in PROJECT["project"]["dependencies"]}
    distribution = {"sklearn": "scikit-learn"}
    needed = {distribution.get(name, name).replace("_", "-") for name in third_party_imports()}
    assert needed - OPTIONAL <= declared


def test_the_command_is_the_main_function() -> None:
    from toolkit.__main__ import main

    assert PROJECT["project"]["scripts"] == {"csgd": "toolkit.__main__:main"}
    assert callable(main)


def test_the_commit_of_a_checkout_tells_changes(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        who = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        command = ["git", "-C", str(tmp_path), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    assert provenance.checkout_commit(tmp_path) is None
    git("init", "-q")
    assert provenance.checkout_commit(tmp_path) is None  # nothing committed yet
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-q", "-m", "one")
    assert provenance.checkout_commit(tmp_path) == git("rev-parse", "HEAD")
    (tmp_path / "file").write_text("two")
    assert provenance.checkout_commit(tmp_path) == git("rev-parse", "HEAD") + "-dirty"


def test_version_of_sources_that_are_not_installed_is_that_of_their_project(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def not_installed(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(provenance, "version", not_installed)
    assert provenance.toolkit_version.__wrapped__() == PROJECT["project"]["version"]
