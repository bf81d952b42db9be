"""The ways that a tenant's pods may be reached and may reach out. No resources here.

Kubernetes adds policies up: what no policy allows is denied, since ``default-deny`` selects every pod of the
namespace in both directions. Between tenants nothing is allowed, for no rule names a tenant's namespace and the
public addresses leave out every private network.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from components.identity import Manifest
from components.tenant.service import port_number
from models.environment import Platform, PodSelector
from models.workload import TenantRuntime

POLICY_NAME: Final = "tenant-pod-policy"
"""FC-170."""

NOT_PUBLIC_IPV4: Final = (
    "10.0.0.0/8",  # private, and the cluster's own pods and Services (FC-174)
    "172.16.0.0/12",  # private (FC-310)
    "192.168.0.0/16",  # private (FC-310)
    "169.254.0.0/16",  # link-local, with the cloud's metadata service (FC-310)
    "100.64.0.0/10",  # carrier-grade NAT, which overlay networks and some clusters use (RFC 6598)
)
NOT_PUBLIC_IPV6: Final = (
    "fc00::/7",  # unique local (RFC 4193)
    "fe80::/10",  # link-local
    "64:ff9b::/96",  # NAT64: private IPv4 addresses by another name (RFC 6052)
)


@dataclass(frozen=True)
class Ways:
    """Where a tenant's pods may go and who may come."""

    platform: Platform
    apps: tuple[str, ...]
    """``app`` labels of the tenant's workloads."""
    routed_ports: tuple[int, ...]
    """Ports that the gateway sends to."""
    metrics_ports: tuple[int, ...]
    pooler_port: int
    """Port of the database's pooler (FC-172)."""
    egress_ports: tuple[int, ...]
    """Ports on public addresses (FC-174)."""

    @classmethod
    def of(cls, runtime: TenantRuntime, platform: Platform, pooler_port: int) -> Ways:
        """The ways that what the tenant runs needs."""
        by_name = {workload.name: workload for workload in runtime.workloads}
        return cls(
            platform=platform,
            apps=tuple(by_name),
            routed_ports=_distinct(port_number(by_name[route.workload], route.port) for route in runtime.routes),
            metrics_ports=_distinct(
                port_number(workload, workload.metrics_port)
                for workload in runtime.workloads
                if workload.metrics_port is not None
            ),
            pooler_port=pooler_port,
            egress_ports=runtime.egress_ports,
        )


def _distinct(ports: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(ports)))


DEFAULT_DENY: Final[Manifest] = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
"""Selects every pod and allows nothing."""


def tenant_pod_policy(ways: Ways) -> Manifest:
    """Spec of ``tenant-pod-policy`` (FC-170 to FC-174, with readings 2 of FC-309 and FC-310)."""
    platform = ways.platform
    ingress = [{"from": [_pods(platform.ingress)], "ports": _tcp(ways.routed_ports)}]
    if ways.metrics_ports:
        ingress.append({"from": [_pods(platform.prometheus)], "ports": _tcp(ways.metrics_ports)})
    egress = [
        # Answers too long for a datagram come over TCP.
        {"to": [_pods(platform.dns)], "ports": [{"protocol": "UDP", "port": 53}, *_tcp((53,))]},
        {"to": [_pods(platform.pooler)], "ports": _tcp((ways.pooler_port,))},
    ]
    if ways.egress_ports:
        egress.append(
            {
                "to": [
                    {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(NOT_PUBLIC_IPV4)}},
                    {"ipBlock": {"cidr": "::/0", "except": list(NOT_PUBLIC_IPV6)}},
                ],
                "ports": _tcp(ways.egress_ports),
            }
        )
    return {
        "podSelector": _apps(ways.apps),
        "policyTypes": ["Ingress", "Egress"],
        "ingress": ingress,
        "egress": egress,
    }


def _apps(apps: Sequence[str]) -> Manifest:
    if len(apps) == 1:
        return {"matchLabels": {"app": apps[0]}}
    return {"matchExpressions": [{"key": "app", "operator": "In", "values": sorted(apps)}]}


def _pods(selector: PodSelector) -> Manifest:
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": selector.namespace}},
        "podSelector": {"matchLabels": dict(selector.labels)},
    }


def _tcp(ports: Sequence[int]) -> list[Manifest]:
    return [{"protocol": "TCP", "port": port} for port in ports]
