"""The trainer: `python -m training.train --preset bloom-560m-tiny --steps 30 --output DIR`, alone or under torchrun.

`loop` is the step loop. Around it: `config` (every setting), `overrides` (preset, file and flags put together), `run`
(what a run is made of, built once), `optim`, `precision`, `parallel`, `evaluate`, `export`, `faults` (what went wrong,
in the user's words), `signals`. Models, data, telemetry and checkpoints are packages beside this one.

Writes into its output folder: metrics.jsonl, checkpoints/, export/, config.yaml. Fetches nothing.
"""
