"""A provider back end over a dict, for the protocol's tests; also a plugin process of its own."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import grpc

from sandbox.providers.difference import Difference, changes
from sandbox.providers.process import serve
from sandbox.providers.protocol import Fail, HalfMade, Live, Naming, Problem, Props, Servicer, Target


class Memory:
    """Types: `m:i:Thing` works; others misbehave as their names say."""

    version = "1.2.3"

    def __init__(self, accept_secrets: bool = False) -> None:
        self.accept_secrets = accept_secrets
        self.things: dict[str, Props] = {}
        self.last: Props = {}
        self.started, self.release = threading.Event(), threading.Event()

    def check_config(self, news: Props) -> list[Problem]:
        return [Problem("region", "is not a region")] if news.get("region") == "mars" else []

    def diff_config(self, olds: Props, news: Props) -> Difference:
        found = changes(olds, news)
        return Difference(found, frozenset(path for path in found if path == "region"))

    def configure(self, args: Props) -> None:
        if args.get("fail"):
            raise Fail("the account is not allowed", grpc.StatusCode.PERMISSION_DENIED)

    def check(
        self, target: Target, olds: Props, news: Props, seed: bytes, naming: Naming | None
    ) -> tuple[Props, list[Problem]]:
        self.last = {"naming": naming, "target": target}
        if target.type.endswith("Unknown"):
            raise Fail(f"{target.type} is not available", grpc.StatusCode.UNIMPLEMENTED)
        problems = [] if "size" in news else [Problem("size", "missing")]
        meta = {"name": f"{target.name}-{seed.hex()[:7]}"} | (news.get("meta") or {})
        return news | {"meta": meta}, problems

    def diff(self, target: Target, resource_id: str, old_inputs: Props, news: Props, state: Props) -> Difference:
        found = changes(old_inputs, news)
        return Difference(found, frozenset(path for path in found if path.startswith("meta")), True)

    def create(self, target: Target, inputs: Props, preview: bool) -> tuple[str, Props]:
        self.last = inputs
        if preview:
            return "", inputs
        match target.type:
            case "m:i:Half":
                reason = "the second call failed" + (f": {inputs['password']}" if "quote" in inputs else "")
                raise HalfMade("h-1", inputs | {"arn": "a"}, inputs, [reason])
            case "m:i:Broken":
                raise KeyError("missing-key\nsecond line")
            case "m:i:Slow":
                self.started.set()
                print("slow", flush=True)
                self.release.wait(float(inputs.get("seconds", 5)))
                if inputs.get("mark"):
                    Path(inputs["mark"]).write_text(str(time.time()), encoding="utf-8")
        self.things["t-1"] = inputs
        return "t-1", inputs | {"arn": "arn:t-1"}

    def read(self, target: Target, resource_id: str, state: Props, inputs: Props) -> Live | None:
        found = self.things.get(resource_id)
        return Live(resource_id, found | {"arn": f"arn:{resource_id}"}, found) if found is not None else None

    def update(
        self, target: Target, resource_id: str, state: Props, news: Props, old_inputs: Props, preview: bool
    ) -> Props:
        self.last = {"news": news, "olds": old_inputs, "state": state}
        self.things[resource_id] = news
        return news | {"arn": f"arn:{resource_id}"}

    def delete(self, target: Target, resource_id: str, state: Props) -> None:
        self.things.pop(resource_id, None)

    def invoke(self, token: str, args: Props, preview: bool) -> Props:
        if token != "m:i:echo":
            raise Fail(f"function {token} is not available", grpc.StatusCode.UNIMPLEMENTED)
        return args


if __name__ == "__main__":
    serve(Servicer(Memory()))
