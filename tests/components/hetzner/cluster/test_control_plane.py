"""A real API server, begun with a cluster's authorities and settings: whom it believes, what it refuses and records."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.kubernetes.api import ClusterApi, ClusterError
from tests.components.hetzner.cluster import samples
from tests.components.hetzner.cluster.certificates import administrator, serving_certificate
from tests.components.hetzner.cluster.control_plane import ControlPlane

KUBECTL = Path(sys.executable).with_name("kubectl")
SECRETS = "/api/v1/namespaces/default/secrets"


@pytest.fixture(scope="module")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    running = ControlPlane(tmp_path_factory.mktemp("control-plane"))
    try:
        running.start(administrator())
        yield running
    finally:
        running.stop()


@pytest.fixture
def api(control_plane: ControlPlane) -> Iterator[ClusterApi]:
    """As the administrator of our kubeconfig."""
    client = ClusterApi(control_plane.kubeconfig(administrator()))
    yield client
    client.close()


def test_our_kubeconfig_administers_the_cluster(api: ClusterApi) -> None:
    namespaces = {item["metadata"]["name"] for item in api.get("/api/v1/namespaces")["items"]}
    assert {"default", "kube-system"} <= namespaces
    api.apply("/api/v1/namespaces/alice", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "alice"}})
    assert api.get("/api/v1/namespaces/alice")["metadata"]["name"] == "alice"


def test_a_client_of_another_authority_is_refused(control_plane: ControlPlane) -> None:
    client = ClusterApi(control_plane.kubeconfig(administrator(samples.authority("somebody else's"))))
    with pytest.raises(ClusterError, match="401"):
        client.get("/api/v1/namespaces")
    client.close()


@pytest.mark.parametrize("name", ["server-ca", "etcd/server-ca", "etcd/peer-ca", "request-header-ca"])
def test_none_of_the_clusters_other_authorities_makes_clients(control_plane: ControlPlane, name: str) -> None:
    client = ClusterApi(control_plane.kubeconfig(administrator(samples.authority(name))))
    with pytest.raises(ClusterError, match="401"):
        client.get("/api/v1/namespaces")
    client.close()


def test_a_client_believes_only_its_own_cluster(control_plane: ControlPlane) -> None:
    client = ClusterApi(control_plane.kubeconfig(administrator(), samples.authority("somebody else's")))
    with pytest.raises(ClusterError, match="CERTIFICATE_VERIFY_FAILED"):
        client.get("/api/v1/namespaces")
    client.close()


def test_namespaces_without_a_level_get_the_strictest(api: ClusterApi) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "root"},
        "spec": {"containers": [{"name": "root", "image": "x", "securityContext": {"privileged": True}}]},
    }
    with pytest.raises(ClusterError, match=r"violates PodSecurity .*restricted:latest"):
        api.apply("/api/v1/namespaces/default/pods/root", pod)


def test_the_audit_log_says_who_did_what_and_no_secret(control_plane: ControlPlane, api: ClusterApi) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "audited"},
        "stringData": {"key": "planted-value"},
    }
    api.apply(f"{SECRETS}/audited", secret)
    text = control_plane.audit_log.read_text()
    events = [json.loads(line) for line in text.splitlines()]
    (event,) = [
        item
        for item in events
        if item.get("objectRef", {}).get("name") == "audited" and item["objectRef"].get("resource") == "secrets"
    ]
    assert (event["verb"], event["user"]["username"], event["level"]) == ("patch", "foundation:alpha", "Metadata")
    assert "planted-value" not in text
    assert base64.b64encode(b"planted-value").decode() not in text


def test_service_accounts_tokens_are_signed_with_our_key(control_plane: ControlPlane, api: ClusterApi) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}}
    api.apply("/api/v1/namespaces/default/serviceaccounts/robot", account)
    answer = subprocess.run(
        [KUBECTL, "--kubeconfig", str(control_plane.folder / "kubeconfig"), "create", "token", "robot"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    header: dict[str, Any] = json.loads(base64.urlsafe_b64decode(answer.split(".")[0] + "=="))
    assert header["alg"] == "RS256"


def test_openssl_verifies_every_certificate(tmp_path: Path) -> None:
    files = samples.authorities().files
    for name in samples.AUTHORITY_FILES:
        (tmp_path / "ca.crt").write_text(files[f"{name}.crt"])
        verify = ["openssl", "verify", "-x509_strict", "-check_ss_sig", "-CAfile", "ca.crt"]
        done = subprocess.run([*verify, "ca.crt"], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, f"{name}: {done.stderr}"
    for purpose, authority, leaf in (
        ("sslclient", "client-ca", administrator().certificate),
        ("sslserver", "server-ca", serving_certificate(samples.authority("server-ca"), "10.0.0.129")[1]),
    ):
        (tmp_path / "ca.crt").write_text(files[f"{authority}.crt"])
        (tmp_path / "leaf.crt").write_text(leaf)
        done = subprocess.run(
            ["openssl", "verify", "-purpose", purpose, "-CAfile", "ca.crt", "leaf.crt"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
