"""A cluster at Hetzner against the environment that it is for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from models.environment import EnvironmentSettings
from models.hetzner import Candidate, Hetzner
from models.loading.document import Document, Keys
from models.loading.problems import nearest

PRODUCTION = "prod"
"""Name of the environment that users' data is in."""

ISSUED: tuple[Keys, ...] = (("token",), ("dns", "token"), ("backup", "access_key"), ("backup", "secret_key"))
"""Secrets that another party issues."""


def check_hetzner(
    document: Document, settings: EnvironmentSettings, environment: str, below: Keys, locations: Sequence[str]
) -> None:
    """Notes what no model can know: where data may lie, and what production needs.

    ``below`` is where the environment's settings stand in the document.
    """
    hetzner = settings.hetzner
    if hetzner is None:
        return
    at = (*below, "hetzner")
    for keys, location in _places(hetzner):
        if location not in locations:
            hint = nearest(location, locations)
            document.report((*at, *keys), "is outside of Germany, where data stays (FC-287)", hint=hint, prefix=below)
    if environment == PRODUCTION and hetzner.pools["database"].count < 2:
        message = "is too few for production: the standby needs a node of its own (FC-283)"
        document.report((*at, "pools", "database", "count"), message, hint="give 2", prefix=below)
    if hetzner.dns is not None:
        zone, domain = hetzner.dns.zone, settings.domain
        if domain != zone and not domain.endswith(f".{zone}"):
            hint = f"give {domain}, or the zone that it lies in"
            document.report((*at, "dns", "zone"), f"doesn't hold the domain {domain}", hint=hint, prefix=below)
    for keys in ISSUED:
        if document.value((*at, *keys, "generate")) is not None:
            message = "can't be generated: whoever runs the service issues it"
            document.report((*at, *keys, "generate"), message, hint="give `config: KEY`", show=False, prefix=below)


def _places(hetzner: Hetzner) -> Iterator[tuple[Keys, str]]:
    """Where servers and load balancers may come to stand, and what says so."""
    candidates: dict[Keys, tuple[Candidate, ...]] = {
        ("control_plane",): hetzner.control_plane.candidates,
        ("enterprise",): hetzner.enterprise.candidates,
    }
    candidates |= {("pools", name): pool.candidates for name, pool in hetzner.pools.items()}
    if hetzner.nat is not None:
        candidates[("nat",)] = hetzner.nat.candidates
    for keys, found in candidates.items():
        for index, candidate in enumerate(found):
            yield (*keys, "candidates", index, "location"), candidate.location
    yield ("load_balancer", "location"), hetzner.load_balancer.location
