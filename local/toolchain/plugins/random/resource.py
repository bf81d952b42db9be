"""What every type of the random plugin does alike: made once, kept for ever, made anew when an input changes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from provider.plugin import (
    UNKNOWN,
    CheckFailure,
    CheckResult,
    Context,
    Diff,
    Kind,
    PluginError,
    Properties,
    ResourceType,
    Secret,
    State,
    Value,
    reveal,
)


@dataclass(frozen=True)
class Attribute:
    """One input: its type, and its default (None for none). A number is at least ``least``."""

    kind: type
    default: Value = None
    required: bool = False
    least: int | None = None


KEEPERS = Attribute(dict)
NAMES = {int: "a whole number", bool: "true or false", str: "a string", dict: "a map of strings"}


class RandomResource(ResourceType[Properties]):
    """A type given by its ``attributes``; ``results`` are the outputs that are drawn, ``secret`` those of them that
    are secret. ``schema_version`` is the published plugin's mark in the state (None: it sets none), ``shows_id``
    whether the id is among the outputs."""

    attributes: Mapping[str, Attribute]
    results: tuple[str, ...]
    secret: tuple[str, ...] = ()
    schema_version: int | None = None
    shows_id: bool = True

    @abstractmethod
    def draw(self, inputs: Properties) -> tuple[str, Properties]:
        """A new id and the drawn outputs."""

    @abstractmethod
    def adopt(self, resource_id: str) -> tuple[str, Properties, Properties]:
        """For an import: id, inputs and drawn outputs of what ``resource_id`` says."""

    def check(self, context: Context[Properties], old: Properties | None, new: Properties, seed: bytes) -> CheckResult:
        failures = []
        for name, attribute in self.attributes.items():
            value = reveal(new.get(name))
            if value is None:
                if attribute.required:
                    failures.append(CheckFailure(name, f"missing: give {NAMES[attribute.kind]}"))
            elif value is not UNKNOWN:
                reason = _fault(value, attribute)
                if reason:
                    failures.append(CheckFailure(name, reason))
        return CheckResult(new, failures or self.combinations(self.plan(new)))

    def combinations(self, plan: Properties) -> list[CheckFailure]:
        """What is wrong between inputs that are right one by one."""
        return []

    def plan(self, inputs: Properties) -> Properties:
        """The inputs in their own types, defaults filled in."""
        values = reveal(inputs)
        planned = {}
        for name, attribute in self.attributes.items():
            value = _convert(values.get(name), attribute)
            if value is not None:
                planned[name] = value
        return planned

    def diff(self, context: Context[Properties], old: State, new: Properties, ignore: Sequence[str]) -> Diff:
        planned, recorded = self.plan(new), reveal(old.outputs)
        detailed = {}
        for name, attribute in self.attributes.items():
            before, after = recorded.get(name), planned.get(name)
            if attribute.kind is dict and before is None and after is UNKNOWN:
                detailed[name] = Kind.UPDATE  # it may turn out to be none
            elif (before or None if attribute.kind is dict else before) != after:
                detailed[name] = Kind.UPDATE_REPLACE
        return Diff(detailed)

    def preview_create(self, context: Context[Properties], inputs: Properties) -> Properties:
        return self.plan(inputs) | dict.fromkeys((*self.results, "id") if self.shows_id else self.results, UNKNOWN)

    def create(self, context: Context[Properties], inputs: Properties) -> State:
        plan = self.plan(inputs)
        resource_id, drawn = self.draw(plan)
        return State(resource_id, inputs, self._outputs(resource_id, plan, drawn))

    def read(self, context: Context[Properties], state: State) -> State | None:
        if state.outputs:
            return state
        try:
            resource_id, inputs, drawn = self.adopt(state.id)
        except ValueError as error:
            raise PluginError(f"{context.resource.type} can't be imported: {error}") from None
        return State(resource_id, inputs, self._outputs(resource_id, self.plan(inputs), drawn))

    def delete(self, context: Context[Properties], state: State) -> None:
        """Nothing to remove: the value is in the state alone."""

    def _outputs(self, resource_id: str, plan: Properties, drawn: Properties) -> Properties:
        marked = {name: Secret(value) if name in self.secret else value for name, value in drawn.items()}
        outputs = plan | marked | {"__pulumi_raw_state_delta": self._delta(plan)}
        if self.shows_id:
            outputs["id"] = resource_id
        if self.schema_version:
            outputs["__meta"] = f'{{"schema_version":"{self.schema_version}"}}'
        return outputs

    def _delta(self, plan: Properties) -> Properties:
        """How the published plugin gets from Pulumi's outputs to Terraform's state: absent inputs are null there,
        maps need saying."""
        parts: Properties = {}
        for name, attribute in self.attributes.items():
            if name not in plan:
                parts[name] = Secret({"replace": {"raw": None}})
            elif attribute.kind is dict:
                parts[name] = {"map": {}}
        return {"obj": {"ps": parts}} if parts else {"obj": {}}


def _fault(value: Value, attribute: Attribute) -> str | None:
    kind = attribute.kind
    if kind is int:
        right = isinstance(value, int) and not isinstance(value, bool)
        if isinstance(value, str):
            right = value.removeprefix("-").isdecimal()
        if right and attribute.least is not None and int(value) < attribute.least:
            return f"must be at least {attribute.least}, got {value}"
    elif kind is str:
        right = isinstance(value, str | int | float | bool)
    else:
        right = isinstance(value, kind)
    return None if right else f"must be {NAMES[kind]}, got {type(value).__name__}"


def _convert(value: Value, attribute: Attribute) -> Value:
    if value is None:
        return attribute.default
    if value is UNKNOWN:
        return UNKNOWN
    match attribute.kind.__name__:
        case "int":
            return int(value)
        case "str":
            return _text(value)
        case "dict":
            return {key: _text(item) for key, item in value.items() if item is not None} or None
    return value


def _text(value: Value) -> Value:
    if value is UNKNOWN or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)
