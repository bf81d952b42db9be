"""The gateway's own Redis: one pod without a disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import ConfigMap, Secret, Service
from pulumi_kubernetes.networking.v1 import NetworkPolicy
from pulumi_random import RandomPassword

from components.encoding import base64_text
from components.gateway import manifests
from components.gateway.redis import PORT, SETTINGS, RedisAccess, configuration, users
from components.identity import Manifest

APP: Final = "gateway-redis"
# Not the server's own name: that is the Secret of those who log in (components.gateway.redis.SECRET).
USERS: Final = "gateway-redis-users"
PASSWORD_LENGTH: Final = 32


@dataclass(frozen=True, kw_only=True)
class RedisServerArgs:
    """Where it runs."""

    namespace: pulumi.Input[str]
    namespace_name: str
    image: str


class RedisServer(pulumi.ComponentResource):
    """Counts requests for all replicas of the gateway (FC-071).

    One pod: Traefik speaks to one server or to a Redis Cluster, and knows no sentinels. What it counts is worth
    nothing a moment later, so nothing is lost with it; while it is away requests are refused. Its node's loss is
    noticed at once and another node starts it, in some 20 s.
    """

    access: RedisAccess

    def __init__(self, name: str, args: RedisServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:gateway:RedisServer", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        def metadata() -> Manifest:
            return {"name": APP, "namespace": args.namespace, "labels": manifests.labels(APP)}

        password: pulumi.Output[str] = RandomPassword(
            f"{name}-redis-password", length=PASSWORD_LENGTH, special=False, opts=child
        ).result
        text = configuration({**SETTINGS, "port": PORT, "aclfile": "/etc/redis-users/users.acl"})
        config = ConfigMap(f"{name}-redis-configuration", metadata=metadata(), data={"redis.conf": text}, opts=child)
        acl: dict[str, pulumi.Input[str]] = {"users.acl": password.apply(lambda value: base64_text(users(value)))}
        of_users: Manifest = {**metadata(), "name": USERS}
        secret = Secret(
            f"{name}-redis-users",
            metadata=of_users,
            type="Opaque",
            data=acl,
            opts=child,
        )
        checksum = password.apply(lambda value: hashlib.sha256((text + value).encode()).hexdigest())
        spec: Manifest = {
            **manifests.deployment(APP, _pod(args.image), annotations={"checksum/redis": checksum}, replicas=1),
            # Two at a time would count apart.
            "strategy": {"type": "Recreate"},
        }
        deployment = Deployment(
            f"{name}-redis-deployment",
            metadata=metadata(),
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[config, secret]),
        )
        Service(
            f"{name}-redis-service",
            metadata=metadata(),
            spec=manifests.service(APP, PORT),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[deployment]),
        )
        NetworkPolicy(
            f"{name}-redis-network",
            metadata=metadata(),
            spec=manifests.admits(APP, PORT, manifests.APP),
            opts=child,
        )
        self.access = RedisAccess(endpoint=f"{APP}.{args.namespace_name}.svc.cluster.local:{PORT}", password=password)
        self.register_outputs({})


def _pod(image: str) -> Manifest:
    container = {
        "image": image,
        "args": ["/etc/redis/redis.conf"],
        "ports": [{"name": "redis", "containerPort": PORT, "protocol": "TCP"}],
        "resources": manifests.resources("100m", "128Mi", cpu_limit="1"),
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 2},
        "livenessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 10},
        "volumeMounts": [
            {"name": "configuration", "mountPath": "/etc/redis", "readOnly": True},
            {"name": "users", "mountPath": "/etc/redis-users", "readOnly": True},
        ],
    }
    gone = ("not-ready", "unreachable")
    return {
        **manifests.pod(
            APP,
            container,
            [
                {"name": "configuration", "configMap": {"name": APP}},
                {"name": "users", "secret": {"secretName": USERS}},
            ],
        ),
        # Kubernetes' own patience is 5 minutes.
        "tolerations": [
            {"key": f"node.kubernetes.io/{what}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 10}
            for what in gone
        ],
    }
