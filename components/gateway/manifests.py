"""The gateway's own objects in Kubernetes' words. No resources here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from components.gateway.configuration import GRACE_SECONDS
from components.identity import MANAGED_BY, Manifest
from components.pod_security import CONTAINER_SECURITY, pod_security

APP: Final = "traefik"
"""Label ``app`` of the pods (FC-171)."""
INFRA_NODES: Final = {"pool": "infra"}
"""FC-137."""
USER: Final = 65532
"""Nobody in particular; any number above 0 serves."""
SECURE_PORT, PLAIN_PORT, METRICS_PORT = 8443, 8000, 9100
CPU_UTILIZATION: Final = 60
"""Percent of the request; TLS handshakes come in waves. Our choice."""
DISK: Final = "1Gi"
"""Room for bodies that do not fit in memory."""

CLUSTER_RULES: Final[Sequence[Manifest]] = (
    {"apiGroups": [""], "resources": ["services", "secrets"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    {
        "apiGroups": ["traefik.io"],
        "resources": [
            "ingressroutes",
            "ingressroutetcps",
            "ingressrouteudps",
            "middlewares",
            "middlewaretcps",
            "serverstransports",
            "serverstransporttcps",
            "tlsoptions",
            "tlsstores",
            "traefikservices",
        ],
        "verbs": ["get", "list", "watch"],
    },
)
"""What Traefik reads, and it writes nothing. Kubernetes can't narrow Secrets down to those with certificates."""


def labels(app: str) -> dict[str, str]:
    """Labels of one of the gateway's parts."""
    return {"app": app, **MANAGED_BY}


def pod(
    app: str, container: Manifest, volumes: Sequence[Manifest] = (), *, service_account: str | None = None
) -> Manifest:
    """Spec of a hardened pod on the infra nodes, spread over them. Only what names a service account gets its token."""
    return {
        **({"serviceAccountName": service_account} if service_account else {}),
        "automountServiceAccountToken": service_account is not None,
        "enableServiceLinks": False,
        "securityContext": pod_security(USER),
        "terminationGracePeriodSeconds": GRACE_SECONDS + 5,
        "nodeSelector": INFRA_NODES,
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                # FC-137 begins with one node.
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"app": app}},
            }
        ],
        "containers": [
            {"name": app, "imagePullPolicy": "IfNotPresent", "securityContext": CONTAINER_SECURITY, **container}
        ],
        "volumes": list(volumes),
    }


def deployment(app: str, pod_spec: Manifest, *, annotations: Mapping[str, object], replicas: int | None) -> Manifest:
    """Spec of a Deployment that never has fewer pods than it should; ``replicas`` None: the autoscaler's business."""
    return {
        **({} if replicas is None else {"replicas": replicas}),
        "revisionHistoryLimit": 3,
        "selector": {"matchLabels": {"app": app}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": {"metadata": {"labels": labels(app), "annotations": dict(annotations)}, "spec": pod_spec},
    }


def resources(cpu: str, memory: str, *, cpu_limit: str, disk: str = "64Mi") -> Manifest:
    """Requests, and limits with the same memory: what it may use it has."""
    return {
        "requests": {"cpu": cpu, "memory": memory, "ephemeral-storage": disk},
        "limits": {"cpu": cpu_limit, "memory": memory, "ephemeral-storage": disk},
    }


def traefik_container(image: str) -> Manifest:
    """Traefik, with its configuration from a file."""
    probe = {"httpGet": {"path": "/ping", "port": METRICS_PORT}, "periodSeconds": 2, "failureThreshold": 2}
    return {
        "image": image,
        "args": ["--configFile=/etc/traefik/traefik.yaml"],
        "ports": [
            {"name": "websecure", "containerPort": SECURE_PORT, "protocol": "TCP"},
            {"name": "web", "containerPort": PLAIN_PORT, "protocol": "TCP"},
            {"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"},
        ],
        "resources": resources("500m", "512Mi", cpu_limit="2", disk=DISK),
        "readinessProbe": probe,
        "livenessProbe": {**probe, "periodSeconds": 10, "failureThreshold": 3},
        "volumeMounts": [
            {"name": "configuration", "mountPath": "/etc/traefik", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a mount, not a file that we make
        ],
    }


def public_service(http_node_port: int | None, https_node_port: int | None) -> Manifest:
    """Spec of the Service that the load balancer sends to.

    ``Local``: a node without a replica is no target, and no second hop hides who the request is from.
    """
    ports = [("websecure", 443, https_node_port), ("web", 80, http_node_port)]
    outside = http_node_port is not None or https_node_port is not None
    return {
        "type": "NodePort" if outside else "ClusterIP",
        **({"externalTrafficPolicy": "Local"} if outside else {}),
        "selector": {"app": APP},
        "ports": [
            {
                "name": name,
                "port": port,
                "targetPort": name,
                "protocol": "TCP",
                **({} if node_port is None else {"nodePort": node_port}),
            }
            for name, port, node_port in ports
        ],
    }


def service(app: str, port: int) -> Manifest:
    """Spec of a Service inside the cluster, with one port."""
    return {
        "selector": {"app": app},
        "ports": [{"name": "main", "port": port, "targetPort": port, "protocol": "TCP"}],
    }


def disruption_budget(app: str) -> Manifest:
    """Spec of the PodDisruptionBudget: one pod at a time."""
    return {"maxUnavailable": 1, "selector": {"matchLabels": {"app": app}}}


def autoscaler(app: str, least: int, most: int) -> Manifest:
    """Spec of the HorizontalPodAutoscaler."""
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": app},
        "minReplicas": least,
        "maxReplicas": max(least, most),
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": CPU_UTILIZATION}},
            }
        ],
    }


def admits(app: str, port: int, *apps: str) -> Manifest:
    """Spec of a NetworkPolicy: the pods of ``app`` are reached on ``port`` by those of ``apps`` in the same namespace
    alone."""
    return {
        "podSelector": {"matchLabels": {"app": app}},
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "from": [{"podSelector": {"matchLabels": {"app": other}}} for other in apps],
                "ports": [{"protocol": "TCP", "port": port}],
            }
        ],
    }
