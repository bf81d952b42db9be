"""What every type of the postgresql plugin does alike."""

from __future__ import annotations

import hashlib
import itertools
import secrets
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from local.toolchain.plugins.postgresql.attributes import Attributes, difference, plan, same
from local.toolchain.plugins.postgresql.roles import database_exists
from provider.plugin import (
    UNKNOWN,
    CheckFailure,
    CheckResult,
    Context,
    Diff,
    PluginError,
    Properties,
    ResourceType,
    Secret,
    State,
    keep_secrets,
    reveal,
)
from provider.postgres.server import Connection, Server, server_of

T = TypeVar("T")

DEFAULTS = "__defaults"
# Letters that autonaming adds, as the published plugin does.
SUFFIX_LENGTH = 7


class BridgedResource(ResourceType[Server]):
    """A type given by its ``attributes`` and by what it does on a connection.

    ``renamed`` are attributes that Terraform calls otherwise than in snake case of their names here; ``autonamed``
    says whether ``name`` may be left out; ``delete_first`` whether a replacement deletes before it creates; ``once``
    that what exists can't be made again.
    """

    attributes: Attributes
    renamed: Mapping[str, str] = {}
    autonamed: bool = False
    delete_first: bool = False
    autocommit: bool = False
    once: bool = False

    @abstractmethod
    def identity(self, values: Properties) -> str:
        """The resource's id."""

    @abstractmethod
    def make(self, context: Context[Server], connection: Connection, new: Properties) -> None:
        """Makes the object."""

    @abstractmethod
    def look(self, context: Context[Server], connection: Connection, known: Properties) -> Properties | None:
        """The attributes that the server knows, None when the object is gone. ``known`` are those recorded."""

    def alter(self, context: Context[Server], connection: Connection, old: Properties, new: Properties) -> None:
        """Changes the object in place."""
        raise PluginError(f"{context.resource.type} can't be changed in place")

    @abstractmethod
    def remove(self, context: Context[Server], connection: Connection, old: Properties) -> None:
        """Removes the object; one that is gone already is no error."""

    def database_of(self, server: Server, values: Properties) -> str:
        """The database to connect to: the resource's own, or the provider's."""
        return str(values.get("database") or server.database)

    def parse(self, resource_id: str) -> Properties | None:
        """What an id to import says, None when this type can't be imported."""
        return {"name": resource_id}

    def combinations(self, planned: Properties) -> list[CheckFailure]:
        """What is wrong between values that are right one by one."""
        return []

    # -- the protocol

    def check(self, context: Context[Server], old: Properties | None, new: Properties, seed: bytes) -> CheckResult:
        inputs: Properties = {}
        failures = []
        for name, given in new.items():
            attribute = self.attributes.get(name)
            if attribute is None:
                if name != DEFAULTS:
                    failures.append(CheckFailure(name, f"unknown; there are: {', '.join(sorted(self.attributes))}"))
                continue
            try:
                value = attribute.convert(given)
            except ValueError as error:
                failures.append(CheckFailure(name, str(error)))
                continue
            fault = attribute.fault(value)
            if fault:
                failures.append(CheckFailure(name, fault))
            inputs[name] = Secret(value) if attribute.secret and not isinstance(value, Secret) else value
        defaults = {name: attribute.default for name, attribute in self.attributes.items() if attribute.default}
        if self.autonamed:
            defaults["name"] = (old or {}).get("name") or _autoname(context.resource.name, seed)
        filled = sorted(name for name in defaults if inputs.get(name) is None)
        inputs |= {name: defaults[name] for name in filled} | {DEFAULTS: filled}
        missing = [name for name, attribute in self.attributes.items() if attribute.required and name not in inputs]
        failures += [CheckFailure(name, "missing: it is required") for name in missing]
        return CheckResult(inputs, failures or self.combinations(plan(self.attributes, inputs)))

    def diff(self, context: Context[Server], old: State, new: Properties, ignore: Sequence[str]) -> Diff:
        result = Diff(difference(self.attributes, reveal(old.outputs), plan(self.attributes, new)), of_inputs=False)
        named = self.autonamed and "name" not in new.get(DEFAULTS, ())
        return replace(result, delete_before_replace=bool(result.replaces) and (self.delete_first or named))

    def preview_create(self, context: Context[Server], inputs: Properties) -> Properties:
        planned = plan(self.attributes, inputs)
        for name, attribute in self.attributes.items():
            if attribute.computed and planned[name] is None:
                planned[name] = UNKNOWN
        return self._mark(planned, inputs) | {"id": UNKNOWN}

    def create(self, context: Context[Server], inputs: Properties) -> State:
        planned = plan(self.attributes, inputs)

        attempts = itertools.count()

        def work(connection: Connection) -> Properties:
            # A connection that was lost over the answer: the attempt before may have made it all the same.
            is_made = next(attempts) > 0 and self.once and self.look(context, connection, planned) is not None
            if not is_made:
                self.make(context, connection, planned)
            return self._found(context, connection, planned)

        values = self._run(context, planned, work)
        outputs = self._outputs({}, values, inputs)
        return State(outputs["id"], inputs, outputs)

    def preview_update(self, context: Context[Server], old: State, new: Properties) -> Properties:
        return self._mark(self._kept(reveal(old.outputs), new), new) | {"id": old.id}

    def update(self, context: Context[Server], old: State, new: Properties) -> Properties:
        before = reveal(old.outputs)
        planned = self._kept(before, new)

        def work(connection: Connection) -> Properties:
            self.alter(context, connection, before, planned)
            return self._found(context, connection, planned)

        return self._outputs(before, self._run(context, planned, work), new)

    def read(self, context: Context[Server], state: State) -> State | None:
        known = reveal(state.outputs) or self.parse(state.id)
        if known is None or not self._database_exists(context, known):
            return None
        found = self._run(context, known, lambda connection: self.look(context, connection, known))
        if found is None:
            return None
        values = {name: found.get(name, known.get(name)) for name in self.attributes}
        inputs = self._refreshed(state.inputs, values) if state.inputs else self._imported(values)
        resource_id = state.id if state.outputs else self.identity(values)
        outputs = self._mark(values, inputs) | self._raw_state_delta(values) | {"id": resource_id}
        return State(resource_id, inputs, outputs)

    def delete(self, context: Context[Server], state: State) -> None:
        old = reveal(state.outputs)
        if self._database_exists(context, old):
            self._run(context, old, lambda connection: self.remove(context, connection, old))

    # -- helpers

    def _run(self, context: Context[Server], values: Properties, work: Callable[[Connection], T]) -> T:
        server = server_of(context)
        return server.run(self.database_of(server, values), context.cancelled, work, autocommit=self.autocommit)

    def _database_exists(self, context: Context[Server], values: Properties) -> bool:
        server = server_of(context)
        database = self.database_of(server, values)
        return database == server.database or server.run(
            server.database, context.cancelled, lambda connection: database_exists(connection, database)
        )

    def _found(self, context: Context[Server], connection: Connection, planned: Properties) -> Properties:
        found = self.look(context, connection, planned)
        if found is None:
            raise PluginError(f"{context.resource.type} {self.identity(planned)}: gone right after it was made")
        return planned | found

    def _kept(self, before: Properties, new: Properties) -> Properties:
        planned = plan(self.attributes, new)
        for name, attribute in self.attributes.items():
            if attribute.computed and planned[name] is None:
                planned[name] = before.get(name)
        return planned

    def _outputs(self, before: Properties, values: Properties, inputs: Properties) -> Properties:
        """What is recorded after a change: an empty list that never held anything is none."""
        for name, attribute in self.attributes.items():
            if attribute.kind in ("set", "list") and not attribute.computed and not values[name]:
                values[name] = None if before.get(name) is None else []
        return self._mark(values, inputs) | self._raw_state_delta(values) | {"id": self.identity(values)}

    def _mark(self, values: Properties, inputs: Properties) -> Properties:
        marked = {}
        for name, attribute in self.attributes.items():
            value = None if attribute.write_only else values[name]
            marked[name] = Secret(value) if attribute.secret else keep_secrets(value, inputs.get(name))
        return marked

    def _raw_state_delta(self, values: Properties) -> Properties:
        """How the published plugin gets from these outputs to Terraform's state."""
        lists: Properties = {
            name: {"arr": {}}
            for name, attribute in self.attributes.items()
            if attribute.kind in ("set", "list") and values[name] is not None
        }
        parts: Properties = ({"renamed": dict(self.renamed)} if self.renamed else {}) | ({"ps": lists} if lists else {})
        return {"__pulumi_raw_state_delta": {"obj": parts}}

    def _refreshed(self, inputs: Properties, values: Properties) -> Properties:
        """The recorded inputs, those changed that drifted."""
        refreshed = {}
        for name, value in inputs.items():
            drifted = name in values and not self.attributes[name].write_only and not same(reveal(value), values[name])
            refreshed[name] = keep_secrets(values[name], value) if drifted else value
        return refreshed

    def _imported(self, values: Properties) -> Properties:
        """Inputs that would make what was found: all but defaults and nothing."""
        given = {
            name: value
            for name, value in values.items()
            if value and value != self.attributes[name].default and not self.attributes[name].write_only
        }
        return given | {DEFAULTS: []}


def _autoname(name: str, seed: bytes) -> str:
    suffix = hashlib.sha256(seed).hexdigest() if seed else secrets.token_hex()
    return f"{name}-{suffix[:SUFFIX_LENGTH]}"
