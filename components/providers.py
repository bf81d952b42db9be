"""The providers that an environment's resources are made with, each of them explicit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import pulumi
import pulumi_kubernetes
import pulumi_postgresql
import pulumi_random

from components.postgres.connection import DatabaseServer
from components.postgres.resources import FoundationProvider


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """The Kubernetes cluster to work on."""

    kubeconfig: pulumi.Input[str]
    """A kubeconfig's path or its content."""
    context: str | None = None
    """None: the kubeconfig's current one."""
    identifier: str
    """Names the cluster for ever: a changed kubeconfig then doesn't replace everything in it."""


class Providers(NamedTuple):
    """One provider of each kind; as a list, the ``providers`` of a component."""

    kubernetes: pulumi_kubernetes.Provider
    postgresql: pulumi_postgresql.Provider
    foundation: FoundationProvider
    random: pulumi_random.Provider


def own_providers(
    server: DatabaseServer, opts: pulumi.ResourceOptions
) -> tuple[FoundationProvider, pulumi_random.Provider]:
    """Those that need no cluster: it may be made with them."""
    foundation = FoundationProvider(
        "foundation",
        host=server.host,
        port=server.port,
        username=server.username,
        password=server.password,
        sslmode=server.sslmode,
        opts=opts,
    )
    return foundation, pulumi_random.Provider("random", opts=opts)


def cluster_provider(
    cluster: Cluster, opts: pulumi.ResourceOptions, name: str = "kubernetes"
) -> pulumi_kubernetes.Provider:
    """The one of everything in the cluster; another name for what everything waits for."""
    return pulumi_kubernetes.Provider(
        name,
        kubeconfig=cluster.kubeconfig,
        context=cluster.context,
        cluster_identifier=cluster.identifier,
        enable_server_side_apply=True,
        # The objects are ours alone: what was changed by hand is put back instead of failing on a conflict.
        enable_patch_force=True,
        # An update that was killed while it made an object goes on with it the next time.
        upsert_existing_objects=True,
        # Else a changed file replaces the object; a checksum on the pods rolls them instead.
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        opts=opts,
    )


def database_provider(server: DatabaseServer, opts: pulumi.ResourceOptions) -> pulumi_postgresql.Provider:
    """The one of databases and roles."""
    return pulumi_postgresql.Provider(
        "postgresql",
        host=server.host,
        port=server.port,
        username=server.username,
        password=server.password,
        sslmode=server.sslmode,
        opts=opts,
    )
