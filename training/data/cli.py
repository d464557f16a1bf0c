"""`python -m training.data prepare|check|show|sample|example`."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from training.data.recipe import Recipe
from training.data.spec import KINDS
from training.errors import BadInput, err, guarded, out

app = typer.Typer(
    help="Data for training: from files to shards.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
DEFAULTS: dict[str, Any] = {one.name: one.default for one in fields(Recipe)}


def _option(text: str, name: str | None = None) -> Any:
    return typer.Option(*([name] if name else []), help=text)


@app.command()
def prepare(  # noqa: PLR0913, PLR0917 - one option for each setting of a recipe
    sources: Annotated[list[Path], typer.Argument(help="Files or folders.")],
    output: Annotated[Path, _option("Folder of the shards.")],
    kind: Annotated[str, _option(f"One of {', '.join(KINDS)}.")] = "tokens",
    tokenizer: Annotated[str, _option("byte, bpe:SIZE, words:SIZE, or a tokenizer.json.")] = DEFAULTS["tokenizer"],
    clean: Annotated[str, _option("plain, letters or none.")] = DEFAULTS["clean"],
    deduplicate: Annotated[str, _option("exact, near or none.")] = DEFAULTS["deduplicate"],
    near: Annotated[float, _option("Similarity that counts as near.")] = DEFAULTS["near"],
    documents: Annotated[str, _option("What is a document in a text file: file, line, paragraph.")] = "file",
    text_field: Annotated[str, _option("Of JSONL, CSV, Parquet.")] = "text",
    label_field: Annotated[str | None, _option("The same; @folder: the name of the file's folder.")] = None,
    min_characters: Annotated[int, _option("Shorter documents are dropped.")] = DEFAULTS["min_characters"],
    max_characters: Annotated[int, _option("Longer documents are dropped.")] = DEFAULTS["max_characters"],
    max_tokens: Annotated[int, _option("Longer texts are cut (kind texts).")] = DEFAULTS["max_tokens"],
    dev: Annotated[float, _option("Share for the split dev.")] = 0.0,
    test: Annotated[float, _option("Share for the split test.")] = 0.0,
    train_samples: Annotated[int | None, _option("Keep so many for training, the rest is dev.")] = None,
    image_resize: Annotated[int, _option("Shorter side after resizing.")] = DEFAULTS["image_resize"],
    image_size: Annotated[int, _option("Side of the centre crop.")] = DEFAULTS["image_size"],
    shard_mib: Annotated[int, _option("Size of a shard.")] = DEFAULTS["shard_bytes"] >> 20,
    skip_bad: Annotated[bool, _option("Leave out what cannot be read, and count it.", "--skip-bad")] = False,
    index: Annotated[int | None, _option("This process's index; JOB_COMPLETION_INDEX when not given.")] = None,
    of: Annotated[int, _option("How many indexes work on the output.")] = 1,
    workers: Annotated[int | None, _option("Processes; one a core when not given.")] = None,
    replace: Annotated[bool, _option("Lose the data that the folder holds.", "--replace")] = False,
    ray: Annotated[bool, _option("Make the parts on a Ray cluster.", "--ray")] = False,
) -> None:
    """Read, clean, deduplicate, tokenize and pack files. A killed one goes on where it was."""
    given = locals()
    settings = {one.name: given[one.name] for one in fields(Recipe) if one.name in given}
    recipe = Recipe(**settings, shard_bytes=shard_mib << 20).checked()
    share = _share(index, of, ray=ray)
    if ray:
        from training.data import on_ray

        outcome = on_ray.prepare(sources, output, recipe, replace=replace, tell=_tell)
    else:
        outcome = _prepared(sources, output, recipe, share, workers, replace=replace)
    if outcome.manifest is None:
        out().print(f"index {share[0]} of {of} is done; {outcome.missing} parts of other indexes are still missing")
        return
    _show(output)


def _share(index: int | None, of: int, *, ray: bool) -> tuple[int, int]:
    """Index and number of indexes. Raises BadInput."""
    if ray and (index is not None or of != 1):
        raise BadInput("--index and --of are for Jobs without Ray; leave them out with --ray")
    told = os.environ.get("JOB_COMPLETION_INDEX", "0")
    if index is None and of > 1 and not told.isdigit():
        raise BadInput(f"JOB_COMPLETION_INDEX: {told!r} is not an index (0, 1, ...); or give --index")
    return (index if index is not None else int(told) if of > 1 else 0), of


def _prepared(
    sources: list[Path], output: Path, recipe: Recipe, share: tuple[int, int], workers: int | None, *, replace: bool
) -> Any:
    from training.data import prepare as preparing

    return preparing.prepare(
        sources,
        output,
        recipe,
        index=share[0],
        of=share[1],
        workers=workers or preparing.default_workers(),
        replace=replace,
        tell=_tell,
    )


@app.command()
def check(folder: Annotated[Path, typer.Argument(help="Folder of prepared shards.")]) -> None:
    """Read every shard and compare it with its checksum."""
    from training.data import manifest, shards

    found = manifest.read(folder)
    problems, good = [], 0
    for entries in found.splits.values():
        for entry in entries:
            try:
                shards.verify(folder / entry.file, entry, "checksum")
                good += 1
            except BadInput as problem:
                problems += problem.problems
    if problems:
        raise BadInput(problems)
    out().print(f"{folder}: {good} shards are whole ({found.identity[:12]})")


@app.command()
def show(
    folder: Annotated[Path, typer.Argument(help="Folder of prepared shards.")],
    format: Annotated[str, _option("table or json.")] = "table",  # noqa: A002 - as every command names it
) -> None:
    """What a folder of shards holds."""
    from training.data import manifest

    if format not in {"table", "json"}:
        raise BadInput(f"--format: {format!r} is not table or json")
    if format == "json":
        sys.stdout.write(json.dumps(manifest.read(folder).as_dict(), indent=1) + "\n")
    else:
        _show(folder)


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="Folder of prepared shards.")],
    count: Annotated[int, _option("How many.")] = 3,
    split: Annotated[str, _option("train, dev or test.")] = "train",
    tokens: Annotated[int, _option("Tokens of each.")] = 128,
) -> None:
    """Print some samples as a model will see them, decoded."""
    from training.data import manifest
    from training.data.prepared import Prepared
    from training.data.spec import DataSpec
    from training.data.tokenizer import BYTE, load

    found = manifest.read(folder)
    size = found.tokenizer["vocabulary"] if found.tokenizer else 1
    spec = DataSpec(
        found.kind,  # type: ignore[arg-type]
        str(folder),
        split=split,  # type: ignore[arg-type]
        sequence_length=tokens,
        vocabulary=size,
        classes=max(len(found.classes), 1),
        image_size=found.recipe["image_size"],
    )
    import numpy as np

    source = Prepared(spec)
    counts = source.counts or []
    total = sum(counts)
    numbers = np.linspace(0, total - 1, min(count, total)).astype(np.int64)
    ends = np.cumsum(counts)
    for number in numbers:
        shard = int(np.searchsorted(ends, number, side="right"))
        inside = number - (ends[shard - 1] if shard else 0)
        batch = source.batch(np.array([shard]), np.array([inside]))
        label = "" if found.kind == "tokens" else f" [{found.classes[int(batch['labels'][0])]}]"
        if found.tokenizer:
            used = load(BYTE if found.tokenizer["name"] == BYTE else folder)
            text = used.decode(batch["input_ids"][0].tolist())
        else:
            text = f"{' x '.join(map(str, batch['images'].shape[1:]))}, mean {batch['images'].mean():.3f}"
        out().print(f"{number}{label}: {text}", markup=False)


@app.command()
def example(
    folder: Annotated[Path, typer.Argument(help="Where to write it.")],
    kind: Annotated[str, _option(f"One of {', '.join(KINDS)}.")] = "tokens",
    samples: Annotated[int, _option("Documents, texts or images.")] = 400,
    seed: Annotated[int, _option("Another seed gives other data.")] = 0,
) -> None:
    """Write small example sources; nothing is fetched."""
    from training.data import example as examples

    if kind not in KINDS:
        raise BadInput(f"--kind: {kind!r} is not one of {', '.join(KINDS)}")
    if samples < 1:
        raise BadInput(f"--samples: {samples} is not a number above 0")
    written = examples.write(kind, folder, samples, seed)
    out().print(f"{folder}: {len(written)} files")


def _show(folder: Path) -> None:
    from training.data import manifest

    found = manifest.read(folder)
    table = Table(title=f"{folder}: {found.kind}", title_justify="left")
    for name in ("split", "documents", "tokens" if found.kind == "tokens" else "records", "shards", "MiB"):
        table.add_column(name, justify="left" if name == "split" else "right")
    for name, entries in found.splits.items():
        size = sum(one.bytes for one in entries) / 2**20
        documents, records = found.counts["documents"][name], found.counts["records"][name]
        table.add_row(name, f"{documents:,}", f"{records:,}", str(len(entries)), f"{size:.1f}")
    out().print(table)
    dropped = ", ".join(f"{number:,} {why}" for why, number in found.counts["dropped"].items()) or "nothing"
    out().print(f"read {found.counts['read']:,}, dropped {dropped}", markup=False)
    if found.tokenizer:
        out().print(f"tokenizer {found.tokenizer['name']}, {found.tokenizer['vocabulary']:,} ids", markup=False)
    if found.classes:
        out().print(f"classes {', '.join(found.classes[:20])}", markup=False)


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        err().print(text, end="\r", markup=False)


main = guarded(app, "python -m training.data")
