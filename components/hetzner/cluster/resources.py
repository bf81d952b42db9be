"""Resources of our own provider plugin (``provider/``) that a cluster needs, as Pulumi classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pulumi


class FoundationResource(pulumi.CustomResource):
    """A resource of our provider, whose properties are named as Python has them here and as Pulumi has them there."""

    def translate_input_property(self, prop: str) -> str:
        first, *others = prop.split("_")
        return first + "".join(word.capitalize() for word in others)

    def translate_output_property(self, prop: str) -> str:
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in prop)


class CertificateAuthority(FoundationResource):
    """A self-signed certificate authority with an EC P-256 key, made once and kept in the stack's state.

    Anything that changes replaces it, and with it everything that it signed: raise ``generation`` to rotate it on
    purpose. Updates warn when it has less than a year left.

    Args:
        common_name: who it is; 64 characters at most.
        validity_years: 1 to 30.
        generation: which rotation this is.
    """

    certificate_pem: pulumi.Output[str]
    private_key_pem: pulumi.Output[str]
    """Secret."""
    not_after: pulumi.Output[str]
    """When it ends, in UTC: 2030-01-31T12:00:00Z."""

    def __init__(
        self,
        name: str,
        *,
        common_name: str,
        validity_years: int = 10,
        generation: int = 1,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "foundation:pki:CertificateAuthority",
            name,
            {
                "common_name": common_name,
                "validity_years": validity_years,
                "generation": generation,
                "certificate_pem": None,
                "private_key_pem": None,
                "not_after": None,
            },
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=["private_key_pem"])),
        )


class ClientCertificate(FoundationResource):
    """A certificate that names a client to Kubernetes: its user and groups. EC P-256.

    The first update that finds less than a third of its life left renews it, with a new key. Kubernetes knows no
    revocation: one that leaked stays valid until it ends.

    Args:
        authority: who signs.
        common_name: the user's name.
        organizations: the user's groups; ``system:masters`` may do everything.
        validity_days: 1 to 3650; never longer than the authority.
    """

    certificate_pem: pulumi.Output[str]
    private_key_pem: pulumi.Output[str]
    """Secret."""
    not_before: pulumi.Output[str]
    """In UTC: 2030-01-31T12:00:00Z."""
    not_after: pulumi.Output[str]
    """In UTC: 2030-01-31T12:00:00Z."""

    def __init__(
        self,
        name: str,
        *,
        authority: CertificateAuthority,
        common_name: str,
        organizations: Sequence[str] = (),
        validity_days: int = 365,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "foundation:pki:ClientCertificate",
            name,
            {
                "authority_certificate_pem": authority.certificate_pem,
                "authority_private_key_pem": authority.private_key_pem,
                "common_name": common_name,
                "organizations": list(organizations),
                "validity_days": validity_days,
                "certificate_pem": None,
                "private_key_pem": None,
                "not_before": None,
                "not_after": None,
            },
            pulumi.ResourceOptions.merge(
                opts,
                pulumi.ResourceOptions(additional_secret_outputs=["private_key_pem", "authority_private_key_pem"]),
            ),
        )


class PrivateKey(FoundationResource):
    """A private key without a certificate, made once and kept in the stack's state.

    Args:
        algorithm: ``ECDSA`` (P-256) or ``RSA`` (2048 bits).
        generation: which rotation this is; raise it to make another key.
    """

    private_key_pem: pulumi.Output[str]
    """Secret."""

    def __init__(
        self,
        name: str,
        *,
        algorithm: Literal["ECDSA", "RSA"] = "ECDSA",
        generation: int = 1,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "foundation:pki:PrivateKey",
            name,
            {"algorithm": algorithm, "generation": generation, "private_key_pem": None},
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=["private_key_pem"])),
        )


class ApiReady(FoundationResource):
    """Waits until a cluster's API is ready, the nodes are Ready and the CRDs are Established; again when they change.

    A failure says what was seen last: a refused connection, a certificate that isn't trusted, which nodes are missing
    or why they aren't Ready, which CRDs are missing. The next update waits again. Previews wait for nothing.

    Args:
        kubeconfig: its path or content; kept as a secret.
        nodes: names of the nodes that must be Ready.
        crds: names of the CRDs that must be Established, such as certificates.cert-manager.io.
        context: of the kubeconfig; None for its current one.
        timeout_seconds: 1 to 3600. A node needs 2 to 4 minutes from power-on.
    """

    nodes: pulumi.Output[list[str]]
    """The nodes that are Ready."""

    def __init__(
        self,
        name: str,
        *,
        kubeconfig: pulumi.Input[str],
        nodes: Sequence[pulumi.Input[str]] = (),
        crds: Sequence[str] = (),
        context: str | None = None,
        timeout_seconds: int = 900,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "foundation:kubernetes:ApiReady",
            name,
            {
                "kubeconfig": pulumi.Output.secret(kubeconfig),
                "nodes": list(nodes),
                "crds": list(crds),
                "context": context,
                "timeout_seconds": timeout_seconds,
            },
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=["kubeconfig"])),
        )
