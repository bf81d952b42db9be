"""A provider plugin's process, spoken to as the engine speaks to it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

import provider
from local.toolchain.home import REFERENCE_VARIABLE, reference_plugins
from local.toolchain.launchers import LAUNCHER
from provider.plugin.values import Properties, Secret, marshal, unmarshal

GENUINE = os.environ.get(REFERENCE_VARIABLE, "")


class Refused(Exception):
    """The plugin answered with an error; the text is what the user sees. ``recorded``: it told of an object that is
    there in spite of it."""

    recorded = False


@dataclass(frozen=True)
class Checked:
    inputs: Properties
    failures: dict[str, str]


@dataclass(frozen=True)
class Made:
    """A resource as the engine records it."""

    id: str
    inputs: Properties
    outputs: Properties


@dataclass(frozen=True)
class Difference:
    changed: frozenset[str]
    replaced: frozenset[str]
    deletes_first: bool


class Plugin:
    """One plugin process. ``stack`` is the stack in the URNs that it is given."""

    def __init__(self, port: int, package: str, stack: str = "local") -> None:
        self.package = package
        self.stack = stack
        self._stub: Any = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{port}"))

    def on(self, stack: str) -> Plugin:
        other = Plugin.__new__(Plugin)
        other.__dict__ = {**self.__dict__, "stack": stack}
        return other

    def check_config(self, settings: Properties) -> Checked:
        urn = f"urn:pulumi:{self.stack}::p::pulumi:providers:{self.package}::default"
        return _checked(self._call("CheckConfig", provider_pb2.CheckRequest(urn=urn, news=marshal(settings))))

    def configure(self, settings: Properties) -> None:
        inputs = self.check_config(settings).inputs
        self._call("Configure", provider_pb2.ConfigureRequest(args=_wire(inputs), acceptSecrets=True))

    def check(self, kind: str, inputs: Properties, old: Properties | None = None, name: str = "it") -> Checked:
        request = provider_pb2.CheckRequest(
            urn=self._urn(kind, name), news=_wire(inputs), olds=_wire(old or {}), randomSeed=b"seed" * 8
        )
        return _checked(self._call("Check", request))

    def preview(self, kind: str, inputs: Properties) -> Properties:
        """The outputs that a preview of making it shows."""
        checked = self._right(kind, inputs)
        return unmarshal(self._create(kind, checked, preview=True).properties)

    def make(self, kind: str, inputs: Properties) -> Made:
        checked = self._right(kind, inputs)
        answer = self._create(kind, checked, preview=False)
        return Made(answer.id, checked, unmarshal(answer.properties))

    def diff(self, kind: str, made: Made, inputs: Properties) -> Difference:
        news = self.check(kind, inputs, made.inputs).inputs
        request = provider_pb2.DiffRequest(
            urn=self._urn(kind), id=made.id, olds=_wire(made.outputs), old_inputs=_wire(made.inputs), news=_wire(news)
        )
        answer = self._call("Diff", request)
        assert (answer.changes == provider_pb2.DiffResponse.DIFF_SOME) == bool(answer.diffs)
        return Difference(frozenset(answer.diffs), frozenset(answer.replaces), answer.deleteBeforeReplace)

    def change(self, kind: str, made: Made, inputs: Properties) -> Made:
        checked = self._right(kind, inputs, made.inputs)
        request = provider_pb2.UpdateRequest(
            urn=self._urn(kind),
            id=made.id,
            olds=_wire(made.outputs),
            old_inputs=_wire(made.inputs),
            news=_wire(checked),
        )
        return Made(made.id, checked, unmarshal(self._call("Update", request).properties))

    def read(self, kind: str, made: Made) -> Made | None:
        request = provider_pb2.ReadRequest(
            urn=self._urn(kind), id=made.id, inputs=_wire(made.inputs), properties=_wire(made.outputs)
        )
        answer = self._call("Read", request)
        return Made(answer.id, unmarshal(answer.inputs), unmarshal(answer.properties)) if answer.id else None

    def adopt(self, kind: str, resource_id: str) -> Made | None:
        """What an import finds."""
        return self.read(kind, Made(resource_id, {}, {}))

    def delete(self, kind: str, made: Made) -> None:
        request = provider_pb2.DeleteRequest(
            urn=self._urn(kind), id=made.id, properties=_wire(made.outputs), old_inputs=_wire(made.inputs)
        )
        self._call("Delete", request)

    def cancel(self) -> None:
        self._call("Cancel", empty_pb2.Empty())

    def info(self) -> str:
        return str(self._call("GetPluginInfo", empty_pb2.Empty()).version)

    def _right(self, kind: str, inputs: Properties, old: Properties | None = None) -> Properties:
        checked = self.check(kind, inputs, old)
        assert not checked.failures
        return checked.inputs

    def _create(self, kind: str, inputs: Properties, *, preview: bool) -> Any:
        request = provider_pb2.CreateRequest(urn=self._urn(kind), properties=_wire(inputs), preview=preview)
        return self._call("Create", request)

    def _urn(self, kind: str, name: str = "it") -> str:
        """Of a type's name as the bridge makes tokens, or of a whole token."""
        token = kind if ":" in kind else f"{self.package}:index/{kind[0].lower()}{kind[1:]}:{kind}"
        return f"urn:pulumi:{self.stack}::p::{token}::{name}"

    def _call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self._stub, method)(request)
        except grpc.RpcError as error:
            refused = Refused(error.details())
            refused.recorded = "grpc-status-details-bin" in dict(error.trailing_metadata() or ())
            raise refused from None


@contextmanager
def standin(package: str) -> Iterator[Plugin]:
    """The stand-in for ``package``, started as the toolchain starts it."""
    with _running([sys.executable, str(LAUNCHER), f"local.toolchain.plugins.{package}"], package) as plugin:
        yield plugin


@contextmanager
def foundation() -> Iterator[Plugin]:
    """Our own provider, started as the engine's language host starts it."""
    with _running([sys.executable, str(Path(provider.__file__).parent)], "foundation") as plugin:
        yield plugin


@contextmanager
def genuine(package: str) -> Iterator[Plugin]:
    """The published plugin out of the folder that ``FOUNDATION_REFERENCE_PLUGINS`` names."""
    executables = [plugin.executable for plugin in reference_plugins() if plugin.name == package]
    with _running([str(executables[0])], package) as plugin:
        yield plugin


@contextmanager
def _running(command: Sequence[str], package: str) -> Iterator[Plugin]:
    # libpq's own settings of whoever runs the tests would lead elsewhere.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment, cwd=Path("/")
    )
    assert process.stdout is not None
    try:
        yield Plugin(int(process.stdout.readline()), package)
    finally:
        process.terminate()
        process.wait()


def _wire(properties: Properties) -> Any:
    """As the engine sends it: a secret null isn't sent."""
    return marshal({k: v for k, v in properties.items() if not (isinstance(v, Secret) and v.value is None)})


def _checked(answer: Any) -> Checked:
    return Checked(unmarshal(answer.inputs), {failure.property: failure.reason for failure in answer.failures})
