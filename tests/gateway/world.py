"""Tenants behind the real gateway: what the components register, in the sandbox's cluster, served by real programs."""

from __future__ import annotations

import contextlib
import socket
import ssl
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from components.gateway import manifests
from components.gateway.configuration import Limits
from components.gateway.front import AUTH_PORT, AUTH_SERVICE
from components.gateway.redis import read_url
from components.gateway.traefik import TraefikGateway, TraefikGatewayArgs
from components.identity import MANAGED_BY
from components.tenant.stack import TenantStack
from local.echo.server import PodsServer
from local.files import write_private
from local.kubernetes.api import ClusterApi
from local.ports import LOOPBACK, choose_port
from local.redis.server import RedisServer
from local.traefik.server import TraefikServer
from models.environment import Gateway
from models.workload import TenantRuntime
from provider.plugin import reveal
from tests.components import samples
from tests.components.monitor import run
from tests.services.auth.world import DOMAIN, eventually

CLUSTER_SCOPED = {"Namespace", "ClusterRole", "ClusterRoleBinding", "ClusterIssuer"}
# Nothing watches them here.
LEFT_OUT = {"ServiceMonitor", "PrometheusRule", "HorizontalPodAutoscaler"}
PLURALS = {"NetworkPolicy": "networkpolicies", "ResourceQuota": "resourcequotas"}


@dataclass
class Front:
    """One cluster's gateway with its Redis and its pods; replicas of Traefik are added and taken at will."""

    folder: Path
    kubeconfig: Path
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:6])
    auth_address: Path = field(init=False)
    pods: PodsServer = field(init=False)
    redis: RedisServer = field(init=False)
    ports: dict[str, int] = field(default_factory=dict)
    served: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.auth_address = self.folder / "auth.address"
        self.pods = PodsServer(self.folder, self.kubeconfig, {"auth-service": self.auth_address})
        self.redis = RedisServer(self.folder, self.folder / "redis_url")

    @property
    def namespace(self) -> str:
        return f"gateway-{self.id}"

    def slug(self, name: str) -> str:
        return f"{name}-{self.id}"

    def host(self, name: str) -> str:
        return f"{self.slug(name)}.{DOMAIN}"

    @cached_property
    def settings(self) -> Gateway:
        return Gateway(prove_domains=False, http_node_port=None, https_node_port=None)

    def start(self) -> None:
        for server in (self.pods, self.redis):
            self.ports[server.name] = choose_port(None)
            server.start(self.ports[server.name])

    def stop(self) -> None:
        for server in (self.pods, self.redis):
            server.destroy()
        with self.api() as api:
            for namespace in (self.namespace, *(f"tenant-{slug}" for slug in self.served)):
                api.delete(f"/api/v1/namespaces/{namespace}")
            for kind in ("clusterrolebindings", "clusterroles"):
                api.delete(f"/apis/rbac.authorization.k8s.io/v1/{kind}/{self.namespace}-traefik")

    @contextlib.contextmanager
    def api(self) -> Iterator[ClusterApi]:
        api = ClusterApi(self.kubeconfig)
        try:
            yield api
        finally:
            api.close()

    def serve(self, *tenants: Mapping[str, Any]) -> None:
        """Put platform and tenants into the cluster. A tenant: ``name``, ``requests_per_minute``, fields of Tenant."""
        made = [self._tenant(**tenant) for tenant in tenants]

        def program() -> None:
            redis = read_url(self.redis.url_file)
            TraefikGateway(
                "gateway",
                TraefikGatewayArgs(
                    namespace=self.namespace,
                    namespace_name=self.namespace,
                    settings=self.settings,
                    domain=DOMAIN,
                    domains=[domain for tenant, _ in made for domain in tenant.domains],
                    pages_image="ghcr.io/foundation/gateway-pages:v1.0",
                    redis=redis,
                ),
            )
            for tenant, requests_per_minute in made:
                limits = samples.plan().limits.model_copy(update={"requests_per_minute": requests_per_minute})
                plan = samples.plan(limits=limits.model_dump())
                surroundings = samples.surroundings(
                    domain=DOMAIN, gateway=self.settings, redis=redis, platform_namespace=self.namespace
                )
                arguments = samples.stack_args(tenant, plan, runtime=runtime(), surroundings=surroundings)
                TenantStack(tenant.slug, arguments)

        graph = run(program)
        assert graph.error == "", graph.errors
        platform = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace, "labels": MANAGED_BY}}
        objects = [platform, *self._auth_service()]
        objects += [reveal(found.inputs) for found in graph.resources.values() if found.type.startswith("kubernetes:")]
        with self.api() as api:
            for manifest in objects:
                if manifest["kind"] not in LEFT_OUT:
                    api.apply(_path(manifest), manifest)

    def _tenant(self, name: str, requests_per_minute: int = 60_000, **fields: Any) -> tuple[Any, int]:
        slug = self.slug(name)
        self.served.append(slug)
        return samples.tenant(slug, **fields), requests_per_minute

    def _auth_service(self) -> list[dict[str, Any]]:
        """The auth service as the cluster has it; the process behind it is run by the test."""
        metadata = {"name": AUTH_SERVICE, "namespace": self.namespace}
        container = {"image": "ghcr.io/foundation/auth-service:v1.0", "ports": [{"containerPort": AUTH_PORT}]}
        pod = manifests.pod(AUTH_SERVICE, container)
        return [
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": metadata,
                "spec": manifests.deployment(AUTH_SERVICE, pod, annotations={}, replicas=1),
            },
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": metadata,
                "spec": {"selector": {"app": AUTH_SERVICE}, "ports": [{"port": AUTH_PORT}]},
            },
        ]

    @contextlib.contextmanager
    def traefik(self, name: str = "traefik", limits: Limits | None = None, expect: str = "alice") -> Iterator[Door]:
        """A replica that serves everything there is now."""
        namespaces = [self.namespace, *(f"tenant-{slug}" for slug in self.served)]
        server = TraefikServer(
            self.folder,
            self.kubeconfig,
            self.pods.endpoint_file,
            name=name,
            namespaces=namespaces,
            limits=limits or Limits(),
        )
        port = choose_port(None)
        server.start(port)
        door = Door(self, server, port)
        try:
            eventually(lambda: door.get(self.host(expect), "/health").status_code == 200)
            yield door
        finally:
            door.client.close()
            server.destroy()

    def use_auth(self, port: int) -> None:
        write_private(self.auth_address, f"{LOOPBACK}:{port}")


