"""The step loop."""

from __future__ import annotations

from training.train import optim, parallel
from training.train.run import Run


def train(run: Run) -> None:
    """Take steps until they are done or the run is asked to stop.

    One step: `accumulation` micro-batches forward and backward, ranks exchanging gradients in the last of them; then
    clip, step, forget. What every rank must agree on (is the loss a number, was one of us asked to stop) is exchanged
    at the end of a step that is looked at; a checkpoint is only made of a step whose loss was looked at.
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
        norm = run.precision.step(run.model, run.optimizer, config.optimizer.clip)
        run.step = step

        if run.is_looked_at(step):
            run.stopping = meter.agree(step, rate, norm, run.stop_request)
            if run.is_saved(step):
                meter.stalled(run.save())
            run.record(meter.end(), rate, norm)
            if run.is_evaluated(step):
                run.evaluate("dev")
                run.model.train()
        run.saver.settle(wait=False)
