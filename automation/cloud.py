"""An environment's Hetzner project, reached with the vendor's client."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hcloud import Client
from pulumi.automation import Stack

from automation.errors import BadInput
from automation.inventory import KINDS, CloudObject, of_cluster
from automation.project import Project
from models.hetzner import Hetzner
from models.hetzner.names import node_group
from models.loading import Environment

LOCAL_FOLDER = ".foundation"
# Seconds between looks at an action that is under way; a sandbox's take fractions of one.
POLL_INTERVAL = 1.0
LOCAL_POLL_INTERVAL = 0.1


@dataclass(frozen=True)
class Cloud:
    """The project that one cluster lies in, perhaps with others."""

    client: Client
    cluster: str
    """Name of the cluster: the value of the label ``cluster``."""
    groups: tuple[str, ...] = ()
    """Node groups of the cluster's autoscaler."""
    dns: Client | None = None
    """The project that record sets lie in, where it is one of its own."""

    def objects(self, state: Iterable[dict[str, Any]] = ()) -> list[CloudObject]:
        """Everything of the cluster, in the order in which it can be deleted. ``state`` are the stack's resources:
        the networks among them are the cluster's, whatever their labels."""
        networks = {number for kind, number in in_state(state) if kind == "network"}
        return of_cluster(self.client, self.cluster, networks=networks, groups=self.groups)


def in_state(resources: Iterable[dict[str, Any]]) -> set[tuple[str, int]]:
    """Kind and id of the stack's objects at Hetzner."""
    kinds = {kind.type: kind.name for kind in KINDS}
    return {
        (kinds[resource["type"]], int(resource["id"]))
        for resource in resources
        if resource["type"] in kinds and str(resource.get("id", "")).isdigit()
    }


def open_cloud(project: Project, environment: Environment, stack: Stack) -> Cloud:
    """The environment's Hetzner project. Raises ``BadInput`` when it has none, or no token is found."""
    settings = environment.settings.hetzner
    if settings is None:
        raise BadInput(
            f"environment {environment.name} has no cluster at Hetzner",
            next_step=f"add `hetzner` to the settings in {project.settings_file.name}",
        )
    token, endpoint = _access(project, settings, stack)
    interval = LOCAL_POLL_INTERVAL if project.is_local else POLL_INTERVAL
    where: dict[str, Any] = {} if endpoint is None else {"api_endpoint": endpoint}

    def client(token: str) -> Client:
        return Client(token=token, application_name="foundation", poll_interval=interval, **where)

    apart = None if settings.dns is None or settings.dns.token is None else settings.dns.token.config
    groups = tuple(node_group(settings.cluster, name) for name, pool in settings.pools.items() if pool.autoscale)
    dns = None if apart is None else client(stack.get_config(apart).value)
    return Cloud(client(token), settings.cluster, groups, dns)


def place(project: Project, path: str) -> Path:
    """A file that the settings name: below ``.foundation/`` it follows FOUNDATION_DIR, else it is the project's."""
    first, *rest = Path(path).parts
    return project.directory.root.joinpath(*rest) if first == LOCAL_FOLDER else project.folder / path


def _access(project: Project, settings: Hetzner, stack: Stack) -> tuple[str, str | None]:
    if settings.token is not None and settings.token.config is not None:
        return stack.get_config(settings.token.config).value, None
    file = place(project, settings.credentials_file or "")
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return str(found["token"]), str(found["endpoint"])
    except FileNotFoundError:
        raise BadInput(
            f"{settings.credentials_file} isn't there: it says how Hetzner's API is reached",
            next_step="bring the sandbox up (foundation sandbox start), or give `hetzner.token`",
        ) from None
    except (ValueError, KeyError, TypeError):
        raise BadInput(f'{settings.credentials_file} must hold {{"endpoint": URL, "token": TOKEN}}') from None
