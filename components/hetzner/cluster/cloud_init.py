"""cloud-config of a cluster's servers: a stock image becomes a node by it, with nobody logging in.

Pure: everything that is random or secret comes from outside. What only the running server knows is found out at boot
by the scripts in ``scripts/``.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from components.hetzner.cluster import hardening
from components.hetzner.cluster.k3s_config import ADMISSION_FILE, AUDIT_POLICY_FILE, SERVER_DATA
from components.hetzner.cluster.versions import Program, Versions

HERE = Path(__file__).parent
HEADER = "#cloud-config\n"
# Of all resolvers that Hetzner runs for its servers.
NAME_SERVERS = ("185.12.64.1", "185.12.64.2")

SCRIPTS = "/usr/local/lib/foundation"
UNITS = "/etc/systemd/system"
CONFIG = "/etc/rancher/k3s/config.yaml"
VOLUMES = "/var/lib/foundation"
# The volume is attached after the server's start, so nothing else waits for it.
MOUNT_OPTIONS = "discard,nofail,x-systemd.device-timeout=10min"
AUTHORITY = "/etc/foundation/server-ca.crt"

PRIVATE = "0600"
PUBLIC = "0644"
EXECUTABLE = "0755"
# What packing must leave at most.
WORTH_PACKING = 0.7


@dataclass(frozen=True, kw_only=True)
class NodeNetwork:
    """What a server must know of the private network."""

    subnet: str
    """Where its private address lies, as CIDR."""
    gateway: str
    """The private network's gateway: the way out of servers without public addresses."""
    mtu: int
    """Of the private interface."""
    egress: Literal["public", "nat"]


@dataclass(frozen=True, kw_only=True)
class AttachedVolume:
    """A network volume of a server, which Hetzner has formatted."""

    name: str
    device: str
    """Path below /dev/disk/by-id."""
    format: Literal["ext4", "xfs"]

    @property
    def folder(self) -> str:
        """Where it is mounted."""
        return f"{VOLUMES}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class SnapshotStore:
    """A restic repository in an S3-compatible store."""

    repository: str
    """In restic's notation, such as s3:https://host/bucket/folder."""
    region: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    encryption_key: str = field(repr=False)
    retention: int
    """Snapshots kept for each slot of the control plane."""


@dataclass(frozen=True, kw_only=True)
class ClusterAuthorities:
    """The authorities and keys that a new cluster begins with, as PEM, by k3s' file names below ``server/tls``."""

    files: Mapping[str, str] = field(repr=False)


def agent_user_data(
    *,
    config: Mapping[str, Any],
    network: NodeNetwork,
    peers: Sequence[str],
    authority_pem: str,
    versions: Versions,
    volumes: Sequence[AttachedVolume] = (),
) -> str:
    """User data of a node that runs pods. But for volumes it is the same for each node of a pool, also for those that
    the cluster autoscaler makes.

    Args:
        config: of k3s.
        network: the private network.
        peers: private addresses of the control plane.
        authority_pem: who signed the control plane's certificates.
        versions: of what is installed.
        volumes: of this node.
    """
    environment = _environment("agent", network, peers, versions, volumes, initialises=False)
    return _document(_common_files(environment, config, authority_pem, volumes))


def server_user_data(
    *,
    config: Mapping[str, Any],
    network: NodeNetwork,
    peers: Sequence[str],
    authority_pem: str,
    authorities: ClusterAuthorities | None,
    snapshots: SnapshotStore | None,
    versions: Versions,
    volumes: Sequence[AttachedVolume] = (),
) -> str:
    """User data of a control-plane server.

    Args:
        config: of k3s.
        network: the private network.
        peers: private addresses of the other control-plane servers.
        authority_pem: who signs the control plane's certificates.
        authorities: what a new cluster begins with, for the server that begins one when no other answers; None for
            every other, which gets it from those that it joins.
        snapshots: where etcd's snapshots are kept; None for the servers' own disks alone.
        versions: of what is installed.
        volumes: of this server.
    """
    environment = _environment("server", network, peers, versions, volumes, initialises=authorities is not None)
    files = _common_files(environment, config, authority_pem, volumes)
    files += [
        _file(ADMISSION_FILE, _yaml(hardening.admission_configuration()), PRIVATE),
        _file(AUDIT_POLICY_FILE, _yaml(hardening.audit_policy()), PRIVATE),
    ]
    if authorities is not None:
        files += [_file(f"{SERVER_DATA}/tls/{name}", pem, PRIVATE) for name, pem in sorted(authorities.files.items())]
    if snapshots is not None:
        files += [
            _file("/etc/foundation/backup.env", _snapshot_environment(snapshots), PRIVATE),
            _file(f"{SCRIPTS}/backup.sh", _read("scripts/backup.sh"), EXECUTABLE),
            *(
                _file(f"{UNITS}/{unit}", _read(f"units/{unit}"), PUBLIC)
                for unit in ("foundation-etcd-backup.service", "foundation-etcd-backup.path")
            ),
        ]
    return _document(files)


