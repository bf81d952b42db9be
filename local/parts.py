"""The sandbox's further servers, by name: an environment's settings say which of them it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from local.directory import FoundationDirectory
from local.echo.server import PodsServer
from local.processes import ServerProcess
from local.redis.server import RedisServer
from local.traefik.server import TraefikServer


class Server(Protocol):
    """What the sandbox asks of each of its servers; ``start`` and a successful ``resume`` return when it answers."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def process(self) -> ServerProcess: ...
    def endpoint(self, port: int) -> str: ...
    def resume(self, port: int) -> bool: ...
    def start(self, port: int) -> None: ...
    def stop(self) -> None: ...
    def destroy(self) -> None: ...
    def answers(self) -> bool: ...


def _hetzner(directory: FoundationDirectory, own_cluster: bool) -> Server:
    # Its servers are no nodes of a cluster that isn't the sandbox's: nothing runs on them.
    from local.hetzner.server import HetznerServer

    kubeconfig = directory.kubeconfig if own_cluster else None
    return HetznerServer(directory.sandbox.resolve(), kubeconfig, credentials_file=directory.hetzner_file)


def _redis(directory: FoundationDirectory, own_cluster: bool) -> Server:
    return RedisServer(directory.sandbox.resolve(), directory.redis_url_file)


def pods(directory: FoundationDirectory, own_cluster: bool = True) -> PodsServer:
    """What answers as the cluster's pods."""
    return PodsServer(directory.sandbox.resolve(), directory.kubeconfig)


def _traefik(directory: FoundationDirectory, own_cluster: bool) -> Server:
    return TraefikServer(directory.sandbox.resolve(), directory.kubeconfig, pods(directory).endpoint_file)


_PARTS: dict[str, Callable[[FoundationDirectory, bool], Server]] = {
    "hetzner": _hetzner,
    "pods": pods,
    "redis": _redis,
    "traefik": _traefik,
}


def make(name: str, directory: FoundationDirectory, *, own_cluster: bool = True) -> Server:
    """The server called ``name``, for a sandbox with a cluster of its own or with the user's.

    Raises ``KeyError`` for a name that there isn't.
    """
    return _PARTS[name](directory, own_cluster)
