"""A resource monitor that records what a program registers, with the engine's rules for URNs and inheritance.

It stands where the engine's monitor stands, behind the same protocol, so the programs under test run as they do for
Pulumi's language host. It does nothing with what it is told but write it down.
"""

from __future__ import annotations

# ruff: noqa: N802 - the protocol's own names
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import (
    engine_pb2_grpc,
    language_pb2,
    resource_pb2,
    resource_pb2_grpc,
)

from provider.hetzner.allocation import Allotment, allot
from provider.plugin.values import UNKNOWN, Secret, marshal, unmarshal

# From the SDK's resource.proto: secrets, alias specs, replacement trigger, deleted-with, replace-with, transforms,
# invoke transforms, parameterization, resource hooks.
FEATURES = (0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11)
PARALLEL = 8
PROJECT = "foundation"


@dataclass(frozen=True)
class Registered:
    """One resource as the program registered it."""

    urn: str
    type: str
    name: str
    parent: str
    custom: bool
    inputs: dict[str, Any]
    protect: bool
    deleted_with: str
    provider: str
    dependencies: frozenset[str]
    frames: int = field(compare=False)
    """Of the stack of calls that made it."""

    @property
    def metadata(self) -> dict[str, Any]:
        return dict(self.inputs.get("metadata") or {})


@dataclass
class Graph(resource_pb2_grpc.ResourceMonitorServicer, engine_pb2_grpc.EngineServicer):
    """Everything that a program registered, by URN in order, with what it exported and logged."""

    stack: str
    preview: bool = False
    refuse: str = ""
    """Type whose registration fails, as it does when a provider's Check finds fault."""
    founder: str = ""
    """What the state remembers as the server that began the cluster; empty for a new one."""
    resources: dict[str, Registered] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    error: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of_type(self, token: str) -> list[Registered]:
        return [resource for resource in self.resources.values() if resource.type == token]

    def named(self, token: str, name: str) -> Registered:
        (found,) = [resource for resource in self.of_type(token) if resource.name == name]
        return found

    def kind(self, kind: str, name: str | None = None) -> Registered:
        """The one object of a Kubernetes kind, with this metadata.name if several."""
        (found,) = [
            resource
            for resource in self.resources.values()
            if resource.inputs.get("kind") == kind and (name is None or resource.metadata["name"] == name)
        ]
        return found

    def kinds(self) -> set[str]:
        return {resource.inputs["kind"] for resource in self.resources.values() if "kind" in resource.inputs}

    def below(self, name: str) -> dict[str, Registered]:
        """A tenant's own resources: its TenantStack and what is under it."""
        (stack,) = [
            urn for urn, found in self.resources.items() if found.type.endswith("TenantStack") and found.name == name
        ]
        found = {stack}
        for urn, resource in self.resources.items():
            if resource.parent in found:
                found.add(urn)
        return {urn: self.resources[urn] for urn in self.resources if urn in found}

    @property
    def exports(self) -> dict[str, Any]:
        return next(value for urn, value in self.outputs.items() if "pulumi:pulumi:Stack" in urn)

    # The protocol.

    def GetDeploymentInfo(self, request: Any, context: Any) -> Any:
        return resource_pb2.DeploymentInfo(supportedFeatures=FEATURES)  # type: ignore[arg-type]  # enum values are ints

    def SupportsFeature(self, request: Any, context: Any) -> Any:
        return resource_pb2.SupportsFeatureResponse(hasSupport=True)

    def RegisterResource(self, request: Any, context: Any) -> Any:
        with self.lock:
            parent = self.resources.get(request.parent)
            urn = self._urn(request, parent)
            if urn in self.resources:
                context.abort(grpc.StatusCode.ALREADY_EXISTS, f"duplicate URN {urn}")
            if request.type == self.refuse:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{request.name} was refused")
            self.resources[urn] = Registered(
                urn=urn,
                type=request.type,
                name=request.name,
                parent=request.parent,
                custom=request.custom,
                inputs=unmarshal(request.object),
                protect=request.protect if request.HasField("protect") else bool(parent and parent.protect),
                deleted_with=request.deletedWith or (parent.deleted_with if parent else ""),
                provider=request.provider,
                dependencies=frozenset(request.dependencies),
                frames=len(request.stackTrace.frames),
            )
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id="" if self.preview else self._id(request), object=self._outputs(request)
        )

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:
        self.outputs[request.urn] = unmarshal(request.outputs)
        return empty_pb2.Empty()

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def Log(self, request: Any, context: Any) -> Any:
        if request.severity >= 3:
            self.errors.append(request.message)
        return empty_pb2.Empty()

    def _urn(self, request: Any, parent: Registered | None) -> str:
        above = "" if parent is None or parent.type == "pulumi:pulumi:Stack" else parent.urn.split("::")[2] + "$"
        return f"urn:pulumi:{self.stack}::{PROJECT}::{above}{request.type}::{request.name}"

    def _id(self, request: Any) -> str:
        """Hetzner's are numbers."""
        return str(len(self.resources)) if request.type.startswith("hcloud:") else f"{request.name}-id"

    def _outputs(self, request: Any) -> struct_pb2.Struct:
        outputs = struct_pb2.Struct()
        outputs.CopyFrom(request.object)
        if request.type == "foundation:hetzner:AddressPlan":
            names, cidr = unmarshal(request.object)["names"], request.object["cidr"]
            outputs.MergeFrom(marshal({"addresses": dict(allot(cidr, names, Allotment()).addresses)}))
        if request.type == "foundation:hetzner:FoundingServer":
            outputs.MergeFrom(marshal({"founder": self.founder or request.object["server"]}))
        if request.type == "foundation:hetzner:ServerTypeChoice":
            outputs.MergeFrom(marshal(dict(unmarshal(request.object)["candidates"][0])))
        if request.type == "hcloud:index/primaryIp:PrimaryIp" and not self.preview:
            outputs.MergeFrom(marshal({"ipAddress": "192.0.2.1"}))
        if request.type.startswith("foundation:pki:"):
            made = {"certificatePem": f"certificate {request.name}", "privateKeyPem": Secret(f"key {request.name}")}
            outputs.MergeFrom(marshal(dict.fromkeys(made, UNKNOWN) if self.preview else made))
        if request.type == "random:index/randomPassword:RandomPassword":
            result: Any = UNKNOWN if self.preview else Secret(f"random-{request.name}".ljust(32, "x"))
            outputs.MergeFrom(marshal({"result": result}))
        return outputs