def environment_file(values: Mapping[str, str]) -> str:
    """``NAME="value"`` lines that a shell and systemd read alike. Raises ``ValueError`` for what they read apart."""
    for name, value in values.items():
        if any(character in value for character in '"\\$`\n'):
            raise ValueError(f"{name} holds a quote, backslash, dollar, backtick or line break: use a value without")
    return "".join(f'{name}="{value}"\n' for name, value in values.items())


def _environment(
    role: Literal["server", "agent"],
    network: NodeNetwork,
    peers: Sequence[str],
    versions: Versions,
    volumes: Sequence[AttachedVolume],
    *,
    initialises: bool,
) -> str:
    return environment_file(
        {
            "ROLE": role,
            "INITIALISES": "yes" if initialises else "no",
            "PEERS": " ".join(peers),
            "SUBNET": network.subnet,
            "GATEWAY": network.gateway,
            "MTU": str(network.mtu),
            "EGRESS": network.egress,
            "NAME_SERVERS": " ".join(NAME_SERVERS),
            "VOLUMES": " ".join(volume.folder for volume in volumes),
            **_program("K3S", versions.k3s, versions.k3s.version),
            **_program("RESTIC", versions.restic, f"v{versions.restic.version}"),
            "RESTIC_FILE": f"restic_{versions.restic.version}",
        }
    )


def _program(name: str, program: Program, tag: str) -> dict[str, str]:
    # A plus in a URL's path stands for itself, but GitHub takes only the escaped one.
    return {
        f"{name}_SOURCE": f"{program.source}/{tag.replace('+', '%2B')}",
        f"{name}_SHA256_AMD64": program.sha256["amd64"],
        f"{name}_SHA256_ARM64": program.sha256["arm64"],
    }


def _snapshot_environment(store: SnapshotStore) -> str:
    return environment_file(
        {
            "RESTIC_REPOSITORY": store.repository,
            "RESTIC_PASSWORD": store.encryption_key,
            "AWS_ACCESS_KEY_ID": store.access_key,
            "AWS_SECRET_ACCESS_KEY": store.secret_key,
            "AWS_DEFAULT_REGION": store.region,
            "RETENTION": str(store.retention),
            "SNAPSHOTS": f"{SERVER_DATA}/db/snapshots",
        }
    )


def _common_files(
    environment: str, config: Mapping[str, Any], authority_pem: str, volumes: Sequence[AttachedVolume]
) -> list[dict[str, Any]]:
    mounts = "".join(f"{volume.device} {volume.folder} {volume.format} {MOUNT_OPTIONS} 0 0\n" for volume in volumes)
    return [
        *([{"path": "/etc/fstab", "append": True, "content": mounts}] if mounts else []),
        _file("/etc/foundation/node.env", environment, PUBLIC),
        _file(AUTHORITY, authority_pem, PUBLIC),
        _file(CONFIG, _yaml(config), PRIVATE),
        _file("/etc/sysctl.d/90-foundation.conf", hardening.SYSCTL, PUBLIC),
        _file("/etc/ssh/sshd_config.d/10-foundation.conf", hardening.SSHD, PRIVATE),
        _file("/etc/apt/apt.conf.d/99-foundation", hardening.APT, PUBLIC),
        _file("/etc/foundation/metadata-guard.nft", hardening.METADATA_GUARD, PUBLIC),
        *(
            _file(f"{SCRIPTS}/{name}.sh", _read(f"scripts/{name}.sh"), EXECUTABLE)
            for name in ("network", "install", "join")
        ),
        *(
            _file(f"{UNITS}/{name}.service", _read(f"units/{name}.service"), PUBLIC)
            for name in ("foundation-install", "foundation-network", "foundation-metadata-guard", "k3s")
        ),
    ]


def _document(files: Sequence[Mapping[str, Any]]) -> str:
    return HEADER + _yaml(
        {
            "timezone": "Etc/UTC",
            "ssh_pwauth": False,
            "package_update": False,
            "package_upgrade": False,
            "write_files": [dict(file) for file in files],
            "runcmd": [
                ["systemctl", "daemon-reload"],
                # A unit, which goes on after a failure or a reboot; cloud-init would run the script only once.
                ["systemctl", "enable", "--now", "--no-block", "foundation-install.service"],
            ],
        }
    )


def _file(path: str, content: str, permissions: str) -> dict[str, str]:
    entry = {"path": path, "owner": "root:root", "permissions": permissions}
    # Without a time stamp: the same content gives the same user data.
    packed = base64.b64encode(gzip.compress(content.encode(), mtime=0)).decode()
    # Certificates and keys hardly shrink, and stay readable.
    if len(packed) < len(content) * WORTH_PACKING:
        return {**entry, "encoding": "gz+b64", "content": packed}
    return {**entry, "content": content}


def _read(name: str) -> str:
    return (HERE / name).read_text()


def _yaml(value: Mapping[str, Any]) -> str:
    return yaml.dump(dict(value), Dumper=_Readable, sort_keys=False, width=1000)


class _Readable(yaml.SafeDumper):
    """Texts of several lines as they are, for whoever looks into user data."""


_Readable.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)
