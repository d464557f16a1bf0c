"""`python -m training.feedback`."""

from __future__ import annotations

from training.feedback.cli import main

if __name__ == "__main__":
    main()
