"""What the cluster installs into itself, as ``HelmChart`` objects: k3s' own controller fetches and installs charts, so
the machine that runs the update fetches nothing and previews work offline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from components.hetzner.cluster.versions import Versions
from components.identity import MANAGED_BY
from models.hetzner import Addons
from models.hetzner.names import CONTROL_PLANE

NAMESPACE = "kube-system"
# Secret and keys that Hetzner's charts look for.
CREDENTIALS = "hcloud"
AUTOSCALER = "cluster-autoscaler"
STORAGE_CLASS = "hcloud-volumes-encrypted"
STORAGE_KEY = "hcloud-volumes-encryption"
CONTROL_PLANE_TOLERATION = {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}
# The platform's own parts stay where no tenant runs: on the control plane (FC-289 gives tenants' traffic the infra
# pool).
ON_CONTROL_PLANE: Mapping[str, Any] = {
    "nodeSelector": {"pool": CONTROL_PLANE},
    "tolerations": [CONTROL_PLANE_TOLERATION],
}


# The kinds that the platform and its tenants make objects of, by the switch of the chart that brings them.
TRAEFIK_CRDS = tuple(f"{kind}.traefik.io" for kind in ("ingressroutes", "middlewares", "tlsoptions", "tlsstores"))
PROMETHEUS_CRDS = tuple(f"{kind}.monitoring.coreos.com" for kind in ("prometheusrules", "servicemonitors"))
CERT_MANAGER_CRDS = tuple(f"{kind}.cert-manager.io" for kind in ("certificates", "clusterissuers"))


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A ``HelmChart`` object."""

    name: str
    """Of the object, the release and the chart."""
    namespace: str
    """Where its parts run."""
    values: Mapping[str, Any]
    bootstrap: bool = False
    """Whether nodes aren't usable without it: its job runs on nodes that aren't Ready."""

    def spec(self, versions: Versions) -> dict[str, Any]:
        """The object's spec."""
        pinned = versions.charts[self.name]
        return {
            "repo": pinned.repository,
            "chart": self.name,
            "version": pinned.version,
            "targetNamespace": self.namespace,
            "createNamespace": self.namespace != NAMESPACE,
            "bootstrap": self.bootstrap,
            # A failed upgrade waits for a person; the default would take the release away and install it anew.
            "failurePolicy": "abort",
            "valuesContent": yaml.safe_dump(dict(self.values), sort_keys=True),
        }


def charts(
    addons: Addons,
    *,
    cluster: str,
    cluster_cidr: str,
    location: str,
    autoscaler: Mapping[str, Any] | None,
    dns_webhook: str | None = None,
) -> list[Chart]:
    """The charts that are switched on.

    Args:
        addons: the switches.
        cluster: its name.
        cluster_cidr: addresses of pods.
        location: where volumes are made that no pod has asked for yet.
        autoscaler: values of the cluster autoscaler's chart; None when no pool grows.
        dns_webhook: API group by which cert-manager asks for DNS records at Hetzner; None when nothing does.
    """
    found = []
    if addons.cloud_controller_manager:
        found.append(_cloud_controller_manager(cluster_cidr))
    if addons.csi:
        found.append(_csi(cluster, location))
    if addons.cluster_autoscaler and autoscaler is not None:
        found.append(Chart(name=AUTOSCALER, namespace=NAMESPACE, values=autoscaler))
    if addons.crds:
        # Traefik itself is the gateway's, and a Prometheus operator is optional: only their kinds are needed.
        found.append(Chart(name="traefik-crds", namespace=NAMESPACE, values={"traefik": True}))
        found.append(Chart(name="prometheus-operator-crds", namespace=NAMESPACE, values={}))
    if addons.cert_manager:
        parts: dict[str, Any] = {part: dict(ON_CONTROL_PLANE) for part in ("webhook", "cainjector", "startupapicheck")}
        found.append(
            Chart(
                name="cert-manager",
                namespace="cert-manager",
                values={"crds": {"enabled": True, "keep": True}, **ON_CONTROL_PLANE, **parts},
            )
        )
        if dns_webhook is not None:
            found.append(
                Chart(
                    name="cert-manager-webhook-hetzner",
                    namespace="cert-manager",
                    values={"groupName": dns_webhook, **ON_CONTROL_PLANE},
                )
            )
    if addons.external_secrets:
        parts = {part: dict(ON_CONTROL_PLANE) for part in ("webhook", "certController")}
        found.append(
            Chart(
                name="external-secrets",
                namespace="external-secrets",
                values={"installCRDs": True, **ON_CONTROL_PLANE, **parts},
            )
        )
    if addons.descheduler:
        found.append(_descheduler())
    return found


