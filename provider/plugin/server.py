"""Serves a :class:`Plugin` to Pulumi's engine over gRPC."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NoReturn, TypeAlias, TypeVar, cast

import grpc
from google.protobuf import any_pb2, empty_pb2
from google.rpc import status_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc

from provider.plugin.types import (
    Autonaming,
    CheckResult,
    Context,
    Diff,
    InitFailed,
    Plugin,
    PluginError,
    Resource,
    State,
)
from provider.plugin.values import contains_unknown, marshal, unmarshal

# Operations wait for the world (a Deployment's rollout, an advisory lock), so a thread each; the engine itself
# bounds how many run at once (--parallel, by default four per core).
THREADS = 256
# The engine's own limit for a message (sdk/go/common/util/rpcutil: 400 MiB).
MESSAGE_BYTES = 400 * 1024 * 1024

T = TypeVar("T")
Rpc: TypeAlias = grpc.ServicerContext


def serve(plugin: Plugin[Any], arguments: list[str] | None = None) -> None:
    """Serves ``plugin`` until the engine ends it. Prints the port, as the plugin protocol asks.

    ``arguments`` are the command line's (default: ``sys.argv[1:]``): the engine's address comes first.
    """
    addresses = [a for a in (sys.argv[1:] if arguments is None else arguments) if not a.startswith("-")]
    servicer = PluginServicer(plugin)
    if addresses:
        servicer.connect(addresses[0])
    server = grpc.server(
        ThreadPoolExecutor(THREADS),
        options=[
            ("grpc.max_receive_message_length", MESSAGE_BYTES),
            ("grpc.max_send_message_length", MESSAGE_BYTES),
        ],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    # Cancelling comes as the Cancel RPC; SIGINT and SIGTERM mean that the engine is done with this plugin (a
    # terminal's Ctrl-C doesn't get here: the engine gives each plugin a process group of its own).
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    print(port, flush=True)
    parent = os.getppid()
    while not done.wait(1):
        if os.getppid() != parent:  # the engine was killed: nobody is left to serve
            break
    server.stop(grace=0.5)
    plugin.close()


class PluginServicer(provider_pb2_grpc.ResourceProviderServicer):
    """The protocol's side of a plugin."""

    def __init__(self, plugin: Plugin[Any]) -> None:
        self._plugin = plugin
        self._config: Any = None
        self._engine: engine_pb2_grpc.EngineStub | None = None
        self._cancelled = threading.Event()

    def connect(self, engine_address: str) -> None:
        options = [("grpc.max_receive_message_length", MESSAGE_BYTES)]
        channel = grpc.insecure_channel(engine_address, options=options)
        self._engine = engine_pb2_grpc.EngineStub(channel)

    def cancel(self) -> None:
        self._cancelled.set()

    # -- the plugin itself

    def Handshake(self, request: Any, rpc: Rpc) -> Any:
        if request.engine_address:
            self.connect(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, accept_resources=False, supports_autonaming_configuration=self._plugin.autonames
        )

    def Attach(self, request: Any, rpc: Rpc) -> Any:
        self.connect(request.address)
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, rpc: Rpc) -> Any:
        return plugin_pb2.PluginInfo(version=self._plugin.version)

    def GetSchema(self, request: Any, rpc: Rpc) -> Any:
        return provider_pb2.GetSchemaResponse(schema=self._plugin.schema())

    def GetMapping(self, request: Any, rpc: Rpc) -> Any:
        return provider_pb2.GetMappingResponse()

    def GetMappings(self, request: Any, rpc: Rpc) -> Any:
        return provider_pb2.GetMappingsResponse()

    def Cancel(self, request: Any, rpc: Rpc) -> Any:
        self.cancel()
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, rpc: Rpc) -> Any:
        old = unmarshal(request.olds) if request.HasField("olds") else None
        return self._checked(rpc, partial(self._plugin.check_config, old, unmarshal(request.news)))

    def DiffConfig(self, request: Any, rpc: Rpc) -> Any:
        old = unmarshal(request.old_inputs) or unmarshal(request.olds)
        return _diff_response(self._guard(rpc, partial(self._plugin.diff_config, old, unmarshal(request.news))))

    def Configure(self, request: Any, rpc: Rpc) -> Any:
        inputs = unmarshal(request.args)
        if not contains_unknown(inputs):
            self._config = self._guard(rpc, partial(self._plugin.configure, inputs))
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True,
            supportsPreview=True,
            acceptResources=False,
            supports_autonaming_configuration=self._plugin.autonames,
        )

    def Invoke(self, request: Any, rpc: Rpc) -> Any:
        arguments = unmarshal(request.args)
        outputs = self._guard(rpc, partial(self._plugin.invoke, request.tok, arguments))
        # The field is called "return", which Python keeps for itself.
        answer: dict[str, Any] = {"return": marshal(outputs)}
        return provider_pb2.InvokeResponse(**answer)

    # -- resources

    def Check(self, request: Any, rpc: Rpc) -> Any:
        context = self._context(request, rpc)
        old = unmarshal(request.olds) if request.HasField("olds") and request.olds.fields else None

        def check() -> CheckResult:
            self._plugin.allow(context.resource)
            kind = self._plugin.type(context.resource.type)
            return kind.check(context, old, unmarshal(request.news), request.randomSeed)

        return self._checked(rpc, check)

    def Diff(self, request: Any, rpc: Rpc) -> Any:
        context = self._context(request, rpc)
        old = State(request.id, unmarshal(request.old_inputs), unmarshal(request.olds))
        kind = self._guard(rpc, partial(self._plugin.type, context.resource.type))
        ignore = list(request.ignoreChanges)
        return _diff_response(self._guard(rpc, partial(kind.diff, context, old, unmarshal(request.news), ignore)))

    def Create(self, request: Any, rpc: Rpc) -> Any:
        context = self._context(request, rpc, request.timeout)
        kind = self._guard(rpc, partial(self._plugin.type, context.resource.type))
        inputs = unmarshal(request.properties)
        if request.preview:
            outputs = self._guard(rpc, partial(kind.preview_create, context, inputs))
            return provider_pb2.CreateResponse(id="", properties=marshal(outputs))
        self._guard(rpc, partial(self._ready, context))
        state = self._guard(rpc, partial(kind.create, context, inputs))
        return provider_pb2.CreateResponse(id=state.id, properties=marshal(state.outputs))

    def Read(self, request: Any, rpc: Rpc) -> Any:
        context = self._context(request, rpc)
        kind = self._guard(rpc, partial(self._plugin.type, context.resource.type))
        self._guard(rpc, partial(self._ready, context))
        known = State(request.id, unmarshal(request.inputs), unmarshal(request.properties))
        state = self._guard(rpc, partial(kind.read, context, known))
        if state is None:
            return provider_pb2.ReadResponse(id="")
        return provider_pb2.ReadResponse(id=state.id, inputs=marshal(state.inputs), properties=marshal(state.outputs))

    def Update(self, request: Any, rpc: Rpc) -> Any:
        context = self._context(request, rpc, request.timeout)
        kind = self._guard(rpc, partial(self._plugin.type, context.resource.type))
        old = State(request.id, unmarshal(request.old_inputs), unmarshal(request.olds))
        new = unmarshal(request.news)
        if request.preview:
            outputs = self._guard(rpc, partial(kind.preview_update, context, old, new))
        else:
            self._guard(rpc, partial(self._ready, context))
            outputs = self._guard(rpc, partial(kind.update, context, old, new))
        return provider_pb2.UpdateResponse(properties=marshal(outputs))

    def Delete(self, request: Any, rpc: Rpc) -> Any:
        context = self._context(request, rpc, request.timeout)
        kind = self._guard(rpc, partial(self._plugin.type, context.resource.type))
        self._guard(rpc, partial(self._ready, context))
        state = State(request.id, unmarshal(request.old_inputs), unmarshal(request.properties))
        self._guard(rpc, partial(kind.delete, context, state))
        return empty_pb2.Empty()

    # -- helpers

    def _ready(self, context: Context[Any]) -> None:
        self._plugin.allow(context.resource)
        if context.config is None:
            raise PluginError(f"{self._plugin.name}: the provider's configuration isn't known yet")

    def _context(self, request: Any, rpc: Rpc, timeout: float = 0) -> Context[Any]:
        resource = _resource(request.urn)
        return Context(
            resource=resource,
            config=self._config,
            cancelled=self._cancelled,
            log=partial(self._log, engine_pb2.INFO, resource.urn),
            warn=partial(self._log, engine_pb2.WARNING, resource.urn),
            timeout=timeout,
            ignore_changes=list(getattr(request, "ignoreChanges", ())),
            autonaming=_autonaming(request),
        )

    def _log(self, severity: Any, urn: str, message: str) -> None:
        if self._engine is not None:
            # Ephemeral lines are the live status column; warnings stay.
            ephemeral = severity == engine_pb2.INFO
            request = engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=ephemeral)
            self._engine.Log(request)

    def _checked(self, rpc: Rpc, check: Callable[[], CheckResult]) -> Any:
        result = self._guard(rpc, check)
        failures = [provider_pb2.CheckFailure(property=f.property, reason=f.reason) for f in result.failures]
        return provider_pb2.CheckResponse(inputs=marshal(result.inputs), failures=failures)

    def _guard(self, rpc: Rpc, operation: Callable[[], T]) -> T:
        """Runs ``operation``; what it raises becomes the status that the engine shows."""
        try:
            return operation()
        except InitFailed as error:
            _abort_init_failed(rpc, error)
        except PluginError as error:
            rpc.abort(grpc.StatusCode.UNKNOWN, str(error))
        raise AssertionError("abort always raises")


