"""How Hetzner's API is reached."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi

from components.hetzner.budget import EMULATED, polling
from models.hetzner import Hetzner

if TYPE_CHECKING:  # environments without a cluster at Hetzner don't import it
    import pulumi_hcloud


@dataclass(frozen=True, kw_only=True)
class HetznerApi:
    """One project's API."""

    token: pulumi.Input[str] | None = None
    """With read and write access; None for HCLOUD_TOKEN's."""
    endpoint: pulumi.Input[str] | None = None
    """None for HCLOUD_ENDPOINT's, or the vendor's."""
    nodes_join: bool = True
    """Whether servers become nodes of the cluster. Emulated ones don't where the cluster is somebody's own."""


def hetzner_api(
    settings: Hetzner, secret: Callable[[str], pulumi.Output[str]], file: Callable[[str], Path]
) -> HetznerApi:
    """The API that the settings name. Raises FileNotFoundError when ``credentials_file`` isn't there, LookupError
    when it, or the settings, name no token."""
    if settings.token is not None:
        if settings.token.config is None:
            raise LookupError("hetzner.token: Hetzner issues it, so it can't be generated; give `config: KEY`")
        return HetznerApi(token=secret(settings.token.config))
    assert settings.credentials_file is not None, "the settings name one source of the token"
    path = file(settings.credentials_file)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return HetznerApi(
            token=pulumi.Output.secret(str(found["token"])),
            endpoint=str(found["endpoint"]),
            nodes_join=bool(found.get("nodes", True)),
        )
    except (ValueError, KeyError, TypeError):
        raise LookupError(f'{path} must hold {{"endpoint": URL, "token": TOKEN}}') from None


def hcloud_provider(
    name: str, api: HetznerApi, servers: int, opts: pulumi.ResourceOptions | None = None
) -> pulumi_hcloud.Provider:
    """The vendor's provider for a cluster of so many servers, asking about actions no oftener than it may."""
    import pulumi_hcloud

    # Only an emulator has an address of its own.
    mode = polling(servers) if api.endpoint is None else EMULATED
    return pulumi_hcloud.Provider(
        name,
        token=None if api.token is None else pulumi.Output.secret(api.token),
        endpoint=api.endpoint,
        poll_function=mode.function,
        poll_interval=mode.interval,
        opts=opts,
    )
