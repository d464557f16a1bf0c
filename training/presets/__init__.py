"""Named recipes: model, data, optimizer and schedule that belong together, each with a `-tiny` size for CPUs.

    load("bloom-560m")        the recipe's own values
    load("bloom-560m-tiny")   the same recipe on a model and a batch that two cores train in seconds

One module a recipe; `python -m training.train --set key=value` changes any of its values for a run.
"""

from __future__ import annotations

import difflib

from training.errors import BadInput
from training.presets import language, text, vision
from training.train.config import TrainConfig

PRESETS: dict[str, TrainConfig] = {one.preset: one for one in (*language.PRESETS, *vision.PRESETS, *text.PRESETS)}


def load(name: str) -> TrainConfig:
    """The preset. Raises BadInput naming the near ones."""
    if name in PRESETS:
        return PRESETS[name]
    near = difflib.get_close_matches(name, PRESETS, 3, 0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"give one of {', '.join(PRESETS)}"
    raise BadInput(f"--preset {name}: there is no such preset; {hint}")