def _abort_init_failed(rpc: Rpc, error: InitFailed) -> NoReturn:
    detail = provider_pb2.ErrorResourceInitFailed(
        id=error.id,
        properties=marshal(error.outputs),
        reasons=error.reasons,
        inputs=None if error.inputs is None else marshal(error.inputs),
    )
    packed = any_pb2.Any()
    packed.Pack(detail)
    code = grpc.StatusCode.UNKNOWN
    status = status_pb2.Status(code=code.value[0], message=str(error), details=[packed])
    rpc.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    rpc.abort(code, str(error))


def _diff_response(diff: Diff) -> Any:
    changed = provider_pb2.DiffResponse.DIFF_SOME if diff.detailed else provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=changed,
        diffs=sorted({path.partition(".")[0].partition("[")[0] for path in diff.detailed}),
        replaces=diff.replaces,
        deleteBeforeReplace=diff.delete_before_replace,
        hasDetailedDiff=bool(diff.detailed),
        detailedDiff={
            path: provider_pb2.PropertyDiff(kind=cast(Any, kind.value), inputDiff=diff.of_inputs)
            for path, kind in diff.detailed.items()
        },
    )


def _autonaming(request: Any) -> Autonaming | None:
    if not isinstance(request, provider_pb2.CheckRequest) or not request.HasField("autonaming"):
        return None
    disabled = request.autonaming.mode == provider_pb2.CheckRequest.AutonamingOptions.DISABLE
    return Autonaming(None if disabled else request.autonaming.proposed_name)


def _resource(urn: str) -> Resource:
    # urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME; only the name may hold '::' itself.
    _, _, rest = urn.split(":", 2)
    stack, project, types, name = rest.split("::", 3)
    return Resource(urn=urn, type=types.rpartition("$")[2], name=name, stack=stack, project=project)
