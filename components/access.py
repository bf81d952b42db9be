"""How the settings say that cluster and database are reached, and which secrets must be given for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pulumi

from components.postgres.connection import DatabaseServer, read_service
from components.providers import Cluster
from models.environment import Kubernetes, PostgreSQL
from models.loading import Environment
from models.secrets import SecretRef

ResolveSecret = Callable[[str], pulumi.Output[str]]
"""The value of a secret by its key, such as ``pulumi.Config().require_secret``."""

ResolveFile = Callable[[str], Path]
"""Where a file of the settings lies on the machine that runs the update."""


def cluster(settings: Kubernetes, secret: ResolveSecret, file: ResolveFile) -> Cluster:
    """The cluster that the settings name."""
    if settings.kubeconfig_config is not None:
        kubeconfig: pulumi.Input[str] = secret(settings.kubeconfig_config)
    else:
        assert settings.kubeconfig is not None, "the settings name one kubeconfig"
        kubeconfig = str(file(settings.kubeconfig))
    return Cluster(kubeconfig=kubeconfig, context=settings.context, identifier=settings.cluster_identifier)


def database_server(settings: PostgreSQL, secret: ResolveSecret, file: ResolveFile) -> DatabaseServer:
    """The server that the settings name. Raises what ``read_service`` raises."""
    if settings.service_file is not None and settings.service is not None:
        return read_service(file(settings.service_file), settings.service)
    if settings.host is None or settings.username is None or settings.password is None:
        raise LookupError("the settings name no database server")
    if settings.password.config is None:
        raise LookupError("the password of a server that is there already can't be generated: give `config: KEY`")
    return DatabaseServer(
        host=settings.host,
        port=settings.port,
        username=settings.username,
        password=secret(settings.password.config),
        sslmode=settings.sslmode,
    )


def secret_keys(environment: Environment) -> Iterator[tuple[str, str]]:
    """Every secret of the stack's configuration that the environment names: (where, its key)."""
    settings = environment.settings
    if settings.kubernetes.kubeconfig_config is not None:
        yield "settings: kubernetes.kubeconfig_config", settings.kubernetes.kubeconfig_config
    references: list[tuple[str, SecretRef | None]] = [("settings: postgresql.password", settings.postgresql.password)]
    references += [(f"settings: shared_secrets.{key}", value) for key, value in settings.shared_secrets.items()]
    references += [
        (f"tenant {tenant.slug}: secrets.{key}", value)
        for tenant in environment.tenants
        for key, value in tenant.secrets.items()
    ]
    for where, reference in references:
        if reference is not None and reference.config is not None:
            yield where, reference.config


def missing_secrets(environment: Environment, config: pulumi.Config) -> list[str]:
    """A message for each secret that the environment names and the stack's configuration lacks."""
    return [
        f"{where} names the secret {key!r}, which isn't set: run `pulumi config set --secret {key}`"
        for where, key in secret_keys(environment)
        if config.get_secret(key) is None
    ]
