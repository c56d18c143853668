"""Bakes the commit into the package when it is built; everything else is in pyproject.toml.

A wheel built from a checkout learns its commit from Git, one built from a source distribution from the file that was
baked into that; where neither is there, nothing is written and the commit is unknown.
"""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

ROOT = Path(__file__).parent


def bake_commit(folder: Path) -> None:
    """Write ``toolkit/_build.py`` below `folder` if this is a Git checkout."""
    spec = importlib.util.spec_from_file_location("provenance", ROOT / "toolkit" / "provenance.py")
    provenance = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(provenance)
    commit = provenance.checkout_commit(ROOT)
    if commit is not None:
        target = folder / "toolkit" / "_build.py"
        target.unlink(missing_ok=True)
        target.write_text(f'"""Written when this was built."""\n\nCOMMIT = "{commit}"\n')


class BuildWithCommit(build_py):
    def run(self) -> None:
        if self.editable_mode:  # the checkout itself can be asked
            super().run()
            return
        # A file deleted since an earlier build would still be in the build folder, and be found as a member.
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
        bake_commit(Path(self.build_lib))


class SourcesWithCommit(sdist):
    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        bake_commit(Path(base_dir))


setup(cmdclass={"build_py": BuildWithCommit, "sdist": SourcesWithCommit})
