"""What all kinds of objects have in common: reading, listing, creating, changing, deleting, commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from local.hetzner.actions import BUSY
from local.hetzner.context import Context
from local.hetzner.errors import ApiError, invalid, invalid_body, limit_exceeded, not_found, not_unique
from local.hetzner.labels import LabelMap, selector
from local.hetzner.listing import MAX_PER_PAGE, Query, Record, link_header, paginate, sort

# Of the largest ID in the vendor's OpenAPI.
MAX_ID_DIGITS = 16


class Body(BaseModel):
    """A request's body: JSON's types count as they are, and what the API doesn't know is ignored."""

    model_config = ConfigDict(strict=True, frozen=True)


def referenced(context: Context, kind: str, identity: int, field: str) -> Record:
    """The record that a body's ``field`` names. Raises ``ApiError`` where the project has none with this ID."""
    record = context.objects.get(kind, identity)
    if record is None:
        raise invalid(field, f"{field.rpartition('.')[2].replace('_', ' ')} with ID '{identity}' not found")
    return record


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


# "ID or name", which clients send as text or as a number.
Key = Annotated[str, BeforeValidator(_as_text)]
# Of objects that are not machines: any text within these lengths.
Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
# RFC 1123, as servers and volumes want it.
HostName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$", min_length=1, max_length=63)
]


class Empty(Body):
    """No fields."""


class Change(Body):
    """What every object with a name lets change."""

    name: Name | None = None
    labels: LabelMap | None = None


class HostChange(Body):
    """The same where the name is a host's."""

    name: HostName | None = None
    labels: LabelMap | None = None


class DeleteProtection(Body):
    """Body of ``change_protection``."""

    delete: bool | None = None


