"""``/etc/rancher/k3s/config.yaml`` of servers and agents.

What only the running server knows (addresses, the network interface, whom to join) is added at boot in
``config.yaml.d`` by the scripts in ``scripts/``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from components.hetzner.cluster.hardening import KUBELET
from models.hetzner import Network

SERVER_DATA = "/var/lib/rancher/k3s/server"
ADMISSION_FILE = f"{SERVER_DATA}/admission.yaml"
AUDIT_POLICY_FILE = f"{SERVER_DATA}/audit.yaml"
AUDIT_LOG = f"{SERVER_DATA}/logs/audit.log"
# Ours instead: Traefik of a version that we choose, load balancers and volumes of Hetzner.
DISABLED = ("traefik", "servicelb", "local-storage")
# CoreDNS has the tenth address of the Services' range, by k3s' default.
DNS_ADDRESS = 10
# Beside what is kept outside: enough to go back when the last ones are the trouble.
LOCAL_SNAPSHOTS = 5


@dataclass(frozen=True, kw_only=True)
class NodeRole:
    """What Kubernetes is told of a node: its labels, and taints as ``key=value:effect``."""

    labels: Mapping[str, str]
    taints: Sequence[str]


def agent_config(role: NodeRole, token: str) -> dict[str, Any]:
    """Of a node that runs pods and nothing of the control plane. ``token`` is the agents' (a secret)."""
    return {"token": token, **_node(role)}


def server_config(
    role: NodeRole,
    *,
    token: str,
    agent_password: str,
    network: Network,
    names: Sequence[str],
    metrics_server: bool,
    snapshot_schedule: str | None,
) -> dict[str, Any]:
    """Of a control-plane server with embedded etcd.

    Args:
        role: labels and taints.
        token: the servers' (a secret).
        agent_password: the agents' (a secret), without the part that names the cluster.
        network: addresses of pods and Services.
        names: host names and addresses that the API is reached by, beside those of its servers.
        metrics_server: whether k3s installs its own.
        snapshot_schedule: when etcd's snapshots are taken, in cron's notation; None for k3s' default of 12 hours.
    """
    api_server = {
        "enable-admission-plugins": "NodeRestriction,EventRateLimit",
        "admission-control-config-file": ADMISSION_FILE,
        "audit-policy-file": AUDIT_POLICY_FILE,
        "audit-log-path": AUDIT_LOG,
        "audit-log-maxage": "30",
        "audit-log-maxbackup": "10",
        "audit-log-maxsize": "100",
        "service-account-extend-token-expiration": "false",
    }
    return {
        "token": token,
        "agent-token": agent_password,
        "write-kubeconfig-mode": "0600",
        "tls-san": list(names),
        "cluster-cidr": network.cluster_cidr,
        "service-cidr": network.service_cidr,
        "cluster-dns": str(IPv4Network(network.service_cidr)[DNS_ADDRESS]),
        "flannel-backend": network.flannel_backend,
        "disable": [*DISABLED, *([] if metrics_server else ["metrics-server"])],
        "disable-cloud-controller": True,
        "secrets-encryption": True,
        "secrets-encryption-provider": "secretbox",
        "etcd-snapshot-retention": LOCAL_SNAPSHOTS,
        **({} if snapshot_schedule is None else {"etcd-snapshot-schedule-cron": snapshot_schedule}),
        "kube-apiserver-arg": _arguments(api_server),
        "kube-controller-manager-arg": ["terminated-pod-gc-threshold=100"],
        **_node(role),
    }


def _node(role: NodeRole) -> dict[str, Any]:
    return {
        "protect-kernel-defaults": True,
        "kubelet-arg": _arguments(KUBELET),
        "node-label": [f"{key}={value}" for key, value in sorted(role.labels.items())],
        "node-taint": list(role.taints),
    }


def _arguments(values: Mapping[str, str]) -> list[str]:
    return [f"{key}={value}" for key, value in values.items()]
