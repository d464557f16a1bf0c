"""What must never be true. `rules/` is the pack, `check` runs it without an engine."""
