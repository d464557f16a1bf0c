"""What people thought of a model's answers, kept, and made into the next fine-tune set.

`store` keeps rated answers (the server's `/v1/feedback` writes there), `export` makes files that
`python -m training.data prepare` reads. Imports neither torch nor NumPy.
"""

from __future__ import annotations

from training.feedback.rated import Rated
from training.feedback.store import Store, open_store

__all__ = ["Rated", "Store", "open_store"]
