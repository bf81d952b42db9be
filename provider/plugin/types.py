"""What a plugin author writes: a :class:`Plugin` with its :class:`ResourceType` s."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar

from provider.plugin.values import Properties

ConfigurationT = TypeVar("ConfigurationT")


class PluginError(Exception):
    """An operation failed; the text is shown to the user as it is and must hold no secret."""


@dataclass(frozen=True)
class CheckFailure:
    """One wrong input: the property's path ("" for the whole resource) and what would be right."""

    property: str
    reason: str


class InvalidInputs(PluginError):
    """Inputs found wrong outside Check (in Configure)."""


class InitFailed(PluginError):
    """The resource exists but isn't ready: it is recorded with ``reasons`` and tried again by the next update."""

    def __init__(
        self, resource_id: str, outputs: Properties, reasons: Sequence[str], inputs: Properties | None = None
    ) -> None:
        super().__init__("; ".join(reasons))
        self.id = resource_id
        self.outputs = outputs
        self.reasons = list(reasons)
        # Of a Read: the inputs found, None to leave the recorded ones.
        self.inputs = inputs


class Kind(Enum):
    """What happened to one property path, with or without making the resource anew."""

    ADD = 0
    ADD_REPLACE = 1
    DELETE = 2
    DELETE_REPLACE = 3
    UPDATE = 4
    UPDATE_REPLACE = 5


@dataclass(frozen=True)
class Diff:
    """The difference between old state and new inputs.

    ``detailed`` maps property paths (``spec.ports[0].port``) to their :class:`Kind`; empty means no change.
    ``of_inputs`` says whether they are changes from the recorded inputs, to be shown so, or from the outputs.
    """

    detailed: Mapping[str, Kind] = field(default_factory=dict)
    delete_before_replace: bool = False
    of_inputs: bool = True

    @property
    def replaces(self) -> list[str]:
        return [path for path, kind in self.detailed.items() if kind.name.endswith("_REPLACE")]


@dataclass(frozen=True)
class Resource:
    """The resource that a request is about."""

    urn: str
    type: str
    name: str
    stack: str
    project: str


@dataclass(frozen=True)
class State:
    """What is recorded of a resource: its id, inputs and outputs."""

    id: str
    inputs: Properties
    outputs: Properties


@dataclass(frozen=True)
class CheckResult:
    inputs: Properties
    failures: Sequence[CheckFailure] = ()


@dataclass(frozen=True)
class Autonaming:
    """How the user wants resources without a name to be named (the engine's ``pulumi:autonaming`` settings).

    ``proposed`` is the name to take; None means that a name must be given.
    """

    proposed: str | None


@dataclass(frozen=True)
class Context(Generic[ConfigurationT]):
    """What every operation gets beside its own arguments.

    ``config`` is what :meth:`Plugin.configure` returned, or None in a preview whose provider configuration is
    still unknown. ``cancelled`` is set when the user stops the update: long waits must watch it.
    ``log(message)`` shows a line of progress beside the resource; ``warn(message)`` a warning.
    ``timeout`` is the custom timeout in seconds, 0 for the type's default. ``ignore_changes`` are the paths whose
    changes an update leaves alone; the engine has put their old values into the new inputs. ``autonaming`` is set
    in Check only, for plugins that ask for it, when the user configured it.
    """

    resource: Resource
    config: ConfigurationT | None
    cancelled: threading.Event
    log: Callable[[str], None]
    warn: Callable[[str], None]
    timeout: float = 0
    ignore_changes: Sequence[str] = ()
    autonaming: Autonaming | None = None


class ResourceType(ABC, Generic[ConfigurationT]):
    """One resource type. Operations raise :class:`PluginError` (or :class:`InitFailed`) when they fail."""

    def check(
        self, context: Context[ConfigurationT], old: Properties | None, new: Properties, seed: bytes
    ) -> CheckResult:
        """Validates ``new``, fills in defaults. ``old`` are the inputs of last time (None for a new one)."""
        return CheckResult(new)

    @abstractmethod
    def diff(self, context: Context[ConfigurationT], old: State, new: Properties, ignore: Sequence[str]) -> Diff:
        """What would change. ``ignore`` (ignoreChanges) is already applied to ``new`` by the engine."""

    @abstractmethod
    def create(self, context: Context[ConfigurationT], inputs: Properties) -> State:
        """Makes the resource."""

    def preview_create(self, context: Context[ConfigurationT], inputs: Properties) -> Properties:
        """Outputs that are known before the resource is made; others are UNKNOWN or left out."""
        return inputs

    @abstractmethod
    def read(self, context: Context[ConfigurationT], state: State) -> State | None:
        """The resource as it is now (refresh; import when ``state.inputs`` is empty), None when it's gone."""

    def update(self, context: Context[ConfigurationT], old: State, new: Properties) -> Properties:
        """Changes the resource in place; returns its outputs."""
        raise PluginError(f"{context.resource.type} can't be changed in place")

    def preview_update(self, context: Context[ConfigurationT], old: State, new: Properties) -> Properties:
        """Outputs after an update as far as they are known before it."""
        return {**old.outputs, **new}

    @abstractmethod
    def delete(self, context: Context[ConfigurationT], state: State) -> None:
        """Removes the resource; one that is gone already is no error."""


class Plugin(ABC, Generic[ConfigurationT]):
    """A provider plugin: name, version, configuration and resource types."""

    name: str
    version: str
    #: Whether ``ResourceType.create``/``update`` may run while the provider's configuration is unknown: never.
    types: Mapping[str, ResourceType[ConfigurationT]]
    #: Whether Check honours ``Context.autonaming``.
    autonames: bool = False

    def type(self, token: str) -> ResourceType[ConfigurationT]:
        """The resource type with this token. Raises :class:`PluginError` naming what is supported."""
        try:
            return self.types[token]
        except KeyError:
            known = ", ".join(sorted(self.types))
            raise PluginError(f"{self.name} {self.version} has no resource type {token!r}; it has: {known}") from None

    def allow(self, resource: Resource) -> None:
        """Raises :class:`PluginError` when this plugin must not touch ``resource``."""

    def check_config(self, old: Properties | None, new: Properties) -> CheckResult:
        return CheckResult(new)

    def diff_config(self, old: Properties, new: Properties) -> Diff:
        """Configuration changes update the provider in place unless a plugin says otherwise."""
        changed = {key for key in {*old, *new} if old.get(key) != new.get(key)}
        return Diff(dict.fromkeys(sorted(changed), Kind.UPDATE))

    @abstractmethod
    def configure(self, inputs: Properties) -> ConfigurationT:
        """Turns the provider's inputs (nothing unknown in them) into what operations use."""

    def invoke(self, token: str, arguments: Properties) -> Properties:
        raise PluginError(f"{self.name} {self.version} has no function {token!r}")

    def schema(self) -> str:
        return f'{{"name": "{self.name}", "version": "{self.version}"}}'

    def close(self) -> None:
        """Frees what :meth:`configure` opened."""
