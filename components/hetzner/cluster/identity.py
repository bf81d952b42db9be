"""Who a cluster is: its authorities, join passwords, administrator and first server, made in the graph."""

from __future__ import annotations

import pulumi
from pulumi_random import RandomPassword

from components.hetzner.cluster.cloud_init import ClusterAuthorities
from components.hetzner.cluster.resources import CertificateAuthority, ClientCertificate, PrivateKey
from components.hetzner.cluster.token import agent_token, server_token
from components.hetzner.resources import FoundingServer

# The five of k3s, each on its own and self-signed, as k3s makes them itself. Under one root a certificate of one
# would open what trusts another: with a kubelet's one could read etcd.
AUTHORITIES = ("server-ca", "client-ca", "request-header-ca", "etcd/server-ca", "etcd/peer-ca")
PASSWORD_LENGTH = 48
# Kubernetes' own group of those who may do everything.
ADMINISTRATORS = "system:masters"


class ClusterIdentity(pulumi.ComponentResource):
    """Authorities of k3s, its key for service accounts, join passwords, and the certificate of the one who runs
    updates. Nothing of it is ever fetched from a server, so all is known before there is one.
    """

    authority_pem: pulumi.Output[str]
    """Who signs the servers' certificates."""
    authorities: pulumi.Output[ClusterAuthorities]
    """All that a new cluster begins with (a secret)."""
    server_token: pulumi.Output[str]
    """Secret."""
    agent_token: pulumi.Output[str]
    """Secret."""
    agent_password: pulumi.Output[str]
    """The part of ``agent_token`` that isn't public (a secret)."""
    administrator: ClientCertificate
    founder: pulumi.Output[str]
    """Name of the one server that may begin the cluster: the first one when the identity was made."""

    def __init__(self, name: str, cluster: str, first_server: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:hetzner:ClusterIdentity", name, {}, opts)
        part = pulumi.ResourceOptions(parent=self)
        self.founder = FoundingServer(f"{name}-founder", server=first_server, opts=part).founder
        made = {
            authority: CertificateAuthority(
                f"{name}-{authority.replace('/', '-')}",
                common_name=f"{cluster}-{authority.replace('/', '-')}",
                opts=part,
            )
            for authority in AUTHORITIES
        }
        # RSA, as k3s has it: what checks service accounts' tokens outside of Kubernetes often knows RS256 alone.
        service_key = PrivateKey(f"{name}-service", algorithm="RSA", opts=part)
        files: dict[str, pulumi.Output[str]] = {"service.key": service_key.private_key_pem}
        for authority, resource in made.items():
            files |= {f"{authority}.crt": resource.certificate_pem, f"{authority}.key": resource.private_key_pem}
        self.authorities = pulumi.Output.secret(pulumi.Output.all(**files).apply(_authorities))
        self.authority_pem = made["server-ca"].certificate_pem
        server = self._password(f"{name}-server-token")
        self.agent_password = self._password(f"{name}-agent-token")
        self.server_token = pulumi.Output.all(self.authority_pem, server).apply(lambda parts: server_token(*parts))
        self.agent_token = pulumi.Output.all(self.authority_pem, self.agent_password).apply(
            lambda parts: agent_token(*parts)
        )
        self.administrator = ClientCertificate(
            f"{name}-administrator",
            authority=made["client-ca"],
            common_name=f"foundation:{cluster}",
            organizations=[ADMINISTRATORS],
            opts=part,
        )
        self.register_outputs({"authority_pem": self.authority_pem})

    def _password(self, name: str) -> pulumi.Output[str]:
        password = RandomPassword(name, length=PASSWORD_LENGTH, special=False, opts=pulumi.ResourceOptions(parent=self))
        return pulumi.Output.secret(password.result)


def _authorities(files: dict[str, str]) -> ClusterAuthorities:
    return ClusterAuthorities(files=files)
