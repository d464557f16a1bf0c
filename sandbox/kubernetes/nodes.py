"""`python -m sandbox.kubernetes.nodes`: makes simulated nodes for the node groups of the emulated EKS. (Stub.)"""

from __future__ import annotations

import json
import os
import threading

from sandbox.settings import Settings

if __name__ == "__main__":
    settings = Settings.load()
    (settings.state / "run").mkdir(exist_ok=True)
    (settings.state / "run" / "nodes.json").write_text(json.dumps({"pid": os.getpid()}))
    threading.Event().wait()
