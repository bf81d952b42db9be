"""What is known to go wrong is said while the program runs: in previews, and before an update touches anything."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from components.hetzner import budget, limits
from models.hetzner import Hetzner, names
from models.hetzner.pool import Pool


def preflight(settings: Hetzner, pools: Mapping[str, Pool]) -> None:
    """Checks limits and the budget of requests; ``pools`` are all, those of Enterprise tenants too.

    Raises pulumi.RunError for what can't be had; warns of what is better done in steps.
    """
    limits.check_cluster(settings, pools)
    requests = budget.estimate(pools, with_primary_ips=frozenset({names.CONTROL_PLANE}))
    verdict, reason = budget.judge(requests)
    if verdict == "refuse":
        raise pulumi.RunError(reason)
    if verdict == "warn":
        pulumi.log.warn(reason)
