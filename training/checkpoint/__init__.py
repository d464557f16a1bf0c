"""Checkpoints that are whole or not there.

    checkpoints/step-20.partial    being written; never read
    checkpoints/step-20            whole: every rank's shards, and manifest.json with the size and checksum of each file

`writer` makes torch's distributed checkpoint (DCP) commit by renaming the folder, `manifest` says what is in it and
whether that is true, `folder` keeps the checkpoints of a run, `saver` saves and restores, `fit` compares a checkpoint
with the model, `finite` looks for what is no number, `trouble` explains a failed save, `randomness` holds the state of
every random-number generator, `interval` is Young's formula.

Trusts its own files as far as their checksums: DCP's metadata is a pickle, so restore only what you wrote.
"""
