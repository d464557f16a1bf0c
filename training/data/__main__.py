"""`python -m training.data`."""

from __future__ import annotations

from training.data.cli import main

if __name__ == "__main__":
    main()
