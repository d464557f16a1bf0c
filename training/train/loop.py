"""The step loop."""

from __future__ import annotations

from training.train import optim, parallel
from training.train.run import Run


def train(run: Run) -> None:
    """Take steps until they are done or the run is asked to stop.

    One step: `accumulation` micro-batches forward and backward, ranks exchanging gradients in the last of them; then
    clip, step, forget. What every rank must agree on (are loss and gradient numbers, was one of us asked to stop) is
    exchanged at the end of a step that is looked at, and about once a second. A checkpoint is only made of a step that
    was looked at and recorded: a run that is killed meanwhile resumes before the step, or behind it with its record.
    """
    config, meter = run.config, run.meter
    while run.step < run.total and not run.stopping:
        step = run.step + 1
        meter.begin()
        rate = optim.rate(step, run.total, config.optimizer, config.schedule)
        optim.set_rate(run.optimizer, rate)
        for turn in range(run.accumulation):
            with meter.waiting_for_data():
                batch = run.next_batch()
            with parallel.exchanging(run.model, now=turn == run.accumulation - 1):
                with run.precision.autocast():
                    loss = run.model(batch).loss / run.accumulation
                run.precision.backward(loss)
            meter.add(loss)
        parallel.agree_on_gradients(run.model, run.layout)
        norm = run.precision.step(run.model, run.optimizer, config.optimizer.clip)
        meter.stepped(norm)
        run.step = step

        looked_at = run.is_looked_at(step)
        if looked_at or meter.is_due(step):
            run.agree(rate)
        if looked_at or run.stopping:
            run.record(meter.end(), rate, norm)
            if run.is_saved(step):
                meter.stalled(run.save())
            if run.is_evaluated(step):
                run.evaluate("dev")
                run.model.train()
        run.saver.settle(wait=False)
