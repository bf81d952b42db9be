"""The cluster's components and their command lines: the same for the official programs and for the one built here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from local.files import write_private
from local.ports import LOOPBACK

SERVICE_RANGE = "10.96.0.0/16"
POD_RANGE = "10.244.0.1/16"

# etcd and its only client stand in the data folder, which only the owner may enter, so no other user of the machine
# reaches it. A socket's path may have 108 bytes at most and the data folder can lie deeper than that: /proc/self/cwd
# is the same folder by a short name. Of a peer's URL etcd takes the host alone as the socket's path (without one it
# would listen on a nameless socket that everyone may reach), so that one is relative.
CLIENT_SOCKET = "unix:///proc/self/cwd/etcd-client.sock"
PEER_SOCKET = "unix://etcd-peer.sock"

# The default of 20 requests a second would make hundreds of Deployments take minutes.
REQUESTS = ("--kube-api-qps=500", "--kube-api-burst=1000")
CONTROLLER = ("--leader-elect=false", "--secure-port=0", *REQUESTS)


@dataclass(frozen=True)
class Component:
    """One component: ``file`` stands in its arguments and belongs to one sandbox only."""

    name: str
    file: Path
    arguments: tuple[str, ...]


def components(data: Path, port: int, stages: Path) -> list[Component]:
    """What runs, in the order in which it starts; etcd and the API server before all others.

    Secrets travel in files of the data folder, never in arguments, which every user of the machine can read.
    """
    kubeconfig = data / "kubeconfig"
    return [
        Component("etcd", data / "etcd.json", ("--config-file", f"{data / 'etcd.json'}")),
        Component("kube-apiserver", data / "apiserver.crt", _api_server(data, port)),
        Component("kube-controller-manager", kubeconfig, _controller_manager(data, kubeconfig)),
        Component("kube-scheduler", kubeconfig, ("--kubeconfig", f"{kubeconfig}", *CONTROLLER)),
        Component("kwok", kubeconfig, _kwok(kubeconfig, stages)),
    ]


def write_etcd_configuration(data: Path) -> None:
    """etcd's settings: names as etcd's own configuration file has them."""
    settings = {
        "data-dir": str(data / "etcd"),
        "log-level": "error",
        # The data outlives a killed process, which is all a sandbox asks; only a power cut may damage it.
        "unsafe-no-fsync": True,
        "listen-client-urls": CLIENT_SOCKET,
        "advertise-client-urls": CLIENT_SOCKET,
        "listen-peer-urls": PEER_SOCKET,
        "initial-advertise-peer-urls": PEER_SOCKET,
        "initial-cluster": f"default={PEER_SOCKET}",
    }
    write_private(data / "etcd.json", json.dumps(settings, indent=2) + "\n")


def _api_server(data: Path, port: int) -> tuple[str, ...]:
    return (
        f"--etcd-servers={CLIENT_SOCKET}",
        f"--bind-address={LOOPBACK}",
        f"--advertise-address={LOOPBACK}",
        f"--secure-port={port}",
        # The reconciler refuses to publish a loopback address as endpoint of the kubernetes Service.
        "--endpoint-reconciler-type=none",
        "--tls-cert-file",
        f"{data / 'apiserver.crt'}",
        f"--tls-private-key-file={data / 'apiserver.key'}",
        f"--token-auth-file={data / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        f"--encryption-provider-config={data / 'encryption.yaml'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={data / 'service-account.key'}",
        f"--service-account-signing-key-file={data / 'service-account.key'}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        # As in a real cluster: whether a pod may be privileged is decided by Pod Security, by namespace.
        "--allow-privileged",
    )


def _controller_manager(data: Path, kubeconfig: Path) -> tuple[str, ...]:
    return (
        "--kubeconfig",
        f"{kubeconfig}",
        *CONTROLLER,
        "--use-service-account-credentials",
        f"--service-account-private-key-file={data / 'service-account.key'}",
        f"--root-ca-file={data / 'apiserver.crt'}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        # A machine that slept or was too busy for heartbeats has lost no node. Pods would be marked as not ready then,
        # and no kubelet is there that marks them as ready again.
        "--node-monitor-grace-period=8760h",
    )


def _kwok(kubeconfig: Path, stages: Path) -> tuple[str, ...]:
    return (
        "--kubeconfig",
        f"{kubeconfig}",
        f"--config={stages}",
        "--manage-all-nodes",
        f"--cidr={POD_RANGE}",
        f"--node-ip={LOOPBACK}",
        "--node-lease-duration-seconds=40",
        # No kubelet API: it would listen on every interface.
        "--node-port=0",
    )
