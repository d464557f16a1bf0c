"""`python -m sandbox.gcp`: what the launcher `gke-gcloud-auth-plugin` of the local cloud runs: print a credential."""

from __future__ import annotations

import json
import sys

from sandbox.gcp import tokens
from sandbox.settings import Settings

if __name__ == "__main__":
    try:
        sys.stdout.write(json.dumps(tokens.issue(Settings.load())) + "\n")
    except OSError:
        sys.exit("the local cloud does not run; `python -m sandbox up` starts it")
