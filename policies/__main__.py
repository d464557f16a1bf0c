"""What Pulumi runs for `--policy-pack policies`: serves the rules to the engine.

The engine puts this folder first on the import path, so the rules are `rules` here and `policies.rules` elsewhere.
"""

if __name__ == "__main__":
    from rules.server import serve

    serve()