def run(
    program: Callable[[], object],
    *,
    stack: str = "local-test",
    preview: bool = False,
    config: Mapping[str, str] | None = None,
    refuse: str = "",
    founder: str = "",
) -> Graph:
    """Run a program to its end and return what it registered; ``Graph.error`` says whether and why it failed."""
    graph = Graph(stack=stack, preview=preview, refuse=refuse, founder=founder)
    with _served(graph) as address:
        request = language_pb2.RunRequest(
            project=PROJECT,
            stack=stack,
            monitor_address=address,
            args=[address],
            dryRun=preview,
            parallel=PARALLEL,
            organization="organization",
            config={f"{PROJECT}:{key}": value for key, value in (config or {}).items()},
            configSecretKeys=[f"{PROJECT}:{key}" for key in config or {}],
        )
        try:
            server: Any = LanguageServer(program)  # type: ignore[arg-type]  # what it returns isn't looked at
            graph.error = server.Run(request, None).error
        except Exception as refused:
            # A refused registration; the real engine has stopped the program by then.
            graph.error = str(refused)
    return graph


@contextmanager
def _served(graph: Graph) -> Iterator[str]:
    # Every registration in flight blocks a thread, and the SDK keeps four for each unit of parallelism.
    server = grpc.server(ThreadPoolExecutor(PARALLEL * 4 + 8))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(graph, server)
    engine_pb2_grpc.add_EngineServicer_to_server(graph, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield address
    finally:
        server.stop(None).wait()
