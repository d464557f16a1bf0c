"""What the table says about one resource type.

A record is data plus a few small functions over `Api` (calls of the record's service in the resource's region) and
`Resource` (its properties). Every input is named once as forcing, changeable (a `Step` or `tags`) or stored only: an
input that the record does not name is refused, never silently dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.providers.autonaming import Naming
from sandbox.providers.aws.tags import Tagging, Tags
from sandbox.providers.protocol import Props


class Resource(dict[str, Any]):
    """Properties of a resource (inputs over state; absent ones read as None) and what calls need besides.

    `old`: the previous inputs during an update, else empty. `tags_argument`: the tags in the form of the create call.
    `importing`: nothing but the id is known.
    """

    def __init__(
        self,
        properties: Mapping[str, Any],
        *,
        region: str,
        account: Callable[[], str],
        id: str = "",  # noqa: A002 - the protocol's word
        old: Props | None = None,
        urn: str = "",
    ) -> None:
        super().__init__(properties)
        self.region, self.id, self.old, self.urn = region, id, old or {}, urn
        self._account = account
        self.tags_argument: dict[str, Any] = {}
        self.importing = False

    def __missing__(self, key: str) -> None:
        return None

    @property
    def account(self) -> str:
        return self._account()

    @property
    def partition(self) -> str:
        return partition(self.region)

    def arn(self, service: str, rest: str, *, region: bool = True, account: bool = True) -> str:
        """An ARN in this resource's region and account."""
        place = f"{self.region if region else ''}:{self.account if account else ''}"
        return f"arn:{self.partition}:{service}:{place}:{rest}"


def partition(region: str) -> str:
    """The AWS partition of a region."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


class Api:
    """Operations of one service in one region: `api("describe_vpcs", VpcIds=[...])`. `of(service)` gives another
    service's.
    """

    def __init__(self, call: Callable[[str, str, Mapping[str, Any]], Any], service: str) -> None:
        self._call, self.service = call, service

    def __call__(self, operation: str, /, **arguments: Any) -> Any:
        return self._call(self.service, operation, arguments)

    def of(self, service: str) -> Api:
        return Api(self._call, service)


Output = str | Callable[[Any, Resource], Any]
"""Where an output is: a dotted path in the described object, or a function of (object, resource)."""


@dataclass(frozen=True)
class Step:
    """A call after creation, and again whenever one of `inputs` changes.

    `at_create`: run after creation when one of the inputs is given; False when the create call has set them already. A
    half-made resource is finished by running all steps with `at_create` again.
    """

    inputs: tuple[str, ...]
    run: Callable[[Api, Resource], Any]
    at_create: bool = True


@dataclass(frozen=True)
class Found:
    """An object of the account. `tags` is None for types without tags; `import_id` is its id for import where that
    differs.
    """

    id: str
    arn: str = ""
    tags: Tags | None = None
    import_id: str = ""


@dataclass(frozen=True)
class Record:
    """One resource type. Functions take (api, resource); `live` is what `read` returned.

    - `create` returns the id; it makes one call that creates, so that a failure leaves nothing behind;
    - `read` returns the described object, or None or an error in `gone` when it does not exist;
    - `outputs`: property -> where it is; properties that are also inputs show drift;
    - `force`: inputs (or paths in them) whose change replaces; `replaces(old, new)`: more such inputs, judged by value;
    - `stored`: inputs that only this provider looks at; `required`: inputs that must be given;
    - `identity`: the id as a function of the inputs, where it is known before creation;
    - `known`: outputs that follow from the inputs alone (shown in previews);
    - `parse_id`: the inputs in an id given to import; `canonical`: the id to keep when import takes another spelling;
      `defaults`: values that mean the same as none (import leaves them out);
    - `adopt`: after one of the errors `exists`, the id of an identical object of the same parent, or None to refuse;
    - `computed`: inputs (or paths in them) that AWS fills in when they are not given: taking one out of a program is no
      change;
    - `bumped(inputs, changed)`: outputs that an update changes besides its inputs;
    - `watched`: inputs that Read reports even when the user did not give them;
    - `pending`, `failed`: values of `status` on the way and when creation failed;
    - `listing`: all objects of the type in the account (None: found through their parent);
    - `clear`: what must go before a leftover can be deleted.
    """

    type: str
    service: str
    create: Callable[[Api, Resource], str]
    read: Callable[[Api, Resource], Any]
    delete: Callable[[Api, Resource], Any]
    outputs: Mapping[str, Output]
    force: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    stored: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    naming: Naming | None = None
    tagging: Tagging | None = None
    regional: bool = True
    gone: tuple[str, ...] = ()
    identity: Callable[[Resource], str] | None = None
    known: Callable[[Resource], Mapping[str, Any]] | None = None
    parse_id: Callable[[str], Props] = lambda id: {}  # noqa: A006, ARG005
    computed: tuple[str, ...] = ()
    canonical: Callable[[Any, Resource], str] | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    exists: tuple[str, ...] = ()
    adopt: Callable[[Api, Resource], str | None] | None = None
    replaces: Callable[[Props, Props], Iterable[str]] = lambda old, new: ()  # noqa: ARG005
    bumped: Callable[[Props, set[str]], Iterable[str]] = lambda inputs, changed: ()  # noqa: ARG005
    watched: tuple[str, ...] = ()
    status: Callable[[Any], Any] = lambda live: None  # noqa: ARG005
    pending: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    listing: Callable[[Api], Iterable[Found]] | None = None
    clear: Callable[[Api, Resource], Any] | None = None

    @property
    def inputs(self) -> frozenset[str]:
        """All inputs that this type takes."""
        names = {path.split(".")[0] for path in self.force} | set(self.stored)
        names |= {name for step in self.steps for name in step.inputs}
        names |= {"tags"} if self.tagging else set()
        names |= {"region"} if self.regional else set()
        if self.naming:
            names |= {self.naming.input} | ({self.naming.prefix} if self.naming.prefix else set())
        return frozenset(names)


def at(live: Any, path: str) -> Any:
    """The value at a dotted path (`identity.oidc.issuer`, `Tags.0.Key`), or None."""
    for step in path.split("."):
        if isinstance(live, list):
            live = live[int(step)] if len(live) > int(step) else None
        elif isinstance(live, Mapping):
            live = live.get(step)
        else:
            return None
    return live


def after(_: Any, value: str) -> str:
    """`value`, once the call before it has been made."""
    return value


def first(items: Iterable[Any]) -> Any:
    """The first item, or None."""
    return next(iter(items), None)
