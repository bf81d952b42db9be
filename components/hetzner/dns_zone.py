"""Names of the environment, in Hetzner DNS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_hcloud as hcloud

from models.hetzner import Dns, names


def relative(host: str, zone: str) -> str:
    """``host`` as a name within ``zone``; @ is the zone itself. Raises ValueError when it doesn't lie in it."""
    if host == zone:
        return "@"
    if not host.endswith(f".{zone}"):
        raise ValueError(f"{host} doesn't lie in DNS zone {zone}: give the zone that it lies in")
    return host.removesuffix(f".{zone}")


@dataclass(frozen=True, kw_only=True)
class DnsZoneArgs:
    """What the names lead to."""

    cluster: str
    """Name of the cluster."""
    dns: Dns
    """The zone."""
    domain: str
    """The environment's: tenants are served at {slug}.{domain} (FC-052)."""
    ingress_ipv4: Sequence[pulumi.Input[str]]
    """Where visitors come in."""
    ingress_ipv6: Sequence[pulumi.Input[str]] = ()
    """The same, by IPv6."""
    api_ipv4: Sequence[pulumi.Input[str]] = ()
    """Public addresses of the control plane's servers."""
    protect: bool = False
    """Refuse to delete the zone."""


class DnsZone(pulumi.ComponentResource):
    """Records of the domain, all of its subdomains, and the Kubernetes API; the zone too where it is made here.

    Give it the provider of the zone's own Hetzner project, if it has one.
    """

    api_host: str
    """Name of the Kubernetes API."""
    nameservers: pulumi.Output[list[str]] | None
    """Of a zone that is made here: the registrar of the domain must know them."""

    def __init__(self, name: str, args: DnsZoneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:hetzner:DnsZone", name, {}, opts)
        self._args, self._name = args, name
        self._zone: pulumi.Input[str] = args.dns.zone
        self.nameservers = None
        if args.dns.create:
            zone = hcloud.Zone(
                f"{name}-zone",
                name=args.dns.zone,
                mode="primary",
                labels=names.labels(args.cluster),
                delete_protection=args.protect,
                opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
            )
            self._zone = zone.name
            self.nameservers = zone.authoritative_nameservers.apply(
                lambda found: list(found.assigneds or ()) if found else []
            )
        self.api_host = names.api_host(args.domain)
        for host in (args.domain, f"*.{args.domain}"):
            self._records(host, "A", args.ingress_ipv4)
            self._records(host, "AAAA", args.ingress_ipv6)
        self._records(self.api_host, "A", args.api_ipv4)
        self.register_outputs({"api_host": self.api_host})

    def _records(self, host: str, record_type: str, addresses: Sequence[pulumi.Input[str]]) -> None:
        if not addresses:
            return
        dns = self._args.dns
        hcloud.ZoneRrset(
            f"{self._name}-{host}-{record_type}".lower().replace("*", "all"),
            zone=self._zone,
            name=relative(host, dns.zone),
            type=record_type,
            ttl=dns.ttl,
            records=[hcloud.ZoneRrsetRecordArgs(value=address) for address in addresses],
            labels=names.labels(self._args.cluster),
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
