"""One trial: choose its values, train, tell the study. The study is a journal file that several pods may share.

A trial belongs to an index. A pod that was killed and comes again finds its trial by that index, takes the same values
and goes on from the trial's own checkpoint.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, PartialFixedSampler, RandomSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from training.errors import OK, BadInput, TrainingError
from training.search import space
from training.search.space import Axis
from training.train import parallel, session
from training.train.config import TrainConfig
from training.train.evaluate import Report
from training.train.overrides import combine

JOURNAL = "study.journal"
STARTUP_TRIALS = 4
"""Trials that are never stopped early: the first ones to compare with."""

Sampler = Literal["grid", "random", "tpe"]
Pruner = Literal["median", "halving", "none"]
Metric = Literal["loss", "accuracy"]


@dataclass(frozen=True)
class Search:
    """What is searched and where."""

    base: TrainConfig
    axes: tuple[Axis, ...]
    sampler: Sampler
    pruner: Pruner
    metric: Metric
    seed: int
    output: Path

    def study(self, index: int = 0) -> Study:
        """The shared study, with the sampler of a trial. Made by whoever comes first."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        # Part of Optuna since 2.4 (2020) and still marked so; its version is pinned.
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        self.output.mkdir(parents=True, exist_ok=True)
        journal = str(self.output / JOURNAL)
        return optuna.create_study(
            study_name="search",
            storage=JournalStorage(JournalFileBackend(journal, lock_obj=JournalFileOpenLock(journal))),
            direction="minimize" if self.metric == "loss" else "maximize",
            pruner=_pruner(self.pruner),
            sampler=self._sampler(index),
            load_if_exists=True,
        )

    def config(self, params: dict[str, Any]) -> TrainConfig:
        """The run of a trial. Raises BadInput."""
        found = combine(self.base, None, space.flags(params))
        return (
            found if found.evaluate_every or found.steps is None else replace(found, evaluate_every=_often(found.steps))
        )

    def _sampler(self, index: int) -> BaseSampler:
        if self.sampler == "tpe":
            return TPESampler(seed=self.seed + index, constant_liar=True)
        chosen = space.grid(self.axes)[index] if self.sampler == "grid" else space.draw(self.axes, self.seed, index)
        return PartialFixedSampler(chosen, RandomSampler(self.seed))


def run(search: Search, index: int) -> int:
    """Train the trial of an index unless it is done; answers the exit code. Raises BadInput."""
    study = search.study(index)
    earlier = [one for one in study.get_trials(deepcopy=False) if one.user_attrs.get("index") == index]
    if any(one.state in {TrialState.COMPLETE, TrialState.PRUNED} for one in earlier):
        return OK
    trial = _begin(search, study, index, earlier)
    watch = _watch(trial, search.metric)
    try:
        outcome = session.execute(search.config(trial.params), search.output / f"trial-{index}", "auto", watch)
    except optuna.TrialPruned:
        study.tell(trial, state=TrialState.PRUNED)
        parallel.leave()
        return OK
    except TrainingError as error:
        # A loss that is no number is an answer too: these values do not work.
        trial.set_user_attr("problem", "; ".join(error.problems))
        study.tell(trial, state=TrialState.FAIL)
        parallel.leave()
        if error.code != TrainingError.code:
            raise
        return OK
    if outcome.result is None:
        return outcome.code
    report = outcome.result["dev"]
    if report is None:
        study.tell(trial, state=TrialState.FAIL)
        raise BadInput(f"data {search.base.data.source}: has no dev split to compare trials by; prepare it with --dev")
    study.tell(trial, report[search.metric])
    return OK


def _begin(search: Search, study: Study, index: int, earlier: list[FrozenTrial]) -> Trial:
    """A trial of the study with the index's values: those it had when it was interrupted, or new ones."""
    for one in earlier:
        if one.state == TrialState.RUNNING:
            study.sampler = PartialFixedSampler(dict(one.params), RandomSampler(search.seed))
            study.tell(one.number, state=TrialState.FAIL)
    trial = study.ask({axis.key: _distribution(axis) for axis in search.axes})
    trial.set_user_attr("index", index)
    return trial


def _watch(trial: Trial, metric: Metric) -> Any:
    def watch(step: int, report: Report) -> None:
        value = getattr(report, metric)
        trial.report(value, step)
        if trial.should_prune():
            raise optuna.TrialPruned

    return watch


def _distribution(axis: Axis) -> BaseDistribution:
    if axis.low is None or axis.high is None:
        return CategoricalDistribution(axis.values)
    if axis.whole:
        return IntDistribution(int(axis.low), int(axis.high), log=axis.logarithmic)
    return FloatDistribution(axis.low, axis.high, log=axis.logarithmic)


def _pruner(name: Pruner) -> BasePruner:
    if name == "median":
        return MedianPruner(n_startup_trials=STARTUP_TRIALS)
    return SuccessiveHalvingPruner() if name == "halving" else NopPruner()


def _often(steps: int) -> int:
    """Steps between looks at a trial: five of them."""
    return max(1, steps // 5)
