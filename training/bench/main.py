"""Entry point in a flat folder: `python /bench/main.py`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

NAME = "bench"


def load_package() -> None:
    """Make this folder importable as a package, so that its modules hide nothing and find each other."""
    folder = Path(__file__).absolute().parent  # not resolved: a config map is a folder of links
    sys.path[:] = [path for path in sys.path if path != str(folder)]
    spec = importlib.util.spec_from_file_location(
        NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec and spec.loader
    package = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    load_package()
    raise SystemExit(importlib.import_module(f"{NAME}.cli").main())
