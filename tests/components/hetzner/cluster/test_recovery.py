"""A cluster is lost and comes back from its encrypted snapshot: etcd, restic and the API server are the real ones."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.hetzner.cluster.cloud_init import HERE
from components.hetzner.cluster.versions import load
from local.kubernetes.api import ClusterApi
from local.toolchain.golang import build_go
from tests.components.hetzner.cluster.certificates import administrator
from tests.components.hetzner.cluster.control_plane import ControlPlane

PROGRAMS = Path(__file__).parent / "recovery"
FLAGS = "-s -w"
SECRET = "/api/v1/namespaces/default/secrets/kept"


@dataclass(frozen=True)
class Store:
    """A restic repository, and the server whose snapshots go there."""

    folder: Path
    snapshots: Path
    programs: Path

    def environment(self, password: str = "planted-encryption-key") -> dict[str, str]:
        """As ``backup.env`` has it, for a repository on this machine."""
        return {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "RESTIC_REPOSITORY": str(self.folder),
            "RESTIC_PASSWORD": password,
            "RESTIC_CACHE_DIR": str(self.folder.with_name("cache")),
            "RETENTION": "2",
            "SNAPSHOTS": str(self.snapshots),
        }

    def backup(self, **changes: str) -> subprocess.CompletedProcess[str]:
        """The script that servers run."""
        script = ["sh", str(HERE / "scripts" / "backup.sh")]
        return subprocess.run(script, env=self.environment(**changes), capture_output=True, text=True)

    def backup_on(self, server: str) -> subprocess.CompletedProcess[str]:
        """The same on a server of that name."""
        named = ["unshare", "--map-root-user", "--uts", "sh", "-c", 'hostname "$1" && exec sh "$2"', "sh", server]
        script = [*named, str(HERE / "scripts" / "backup.sh")]
        return subprocess.run(script, env=self.environment(), capture_output=True, text=True)

    def restic(self, *arguments: str) -> str:
        """restic's answer. Raises when it fails."""
        done = subprocess.run(["restic", *arguments], env=self.environment(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def restic() -> Path:
    """The pinned restic, built from its published source."""
    return build_go(PROGRAMS, "github.com/restic/restic/cmd/restic", "restic", FLAGS)


@pytest.fixture(scope="module")
def etcd_snapshot() -> Path:
    """What takes and restores snapshots with etcd's own packages."""
    return build_go(PROGRAMS, ".", "etcd-snapshot", FLAGS)


@pytest.fixture
def store(tmp_path: Path, restic: Path) -> Store:
    snapshots = tmp_path / "snapshots"
    snapshots.mkdir()
    return Store(tmp_path / "bucket", snapshots, restic.parent)


@pytest.fixture
def lost_and_found(tmp_path: Path) -> Iterator[tuple[ControlPlane, ControlPlane]]:
    """The cluster that is lost, and its successor on another server."""
    pair = ControlPlane(tmp_path / "lost"), ControlPlane(tmp_path / "found")
    yield pair
    for control_plane in pair:
        if control_plane.folder.exists():
            control_plane.stop()


def secret(value: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "kept"}, "stringData": {"key": value}}


def test_the_pinned_restic_is_the_one_that_is_tested() -> None:
    pinned = f"github.com/restic/restic v{load().restic.version} "
    assert pinned in (PROGRAMS / "go.mod").read_text()


def test_a_lost_cluster_comes_back(
    lost_and_found: tuple[ControlPlane, ControlPlane], store: Store, etcd_snapshot: Path, tmp_path: Path
) -> None:
    lost, found = lost_and_found
    lost.start(administrator())
    api = ClusterApi(lost.kubeconfig(administrator()))
    api.apply(SECRET, secret("planted-before"))
    snapshot = store.snapshots / "etcd-snapshot-alpha-control-plane-01-g1-1"
    # /proc/self/cwd: a socket's path may have 108 bytes at most.
    save = [etcd_snapshot, "save", "unix:///proc/self/cwd/etcd-client.sock", snapshot]
    subprocess.run(save, cwd=lost.folder, check=True, capture_output=True)
    api.apply(SECRET, secret("planted-after"))
    api.close()
    done = store.backup()
    assert done.returncode == 0, done.stderr
    lost.stop()
    encryption = (lost.folder / "encryption.yaml").read_text()
    shutil.rmtree(lost.folder)

    store.restic("restore", "latest", "--tag", "etcd", "--target", str(tmp_path / "restored"))
    restored = tmp_path / "restored" / snapshot.relative_to("/")
    found.folder.mkdir()
    # k3s keeps this key, as the authorities, in the snapshot itself, encrypted with the join token.
    (found.folder / "encryption.yaml").write_text(encryption)
    subprocess.run([etcd_snapshot, "restore", restored, found.etcd], check=True, capture_output=True)
    found.start(administrator())
    api = ClusterApi(found.kubeconfig(administrator()))
    assert api.get(SECRET)["data"]["key"] == "cGxhbnRlZC1iZWZvcmU="
    # And it takes changes again.
    api.apply(SECRET, secret("planted-later"))
    assert api.get(SECRET)["data"]["key"] == "cGxhbnRlZC1sYXRlcg=="
    api.close()


def test_only_the_newest_snapshots_are_kept_and_all_are_encrypted(store: Store) -> None:
    for number in range(3):
        (store.snapshots / "etcd-snapshot").write_text(f"planted-{number} " * 1000)
        (store.snapshots / "etcd-snapshot-2.part").write_text("half of one")
        assert store.backup().returncode == 0
    snapshots = store.restic("snapshots", "--tag", "etcd", "--compact")
    assert "2 snapshots" in snapshots
    listed = store.restic("ls", "latest")
    assert "etcd-snapshot" in listed
    assert ".part" not in listed
    stored = [file.read_bytes() for file in store.folder.rglob("*") if file.is_file()]
    assert stored
    assert not [content for content in stored if b"planted" in content or b"etcd-snapshot" in content]


NAMESPACES = subprocess.run(["unshare", "--map-root-user", "--uts", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not NAMESPACES, reason="this machine gives out no namespaces for host names")
def test_a_successor_forgets_the_snapshots_of_who_went_before(store: Store) -> None:
    servers = [f"alpha-control-plane-{name}" for name in ("01-g1", "01-g9", "01-g10", "02-g1")]
    for number, server in enumerate(servers):
        (store.snapshots / "etcd-snapshot").write_text(f"planted-{number}")
        done = store.backup_on(server)
        assert done.returncode == 0, done.stderr
    kept = [found["hostname"] for found in json.loads(store.restic("snapshots", "--tag", "etcd", "--json"))]
    assert sorted(kept) == ["alpha-control-plane-01", "alpha-control-plane-01", "alpha-control-plane-02"]


def test_a_wrong_key_is_refused_and_spoils_nothing(store: Store) -> None:
    (store.snapshots / "etcd-snapshot").write_text("planted")
    assert store.backup().returncode == 0
    refused = store.backup(password="planted-wrong")
    assert refused.returncode != 0
    assert "wrong password" in refused.stderr
    assert "planted" not in refused.stderr
    assert "1 snapshots" in store.restic("snapshots", "--compact")
