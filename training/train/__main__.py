"""Entry point: `python -m training.train`."""

from __future__ import annotations

from training.train.cli import main

if __name__ == "__main__":
    main()
