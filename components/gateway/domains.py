"""A tenant's own domains: proof of ownership, and the certificate that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from components.gateway.certificates import CERT_MANAGER, certificate
from components.identity import TenantIdentity
from models import names


class DomainProof(pulumi.CustomResource):
    """A TXT record that the domain's owner set (``provider/gateway/domain_proof.py``).

    Making it fails, with the record to set, until the record is there. After that nobody looks again.
    """

    domain: pulumi.Output[str]

    def __init__(self, name: str, *, domain: str, tenant_id: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:gateway:DomainProof", name, {"domain": domain, "tenantId": tenant_id}, opts)


@dataclass(frozen=True, kw_only=True)
class TenantDomainsArgs:
    """Whose domains."""

    tenant: TenantIdentity
    namespace: pulumi.Input[str]
    domains: Sequence[str]
    prove: bool = True
    """False where no domain is anybody's, as on one machine."""


class TenantDomains(pulumi.ComponentResource):
    """Certificate ``domains-{slug}`` for all of the tenant's own domains, once each is proven (FC-219, FC-322).

    The domain's owner sets three records: the TXT record of the proof, a CNAME to {slug}.{domain}, and for the
    certificate a CNAME of ``_acme-challenge`` into the platform's zone (docs/how-to/gateway.md).
    """

    def __init__(self, name: str, args: TenantDomainsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:gateway:TenantDomains", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        proofs = [
            DomainProof(f"{name}-{domain}", domain=domain, tenant_id=args.tenant.id, opts=child)
            for domain in (args.domains if args.prove else ())
        ]
        object_name = names.domains(args.tenant.slug)
        CustomResource(
            f"{name}-certificate",
            api_version=CERT_MANAGER,
            kind="Certificate",
            metadata={"name": object_name, "namespace": args.namespace, "labels": args.tenant.labels},
            spec=certificate(object_name, args.domains, args.tenant.labels),
            opts=pulumi.ResourceOptions(parent=self, depends_on=proofs),
        )
        self.register_outputs({})
