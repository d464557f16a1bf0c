"""`python -m training.serve --model DIR --port N`."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from training.errors import BadInput, err, guarded
from training.serve.settings import Settings

app = typer.Typer(
    help="Serve an exported model.", add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)
DEFAULTS: dict[str, Any] = {one.name: one.default for one in fields(Settings)}


@app.command()
def serve(  # noqa: PLR0913, PLR0917 - one option for each setting
    model: Annotated[Path, typer.Option(help="Folder of an exported model.")],
    port: Annotated[int, typer.Option(help="0: any free one.", min=0, max=65535)] = 8000,
    host: Annotated[str, typer.Option(help="0.0.0.0 in a container.")] = "127.0.0.1",
    name: Annotated[str | None, typer.Option(help="What clients call the model; else the folder's name.")] = None,
    tokenizer: Annotated[Path | None, typer.Option(help="tokenizer.json; else that of the folder, else bytes.")] = None,
    feedback: Annotated[Path | None, typer.Option(help="Keep /v1/feedback in this .jsonl or .sqlite file.")] = None,
    max_batch: Annotated[int, typer.Option(help="Sequences that run together.")] = DEFAULTS["max_batch"],
    max_wait_ms: Annotated[float, typer.Option(help="Wait for others so long.")] = DEFAULTS["max_wait_ms"],
    max_queue: Annotated[int, typer.Option(help="Sequences that may wait.")] = DEFAULTS["max_queue"],
    max_tokens: Annotated[int, typer.Option(help="Tokens of one answer.")] = DEFAULTS["max_tokens"],
    max_body_bytes: Annotated[int, typer.Option(help="Size of a request.")] = DEFAULTS["max_body_bytes"],
    max_inputs: Annotated[int, typer.Option(help="Prompts or inputs of a request.")] = DEFAULTS["max_inputs"],
    drain_s: Annotated[float, typer.Option(help="Time to finish after SIGTERM.")] = DEFAULTS["drain_s"],
) -> None:
    """Serve an exported model until SIGTERM: /v1/completions, /v1/classify, /v1/models, /healthz, /readyz, /metrics."""
    given = locals()
    settings = Settings(**{one.name: given[one.name] for one in fields(Settings)}).checked()
    from training.feedback import open_store

    store = open_store(feedback) if feedback else None
    if not model.is_dir():
        raise BadInput(f"--model {model}: is no folder; give the folder of an exported model")
    try:
        import asyncio

        from training.serve.app import Service
        from training.serve.engine import Engine
        from training.serve.server import run
    except ImportError as problem:
        raise BadInput(f"{problem.name} is not installed; pip install -r training/requirements.txt") from None
    engine = Engine(model, name=name, tokenizer=tokenizer)

    async def main() -> None:
        service = Service(engine, settings, store)
        await run(service, host, port, lambda address: err().print(f"serving {engine.name} at {address}", markup=False))

    asyncio.run(main())


main = guarded(app, "python -m training.serve")
