"""Certificates of the front door: who signs them, the wildcard of the tenants' hosts, and how TLS is spoken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import Secret

from components.encoding import base64_text
from components.identity import MANAGED_BY, Manifest
from models.environment import Acme

CERT_MANAGER: Final = "cert-manager.io/v1"
TRAEFIK: Final = "traefik.io/v1alpha1"
"""FC-294."""
ISSUER: Final = "foundation"
ISSUER_KIND: Final = "ClusterIssuer"
TOKEN_SECRET: Final = "hetzner-dns"
TOKEN_KEY: Final = "token"
"""As cert-manager-webhook-hetzner reads it."""
SOLVER: Final = "hetzner"

TLS_OPTIONS: Final[Manifest] = {
    "minVersion": "VersionTLS12",
    # Forward secrecy and authenticated encryption alone (Mozilla, "intermediate"); TLS 1.3 has no others.
    "cipherSuites": [
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    ],
    "curvePreferences": ["X25519MLKEM768", "X25519", "CurveP256"],
    # A name that has no certificate here gets none.
    "sniStrict": True,
}


@dataclass(frozen=True, kw_only=True)
class CertificatesArgs:
    """For which names, and by whom they are signed."""

    namespace: pulumi.Input[str]
    domain: str
    secret_name: str
    """Secret of the wildcard certificate (FC-056)."""
    acme: Acme | None
    dns_token: pulumi.Input[str] | None = None
    """Given with ``acme``."""


class Certificates(pulumi.ComponentResource):
    """Issuer, certificates, and the store that Traefik serves them from."""

    def __init__(self, name: str, args: CertificatesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:gateway:Certificates", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        def metadata(of: str) -> Manifest:
            return {"name": of, "namespace": args.namespace, "labels": MANAGED_BY}

        if args.acme is not None:
            assert args.dns_token is not None, "given with acme"
            # Where cert-manager looks for what a ClusterIssuer names.
            place: Manifest = {**metadata(TOKEN_SECRET), "namespace": args.acme.namespace}
            token = Secret(
                f"{name}-dns-token",
                metadata=place,
                type="Opaque",
                data={TOKEN_KEY: pulumi.Output.secret(args.dns_token).apply(base64_text)},
                opts=child,
            )
            CustomResource(
                f"{name}-issuer",
                api_version=CERT_MANAGER,
                kind=ISSUER_KIND,
                metadata={"name": ISSUER, "labels": MANAGED_BY},
                spec=issuer(args.acme),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[token]),
            )
        CustomResource(
            f"{name}-wildcard",
            api_version=CERT_MANAGER,
            kind="Certificate",
            metadata=metadata(args.secret_name),
            spec=certificate(args.secret_name, [f"*.{args.domain}", args.domain], MANAGED_BY),
            opts=child,
        )
        CustomResource(
            f"{name}-tls-options",
            api_version=TRAEFIK,
            kind="TLSOption",
            # The one name that Traefik takes for every route that names none.
            metadata=metadata("default"),
            spec=TLS_OPTIONS,
            opts=child,
        )
        CustomResource(
            f"{name}-tls-store",
            api_version=TRAEFIK,
            kind="TLSStore",
            # The one name that Traefik looks at.
            metadata=metadata("default"),
            spec=tls_store(args.secret_name),
            # Where it lay before it had a component of its own.
            opts=pulumi.ResourceOptions(parent=self, aliases=[pulumi.Alias(parent=opts.parent if opts else None)]),
        )
        self.register_outputs({})


def issuer(acme: Acme) -> Manifest:
    """Spec of the ClusterIssuer. Owners of domains delegate ``_acme-challenge`` by CNAME, which is followed."""
    return {
        "acme": {
            "server": acme.server,
            "email": acme.email,
            "privateKeySecretRef": {"name": "acme-account"},
            "solvers": [
                {
                    "dns01": {
                        "cnameStrategy": "Follow",
                        "webhook": {
                            "groupName": acme.webhook_group,
                            "solverName": SOLVER,
                            "config": {"tokenSecretKeyRef": {"name": TOKEN_SECRET, "key": TOKEN_KEY}},
                        },
                    }
                }
            ],
        }
    }


def certificate(secret_name: str, dns_names: Sequence[str], labels: Mapping[str, str]) -> Manifest:
    """Spec of a Certificate: a key of its own for each, made anew at every renewal. ``labels`` are its Secret's."""
    return {
        "secretName": secret_name,
        "secretTemplate": {"labels": dict(labels)},
        "dnsNames": list(dns_names),
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "usages": ["digital signature", "server auth"],
        "issuerRef": {"name": ISSUER, "kind": ISSUER_KIND, "group": "cert-manager.io"},
    }


def tls_store(secret_name: str) -> Manifest:
    """Spec of the TLSStore. With strict SNI the default certificate serves nobody: it stands in the list too."""
    return {"defaultCertificate": {"secretName": secret_name}, "certificates": [{"secretName": secret_name}]}
