"""`python -m training.serve`."""

from __future__ import annotations

from training.serve.cli import main

if __name__ == "__main__":
    main()