def crds(addons: Addons) -> list[str]:
    """Names of the CRDs that the charts bring and that the platform needs before its first object."""
    return [
        *(TRAEFIK_CRDS + PROMETHEUS_CRDS if addons.crds else ()),
        *(CERT_MANAGER_CRDS if addons.cert_manager else ()),
    ]


def helm_chart_metadata(chart: Chart) -> dict[str, Any]:
    """The object's metadata."""
    return {"name": chart.name, "namespace": NAMESPACE, "labels": dict(MANAGED_BY)}


def _cloud_controller_manager(cluster_cidr: str) -> Chart:
    return Chart(
        name="hcloud-cloud-controller-manager",
        namespace=NAMESPACE,
        bootstrap=True,
        values={
            # The network comes from the Secret, beside the token.
            "networking": {"enabled": True, "clusterCIDR": cluster_cidr},
            "env": {
                # Flannel carries pods' traffic; routes would be a limit of 100 nodes more.
                "HCLOUD_NETWORK_ROUTES_ENABLED": {"value": "false"},
                # A Service of type LoadBalancer would open any port to the world, past every firewall: the way in is
                # the environment's own load balancer.
                "HCLOUD_LOAD_BALANCERS_ENABLED": {"value": "false"},
            },
            "nodeSelector": {"pool": CONTROL_PLANE},
        },
    )


def _csi(cluster: str, location: str) -> Chart:
    return Chart(
        name="hcloud-csi",
        namespace=NAMESPACE,
        values={
            "controller": {
                "hcloudVolumeDefaultLocation": location,
                # By it `foundation orphans` knows volumes that hang on no server.
                "volumeExtraLabels": {"cluster": cluster},
                **ON_CONTROL_PLANE,
            },
            # It asks the server's metadata for the server's id, which pods of their own network can't reach.
            "node": {"hostNetwork": True},
            "storageClasses": [
                {
                    "name": STORAGE_CLASS,
                    "defaultStorageClass": True,
                    # Data outlive a deleted claim; `foundation orphans` finds what is left.
                    "reclaimPolicy": "Retain",
                    "extraParameters": {
                        "csi.storage.k8s.io/node-publish-secret-name": STORAGE_KEY,
                        "csi.storage.k8s.io/node-publish-secret-namespace": NAMESPACE,
                    },
                }
            ],
        },
    )


def _descheduler() -> Chart:
    plugins = [
        {"name": "DefaultEvictor", "args": {"evictLocalStoragePods": False, "nodeFit": True}},
        {"name": "RemovePodsViolatingNodeTaints"},
        {
            "name": "RemovePodsViolatingNodeAffinity",
            "args": {"nodeAffinityType": ["requiredDuringSchedulingIgnoredDuringExecution"]},
        },
        {
            "name": "RemovePodsViolatingTopologySpreadConstraint",
            "args": {"constraints": ["DoNotSchedule", "ScheduleAnyway"]},
        },
    ]
    return Chart(
        name="descheduler",
        namespace=NAMESPACE,
        values={
            "kind": "CronJob",
            "schedule": "*/30 * * * *",
            "deschedulerPolicy": {
                "profiles": [
                    {
                        "name": "default",
                        "pluginConfig": plugins,
                        "plugins": {
                            "deschedule": {
                                "enabled": ["RemovePodsViolatingNodeTaints", "RemovePodsViolatingNodeAffinity"]
                            },
                            "balance": {"enabled": ["RemovePodsViolatingTopologySpreadConstraint"]},
                        },
                    }
                ]
            },
            **ON_CONTROL_PLANE,
        },
    )
