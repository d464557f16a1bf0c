"""How the ranks of a run find each other, also when torchrun starts them again.

torchrun (seen in 2.15) keeps one store for all lives of a run, so the ranks of a new life may read addresses that dead
ones wrote, and fail or hang. Its count of restarts cannot tell the lives apart either: it differs between nodes. So
rank 0 names the life, and every other rank asks for that name with a word that nobody has used before.
"""

from __future__ import annotations

import datetime as dt
import os
import time
import uuid

import torch.distributed as dist

from training.errors import TrainingError

PAUSE_S = 0.01


def join(backend: str, limit_s: float) -> None:
    """Start the process group of this run: of the ranks that torchrun names, or of one. Raises TrainingError."""
    limit = dt.timedelta(seconds=limit_s)
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        dist.init_process_group(backend, timeout=limit, store=dist.HashStore(), rank=0, world_size=1)
        return
    try:
        store, rank, world = next(dist.rendezvous("env://", timeout=limit))
        own = dist.PrefixStore(life(store, rank, world, limit_s), store)
        dist.init_process_group(backend, timeout=limit, store=own, rank=rank, world_size=world)
    except (RuntimeError, OSError, ValueError) as error:
        said = " ".join(str(error).split())[:160]
        where = f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}"
        raise TrainingError(
            f"rank {os.environ['RANK']} of {os.environ['WORLD_SIZE']}: the ranks did not meet at {where} within "
            f"parallel.timeout_s={limit_s:g}: {said}"
        ) from error


def life(store: dist.Store, rank: int, world: int, limit_s: float) -> str:
    """The name of this life of the run, the same on all its ranks and on none of an earlier life.

    Raises RuntimeError when a rank is not there in time.
    """
    word = uuid.uuid4().hex
    if rank != 0:
        store.set(f"ask/{rank}", word)
        name = store.get(f"answer/{word}").decode()
        store.set(f"there/{name}/{rank}", "")
        return name
    # What stands under ask/ may be of a dead rank: answering it harms nobody. Each living one puts its own word there.
    missing, end = set(range(1, world)), time.monotonic() + limit_s
    while missing:
        for other in sorted(missing):
            if store.check([f"there/{word}/{other}"]):
                missing.remove(other)
            elif store.check([f"ask/{other}"]):
                store.set(f"answer/{store.get(f'ask/{other}').decode()}", word)
        if missing and time.monotonic() > end:
            raise RuntimeError(f"ranks {', '.join(map(str, sorted(missing)))} are not there")
        time.sleep(PAUSE_S)
    return word
