"""The pods of a tenant's workload, and the Deployment that keeps them. No resources here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from components.identity import Manifest, TenantIdentity
from components.pod_security import CONTAINER_SECURITY, pod_security
from components.tenant.placement import placement
from components.tenant.quota import EPHEMERAL_LIMIT, EPHEMERAL_REQUEST
from models import names
from models.plan import Pool
from models.workload import Container, Probe, Workload

USER: Final = 1000
"""FC-256."""

TMP_SIZE: Final = "256Mi"
"""Size of /tmp, the one place that a container can write to; counts as the pod's ephemeral storage."""

TERMINATION_GRACE_SECONDS: Final = 60
"""Long enough for the tasks at hand: 95 of 100 take less than 30 seconds (FC-155)."""


@dataclass(frozen=True)
class DatabaseAddress:
    """How a tenant's pods reach their schema."""

    host: str
    """The pooler (FC-281)."""
    port: int
    database: str

    def environment(self, slug: str) -> dict[str, str]:
        """DB_* variables (FC-085, FC-252, FC-292). The password is the Secret's ``db_password`` (FC-086)."""
        return {
            "DB_HOST": self.host,
            "DB_PORT": str(self.port),
            "DB_NAME": self.database,
            "DB_USER": names.database_role(slug),
            "DB_SCHEMA": names.database_schema(slug),
        }


def pod_spec(
    workload: Workload,
    tenant: TenantIdentity,
    *,
    pool: Pool,
    database: DatabaseAddress,
    config_map: str,
    service_account: str,
) -> Manifest:
    """Spec of the workload's pods, hardened, on the plan's nodes."""
    volumes: list[Manifest] = [{"name": "tmp", "emptyDir": {"sizeLimit": TMP_SIZE}}]
    if any(container.config_path for container in workload.containers):
        volumes.append({"name": "config", "configMap": {"name": config_map}})
    return {
        "serviceAccountName": service_account,
        "automountServiceAccountToken": False,
        # Services of the namespace as environment variables: nothing uses them, and they leak names.
        "enableServiceLinks": False,
        "securityContext": pod_security(USER),
        "terminationGracePeriodSeconds": TERMINATION_GRACE_SECONDS,
        **placement(pool, tenant.slug),
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                # A tenant that can't be spread still has to run.
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": tenant.selector(workload.name)},
            }
        ],
        "containers": [_container(container, tenant, database) for container in workload.containers],
        "volumes": volumes,
    }


def _container(container: Container, tenant: TenantIdentity, database: DatabaseAddress) -> Manifest:
    environment = {**(database.environment(tenant.slug) if container.uses_database else {}), **container.environment}
    mounts: list[Manifest] = [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108 - a mount, not a file that we make
    if container.config_path:
        mounts.append({"name": "config", "mountPath": container.config_path, "readOnly": True})
    resources = container.resources
    return {
        "name": container.name,
        "image": container.image,
        # Tags are pinned and don't move, so a node that has the image needs no registry to start a pod.
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": port.name, "containerPort": port.port, "protocol": "TCP"} for port in container.ports],
        **({"env": [{"name": key, "value": value} for key, value in environment.items()]} if environment else {}),
        **({"envFrom": [{"secretRef": {"name": names.secret(tenant.slug)}}]} if container.uses_secret else {}),
        "resources": {
            "requests": {**resources.requests.model_dump(), "ephemeral-storage": EPHEMERAL_REQUEST},
            "limits": {**resources.limits.model_dump(), "ephemeral-storage": EPHEMERAL_LIMIT},
        },
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": mounts,
        **({"livenessProbe": _probe(container.liveness)} if container.liveness else {}),
        **({"readinessProbe": _probe(container.readiness)} if container.readiness else {}),
    }


def _probe(probe: Probe) -> Manifest:
    return {
        "httpGet": {"path": probe.path, "port": probe.port},
        "initialDelaySeconds": probe.initial_delay_seconds,
        "periodSeconds": probe.period_seconds,
    }


def deployment_spec(
    workload: Workload, tenant: TenantIdentity, pod: Manifest, *, runs: bool, annotations: Mapping[str, object]
) -> Manifest:
    """Spec of the workload's Deployment (FC-083).

    While it runs, ``replicas`` is left out: the autoscaler owns the number, and an update that set it would undo the
    scaling. Otherwise it is 0 (FC-269).
    """
    return {
        **({} if runs else {"replicas": 0}),
        "revisionHistoryLimit": 3,
        "selector": {"matchLabels": tenant.selector(workload.name)},
        # A new pod is ready before an old one goes; the quota has room for it.
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": {
            "metadata": {
                "labels": {**tenant.labels, **tenant.selector(workload.name)},
                "annotations": dict(annotations),
            },
            "spec": pod,
        },
    }
