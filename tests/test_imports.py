"""Who imports whom, read off the sources; what an import of the toolkit and `csgd --help` load."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("toolkit", "problems", "proofs_check", "figures")
# What each package may import of ours: itself, and these modules with what is below them.
ALLOWED = {
    "toolkit": ("toolkit",),
    "problems": (
        "problems", "toolkit.arrays", "toolkit.draws", "toolkit.kernels", "toolkit.constants", "toolkit.errors",
        "toolkit.members",  # members of a folder are found alike everywhere, so the packages' __init__ may ask for them
    ),
    "proofs_check": ("proofs_check", "toolkit", "problems"),
    "figures": PACKAGES,
}  # fmt: skip


def imports(path: Path) -> Iterator[str]:
    """Yield the modules of ours that a file imports, `package.name` for `from package import name`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found = [node.module if "." in node.module else f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            pytest.fail(f"{path}: relative imports hide who imports whom")
        else:
            continue
        yield from (name for name in found if name.partition(".")[0] in PACKAGES)


def below(name: str, allowed: tuple[str, ...]) -> bool:
    return any(name == one or name.startswith(one + ".") for one in allowed)


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_only_what_they_may(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        if (ROOT / "toolkit" / "cli") not in path.parents
        for name in imports(path)
        if not below(name, ALLOWED[package])
    ]
    assert not wrong


def test_only_main_imports_the_command_line() -> None:
    importers = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if (ROOT / "toolkit" / "cli") not in path.parents
        and any(below(name, ("toolkit.cli",)) for name in imports(path))
    }
    assert importers == {"toolkit/__main__.py"}


def test_the_command_line_loads_the_other_packages_inside_its_commands() -> None:
    for path in (ROOT / "toolkit" / "cli").glob("*.py"):
        at_import = [
            node for node in ast.parse(path.read_text()).body if isinstance(node, (ast.Import, ast.ImportFrom))
        ]
        names = [getattr(node, "module", None) or node.names[0].name for node in at_import]
        assert not [name for name in names if name.partition(".")[0] in ("problems", "proofs_check", "figures")], path


def test_a_forbidden_import_would_be_found(tmp_path: Path) -> None:
    source = tmp_path / "one.py"
    source.write_text("def f():\n    from problems import Quadratic\n    import figures.report\n")
    assert sorted(imports(source)) == ["figures.report", "problems.Quadratic"]
    assert not below("problems.Quadratic", ALLOWED["toolkit"])
    assert not below("toolkit.simulation", ALLOWED["problems"])


def loaded_by(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has after some code."""
    listing = "; import sys; print(' '.join({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code + listing], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_importing_the_toolkit_is_light() -> None:
    assert not loaded_by("import toolkit") & {"numpy", "numba", "xarray", "scipy", "click", "matplotlib"}


def test_making_an_experiment_loads_no_compiler_and_no_plots() -> None:
    code = "from toolkit.compressors import TopK; from toolkit.algorithms import EF21; EF21(); TopK(k=1)"
    assert not loaded_by(code) & {"numba", "xarray", "scipy", "matplotlib", "sklearn", "joblib"}


@pytest.mark.parametrize("arguments", [["--help"], ["reproduce", "--help"], ["run", "--help"]])
def test_help_is_light(arguments: list[str]) -> None:
    code = f"from toolkit.cli import csgd; csgd.main({arguments!r}, standalone_mode=False)"
    assert not loaded_by(code) & {"numpy", "numba", "xarray", "scipy", "matplotlib", "tqdm", "problems", "figures"}
