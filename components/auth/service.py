"""The auth service's pods, which Traefik asks with every request (FC-206, FC-297)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import pulumi
from psycopg.conninfo import make_conninfo
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import Secret, Service
from pulumi_kubernetes.networking.v1 import NetworkPolicy
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget
from pulumi_random import RandomPassword

from components.auth.database import AuthDatabase, AuthDatabaseArgs
from components.encoding import base64_text
from components.gateway import manifests
from components.gateway.front import AUTH_PORT, AUTH_SERVICE
from components.identity import Manifest
from components.postgres.connection import DatabaseServer
from components.postgres.resources import Migration
from models.environment import PodSelector

SECRETS_FOLDER: Final = "/run/secrets/auth"
SECRET_LENGTH: Final = 48
REPLICAS: Final = 2
"""One may always be restarting. Each keeps one core busy at most, at some 5,000 requests a second."""


@dataclass(frozen=True, kw_only=True)
class AuthServiceArgs:
    """Where it runs, and the database that it asks."""

    namespace: pulumi.Input[str]
    domain: str
    image: str
    key_kind: str
    """``live`` in production, ``test`` elsewhere (FC-300)."""
    server: DatabaseServer
    """As the pods reach it: not a pooler, LISTEN needs a session of its own."""
    database: str
    owner: pulumi.Input[str]
    migrations: list[Migration]
    prometheus: PodSelector


class AuthService(pulumi.ComponentResource):
    """Tables, role, Secret ``auth-service`` and the Deployment behind Service ``auth-service``.

    The Secret's keys are the files that the service reads: ``auth_database`` and ``auth_secret``.
    """

    def __init__(self, name: str, args: AuthServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:auth:AuthService", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        def metadata() -> Manifest:
            return {"name": AUTH_SERVICE, "namespace": args.namespace, "labels": manifests.labels(AUTH_SERVICE)}

        password, secret = (
            RandomPassword(f"{name}-{what}", length=SECRET_LENGTH, special=False, opts=child).result
            for what in ("password", "secret")
        )
        database = AuthDatabase(
            f"{name}-database",
            AuthDatabaseArgs(database=args.database, owner=args.owner, password=password, migrations=args.migrations),
            child,
        )
        server = args.server
        login = pulumi.Output.all(
            host=server.host, port=server.port, user=database.role, password=password, dbname=args.database
        ).apply(lambda known: make_conninfo(sslmode=server.sslmode, **known))
        files = pulumi.Output.all(auth_database=login, auth_secret=secret)
        made = Secret(
            f"{name}-files",
            metadata=metadata(),
            type="Opaque",
            data=files.apply(lambda known: {key: base64_text(value) for key, value in known.items()}),
            opts=child,
        )
        checksum = files.apply(_checksum)
        deployment = Deployment(
            f"{name}-deployment",
            metadata=metadata(),
            spec=manifests.deployment(
                AUTH_SERVICE, _pod(args), annotations={"checksum/secret": checksum}, replicas=REPLICAS
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[made]),
        )
        Service(
            f"{name}-service",
            metadata=metadata(),
            spec=_service(),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[deployment]),
        )
        PodDisruptionBudget(
            f"{name}-disruption-budget",
            metadata=metadata(),
            spec=_disruption_budget(),
            opts=child,
        )
        NetworkPolicy(f"{name}-network", metadata=metadata(), spec=_network(args.prometheus), opts=child)
        self.register_outputs({})


def _checksum(files: dict[str, str]) -> str:
    """Another value gives other pods: files of a Secret reach running ones late, and the service reads them once."""
    return hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()


def _pod(args: AuthServiceArgs) -> Manifest:
    def probe(path: str, **fields: int) -> Manifest:
        return {"httpGet": {"path": path, "port": AUTH_PORT}, **fields}

    container = {
        "image": args.image,
        "args": ["serve"],
        "env": [
            {"name": "AUTH_DOMAIN", "value": args.domain},
            {"name": "AUTH_KEY_KIND", "value": args.key_kind},
            {"name": "AUTH_SECRETS_DIR", "value": SECRETS_FOLDER},
        ],
        "ports": [{"name": "http", "containerPort": AUTH_PORT, "protocol": "TCP"}],
        "resources": manifests.resources("250m", "384Mi", cpu_limit="1500m"),
        "startupProbe": probe("/health", periodSeconds=1, failureThreshold=60),
        # Without the database no replica is ready, and all would be refused anyway.
        "readinessProbe": probe("/ready", periodSeconds=2, failureThreshold=2),
        "livenessProbe": probe("/health", periodSeconds=10, failureThreshold=3),
        "volumeMounts": [{"name": "secrets", "mountPath": SECRETS_FOLDER, "readOnly": True}],
    }
    return manifests.pod(
        AUTH_SERVICE, container, [{"name": "secrets", "secret": {"secretName": AUTH_SERVICE, "defaultMode": 0o440}}]
    )


def _service() -> Manifest:
    return {
        "selector": {"app": AUTH_SERVICE},
        "ports": [{"name": "http", "port": AUTH_PORT, "targetPort": AUTH_PORT, "protocol": "TCP"}],
    }


def _disruption_budget() -> Manifest:
    return {"maxUnavailable": 1, "selector": {"matchLabels": {"app": AUTH_SERVICE}}}


def _network(prometheus: PodSelector) -> Manifest:
    """Reached by Traefik alone, whose word about hosts and addresses it believes, and by Prometheus."""
    spec = manifests.admits(AUTH_SERVICE, AUTH_PORT, manifests.APP)
    spec["ingress"][0]["from"].append(
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": prometheus.namespace}},
            "podSelector": {"matchLabels": prometheus.labels},
        }
    )
    return spec
