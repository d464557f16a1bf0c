"""The trainer's command, whose rank 1 kills itself after step 6 in its first life. For test_stopping."""

from __future__ import annotations

import os

from tests.training_torch import runs
from training.train import cli

if os.environ["RANK"] == "1" and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
    runs.at_step(6, runs.kill_after_checkpoint)
cli.main()