@dataclass
class Door:
    """One replica of Traefik, as clients see it."""

    front: Front
    server: TraefikServer
    port: int

    @cached_property
    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.front.pods.certificate))

    @cached_property
    def client(self) -> httpx.Client:
        return httpx.Client(verify=self.context, timeout=20)

    def request(
        self, method: str, host: str, path: str = "/", *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """To ``host``, whose name leads to this replica."""
        return self.client.request(
            method,
            f"https://{LOOPBACK}:{self.port}{path}",
            headers={"host": host, **(headers or {})},
            extensions={"sni_hostname": host},
            **more,
        )

    def raw(self, host: str, request: bytes, patience: float = 10) -> bytes:
        """What is answered to bytes that no client library would send; the connection's end ends it."""
        with (
            socket.create_connection((LOOPBACK, self.port), timeout=patience) as plain,
            self.context.wrap_socket(plain, server_hostname=host) as connection,
        ):
            connection.sendall(request)
            answer = b""
            with contextlib.suppress(TimeoutError, ConnectionError):
                while part := connection.recv(65536):
                    answer += part
            return answer

    def get(self, host: str, path: str = "/", token: str | None = None, **headers: str) -> httpx.Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            given["authorization"] = f"Bearer {token}"
        try:
            return self.request("GET", host, path, headers=given)
        except httpx.ConnectError as error:
            raise AssertionError(str(error)) from None


def runtime() -> TenantRuntime:
    """As Foundation Cloud has it, with the paths that answer without a token."""
    api = {"workload": "seldon", "port": "api"}
    dashboard = {"workload": "seldon", "port": "http", "pages": True}
    return samples.runtime(
        routes=[
            api,
            {"path_prefixes": ["/health"], "authenticated": False, **api},
            {"path_prefixes": ["/dashboard"], **dashboard},
            {"path_prefixes": ["/login", "/dashboard/assets"], "authenticated": False, **dashboard},
        ]
    )


def headers_of(echoed: Mapping[str, Any]) -> dict[str, list[str]]:
    """Headers that reached the pod, by name in lower case."""
    found: dict[str, list[str]] = {}
    for name, value in echoed["headers"]:
        found.setdefault(name.lower(), []).append(value)
    return found


def _path(manifest: Mapping[str, Any]) -> str:
    version, kind, metadata = manifest["apiVersion"], manifest["kind"], manifest["metadata"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    plural = PLURALS.get(kind, f"{kind.lower()}s")
    within = "" if kind in CLUSTER_SCOPED else f"/namespaces/{metadata['namespace']}"
    return f"{root}{within}/{plural}/{metadata['name']}"


__all__: Sequence[str] = ("Door", "Front", "headers_of", "runtime")
