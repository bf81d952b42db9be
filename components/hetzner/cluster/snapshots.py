"""Where etcd's snapshots are kept outside of the servers."""

from __future__ import annotations

from collections.abc import Callable

import pulumi
from pulumi_random import RandomPassword

from components.hetzner.cluster.cloud_init import SnapshotStore
from models.hetzner import Hetzner
from models.secrets import SecretRef


def snapshot_store(
    name: str, settings: Hetzner, secret: Callable[[str], pulumi.Output[str]], opts: pulumi.ResourceOptions
) -> pulumi.Output[SnapshotStore | None]:
    """The store that the settings name (a secret); None without ``backup``. Keys that are to be generated are made
    with ``opts``."""
    backup = settings.backup
    if backup is None:
        return pulumi.Output.from_input(None)
    repository = f"s3:https://{backup.endpoint}/{backup.bucket}/{backup.folder}/{settings.cluster}"
    region, retention = backup.region, backup.retention

    def value(reference: SecretRef, key: str) -> pulumi.Output[str]:
        if reference.config is not None:
            return secret(reference.config)
        assert reference.generate is not None, "a SecretRef has one source"
        return RandomPassword(f"{name}-{key}", length=reference.generate, special=False, opts=opts).result

    made = pulumi.Output.all(
        access_key=value(backup.access_key, "access-key"),
        secret_key=value(backup.secret_key, "secret-key"),
        encryption_key=value(backup.encryption_key, "encryption-key"),
    ).apply(lambda keys: SnapshotStore(repository=repository, region=region, retention=retention, **keys))
    return pulumi.Output.secret(made)
