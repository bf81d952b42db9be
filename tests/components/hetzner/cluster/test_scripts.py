"""The scripts that servers run at boot: run here, on another root and in a network of their own."""

from __future__ import annotations

import hashlib
import ipaddress
import itertools
import os
import re
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from components.hetzner.cluster.cloud_init import HERE, environment_file
from provider.pki.x509 import Issued
from tests.components.hetzner.cluster import samples
from tests.components.hetzner.cluster.certificates import serving_certificate

SCRIPTS = sorted((HERE / "scripts").glob("*.sh"))
_addresses = itertools.count(os.getpid() % 200 * 250 + 2)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_shells_and_shellcheck_take_it(script: Path) -> None:
    assert subprocess.run(["sh", "-n", script], capture_output=True).returncode == 0
    checker = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert checker is not None
    done = subprocess.run([checker, "--severity=style", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


class Root:
    """A server's file system, as far as a script touches it."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        (folder / "etc/foundation").mkdir(parents=True)
        (folder / "etc/foundation/node.env").write_text(environment_file(environment))
        (folder / "etc/foundation/server-ca.crt").write_text(samples.authority("server-ca").certificate)

    def run(self, name: str, *prefix: str, **times: int) -> subprocess.CompletedProcess[str]:
        """Runs a script with this root's paths; ``times`` replace its waiting times."""
        text = (HERE / "scripts" / name).read_text()
        for path in ("/etc/foundation", "/etc/rancher", "/var/lib/rancher"):
            text = text.replace(path, f"{self.folder}{path}")
        for variable, seconds in times.items():
            text = "\n".join(
                f"{variable}={seconds}" if line.startswith(f"{variable}=") else line for line in text.splitlines()
            )
        return subprocess.run([*prefix, "sh", "-c", text], capture_output=True, text=True, timeout=60)

    def config(self, name: str) -> object:
        """What a script wrote for k3s."""
        return yaml.safe_load((self.folder / "etc/rancher/k3s/config.yaml.d" / name).read_text())


class Ping(BaseHTTPRequestHandler):
    """What k3s answers on its supervisor's port."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/ping" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Starts servers on port 6443 of loopback addresses of their own; returns the address."""
    running: list[ThreadingHTTPServer] = []

    def start(authority: Issued | None = None, handler: type[BaseHTTPRequestHandler] = Ping) -> str:
        address = str(ipaddress.IPv4Address("127.64.0.0") + next(_addresses))
        pem = tmp_path / f"{address}.pem"
        pem.write_text("".join(serving_certificate(authority or samples.authority("server-ca"), address)))
        server = ThreadingHTTPServer((address, 6443), handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        return address

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def nobody() -> str:
    return str(ipaddress.IPv4Address("127.64.0.0") + next(_addresses))


def joining(folder: Path, *peers: str, role: str = "server", initialises: str = "no") -> Root:
    return Root(folder, ROLE=role, INITIALISES=initialises, PEERS=" ".join(peers))


@pytest.mark.parametrize(("role", "initialises"), [("agent", "no"), ("server", "no"), ("server", "yes")])
def test_a_node_joins_through_any_peer_that_answers(
    tmp_path: Path, peer: Callable[..., str], role: str, initialises: str
) -> None:
    alive = peer()
    root = joining(tmp_path, nobody(), alive, role=role, initialises=initialises)
    done = root.run("join.sh")
    assert done.returncode == 0, done.stderr
    # Also the one that might begin a cluster: there is one already.
    assert root.config("20-join.yaml") == {"server": f"https://{alive}:6443"}


def test_the_first_server_begins_a_cluster_when_nobody_answers(tmp_path: Path) -> None:
    root = joining(tmp_path, nobody(), nobody(), initialises="yes")
    assert root.run("join.sh", LOOK=0).returncode == 0
    assert root.config("20-join.yaml") == {"cluster-init": True}


def test_nobody_else_begins_one(tmp_path: Path) -> None:
    absent = nobody()
    root = joining(tmp_path, absent)
    done = root.run("join.sh", WAIT=0)
    assert done.returncode == 1
    assert f"no control-plane server answered on port 6443 in 0 s; tried: {absent}" in done.stderr
    assert not (tmp_path / "etc/rancher").exists()


def test_a_peer_of_another_authority_is_not_joined(tmp_path: Path, peer: Callable[..., str]) -> None:
    root = joining(tmp_path, peer(samples.authority("somebody else's")))
    assert root.run("join.sh", WAIT=0).returncode == 1
    assert not (tmp_path / "etc/rancher").exists()


def test_a_member_of_etcd_asks_nobody(tmp_path: Path) -> None:
    root = joining(tmp_path, nobody(), initialises="yes")
    (tmp_path / "var/lib/rancher/k3s/server/db/etcd/member").mkdir(parents=True)
    assert root.run("join.sh").returncode == 0
    assert not (tmp_path / "etc/rancher").exists()


def joined(folder: Path, through: str, *peers: str) -> Root:
    """An agent that has joined before."""
    root = joining(folder, *peers, role="agent")
    (folder / "etc/rancher/k3s/config.yaml.d").mkdir(parents=True)
    (folder / "etc/rancher/k3s/config.yaml.d/20-join.yaml").write_text(f"server: https://{through}:6443\n")
    return root


def test_an_agent_that_has_joined_starts_after_all_its_peers_have_gone(tmp_path: Path) -> None:
    gone = nobody()
    root = joined(tmp_path, gone, gone, nobody())
    done = root.run("join.sh")
    assert done.returncode == 0, done.stderr
    # k3s takes up the servers that it has kept only for the same one as before.
    assert root.config("20-join.yaml") == {"server": f"https://{gone}:6443"}


def test_an_agent_that_has_joined_prefers_a_peer_that_answers(tmp_path: Path, peer: Callable[..., str]) -> None:
    alive = peer()
    root = joined(tmp_path, nobody(), nobody(), alive)
    assert root.run("join.sh").returncode == 0
    assert root.config("20-join.yaml") == {"server": f"https://{alive}:6443"}


class Release(BaseHTTPRequestHandler):
    """What a project publishes."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"k3s")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.mark.parametrize("right", [True, False])
def test_a_download_with_another_checksum_is_refused(tmp_path: Path, peer: Callable[..., str], right: bool) -> None:
    address = peer(handler=Release)
    (function,) = re.findall(
        r"^fetch\(\) \{.*?^\}", (HERE / "scripts/install.sh").read_text(), re.MULTILINE | re.DOTALL
    )
    pinned = hashlib.sha256(b"k3s" if right else b"something else").hexdigest()
    authority, file = tmp_path / "ca.crt", tmp_path / "program"
    authority.write_text(samples.authority("server-ca").certificate)
    script = f"set -eu; WAIT=10; {function}; fetch https://{address}:6443/k3s {pinned} {file}"
    environment = os.environ | {"CURL_CA_BUNDLE": str(authority)}
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True)
    assert (done.returncode == 0) == right, done.stderr
    assert file.exists() == right
    if not right:
        assert f"not {pinned} as pinned: nothing of it is run" in done.stderr


UNSHARE = ("unshare", "--map-root-user", "--net")
needs_namespaces = pytest.mark.skipif(
    shutil.which("unshare") is None or subprocess.run([*UNSHARE, "true"], capture_output=True).returncode != 0,
    reason="this machine gives out no network namespaces",
)


def networked(folder: Path, role: str = "server") -> Root:
    return Root(
        folder, ROLE=role, SUBNET="10.0.0.0/24", MTU="1450", EGRESS="public", GATEWAY="10.0.0.1", NAME_SERVERS="1.1.1.1"
    )


@needs_namespaces
@pytest.mark.parametrize("role", ["server", "agent"])
def test_the_private_address_and_interface_are_found(tmp_path: Path, role: str) -> None:
    root = networked(tmp_path, role)
    inside = 'ip link set lo up; ip address add 192.0.2.7/32 dev lo; ip address add 10.0.0.129/32 dev lo; exec "$@"'
    done = root.run("network.sh", *UNSHARE, "sh", "-c", inside, "sh")
    assert done.returncode == 0, done.stderr
    expected = {"node-ip": "10.0.0.129", "flannel-iface": "lo"}
    if role == "server":
        # Not the public address, which would be the default.
        expected["advertise-address"] = "10.0.0.129"
    assert root.config("10-addresses.yaml") == expected


@needs_namespaces
def test_without_a_private_network_it_says_what_there_is(tmp_path: Path) -> None:
    inside = 'ip link set lo up; ip address add 192.0.2.7/32 dev lo; exec "$@"'
    done = networked(tmp_path).run("network.sh", *UNSHARE, "sh", "-c", inside, "sh", WAIT=0)
    assert done.returncode == 1
    assert "no address of the private network 10.0.0.0/24 after 0 s" in done.stderr
    assert "192.0.2.7/32" in done.stderr
