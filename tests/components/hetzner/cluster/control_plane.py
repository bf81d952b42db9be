"""etcd and Kubernetes' API server, begun with a cluster's own authorities, keys and settings as k3s hands them on."""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from components.hetzner.cluster import hardening, kubeconfig
from components.hetzner.cluster.k3s_config import ADMISSION_FILE, AUDIT_LOG, AUDIT_POLICY_FILE
from local.files import write_private
from local.kubernetes.api import ClusterApi
from local.kubernetes.components import Component, components, write_etcd_configuration
from local.kubernetes.credentials import prepare_credentials
from local.kubernetes.manifests import stages
from local.kubernetes.programs import BUILT, get_programs
from local.ports import LOOPBACK, choose_port
from local.processes import ServerProcess
from provider.pki.x509 import Issued
from tests.components.hetzner.cluster import samples
from tests.components.hetzner.cluster.certificates import serving_certificate

API_SERVER = "kube-apiserver"
START_SECONDS = 120.0


@dataclass
class ControlPlane:
    """Begun in ``folder``, which a stopped one's etcd may lie in already."""

    folder: Path
    port: int = 0

    @property
    def audit_log(self) -> Path:
        """What the API server recorded."""
        return self.folder / "audit.log"

    @property
    def etcd(self) -> Path:
        """etcd's data."""
        return self.folder / "etcd"

    def kubeconfig(self, client: Issued, authority: Issued | None = None) -> Path:
        """A kubeconfig of the client, who believes ``authority`` (else the cluster's)."""
        text = kubeconfig.kubeconfig(
            cluster="alpha",
            server=f"https://{LOOPBACK}:{self.port}",
            authority_pem=(authority or samples.authority("server-ca")).certificate,
            certificate_pem=client.certificate,
            private_key_pem=client.private_key,
        )
        path = self.folder / f"kubeconfig-{abs(hash(text))}"
        write_private(path, text)
        return path

    def start(self, administrator: Issued) -> None:
        """Runs it until its API is ready for the administrator."""
        self.folder.mkdir(exist_ok=True)
        self.port = choose_port(None)
        programs = get_programs()
        prepare_credentials(self.folder, self.port)
        write_etcd_configuration(self.folder)
        self._write_identity(administrator)
        wanted = [
            replace(part, arguments=self._api_server(part.arguments)) if part.name == API_SERVER else part
            for part in components(self.folder, self.port, stages())
        ]
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder)}
        if programs.source == "built":
            file = self.folder / "components.json"
            file.write_text(json.dumps({part.name: part.arguments for part in wanted}))
            arguments = ["--data", str(self.folder), "--components", str(file)]
            self._built.spawn([programs.folder / BUILT, *arguments], environment, folder=self.folder)
        else:
            for part in wanted[:2]:
                self._process(part).spawn(
                    [programs.folder / part.name, *part.arguments], environment, folder=self.folder
                )
        api = ClusterApi(self.folder / "kubeconfig")
        try:
            self._running().wait_until(api.ready, START_SECONDS)
        finally:
            api.close()

    def stop(self) -> None:
        """Ends it; etcd's data stay."""
        parts = components(self.folder, self.port, self.folder)[:2]
        for process in [self._built, *(self._process(part) for part in reversed(parts))]:
            process.stop(signal.SIGTERM)

    def _running(self) -> ServerProcess:
        if get_programs().source == "built":
            return self._built
        return self._process(components(self.folder, self.port, self.folder)[1])

    @property
    def _built(self) -> ServerProcess:
        return ServerProcess(BUILT, self.folder, self.folder / "built.log")

    def _process(self, part: Component) -> ServerProcess:
        return ServerProcess(part.name, part.file, self.folder / f"{part.name}.log")

    def _write_identity(self, administrator: Issued) -> None:
        """In place of what the sandbox would make."""
        key, certificate = serving_certificate(samples.authority("server-ca"), LOOPBACK)
        write_private(self.folder / "apiserver.key", key)
        write_private(self.folder / "apiserver.crt", certificate)
        write_private(self.folder / "client-ca.crt", samples.authority("client-ca").certificate)
        write_private(self.folder / "service-account.key", samples.authorities().files["service.key"])
        write_private(self.folder / "kubeconfig", self.kubeconfig(administrator).read_text())
        write_private(self.folder / "admission.yaml", yaml.safe_dump(hardening.admission_configuration()))
        write_private(self.folder / "audit.yaml", yaml.safe_dump(hardening.audit_policy()))

    def _api_server(self, arguments: tuple[str, ...]) -> tuple[str, ...]:
        """The sandbox's own, without tokens, and with what our servers' k3s is configured to add."""
        ours = [f"--{argument}" for argument in samples.server_k3s()["kube-apiserver-arg"]]
        paths = {
            ADMISSION_FILE: self.folder / "admission.yaml",
            AUDIT_POLICY_FILE: self.folder / "audit.yaml",
            AUDIT_LOG: self.audit_log,
        }
        for there, here in paths.items():
            ours = [argument.replace(there, str(here)) for argument in ours]
        kept = [argument for argument in arguments if not argument.startswith("--token-auth-file")]
        return (*kept, f"--client-ca-file={self.folder / 'client-ca.crt'}", *ours)