@dataclass(frozen=True)
class Answer:
    """What a request is answered with; no body means 204."""

    body: Record | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A request: what its path, query and body say."""

    url: str
    path: Mapping[str, str]
    query: Query
    body: Any

    def read(self, model: type[BaseModel]) -> Any:
        """The body as ``model``. Raises ``ApiError`` that names every wrong field."""
        try:
            return model.model_validate({} if self.body is None else self.body)
        except ValidationError as error:
            raise invalid_body(error) from error


@dataclass(frozen=True)
class Command:
    """A change that is an action: ``POST /{kind}/{id}/actions/{name}``."""

    name: str
    body: type[BaseModel]
    run: Callable[..., Record]


def command(name: str, body: type[BaseModel] = Empty) -> Callable[[Callable[..., Record]], Callable[..., Record]]:
    """Mark the method that runs a command. It gets context, record and body, and returns the action's record, or the
    whole answer when that has more to say."""

    def mark(method: Callable[..., Record]) -> Callable[..., Record]:
        method.command = Command(name, body, method)  # type: ignore[attr-defined]
        return method

    return mark


class Resource:
    """A kind of objects. A subclass says what is special about it."""

    kind: ClassVar[str]
    singular: ClassVar[str]
    creation: ClassVar[type[BaseModel] | None] = None
    change: ClassVar[type[BaseModel] | None] = Change
    sorts: ClassVar[tuple[str, ...]] = ("id", "name", "created")
    filters: ClassVar[dict[str, Callable[[Record, str], bool]]] = {}
    max_per_page: ClassVar[int] = MAX_PER_PAGE
    # Of the answer to a deletion that is an action; any other is 204.
    deletion_status: ClassVar[int] = 201

    @property
    def title(self) -> str:
        """As error messages call it."""
        return self.singular.replace("_", " ")

    def commands(self) -> Iterator[Command]:
        """Every command, base classes' too."""
        for name in dir(type(self)):
            marked = getattr(getattr(type(self), name), "command", None)
            if isinstance(marked, Command):
                yield marked

    # What subclasses say otherwise.

    def all(self, context: Context) -> list[Record]:
        """Every object that the project sees."""
        return context.objects.all(self.kind)

    def view(self, context: Context, record: Record) -> Record:
        """As the API shows it."""
        return record

    def create(self, context: Context, body: Any) -> Record:
        """Make an object; the whole answer."""
        raise ApiError("method_not_allowed", f"{self.title} can not be created")

    def update(self, context: Context, record: Record, body: Any) -> None:
        """Apply what a change says beyond name and labels."""

    def delete(self, context: Context, record: Record) -> Record | None:
        """Remove the object; the action that does it, if one does."""
        context.objects.delete(self.kind, record["id"])
        return None

    # What is the same for all.

    def find(self, context: Context, key: object) -> Record:
        """The record with this ID. Raises ``ApiError``."""
        known = str(key).isdecimal() and len(str(key)) <= MAX_ID_DIGITS
        record = context.objects.get(self.kind, int(str(key))) if known else None
        if record is None:
            raise not_found(self.title, key)
        return record

    def require_room(self, context: Context) -> None:
        """Raise ``ApiError`` when the project has as many as it may."""
        world = context.world
        limits = world.catalogue.project_limits | world.projects.limits(context.objects.project)
        if self.kind in limits and len(context.objects.all(self.kind)) >= limits[self.kind]:
            raise limit_exceeded(f"{self.singular}_limit")

    def require_unique(self, context: Context, name: str, but: Record | None = None) -> None:
        """Raise ``ApiError`` when another object has this name."""
        if any(but is None or other["id"] != but["id"] for other in context.objects.where(self.kind, "name", name)):
            raise not_unique(self.title, "name")

    def add(self, context: Context, record: Record) -> Record:
        """Keep a new object, with what all have."""
        self.require_room(context)
        if record.get("name") is not None:
            self.require_unique(context, record["name"])
        return context.objects.add(self.kind, {"created": context.now(), **record})

    def handle_list(self, context: Context, call: Call) -> Answer:
        """``GET /{kind}``."""
        matching = list(self._matching(context, call.query))
        ordered = sort(matching, call.query.get("sort", []), self.sorts)
        page, pagination = paginate(ordered, call.query, self.max_per_page)
        shown = [self.view(context, record) for record in page]
        headers = {"Link": link_header(call.url, call.query, pagination)}
        return Answer({self.kind: shown, "meta": {"pagination": pagination}}, headers=headers)

    def handle_get(self, context: Context, call: Call) -> Answer:
        """``GET /{kind}/{id}``."""
        return Answer({self.singular: self.view(context, self.find(context, call.path["id"]))})

    def handle_create(self, context: Context, call: Call) -> Answer:
        """``POST /{kind}``."""
        if self.creation is None:
            raise ApiError("method_not_allowed", f"{self.title} can not be created")
        return Answer(self.create(context, call.read(self.creation)), 201)

    def handle_update(self, context: Context, call: Call) -> Answer:
        """``PUT /{kind}/{id}``."""
        if self.change is None:
            raise ApiError("method_not_allowed", f"{self.title} can not be changed")
        record = self.find(context, call.path["id"])
        if BUSY.get(self.singular) == "conflict":
            context.actions.require_idle((self.singular, record["id"]))
        body = call.read(self.change)
        name, labels = getattr(body, "name", None), getattr(body, "labels", None)
        if name is not None:
            self.require_unique(context, name, but=record)
            record["name"] = name
        if labels is not None:
            record["labels"] = labels
        self.update(context, record, body)
        context.objects.put(self.kind, record)
        return Answer({self.singular: self.view(context, record)})

    def handle_delete(self, context: Context, call: Call) -> Answer:
        """``DELETE /{kind}/{id}``."""
        record = self.find(context, call.path["id"])
        if record.get("protection", {}).get("delete"):
            raise ApiError("protected", f"{self.title} deletion is protected")
        if self.singular in BUSY:
            context.actions.require_idle((self.singular, record["id"]))
        action = self.delete(context, record)
        if action is None:
            return Answer(None, 204)
        return Answer({"action": context.actions.view(action)}, self.deletion_status)

    def handle_command(self, context: Context, call: Call, wanted: Command) -> Answer:
        """``POST /{kind}/{id}/actions/{command}``."""
        result = wanted.run(self, context, self.find(context, call.path["id"]), call.read(wanted.body))
        return Answer({"action": context.actions.view(result)} if "command" in result else result, 201)

    def _matching(self, context: Context, query: Query) -> Iterator[Record]:
        wanted = selector(query["label_selector"][-1]) if query.get("label_selector") else None
        filters = {"name": lambda record, value: record["name"] == value, **self.filters}
        given = {name: query[name] for name in filters if query.get(name)}
        for record in self.all(context):
            if wanted is not None and not wanted(record["labels"]):
                continue
            if all(any(filters[name](record, value) for value in values) for name, values in given.items()):
                yield record


class Protected(Resource):
    """Objects that can be protected from being deleted."""

    @command("change_protection", DeleteProtection)
    def change_protection(self, context: Context, record: Record, body: DeleteProtection) -> Record:
        """Protect, or stop protecting."""
        if body.delete is not None:
            record["protection"]["delete"] = body.delete
            context.objects.put(self.kind, record)
        return context.actions.begin("change_protection", [(self.singular, record["id"])])
