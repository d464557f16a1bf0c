"""What a preparation has to do: which files, in which tasks, with which tokenizer. The same on every index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data import documents, images, manifest, parts
from training.data import tokenizer as tokenizers
from training.data.clean import clean
from training.data.manifest import Manifest
from training.data.parts import Task
from training.data.recipe import Recipe, digest
from training.errors import BadInput, TrainingError

WORK = ".prepare"
IMAGES_A_TASK = 512
SAMPLE_CHARACTERS = 200_000_000
"""A tokenizer is trained on the first texts up to this many characters."""


@dataclass(frozen=True)
class Preparation:
    """Everything that is to be done, the same for all indexes."""

    recipe: Recipe
    output: Path
    tasks: tuple[Task, ...]
    tokenizer: str
    """ "byte" or the path of a file."""
    key: str
    """Digest of recipe, tokenizer and source files."""

    @property
    def work(self) -> Path:
        return self.output / WORK


def plan(
    sources: Sequence[Path],
    output: Path,
    recipe: Recipe,
    *,
    index: int = 0,
    of: int = 1,
    replace: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Preparation | Manifest:
    """What is to be done; the manifest when it is done already. Trains the tokenizer if that is asked for."""
    recipe.checked()
    if not 0 <= index < of:
        raise BadInput(f"--index {index} --of {of}: the index must be 0 to {of - 1}")
    files = _files(sources, recipe)
    state = digest([[name, path.stat().st_size, path.stat().st_mtime_ns] for path, name, _ in files])
    told = tokenizers.load(recipe.tokenizer).sha256 if _is_given(recipe) else recipe.tokenizer
    key = digest([recipe.as_dict(), told, state])
    _check_output(output, key, replace=replace)
    if (output / manifest.FILE_NAME).is_file():
        return manifest.read(output)
    try:
        (output / WORK).mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise BadInput(f"output {output}: cannot be made ({problem.strerror})") from None
    used = _tokenizer(files, recipe, output / WORK, tell)
    return Preparation(recipe, output, tuple(_tasks(files, recipe, told)), used, key)


def _files(sources: Sequence[Path], recipe: Recipe) -> list[tuple[Path, str, Path]]:
    """Every source file: path, name relative to its root, root; in the order of names. Raises BadInput."""
    wanted = documents.SUFFIXES if recipe.kind in {"tokens", "texts"} else images.SUFFIXES
    found: dict[Path, tuple[Path, str, Path]] = {}
    problems = []
    for source in sources:
        if source.is_file():
            found[source] = (source, source.name, source.parent)
        elif source.is_dir():
            inside = [path for path in sorted(source.rglob("*")) if path.is_file() and _wanted(path, recipe, wanted)]
            found |= {path: (path, path.relative_to(source).as_posix(), source) for path in inside}
            if not inside:
                problems.append(f"source {source}: holds no file for {recipe.kind} ({_expected(recipe, wanted)})")
        else:
            problems.append(f"source {source}: is not there; give a file or a folder")
    if not sources:
        problems.append("source: none given; give files or folders")
    if problems:
        raise BadInput(problems)
    return sorted(found.values(), key=lambda one: (str(one[2]), one[1]))


def _wanted(path: Path, recipe: Recipe, suffixes: Sequence[str]) -> bool:
    if recipe.kind == "digits":
        return bool(images.IDX_IMAGES.match(path.name))
    return documents.suffix(path) in suffixes


def _expected(recipe: Recipe, suffixes: Sequence[str]) -> str:
    return "train-images-idx3-ubyte and its labels" if recipe.kind == "digits" else ", ".join(suffixes)


def _tasks(files: Sequence[tuple[Path, str, Path]], recipe: Recipe, tokenizer: str) -> Iterator[Task]:
    if recipe.kind != "images":
        for path, name, root in files:
            yield Task((name,), str(root), parts.state_of(path, recipe, tokenizer))
        return
    for root in dict.fromkeys(root for _, _, root in files):
        own = [(path, name) for path, name, one in files if one == root]
        for start in range(0, len(own), IMAGES_A_TASK):
            some = own[start : start + IMAGES_A_TASK]
            state = digest([parts.state_of(path, recipe, tokenizer) for path, _ in some])
            yield Task(tuple(name for _, name in some), str(root), state)


def _is_given(recipe: Recipe) -> bool:
    """Whether the tokenizer exists before the preparation."""
    return recipe.kind in {"tokens", "texts"} and tokenizers.trained_size(recipe.tokenizer) is None


def _tokenizer(files: Sequence[tuple[Path, str, Path]], recipe: Recipe, work: Path, tell: Callable[[str], None]) -> str:
    """ "byte" or the path of the tokenizer's file; trains it when the recipe says so."""
    if recipe.kind not in {"tokens", "texts"} or _is_given(recipe):
        wanted = Path(recipe.tokenizer)
        return str(wanted / tokenizers.FILE_NAME if wanted.is_dir() else wanted)
    path = work / tokenizers.FILE_NAME
    if not path.is_file():
        tell(f"training the tokenizer {recipe.tokenizer}")
        tokenizers.train(recipe.tokenizer, _sample(files, recipe), path)
    return str(path)


def _sample(files: Sequence[tuple[Path, str, Path]], recipe: Recipe) -> Iterator[str]:
    left = SAMPLE_CHARACTERS
    for path, _, _ in files:
        for found in documents.read(path, recipe):
            if isinstance(found, documents.Document):
                text = clean(found.text, recipe.clean)[:left]
                left -= len(text)
                yield text
            if left <= 0:
                return


def _check_output(output: Path, key: str, *, replace: bool) -> None:
    """Refuse a folder that holds other data; forget it when `replace` says so."""
    path = output / manifest.FILE_NAME
    if not path.exists():
        return
    try:
        same = manifest.read(output).preparation == key
    except TrainingError:
        same = False
    if same:
        return
    if not replace:
        raise BadInput(
            f"output {output}: holds data of other files or settings; give another folder, or --replace to lose it"
        )
    path.unlink()  # first: without a manifest the folder counts for nothing
