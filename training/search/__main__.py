"""Entry point: `python -m training.search`."""

from __future__ import annotations

from training.search.cli import main

if __name__ == "__main__":
    main()
