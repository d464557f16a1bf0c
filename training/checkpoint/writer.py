"""DCP's file writer, made atomic.

DCP saves in two phases: every rank writes its shards (`write_data`); when all have, the coordinator ends the checkpoint
(`finish`), and an error of any rank in the first phase keeps the second from happening. So the commit hangs on that:
`write_data` also writes the rank's random-number state and the checksums of what it wrote, `finish` writes the manifest
and renames the folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch.distributed.checkpoint import FileSystemWriter
from torch.distributed.checkpoint.metadata import Metadata
from torch.distributed.checkpoint.planner import SavePlan, SavePlanner
from torch.distributed.checkpoint.storage import WriteResult
from torch.futures import Future

from training.checkpoint.manifest import describe

SUMS = ".sums"
Described = dict[str, dict[str, Any]]
"""name -> size and checksum, as `manifest.describe` gives them."""


class AtomicWriter(FileSystemWriter):
    """Writes into `folder` (the partial one), then calls `commit` on rank 0 with the description of all files."""

    def __init__(
        self, folder: Path, rank: int, ranks: int, extra: Mapping[str, bytes], commit: Callable[[Described], None]
    ) -> None:
        super().__init__(folder, single_file_per_rank=True, sync_files=True)
        self.folder, self.of_rank, self.ranks = folder, rank, ranks
        self.extra, self.commit = extra, commit

    def write_data(self, plan: SavePlan, planner: SavePlanner) -> Future[list[WriteResult]]:
        """This rank's shards and extra files, each flushed to the disk, then their checksums."""
        done = super().write_data(plan, planner)
        done.wait()
        for name, content in self.extra.items():
            _write(self.folder / name, content)
        own = sorted({result.storage_data.relative_path for result in done.value()} | set(self.extra))
        sums = {name: describe(self.folder / name) for name in own}
        _write(self.folder / f"{self.of_rank}{SUMS}", json.dumps(sums).encode())
        return done

    def finish(self, metadata: Metadata, results: list[list[WriteResult]]) -> None:
        """On rank 0, when every rank has written: metadata, manifest, name."""
        super().finish(metadata, results)
        files = {".metadata": describe(self.folder / ".metadata")}
        for rank in range(self.ranks):
            sums = self.folder / f"{rank}{SUMS}"
            files |= json.loads(sums.read_text(encoding="utf-8"))
            sums.unlink()
        self.commit(files)


def _write(file: Path, content: bytes) -> None:
    with file.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
