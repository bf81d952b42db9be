"""How the settings say that cluster and database are reached, and which secrets must be given for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pulumi

from components.gateway.redis import RedisAccess, read_url
from components.hetzner.api import HetznerApi, hetzner_api
from components.postgres.connection import DatabaseServer, read_service
from components.providers import Cluster
from models.environment import GatewayRedis, Kubernetes, PostgreSQL
from models.hetzner import Hetzner
from models.loading import Environment
from models.secrets import SecretRef

ResolveSecret = Callable[[str], pulumi.Output[str]]
"""The value of a secret by its key, such as ``pulumi.Config().require_secret``."""

ResolveFile = Callable[[str], Path]
"""Where a file of the settings lies on the machine that runs the update."""


def cluster(settings: Kubernetes, secret: ResolveSecret, file: ResolveFile) -> Cluster | None:
    """The cluster that the settings name; None when it is to be made."""
    if not settings.elsewhere:
        return None
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


def gateway_redis(settings: GatewayRedis, file: ResolveFile) -> RedisAccess | None:
    """The Redis that the settings name, if they name one. Raises what ``read_url`` raises."""
    return None if settings.url_file is None else read_url(file(settings.url_file))


def hetzner_project(settings: Hetzner | None, secret: ResolveSecret, file: ResolveFile) -> HetznerApi | None:
    """The API of the project that the settings name, if they name one. Raises what ``hetzner_api`` raises."""
    return None if settings is None else hetzner_api(settings, secret, file)


def secret_keys(environment: Environment) -> Iterator[tuple[str, str]]:
    """Every secret of the stack's configuration that the environment names: (where, its key)."""
    settings = environment.settings
    if settings.kubernetes.kubeconfig_config is not None:
        yield "settings: kubernetes.kubeconfig_config", settings.kubernetes.kubeconfig_config
    references: list[tuple[str, SecretRef | None]] = [("settings: postgresql.password", settings.postgresql.password)]
    if settings.gateway.acme is not None:
        references.append(("settings: gateway.acme.dns_token", settings.gateway.acme.dns_token))
    references += _hetzner_secrets(settings.hetzner)
    references += [(f"settings: shared_secrets.{key}", value) for key, value in settings.shared_secrets.items()]
    references += [
        (f"tenant {tenant.slug}: secrets.{key}", value)
        for tenant in environment.tenants
        for key, value in tenant.secrets.items()
    ]
    for where, reference in references:
        if reference is not None and reference.config is not None:
            yield where, reference.config


def _hetzner_secrets(settings: Hetzner | None) -> list[tuple[str, SecretRef | None]]:
    if settings is None:
        return []
    found = [("settings: hetzner.token", settings.token)]
    if settings.dns is not None:
        found.append(("settings: hetzner.dns.token", settings.dns.token))
    if settings.backup is not None:
        keys = ("access_key", "secret_key", "encryption_key")
        found += [(f"settings: hetzner.backup.{key}", getattr(settings.backup, key)) for key in keys]
    return found


def missing_secrets(environment: Environment, config: pulumi.Config) -> list[str]:
    """A message for each secret that the environment names and the stack's configuration lacks."""
    return [
        f"{where} names the secret {key!r}, which isn't set: run `pulumi config set --secret {key}`"
        for where, key in secret_keys(environment)
        if config.get_secret(key) is None
    ]
