"""Add-ons in a cluster: what ``addons.py`` says, as objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import Secret
from pulumi_random import RandomPassword

from components.hetzner.cluster import addons, autoscaler, versions
from components.identity import MANAGED_BY
from models.hetzner import Hetzner

PASSPHRASE_LENGTH = 64


@dataclass(frozen=True, kw_only=True)
class ClusterAddonsArgs:
    """What is installed, and what it needs to know."""

    settings: Hetzner
    """The environment's settings under ``hetzner``."""
    token: pulumi.Input[str]
    """API token of the cluster's project, for its controllers."""
    scaled_user_data: pulumi.Input[Mapping[str, str]]
    """``HetznerCluster.scaled_user_data``."""
    dns_webhook: str | None = None
    """API group by which cert-manager proves at Hetzner's DNS that a name is ours; None to install no such webhook."""
    deleted_with: pulumi.Resource | None = None
    """The cluster itself, when it goes with its servers: nothing is uninstalled then."""
    protect: bool = True
    """Refuse to delete the passphrase of encrypted volumes."""


class ClusterAddons(pulumi.ComponentResource):
    """``HelmChart`` objects, which k3s' own controller installs, and the Secrets that they need.

    Give it the providers of the cluster and for random values in ``opts.providers``. Without k3s (the sandbox) the
    objects are only objects.
    """

    storage_class: str | None
    """Of encrypted volumes; None without the CSI driver."""

    def __init__(self, name: str, args: ClusterAddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:hetzner:ClusterAddons", name, {}, opts)
        self._name, self._args = name, args
        settings, switches = args.settings, args.settings.addons
        scaling = switches.cluster_autoscaler and bool(autoscaler.growing(settings.pools))
        secrets = []
        if switches.cloud_controller_manager or switches.csi or scaling:
            content = {"token": args.token, "network": settings.cluster}
            secrets.append(self._secret(addons.CREDENTIALS, content))
        self.storage_class = None
        if switches.csi:
            passphrase = RandomPassword(
                f"{name}-volumes",
                length=PASSPHRASE_LENGTH,
                special=False,
                # Without it no volume could be read again.
                opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
            )
            secrets.append(self._secret(addons.STORAGE_KEY, {"encryption-passphrase": passphrase.result}))
            self.storage_class = addons.STORAGE_CLASS
        config: pulumi.Output[str] | None = None
        if scaling:
            config = pulumi.Output.from_input(args.scaled_user_data).apply(
                lambda user_data: autoscaler.configuration(settings, user_data)
            )
            secrets.append(self._secret(autoscaler.CONFIG, {autoscaler.CONFIG_KEY: config}))
        location = settings.pools["database"].candidates[0].location
        values = autoscaler.values(settings) if scaling else None
        for chart in addons.charts(
            switches,
            cluster=settings.cluster,
            cluster_cidr=settings.network.cluster_cidr,
            location=location,
            autoscaler=values,
            dns_webhook=args.dns_webhook,
        ):
            CustomResource(
                f"{name}-{chart.name}",
                api_version="helm.cattle.io/v1",
                kind="HelmChart",
                metadata=addons.helm_chart_metadata(chart),
                spec=_spec(chart, config),
                opts=pulumi.ResourceOptions(parent=self, depends_on=secrets, deleted_with=args.deleted_with),
            )
        self.register_outputs({"storage_class": self.storage_class})

    def _secret(self, name: str, content: Mapping[str, pulumi.Input[str]]) -> Secret:
        return Secret(
            f"{self._name}-{name}",
            metadata={"name": name, "namespace": addons.NAMESPACE, "labels": dict(MANAGED_BY)},
            string_data=dict(content),
            opts=pulumi.ResourceOptions(parent=self, deleted_with=self._args.deleted_with),
        )


def _spec(chart: addons.Chart, config: pulumi.Output[str] | None) -> dict[str, Any]:
    """The object's spec; ``config`` is the autoscaler's (a secret), of which nothing but the digest gets there."""
    spec = chart.spec(versions.load())
    if chart.name != addons.AUTOSCALER or config is None:
        return spec

    def content(digest: str) -> str:
        values = autoscaler.reading(chart.values, digest)
        return str(replace(chart, values=values).spec(versions.load())["valuesContent"])

    return spec | {"valuesContent": pulumi.Output.unsecret(config.apply(autoscaler.digest)).apply(content)}
