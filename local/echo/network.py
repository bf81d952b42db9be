"""The pods' network: a SOCKS5 server in which every pod of the cluster has its address."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.server import ServerState

from local.echo.pods import app as tenants
from local.echo.programs import MODULES, Programs
from local.echo.socks import HOST_UNREACHABLE, REFUSED, SUCCEEDED, HandshakeError, answer, read_target
from local.kubernetes.api import ClusterApi, ClusterError
from services.pages.app import app as pages

Pod = dict[str, Any]
BUFFER = 64 * 1024
PAGES = "gateway-pages"


class Unreachable(ConnectionError):
    """Nothing is there."""


class PodNetwork:
    """Answers as the pods of one cluster.

    Connections to apps that are programs of this project, by their pods' addresses or their Services' names, are
    passed on to ``programs``; ``elsewhere`` names files with the addresses of those that somebody else runs.
    """

    def __init__(self, kubeconfig: Path, programs: Programs, elsewhere: Mapping[str, Path]) -> None:
        self._kubeconfig = kubeconfig
        self._programs = programs
        self._elsewhere = elsewhere
        self._tenants, self._pages = _served(tenants), _served(pages)
        self._state = ServerState()

    async def serve(self, host: str, port: int) -> None:
        """Listen until cancelled."""
        server = await asyncio.start_server(self._connected, host, port)
        async with server:
            await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            host, port = await read_target(reader, writer)
            await self._join(host, port, reader, writer)
        except (Unreachable, HandshakeError, ClusterError, OSError) as error:
            code = error.code if isinstance(error, HandshakeError) else HOST_UNREACHABLE
            if code is not None:
                answer(writer, code)
            writer.close()
        except EOFError:
            writer.close()

    async def _join(self, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        app_name, pod = await asyncio.to_thread(self._find, host, port)
        if app_name in MODULES:
            try:
                other = await asyncio.open_connection(
                    *await asyncio.to_thread(self._program, app_name, pod["namespace"])
                )
            except OSError:
                answer(writer, REFUSED)
                writer.close()
                return
            answer(writer, SUCCEEDED)
            await _relay(reader, writer, *other)
        else:
            answer(writer, SUCCEEDED)
            # From here on the connection is the pod's own.
            protocol = AutoHTTPProtocol(  # type: ignore[call-arg]  # declared as any protocol
                config=self._pages if app_name == PAGES else self._tenants,
                server_state=self._state,
                app_state={"pod": {**pod, "port": port}},
            )
            writer.transport.set_protocol(protocol)
            protocol.connection_made(writer.transport)

    def _program(self, app: str, namespace: str) -> tuple[str, int]:
        if app in self._elsewhere:
            host, _, port = self._elsewhere[app].read_text().strip().rpartition(":")
            return host, int(port)
        return self._programs.address(app, namespace)

    def _find(self, host: str, port: int) -> tuple[str, Pod]:
        """The app and the pod at an address, or behind a Service's name. Raises ``Unreachable``, ``ClusterError``."""
        try:
            ipaddress.ip_address(host)
        except ValueError:
            service, namespace, *_ = [*host.split("."), "", ""]
            if service in MODULES:
                return service, {"namespace": namespace}
            raise Unreachable(f"no Service {host}") from None
        api = ClusterApi(self._kubeconfig)
        try:
            pods = api.get(f"/api/v1/pods?fieldSelector=status.podIP={host},status.phase=Running")["items"]
        finally:
            api.close()
        if not pods:
            raise Unreachable(f"no pod has the address {host}")
        metadata, spec = pods[0]["metadata"], pods[0]["spec"]
        labels = metadata.get("labels", {})
        ports = [given["containerPort"] for container in spec["containers"] for given in container.get("ports", [])]
        if port not in ports:
            raise Unreachable(f"pod {metadata['name']} doesn't listen on {port}")
        pod = {"pod": metadata["name"], "namespace": metadata["namespace"], "tenant": labels.get("tenant", "")}
        return labels.get("app", ""), pod


def _served(app: Starlette) -> uvicorn.Config:
    config = uvicorn.Config(app, lifespan="off", ws="none", log_config=None, access_log=False)
    config.load()
    return config


async def _relay(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    other_reader: asyncio.StreamReader,
    other_writer: asyncio.StreamWriter,
) -> None:
    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(BUFFER):
                sink.write(data)
                await sink.drain()
        # Either end's leaving ends both ways: HTTP has no use for half-closed connections.
        sink.close()

    await asyncio.gather(copy(reader, other_writer), copy(other_reader, writer))
