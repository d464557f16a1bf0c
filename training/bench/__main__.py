"""Entry point in the repository: `python -m training.bench`."""

from __future__ import annotations

from training.bench.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
