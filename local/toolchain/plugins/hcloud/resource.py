"""What every type of the hcloud plugin does alike."""

from __future__ import annotations

import hashlib
import secrets
from abc import abstractmethod
from collections.abc import Mapping, Sequence

from local.toolchain.plugins.hcloud.adoption import Owned, adoptable
from local.toolchain.plugins.hcloud.api import Answer, Api, ApiError, Operation
from local.toolchain.plugins.hcloud.attributes import DEFAULTS, Attributes, Invalid, convert, fault
from local.toolchain.plugins.hcloud.planning import difference, fill, keep, plan, same, unsettled
from local.toolchain.plugins.hcloud.recording import state_delta
from local.toolchain.plugins.hcloud.values import contains_secret, settled, without_marks, without_nothing
from provider.plugin import (
    UNKNOWN,
    CheckFailure,
    CheckResult,
    Context,
    Diff,
    InitFailed,
    Kind,
    PluginError,
    Properties,
    ResourceType,
    Secret,
    State,
    Value,
    reveal,
)

# Letters that autonaming adds, as the published plugin does.
SUFFIX_LENGTH = 7
UNIQUENESS = "uniqueness_error"


class HcloudResource(ResourceType[Api]):
    """A type given by its ``attributes`` and by what it asks of the API.

    ``kind`` is the API's name of the objects of which the id is the number; empty for what is part of another.
    ``framework`` says whether the published plugin has it from Terraform's newer framework, whose plans and states
    differ a little, ``numeric_id`` whether it keeps the id as a number, ``meta`` what else it keeps.
    """

    attributes: Attributes
    kind: str = ""
    framework: bool = False
    numeric_id: bool = False
    meta: str = ""

    def __init__(self) -> None:
        self._owned = Owned()

    @abstractmethod
    def make(self, operation: Operation, new: Properties) -> tuple[str, Answer]:
        """Begins to make the object; returns its id and the answer with the actions to wait for."""

    def finish(self, operation: Operation, identity: str, new: Properties) -> None:
        """What is to be done once the object exists. When it fails, the object is recorded nevertheless."""

    def resume(self, operation: Operation, identity: str) -> None:
        """What an interrupted update may have left undone of what can't be seen in the attributes."""

    @abstractmethod
    def look(self, operation: Operation, identity: str, known: Properties) -> Properties | None:
        """The attributes that the API knows, None when the object is gone. ``known`` are those recorded."""

    def alter(self, operation: Operation, identity: str, old: Properties, new: Properties) -> None:
        """Changes the object in place."""
        raise PluginError("it can't be changed in place")

    @abstractmethod
    def remove(self, operation: Operation, identity: str, old: Properties) -> None:
        """Removes the object; one that is gone already is no error."""

    def parse(self, identity: str) -> Properties | None:
        """What an id to import says, None when it can't be one."""
        return {} if identity.isdecimal() else None

    def identity_of(self, identity: str, values: Properties) -> str:
        """The id that is recorded of what was imported by ``identity``."""
        return identity

    def combinations(self, inputs: Properties) -> list[CheckFailure]:
        """What is wrong between inputs that are right one by one."""
        return []

    def existing(self, operation: Operation, new: Properties) -> str | None:
        """The id of the object that an interrupted update has made of ``new`` already."""
        found = operation.named(self.kind, new["name"]) if self.kind else None
        return str(found["id"]) if found and adoptable(found, new) else None

    # -- the protocol

    @property
    def named(self) -> bool:
        """Whether it has a name, which may be left out."""
        return "name" in self.attributes

    def check(self, context: Context[Api], old: Properties | None, new: Properties, seed: bytes) -> CheckResult:
        inputs: Properties = {}
        failures = []
        for name, given in new.items():
            if name in (DEFAULTS, "__internal") or given is None:
                continue
            if name not in self.attributes:
                known = ", ".join(sorted(self.attributes))
                failures.append(CheckFailure(name, f"Invalid or unknown key; there are: {known}"))
                continue
            attribute = self.attributes[name]
            try:
                inputs[name] = convert(attribute, given, name, tagged=not self.framework)
            except Invalid as error:
                failures.append(CheckFailure(error.path, error.reason))
                inputs[name] = given
                continue
            wrong = fault(attribute, reveal(inputs[name]), name)
            if wrong:
                failures.append(CheckFailure(wrong.path, wrong.reason))
        filled = []
        if self.named and inputs.get("name") is None:
            inputs["name"] = reveal((old or {}).get("name")) or _autoname(context.resource.name, seed)
            filled.append("name")
        if not self.framework:
            inputs[DEFAULTS] = filled
        for name, attribute in self.attributes.items():
            if attribute.required and inputs.get(name) is None:
                failures.append(CheckFailure(name, "missing: it is required"))
        return CheckResult(inputs, failures or self.combinations(reveal(inputs)))

    def diff(self, context: Context[Api], old: State, new: Properties, ignore: Sequence[str]) -> Diff:
        self._owned.recorded(old.id)
        detailed = difference(self.attributes, reveal(old.outputs), reveal(new))
        if detailed and self.framework:
            detailed |= dict.fromkeys(unsettled(self.attributes, new), Kind.UPDATE)
        result = Diff(detailed, of_inputs=False)
        first = bool(result.replaces) and not self.framework and self.named and "name" not in new.get(DEFAULTS, ())
        return Diff(detailed, delete_before_replace=first, of_inputs=False)

    def preview_create(self, context: Context[Api], inputs: Properties) -> Properties:
        planned = plan(self.attributes, reveal(inputs), None)
        return self._outputs(self._kept(planned), inputs) | {"id": UNKNOWN}

    def create(self, context: Context[Api], inputs: Properties) -> State:
        operation = Operation(context)
        asked = reveal(inputs)
        planned = settled(plan(self.attributes, asked, None))
        identity, begun = self._begin(context, operation, planned)
        try:
            if begun is not None:
                operation.wait(begun)
                self.finish(operation, identity, planned)
            else:
                # What the killed update began goes on at Hetzner.
                operation.wait(operation.running(self.kind, identity))
                found = self.look(operation, identity, planned) or {}
                wanted = {name: found.get(name) if value is None else value for name, value in planned.items()}
                self.alter(operation, identity, planned | found, wanted)
                self.resume(operation, identity)
        except PluginError as error:
            seen = self._glimpse(operation, identity, planned)
            if seen is None:
                # Nothing came of it, so there is nothing to record: the next update makes it.
                raise
            outputs = self._recorded(planned | seen, {}, inputs, identity)
            raise InitFailed(identity, outputs, [str(error)]) from None
        values = self._found(context, operation, identity, planned)
        return State(identity, inputs, self._recorded(values, {}, inputs, identity))

    def read(self, context: Context[Api], state: State) -> State | None:
        if state.outputs:
            self._owned.recorded(state.id)
        known = without_marks(reveal(state.outputs)) or self.parse(state.id)
        if known is None:
            if state.outputs:
                return None
            raise PluginError(f"{context.resource.type}: {state.id!r} is no id that can be imported")
        identity = state.id if state.outputs else self.identity_of(state.id, known)
        found = self.look(Operation(context), identity, known)
        if found is None:
            return None
        values = {name: found.get(name, known.get(name)) for name in self.attributes}
        inputs = self._refreshed(state.inputs, values) if state.inputs else self._imported(values)
        return State(identity, inputs, self._full(values, inputs, identity))

    def preview_update(self, context: Context[Api], old: State, new: Properties) -> Properties:
        before = reveal(old.outputs)
        planned = plan(self.attributes, reveal(new), before)
        if self.framework and difference(self.attributes, before, reveal(new)):
            planned |= dict.fromkeys(unsettled(self.attributes, new), UNKNOWN)
        return self._outputs(self._kept(planned), new) | {"id": old.id}

    def update(self, context: Context[Api], old: State, new: Properties) -> Properties:
        operation = Operation(context)
        before = without_marks(reveal(old.outputs))
        planned = settled(plan(self.attributes, reveal(new), before))
        self.alter(operation, old.id, before, planned)
        values = self._found(context, operation, old.id, planned)
        return self._recorded(values, before, new, old.id)

    def delete(self, context: Context[Api], state: State) -> None:
        if self._owned.taken_over(state.id):
            context.warn(f"{context.resource.type} {state.id} was taken over by what replaces it; it stays")
            return
        self.remove(Operation(context), state.id, reveal(state.outputs))

    # -- helpers

    def _differs(self, name: str, old: Properties, new: Properties) -> bool:
        return not same(self.attributes[name], old.get(name), new[name])

    def _begin(self, context: Context[Api], operation: Operation, planned: Properties) -> tuple[str, Answer | None]:
        """The id, and what was begun: None when an interrupted update had made the object."""
        try:
            return self.make(operation, planned)
        except ApiError as error:
            identity = self.existing(operation, planned)
            if identity is None:
                raise
            found = self.look(operation, identity, planned)
            other = self._other(planned, found or {})
            if found is None or other:
                raise PluginError(f"{error}: it exists already, with another {', '.join(other)}") from None
            if not self._owned.take_over(identity):
                raise
        name = f"{context.resource.type.rpartition(':')[2]} {planned.get('name', identity)}"
        context.warn(f"{name} exists already: taken over")
        return identity, None

    def _other(self, planned: Properties, found: Properties) -> list[str]:
        """What keeps the object found from becoming the one planned."""
        return [
            name
            for name, attribute in self.attributes.items()
            if attribute.replaces and name in found and planned[name] is not None
            and not same(attribute, found[name], planned[name])
        ]  # fmt: skip

    def _glimpse(self, operation: Operation, identity: str, planned: Properties) -> Properties | None:
        """What is there after a failure; None when nothing is."""
        try:
            return self.look(operation, identity, planned)
        except PluginError:
            return {}

    def _found(self, context: Context[Api], operation: Operation, identity: str, planned: Properties) -> Properties:
        found = self.look(operation, identity, planned)
        if found is None:
            raise PluginError(f"{context.resource.type} {identity} is gone: `pulumi refresh` takes it out of the state")
        return planned | found

    def _recorded(self, values: Properties, before: Properties, inputs: Properties, identity: str) -> Properties:
        """What is recorded after a change: an empty collection that never held anything is none."""
        if not self.framework:
            for name, attribute in self.attributes.items():
                if attribute.collection and not attribute.computed and not attribute.block and not values.get(name):
                    given = reveal(inputs.get(name))
                    values[name] = None if given is None and before.get(name) is None else values.get(name)
        return self._full(self._kept(values), inputs, identity)

    def _kept(self, values: Mapping[str, Value]) -> Properties:
        return {name: keep(attribute, values.get(name)) for name, attribute in self.attributes.items()}

    def _full(self, values: Mapping[str, Value], inputs: Properties, identity: str) -> Properties:
        return self._outputs(values, inputs) | self._marks(values, identity)

    def _outputs(self, values: Mapping[str, Value], inputs: Properties) -> Properties:
        outputs = {}
        for name, attribute in self.attributes.items():
            value = fill(attribute, values.get(name), framework=self.framework)
            if value is None and self.framework:
                continue
            hidden = attribute.secret or contains_secret(inputs.get(name))
            outputs[name] = Secret(value) if hidden and value is not None else value
        return outputs

    def _marks(self, values: Mapping[str, Value], identity: str) -> Properties:
        filled = {
            name: fill(attribute, values.get(name), framework=self.framework)
            for name, attribute in self.attributes.items()
        }
        delta = state_delta(self.attributes, filled, framework=self.framework, numeric_id=self.numeric_id)
        marks: Properties = {"__pulumi_raw_state_delta": delta, "id": identity}
        return marks | ({"__meta": self.meta} if self.meta else {})

    def _refreshed(self, inputs: Properties, values: Properties) -> Properties:
        """The recorded inputs, those changed that drifted."""
        refreshed = dict(inputs)
        for name, given in inputs.items():
            attribute = self.attributes.get(name)
            if attribute is None:
                continue
            planned = plan({name: attribute}, {name: reveal(given)}, {})[name]
            if not same(attribute, values[name], planned):
                value = self._as_input(name, values[name])
                if attribute.kind == "map":
                    # As the published plugin: keys that were added elsewhere are no inputs.
                    value = {key: item for key, item in (values[name] or {}).items() if key in reveal(given)}
                refreshed[name] = Secret(value) if contains_secret(given) else value
        return refreshed

    def _imported(self, values: Properties) -> Properties:
        """Inputs that would make what was found: all but nothing."""
        given = {
            name: self._as_input(name, value)
            for name, value in values.items()
            if value and name not in self.outputs_only
        }
        return given | ({} if self.framework else {DEFAULTS: []})

    def _as_input(self, name: str, value: Value) -> Value:
        attribute = self.attributes[name]
        tagged = not self.framework
        if value is None:
            return None
        if attribute.kind == "map":
            return {**value, DEFAULTS: []} if tagged else value
        return convert(
            attribute, without_nothing(fill(attribute, value, framework=self.framework)), name, tagged=tagged
        )

    #: Attributes that no input gives.
    outputs_only: tuple[str, ...] = ()


def _autoname(name: str, seed: bytes) -> str:
    suffix = hashlib.sha256(seed).hexdigest() if seed else secrets.token_hex()
    return f"{name}-{suffix[:SUFFIX_LENGTH]}"
