"""The plugin: its version, its configuration and where it may be used."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version

from local.toolchain.plugins.kubernetes import settings
from local.toolchain.plugins.kubernetes.catalog import PACKAGE, TOKENS, group_version_kind
from local.toolchain.plugins.kubernetes.kubeconfig import active_cluster
from local.toolchain.plugins.kubernetes.resource import KubernetesResource
from local.toolchain.plugins.kubernetes.settings import Cluster
from provider.plugin import UNKNOWN, CheckResult, Diff, Kind, Plugin, PluginError, Properties, Resource, ResourceType

_CLUSTER_IDENTIFIER = "clusterIdentifier"
_CLUSTER_KEYS = ("kubeconfig", "context", "cluster")


class KubernetesPlugin(Plugin[Cluster]):
    """Stands in for the pulumi-kubernetes plugin that belongs to the installed SDK."""

    name = PACKAGE
    autonames = True

    def __init__(self) -> None:
        self.version = f"{version('pulumi-kubernetes')}+standin"
        self._resource = KubernetesResource()
        self.types: Mapping[str, ResourceType[Cluster]] = dict.fromkeys(TOKENS, self._resource)
        self._clusters: list[Cluster] = []

    def type(self, token: str) -> ResourceType[Cluster]:
        group_version_kind(token)
        return self._resource

    def allow(self, resource: Resource) -> None:
        if resource.stack != "local" and not resource.stack.startswith("local-"):
            raise PluginError(
                f"stack {resource.stack!r}: this is the stand-in for Pulumi's kubernetes plugin, made for local "
                "environments only (stack `local`, or one whose name begins with `local-`). Install the published "
                f"plugin to go on: `pulumi plugin install resource kubernetes {self.version.partition('+')[0]}`"
            )

    def check_config(self, old: Properties | None, new: Properties) -> CheckResult:
        return CheckResult(new, settings.check(new))

    def diff_config(self, old: Properties, new: Properties) -> Diff:
        """Another cluster makes the provider, and with it everything in the cluster, anew.

        ``clusterIdentifier``, where it is set, says alone whether it is another one; else the settings of the
        kubeconfig's active cluster do, and an unknown kubeconfig might lead to another.
        """
        changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
        before, after = old.get(_CLUSTER_IDENTIFIER), new.get(_CLUSTER_IDENTIFIER)
        replacing: set[str] = set()
        if before is not None and after is not None and before != after:
            replacing.add(_CLUSTER_IDENTIFIER)
        if after is None or before != after:
            replacing |= self._moved(old, new)
        return Diff({key: Kind.UPDATE_REPLACE if key in replacing else Kind.UPDATE for key in changed})

    @staticmethod
    def _moved(old: Properties, new: Properties) -> set[str]:
        unknown = {key for key in _CLUSTER_KEYS if new.get(key) is UNKNOWN}
        if unknown:
            return unknown
        clusters = active_cluster(settings.choice(old)), active_cluster(settings.choice(new))
        if None in clusters or clusters[0] == clusters[1]:
            return set()
        return set(_CLUSTER_KEYS)

    def configure(self, inputs: Properties) -> Cluster:
        cluster = settings.configure(inputs)
        self._clusters.append(cluster)
        return cluster

    def close(self) -> None:
        for cluster in self._clusters:
            if cluster.client is not None:
                cluster.client.close()
