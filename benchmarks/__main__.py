"""``python -m benchmarks NAME…``: run benchmarks, print and write ``benchmark-NAME.json``."""

from __future__ import annotations

import argparse
import importlib
import json
import platform
from importlib.metadata import version
from pathlib import Path


def main() -> None:
    names = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed as ratios taken in one run.")
    parser.add_argument("names", nargs="+", choices=names, metavar="NAME", help=f"one or more of: {', '.join(names)}")
    parser.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR", help="where the JSON files go (default: here)"
    )
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    for name in chosen.names:
        measured = importlib.import_module(f"benchmarks.{name}").run()
        measured["machine"] = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
        measured["versions"] = {package: version(package) for package in ("numpy", "numba")}
        text = json.dumps(measured, indent=2, ensure_ascii=False)
        print(text)
        (chosen.out / f"benchmark-{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
