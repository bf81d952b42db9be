"""A cluster's parts with made-up secrets, for tests of pure functions."""

from __future__ import annotations

import base64
import gzip
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import yaml

from components.hetzner.cluster import cloud_init
from components.hetzner.cluster.cloud_init import ClusterAuthorities, NodeNetwork, SnapshotStore
from components.hetzner.cluster.k3s_config import NodeRole, agent_config, server_config
from components.hetzner.cluster.token import agent_token, server_token
from components.hetzner.cluster.versions import load
from models.hetzner import Network
from provider.pki.x509 import Issued, new_authority, new_private_key

NETWORK = NodeNetwork(subnet="10.0.0.0/24", gateway="10.0.0.1", mtu=1450, egress="public")
STORE = SnapshotStore(
    repository="s3:https://fsn1.your-objectstorage.com/bucket/etcd/alpha",
    region="fsn1",
    access_key="planted-access",
    secret_key="planted-secret/+=",
    encryption_key="planted-encryption",
    retention=28,
)
PEERS = ("10.0.0.130", "10.0.0.131")
SERVER_PASSWORD = "planted-server-password"
AGENT_PASSWORD = "planted-agent-password"
AUTHORITY_FILES = ("client-ca", "etcd/peer-ca", "etcd/server-ca", "request-header-ca", "server-ca")


@cache
def authority(name: str) -> Issued:
    """An authority of the sample cluster."""
    return new_authority(f"alpha {name}", timedelta(days=3650), datetime.now(UTC).replace(microsecond=0))


@cache
def authorities() -> ClusterAuthorities:
    """All that a new cluster begins with."""
    files = {"service.key": new_private_key("RSA")}
    for name in AUTHORITY_FILES:
        files |= {f"{name}.crt": authority(name).certificate, f"{name}.key": authority(name).private_key}
    return ClusterAuthorities(files=files)


def server_k3s(**changes: Any) -> dict[str, Any]:
    """Configuration of a control-plane server."""
    arguments: dict[str, Any] = {
        "token": server_token(authority("server-ca").certificate, SERVER_PASSWORD),
        "agent_password": AGENT_PASSWORD,
        "network": Network(),
        "names": ["api.example.com"],
        "metrics_server": True,
        "snapshot_schedule": "0 */6 * * *",
    }
    taints = ("node-role.kubernetes.io/control-plane:NoSchedule",)
    return server_config(NodeRole(labels={"pool": "control-plane"}, taints=taints), **(arguments | changes))


def agent_k3s() -> dict[str, Any]:
    """Configuration of an agent."""
    role = NodeRole(labels={"pool": "enterprise", "tenant": "charlie"}, taints=("tenant=charlie:NoSchedule",))
    return agent_config(role, agent_token(authority("server-ca").certificate, AGENT_PASSWORD))


def server(*, first: bool = True, network: NodeNetwork = NETWORK, store: SnapshotStore | None = STORE) -> str:
    """User data of a control-plane server with everything on."""
    return cloud_init.server_user_data(
        config=server_k3s(),
        network=network,
        peers=PEERS,
        authority_pem=authority("server-ca").certificate,
        authorities=authorities() if first else None,
        snapshots=store,
        versions=load(),
    )


def agent(network: NodeNetwork = NETWORK) -> str:
    """User data of an agent."""
    return cloud_init.agent_user_data(
        config=agent_k3s(),
        network=network,
        peers=("10.0.0.129", *PEERS),
        authority_pem=authority("server-ca").certificate,
        versions=load(),
    )


@dataclass(frozen=True)
class Files:
    """What cloud-init writes."""

    document: dict[str, Any]
    content: dict[str, str] = field(init=False)
    permissions: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        files = self.document["write_files"]
        object.__setattr__(self, "content", {file["path"]: _decoded(file) for file in files})
        object.__setattr__(self, "permissions", {file["path"]: file.get("permissions", "") for file in files})

    @classmethod
    def of(cls, user_data: str) -> Files:
        """As cloud-init reads it."""
        return cls(yaml.safe_load(user_data))


def _decoded(file: dict[str, str]) -> str:
    if file.get("encoding") == "gz+b64":
        return gzip.decompress(base64.b64decode(file["content"])).decode()
    return file["content"]
