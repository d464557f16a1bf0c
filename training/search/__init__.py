"""Hyper-parameter search: `python -m training.search --preset P --space optimizer.lr=1e-4..1e-2:log --trials 8 ...`.

`space` says what is tried, `trials` trains one trial and tells the study, `cli` is the command. `report` shows what was
found. A trial is one run of the trainer in one process; trials run one after another, or as a Job array: each pod takes
the trial of its JOB_COMPLETION_INDEX and all share one journal file. Needs Optuna.
"""
