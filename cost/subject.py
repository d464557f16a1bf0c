"""A resource as a rate function sees it: its inputs, its usage, what it refers to; and what such a function yields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import TYPE_CHECKING, Any

from catalog import prices
from catalog.price import Price
from cost.model import HOURS, Amount, Kind
from cost.usage import ResourceUsage
from plan import UNKNOWN, Resource, Unknown

if TYPE_CHECKING:
    from cost.book import Book

GLOBAL = "us-east-1"
"""Where the catalog keeps prices of services without a region."""


class CannotTell(Exception):
    """An input that decides the price is known only after creation."""


class BadInput(Exception):
    """An input that cannot be a quantity: negative, or not a number."""


class Known(dict[str, Any]):
    """An object among the inputs. Asking it for what is known only after creation raises CannotTell."""

    def get(self, key: str, default: Any = None) -> Any:
        found = super().get(key, default)
        if isinstance(found, Unknown):
            raise CannotTell(f"{key} is known only after creation")
        return known(found)

    def __getitem__(self, key: str) -> Any:
        super().__getitem__(key)  # a KeyError where it is absent
        return self.get(key)


def known(value: Any) -> Any:
    """A value whose objects, at any depth, tell what is unknown."""
    if isinstance(value, dict):
        return value if isinstance(value, Known) else Known(value)
    return [known(item) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Charge:
    """A quantity a month at a price."""

    item: str
    quantity: Amount
    price: Price
    unit: str
    usage_based: bool = False
    purchase: str | None = None
    upfront_usd: Decimal = Decimal(0)
    steps: tuple[str, ...] = ()
    hours: Decimal = HOURS
    """Hours a month that it runs."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something without a price."""

    item: str
    reason: str
    kind: Kind = "price"


@dataclass(frozen=True, slots=True)
class Fleet:
    """Machines that a resource makes."""

    provider: str
    instance_type: str
    count: Decimal
    minimum: Decimal
    maximum: Decimal
    purchase: str
    hours: Decimal = HOURS


Found = Charge | Gap | Fleet


def number(value: Any, what: str) -> Decimal:
    """A quantity from an input. Raises CannotTell for an unknown and BadInput for what is not a quantity."""
    if isinstance(value, Unknown):
        raise CannotTell(f"{what} is known only after creation")
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise BadInput(f"{what} is {value!r}; it must be a number") from None
    if isinstance(value, bool) or not found.is_finite():
        raise BadInput(f"{what} is {value!r}; it must be a number")
    if found < 0:
        raise BadInput(f"{what} is {value}; it must not be negative")
    return found


@cache
def aws_price(service: str, dimension: str, region: str, attributes: tuple[tuple[str, Any], ...] = ()) -> Price | None:
    """A price of an AWS service, looked up once: large plans ask for the same ones again and again."""
    return prices.service(service, dimension, region, **dict(attributes))


