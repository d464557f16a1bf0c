"""Create, read, update and delete by the table, with steps, waits, tags and adoption."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import grpc

from sandbox.providers import wire
from sandbox.providers.aws import tags as tagging
from sandbox.providers.aws.cloud import AwsError, Cloud, Passing, after, attempts, delay
from sandbox.providers.aws.compare import MAPS, empty, equivalent, overlaid
from sandbox.providers.aws.inputs import GENERATED, UNFINISHED, without_hidden
from sandbox.providers.aws.record import Api, Record, Resource, at
from sandbox.providers.aws.waiting import Missing, gone, settled
from sandbox.providers.protocol import Fail, HalfMade, Live, Props, Target


class Worker:
    """Works on resources of one provider. `cancelled` ends waits; `notify(target, line)` shows progress."""

    def __init__(
        self,
        cloud: Cloud,
        cancelled: threading.Event | None = None,
        notify: Callable[[Target, str], None] = lambda target, line: None,  # noqa: ARG005
    ) -> None:
        self.cloud, self.cancelled, self.notify = cloud, cancelled or threading.Event(), notify

    def view(self, properties: Mapping[str, Any], **more: Any) -> Resource:
        """A `Resource` in its region (its own, else the provider's)."""
        region = properties.get("region")
        region = region if isinstance(region, str) and not wire.unknown(region) else self.cloud.configuration.region
        return Resource(without_hidden(dict(properties)), region=region, account=lambda: self.cloud.account, **more)

    def api(self, record: Record, region: str, target: Target | None = None, *, creating: bool = False) -> Api:
        """Calls for one resource. `creating`: only throttled calls are made again."""
        notify = (lambda line: self.notify(target, line)) if target else None

        def call(service: str, operation: str, arguments: Mapping[str, Any]) -> Any:
            return self.cloud.call(service, region, operation, arguments, notify, creating=creating)

        return Api(call, record.service)

    def tags_all(self, record: Record, inputs: Mapping[str, Any]) -> Props:
        """The tags of a resource: the provider's defaults under its own."""
        own = inputs.get("tags") or {}
        if not record.tagging:
            return {}
        return {**self.cloud.configuration.default_tags, **own} if isinstance(own, Mapping) else {"": wire.UNKNOWN}

    # Outputs.

    def described(self, record: Record, api: Api, resource: Resource) -> Any:
        """The object as the API describes it. Raises `Missing`."""
        try:
            live = record.read(api, resource)
        except AwsError as error:
            if error.aws_code in record.gone:
                raise Missing from None
            raise
        if live is None:
            raise Missing
        return live

    def state(self, record: Record, api: Api, resource: Resource, live: Any, inputs: Props) -> Props:
        """Outputs: the inputs, over them what the cloud says, tags without the hidden one."""
        state: Props = {key: value for key, value in without_hidden(inputs).items() if not empty(value)}
        for name, where in record.outputs.items():
            value = at(live, where) if isinstance(where, str) else where(live, resource)
            if value is not None:
                state[name] = state[name] if _same_meaning(state, name, value) else value
            elif name in inputs:
                state.pop(name, None)
        if record.tagging:
            everything = tagging.visible(record.tagging.read(api, resource, live))
            own = self._own_tags(everything, inputs)
            state["tagsAll"] = everything
            state.pop("tags", None)
            if own:
                state["tags"] = own
        if record.regional:
            state["region"] = resource.region
        return {**state, "id": resource.id}

    def _own_tags(self, everything: tagging.Tags, inputs: Props) -> tagging.Tags:
        defaults, wanted = self.cloud.configuration.default_tags, inputs.get("tags") or {}
        return {key: value for key, value in everything.items() if key in wanted or defaults.get(key) != value}

    # The protocol's verbs.

    def preview(self, record: Record, inputs: Props) -> Props:
        """Outputs that are known before anything is created; those that are not are left out."""
        resource = self.view(inputs)
        state: Props = {key: value for key, value in without_hidden(inputs).items() if not empty(value)}
        if record.known:
            state |= {key: value for key, value in record.known(resource).items() if not wire.unknown(value)}
        for path in record.computed:
            first, _, rest = path.partition(".")
            if rest and isinstance(state.get(first), dict) and state[first].get(rest) is None:
                # Left out, the rest of a given object would read as "none", not as "not known yet".
                state[first] = {**state[first], rest: wire.UNKNOWN}
        if record.tagging:
            state["tagsAll"] = self.tags_all(record, inputs)
        if record.regional:
            state["region"] = resource.region
        return state

    def create(self, record: Record, target: Target, inputs: Props) -> tuple[str, Props]:
        """Make it. Raises `Fail` when nothing was made, `HalfMade` when a later step failed."""
        resource = self.view(inputs, urn=target.urn)
        api = self.api(record, resource.region, target)
        creation = secrets.token_hex(8)
        tags = self._tags_to_write(record, target, inputs) | {tagging.CREATION: creation}
        if record.tagging and record.tagging.at_create:
            resource.tags_argument = record.tagging.at_create(tags)
        resource.id = self._created(record, api, resource, target, creation)
        try:
            if record.tagging and not record.tagging.at_create:
                record.tagging.write(api, resource, tags, tags, [])
            for step in record.steps:
                if step.at_create and any(resource[name] is not None for name in step.inputs):
                    step.run(api, resource)
            live = self._settled(record, api, resource, target)
            return resource.id, self.state(record, api, resource, live, inputs)
        except Missing:
            reason = f"{target.type} {resource.id} was created but cannot be found"
            raise self._half_made(record, resource, inputs, reason) from None
        except Fail as error:
            raise self._half_made(record, resource, inputs, str(error)) from error

    def _tags_to_write(self, record: Record, target: Target, inputs: Props) -> tagging.Tags:
        tags = {key: str(value) for key, value in self.tags_all(record, inputs).items()}
        return {**tags, tagging.OWNER: tagging.owner(target.urn)} if record.tagging else {}

    def _half_made(self, record: Record, resource: Resource, inputs: Props, reason: str) -> HalfMade:
        state = self.preview(record, inputs) | {"id": resource.id, UNFINISHED: True}
        return HalfMade(resource.id, state, inputs, [reason])

    def _created(self, record: Record, api: Api, resource: Resource, target: Target, creation: str) -> str:
        """Make the creating call. An answer that leaves open whether the object was made (a server error, a broken
        connection) is settled by looking for it (`api`, which is patient), then tried again.
        """
        once = self.api(record, resource.region, target, creating=True)
        for attempt in count(1):
            try:
                return record.create(once, resource)
            except AwsError as error:
                adopted = self._adopted(record, api, resource, creation, error)
                if adopted is not None:
                    return adopted
                over = attempt >= attempts(error) or not isinstance(error, Passing)
                if over or self.cancelled.wait(delay(attempt)):
                    raise after(error, attempt) from None
        raise AssertionError("the last attempt returns or raises")

    def _adopted(self, record: Record, api: Api, resource: Resource, creation: str, error: AwsError) -> str | None:
        """The id of an object that exists in spite of the error, if it is the one wanted."""
        if error.aws_code in record.exists and record.adopt:
            return record.adopt(api, resource)
        if isinstance(error, Passing) and record.tagging and record.listing:
            try:
                found = record.listing(api)
            except Fail:
                raise error from None  # it may be there: made again, it could be there twice
            made = (one for one in found if (one.tags or {}).get(tagging.CREATION) == creation)
            return next((one.id for one in made), None)
        return None

    def _settled(self, record: Record, api: Api, resource: Resource, target: Target) -> Any:
        return settled(lambda: self.described(record, api, resource), record, target, resource.id, self.cancelled)

    def read(self, record: Record, target: Target, resource_id: str, state: Props, inputs: Props) -> Live | None:
        """The object as it is; without inputs (import) all inputs that differ from their defaults."""
        importing = not without_hidden(inputs) and not state
        properties = record.parse_id(resource_id) | without_hidden(state) | without_hidden(inputs)
        resource = self.view(properties, id=resource_id, urn=target.urn)
        resource.importing = importing
        api = self.api(record, resource.region, target)
        try:
            live = self.described(record, api, resource)
        except Missing:
            return None
        if importing and record.canonical:
            resource.id = record.canonical(live, resource)
        known = properties if importing else inputs
        kept = {key: value for key, value in without_hidden(state).items() if key not in record.inputs}
        if state.get(UNFINISHED):
            kept[UNFINISHED] = True
        outputs = kept | self.state(record, api, resource, live, known)
        return Live(resource.id, outputs, self._inputs(record, inputs, outputs, importing))

    def _inputs(self, record: Record, inputs: Props, outputs: Props, importing: bool) -> Props:
        readable = record.inputs & (record.outputs.keys() | {"tags"})
        if importing:
            found = {key: outputs[key] for key in readable if not empty(outputs.get(key))}
            chosen = {
                key: value for key, value in found.items() if not equivalent(value, record.defaults.get(key), key)
            }
            return chosen | {GENERATED: []}
        result = dict(inputs)
        for name in without_hidden(inputs):
            if name in readable:
                live = outputs.get(name)
                if live is None and not empty(inputs[name]):
                    result.pop(name)
                elif live is not None:
                    result[name] = overlaid(inputs[name], live, name)
        for name in (*record.watched, *(["tags"] if record.tagging else [])):
            if not empty(outputs.get(name)) and name not in result:
                result[name] = outputs[name]
        return result

    def update(
        self,
        record: Record,
        target: Target,
        resource_id: str,
        state: Props,
        news: Props,
        olds: Props,
        changed: set[str],
    ) -> Props:
        """Change what changed (`changed`: names of inputs), and finish what is half made: also said by no change at
        all.
        """
        repair = not changed or UNFINISHED in changed
        kept = {key: value for key, value in without_hidden(state).items() if key not in record.inputs}
        resource = self.view(kept | without_hidden(news), id=resource_id, old=without_hidden(olds), urn=target.urn)
        api = self.api(record, resource.region, target)
        try:
            if record.tagging and (repair or changed & {"tags", "tagsAll"}):
                self._retag(record, api, resource, target, news)
            for step in record.steps:
                given = any(resource[name] is not None for name in step.inputs)
                if changed & set(step.inputs) or (repair and step.at_create and given):
                    step.run(api, resource)
            live = self._settled(record, api, resource, target)
            return kept | self.state(record, api, resource, live, news)
        except Missing:
            message = f"{target.type} {resource_id} does not exist any more: run `pulumi refresh`"
            raise Fail(message, grpc.StatusCode.NOT_FOUND) from None

    def _retag(self, record: Record, api: Api, resource: Resource, target: Target, news: Props) -> None:
        assert record.tagging  # the caller asked
        live = self.described(record, api, resource)
        before = record.tagging.read(api, resource, live)
        wanted = {key: before[key] for key in tagging.HIDDEN if key in before} | self._tags_to_write(
            record, target, news
        )
        changed = {key: value for key, value in wanted.items() if before.get(key) != value}
        removed = sorted(before.keys() - wanted.keys())
        if changed or removed:
            record.tagging.write(api, resource, wanted, changed, removed)

    def preview_update(self, record: Record, state: Props, news: Props, changed: set[str]) -> Props:
        """Outputs after an update as far as they are known."""
        kept = {key: value for key, value in without_hidden(state).items() if key not in record.inputs}
        moving = dict.fromkeys(record.bumped(news, changed), wire.UNKNOWN)
        region = {"region": state["region"]} if "region" in state else {}
        tags = {"tagsAll": self.tags_all(record, news)} if record.tagging else {}
        return region | kept | without_hidden(news) | tags | moving

    def delete(self, record: Record, target: Target, resource_id: str, state: Props) -> None:
        """Delete it and wait until it is gone. Already gone is success."""
        properties = record.parse_id(resource_id) | without_hidden(state)
        resource = self.view(properties, id=resource_id, urn=target.urn)
        api = self.api(record, resource.region, target)
        try:
            record.delete(api, resource)
            if record.pending:
                gone(lambda: self.described(record, api, resource), record, target, resource.id, self.cancelled)
        except Missing:
            return
        except AwsError as error:
            if error.aws_code not in record.gone:
                raise


def _same_meaning(state: Props, name: str, value: Any) -> bool:
    """Whether to keep the user's spelling of an input that is reported back."""
    return (
        name in state and name not in MAPS and not isinstance(value, Mapping) and equivalent(state[name], value, name)
    )
