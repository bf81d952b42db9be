"""The ``pulumirpc.LanguageRuntime`` service, and its life as a process of the engine."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, cast

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from local.toolchain.language_host import VERSION
from local.toolchain.language_host import program as program_module
from local.toolchain.language_host.children import Children, stream
from local.toolchain.language_host.installation import installation_commands
from local.toolchain.language_host.interpreter import Interpreter, OptionsError
from local.toolchain.language_host.packages import installed, plugin_packages
from local.toolchain.language_host.plugins import plugin_command

# A thread for each program, plugin and policy pack that runs, and some to answer.
THREADS = 64
# The engine's own limit for a message (sdk/go/common/util/rpcutil: 400 MiB).
MESSAGE_BYTES = 400 * 1024 * 1024
# Python needs one wake-up a second to see that the engine was killed.
WATCH_SECONDS = 1.0

Rpc: TypeAlias = grpc.ServicerContext


def serve() -> None:
    """Serve until the engine ends this process: by SIGINT, SIGTERM or its own death."""
    addresses = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    children = Children()
    server = grpc.server(
        ThreadPoolExecutor(THREADS),
        options=[
            ("grpc.max_receive_message_length", MESSAGE_BYTES),
            ("grpc.max_send_message_length", MESSAGE_BYTES),
        ],
    )
    host = LanguageHost(addresses[-1] if addresses else "", children)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    done = threading.Event()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: done.set())
    parent = os.getppid()
    server.start()
    print(port, flush=True)
    while not done.wait(WATCH_SECONDS):
        if os.getppid() != parent:
            break
    children.end_all()
    server.stop(grace=None)
    sys.stdout.flush()
    # Threads of cancelled calls may still be running; nobody waits for them.
    os._exit(0)


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """The service. ``engine`` is the address that programs log to."""

    def __init__(self, engine: str, children: Children) -> None:
        self._engine = engine
        self._children = children

    # -- about the host

    def Handshake(self, request: Any, rpc: Rpc) -> Any:
        self._engine = request.engine_address or self._engine
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, rpc: Rpc) -> Any:
        return plugin_pb2.PluginInfo(version=VERSION)

    def Cancel(self, request: Any, rpc: Rpc) -> Any:
        self._children.end_all()
        return empty_pb2.Empty()

    # -- about a program

    def About(self, request: Any, rpc: Rpc) -> Any:
        interpreter = _interpreter(request.info, rpc)
        if interpreter.python == Path(sys.executable):
            version = platform.python_version()
        else:
            answer = subprocess.run([str(interpreter.python), "--version"], capture_output=True, text=True, check=False)
            version = answer.stdout.removeprefix("Python ").strip()
        return language_pb2.AboutResponse(executable=str(interpreter.python), version=version)

    def GetRequiredPackages(self, request: Any, rpc: Rpc) -> Any:
        """As Pulumi's own host: the plugin of every installed package, used or not."""
        interpreter = _interpreter(request.info, rpc)
        packages = [
            plugin_pb2.PackageDependency(
                name=package.name, version=package.version, server=package.server, kind="resource"
            )
            for package in plugin_packages(interpreter.site_packages())
        ]
        return language_pb2.GetRequiredPackagesResponse(packages=packages)

    def GetProgramDependencies(self, request: Any, rpc: Rpc) -> Any:
        interpreter = _interpreter(request.info, rpc)
        found = installed(interpreter.site_packages(), transitive=request.transitiveDependencies)
        dependencies = [language_pb2.DependencyInfo(name=name, version=version) for name, version in found]
        return language_pb2.GetProgramDependenciesResponse(dependencies=dependencies)

    def RuntimeOptionsPrompts(self, request: Any, rpc: Rpc) -> Any:
        return language_pb2.RuntimeOptionsResponse()

    def Template(self, request: Any, rpc: Rpc) -> Any:
        return empty_pb2.Empty()

    def InstallDependencies(self, request: Any, rpc: Rpc) -> Iterator[Any]:
        folder = Path(request.info.program_directory)
        options = dict(request.info.options)
        for command in installation_commands(options, Path(request.info.root_directory or folder), folder):
            child = self._children.start(command, folder, dict(os.environ), capture=True)
            rpc.add_callback(partial(self._children.end, child))
            for name, chunk in stream(child):
                yield language_pb2.InstallDependenciesResponse(**{name: chunk})
            if code := self._children.wait(child):
                rpc.abort(grpc.StatusCode.UNKNOWN, f"{' '.join(command)} failed (exit code {code})")

    # -- running

    def Run(self, request: Any, rpc: Rpc) -> Any:
        interpreter = _interpreter(request.info, rpc)
        folder = Path(request.info.program_directory or request.pwd)
        program = folder / (request.info.entry_point or request.program or ".")
        if program.is_dir() and not (program / "__main__.py").exists():
            return language_pb2.RunResponse(error=f"{program} holds no program: __main__.py is missing")
        order = {
            "program": str(program),
            "args": list(request.args),
            "config": dict(request.config),
            "config_secret_keys": list(request.configSecretKeys),
            "settings": {
                "project": request.project,
                "stack": request.stack,
                "organization": request.organization or "organization",
                "root_directory": request.info.root_directory or request.pwd,
                "monitor": request.monitor_address,
                "engine": self._engine,
                "parallel": request.parallel,
                "dry_run": request.dryRun,
            },
        }
        command = [str(interpreter.python), "-u", program_module.__file__]
        child = self._children.start(
            command, Path(request.pwd or folder), interpreter.activate(os.environ), capture=False
        )
        rpc.add_callback(partial(self._children.end, child))
        assert child.stdin is not None, "a pipe"
        try:
            child.stdin.write(json.dumps(order).encode() + b"\n")
            child.stdin.flush()
        except BrokenPipeError:
            pass  # it ended before it read its order; its exit code tells
        code = self._children.wait(child)
        if code == program_module.ERROR_ALREADY_SHOWN:
            return language_pb2.RunResponse(bail=True)
        if code < 0:
            return language_pb2.RunResponse(error=f"Program was ended by {signal.Signals(-code).name}")
        if code:
            return language_pb2.RunResponse(error=f"Program exited with non-zero exit code: {code}")
        return language_pb2.RunResponse()

    def RunPlugin(self, request: Any, rpc: Rpc) -> Iterator[Any]:
        interpreter = _interpreter(request.info, rpc)
        folder = Path(request.info.program_directory)
        # The engine's own environment and what it adds; later entries win.
        environment = {name: value for name, _, value in (entry.partition("=") for entry in request.env)}
        command = [str(interpreter.python), "-u", *plugin_command(request.kind, folder, list(request.args))]
        child = self._children.start(command, Path(request.pwd), interpreter.activate(environment), capture=True)
        rpc.add_callback(partial(self._children.end, child))
        for name, chunk in stream(child):
            yield language_pb2.RunPluginResponse(**cast(Any, {name: chunk}))
        yield language_pb2.RunPluginResponse(exitcode=self._children.wait(child))

    # -- code generation, which the official CLI does

    def GenerateProgram(self, request: Any, rpc: Rpc) -> Any:
        _refuse(rpc, "pulumi convert")

    def GenerateProject(self, request: Any, rpc: Rpc) -> Any:
        _refuse(rpc, "pulumi convert")

    def GeneratePackage(self, request: Any, rpc: Rpc) -> Any:
        _refuse(rpc, "pulumi package gen-sdk")

    def Pack(self, request: Any, rpc: Rpc) -> Any:
        _refuse(rpc, "pulumi package pack-sdk")

    def Link(self, request: Any, rpc: Rpc) -> Any:
        _refuse(rpc, "pulumi package add")


def _interpreter(info: Any, rpc: Rpc) -> Interpreter:
    try:
        return Interpreter.of(dict(info.options), Path(info.root_directory or info.program_directory))
    except OptionsError as error:
        rpc.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        raise


def _refuse(rpc: Rpc, command: str) -> NoReturn:
    message = f"this language host runs programs and generates no code; use the official CLI for `{command}`"
    rpc.abort(grpc.StatusCode.UNIMPLEMENTED, message)
    raise AssertionError("abort always raises")