@dataclass(slots=True)
class Subject:
    """One resource to be priced."""

    resource: Resource
    region: str | None
    usage: ResourceUsage
    book: Book

    @property
    def provider(self) -> str:
        return self.resource.type.partition(":")[0]

    def value(self, path: str, default: Any = None, *, of: Any = None) -> Any:
        """The input at a dotted path; the default when it is absent. Raises CannotTell where it is unknown."""
        found = self.resource.inputs if of is None else of
        for part in path.split("."):
            if isinstance(found, list):
                found = found[0] if found else None
            if found is UNKNOWN:
                raise CannotTell(f"{path} is known only after creation")
            if not isinstance(found, Mapping) or found.get(part) is None:
                return default
            found = found[part]
        if found is UNKNOWN:
            raise CannotTell(f"{path} is known only after creation")
        return known(found)

    def first(self, path: str, default: str = "") -> str:
        """The first element of a list input. Raises CannotTell where it is unknown."""
        found = self.value(path)
        item = found[0] if isinstance(found, list) and found else found
        if isinstance(item, Unknown):
            raise CannotTell(f"{path} is known only after creation")
        return str(item) if item else default

    def text(self, path: str, default: str = "") -> str:
        return str(self.value(path, default))

    def flag(self, path: str) -> bool:
        """A boolean input; text such as "true" counts, as launch templates have it."""
        return str(self.value(path, False)).lower() == "true"

    def amount(self, path: str, default: Any = 0) -> Decimal:
        return number(self.value(path, default), path)

    def has(self, path: str) -> bool:
        """Whether an input is given, be it unknown."""
        try:
            return self.value(path) is not None
        except CannotTell:
            return True

    def count(self, path: str) -> int | None:
        """Elements of a list input, unknown ones too; None when it is absent or wholly unknown."""
        found = self.resource.inputs.get(path)
        return len(found) if isinstance(found, list) else None

    def entries(self, path: str) -> list[Mapping[str, Any]]:
        """The objects of a list input; a single object counts as a list of one."""
        found = self.value(path, [])
        items = found if isinstance(found, list) else [found]
        return [item for item in items if isinstance(item, Mapping)]

    def referred(self, path: str, *types: str) -> Resource | None:
        """The resource that an input refers to."""
        return self.book.referred(self.resource, path, types)

    def referrers(self, *types: str) -> Iterator[Resource]:
        """The resources of a type that refer to this one."""
        return self.book.referrers(self.resource, types)

    def other(self, resource: Resource) -> Subject:
        """Another resource in its own right, with the usage of this one."""
        return replace(self, resource=resource)

    def placed(self, region: str | None) -> Subject:
        """The same resource in another region: that of what it belongs to."""
        return replace(self, region=region)

    # Prices

    def aws(self, service: str, dimension: str, **attributes: Any) -> Price | None:
        """A price of an AWS service in the region of the resource."""
        return aws_price(service, dimension, self.region, tuple(attributes.items())) if self.region else None

    def globally(self, service: str, dimension: str, **attributes: Any) -> Price | None:
        """A price of a service that is the same everywhere: the catalog holds it under us-east-1."""
        return aws_price(service, dimension, GLOBAL, tuple(attributes.items()))

    def gcp(self, service: str, dimension: str, region: str | None = None, **attributes: Any) -> Price | None:
        """A price of a Google service in the region of the resource, or in another."""
        place = region or self.region
        return prices.gcp_service(service, dimension, place, **attributes) if place else None

    # What a rate function yields

    def fixed(
        self,
        item: str,
        quantity: Decimal | int,
        price: Price | None,
        *,
        unit: str | None = None,
        purchase: str | None = None,
        steps: tuple[str, ...] = (),
    ) -> Found:
        """A quantity a month that does not depend on usage. Without a price: a gap."""
        if price is None:
            return self.gap(item)
        amount = Amount.of(Decimal(quantity))
        return Charge(item, amount, price, unit or price.unit, purchase=purchase, steps=steps)

    def hours(
        self,
        item: str,
        price: Price | None,
        count: Decimal | int = 1,
        *,
        hours: Decimal = HOURS,
        purchase: str | None = None,
        what: str = "",
    ) -> Found:
        """Something that runs all month, or for `hours` of it."""
        count = Decimal(count)
        steps = (f"{count} {what or 'running'} x {hours} hours a month",)
        found = self.fixed(item, count * hours, price, unit="hours", purchase=purchase, steps=steps)
        return replace(found, hours=hours) if isinstance(found, Charge) else found

    def used(
        self,
        item: str,
        key: str,
        price: Price | None,
        *,
        per: Decimal | int = 1,
        times: Decimal | int = 1,
        quiet: bool = False,
        unit: str | None = None,
    ) -> Iterator[Found]:
        """Usage under `key`, counted in units of `per`. `quiet`: nothing at all when it is not given."""
        amount, assumed = self.usage.get(key)
        if amount is None:
            if not quiet:
                yield self.depends(item, key)
            return
        yield from self.metered(item, amount.times(Decimal(times)), price, key, per=per, assumed=assumed, unit=unit)

    def metered(
        self,
        item: str,
        amount: Amount,
        price: Price | None,
        key: str,
        *,
        per: Decimal | int = 1,
        assumed: bool = False,
        unit: str | None = None,
    ) -> Iterator[Found]:
        """An amount that came from usage, at a price. An amount of 0 costs nothing and says nothing."""
        if not any(amount):
            return
        if price is None:
            yield self.gap(item)
            return
        origin = "assumed (usage_defaults.csv)" if assumed else "from the usage file"
        quantity = amount.times(1 / Decimal(per)) if per != 1 else amount
        steps = (f"{key}: {amount.base:f} {origin}",)
        yield Charge(item, quantity, price, unit or price.unit, usage_based=True, steps=steps)

    def gap(self, item: str, reason: str | None = None, kind: Kind = "price") -> Gap:
        """No price. The reason says which."""
        if reason is None and self.region is None:
            reason, kind = (
                "its region is not known: set it at the resource, its provider or in the configuration",
                "input",
            )
        return Gap(item, reason or f"no price in the catalog for {self.region}", kind)

    def depends(self, item: str, key: str) -> Gap:
        return Gap(item, f"depends on usage: give {key} in a usage file", "usage")
