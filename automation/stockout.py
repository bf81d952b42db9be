"""A server type that is sold out in the middle of an update: the update runs again and takes the next candidate."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Final

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from automation.cost.difference import SERVER
from automation.errors import FoundationError
from automation.report import Report
from automation.running import Tell
from models.loading import Environment

# What the API answers to an order that it can't fill; the second one for a type that it calls available there.
SOLD_OUT: Final = ("resource_unavailable", "unsupported location for server type")

# The provider's server type choices read it (provider/hetzner/server_type_choice.py).
SOLD_OUT_SERVERS: Final = "FOUNDATION_SOLD_OUT"


def sold_out(report: Report) -> list[str]:
    """Names of the servers whose order Hetzner couldn't fill, as the update's errors tell."""
    failed = {
        error.urn
        for error in report.errors
        if error.urn and f"{SERVER}::" in error.urn and any(mark in error.message for mark in SOLD_OUT)
    }
    return sorted(urn.rpartition("::")[2] for urn in failed)


def candidates(environment: Environment) -> int:
    """The most candidates that a server of the environment has; 1 without servers."""
    settings = environment.settings.hetzner
    if settings is None:
        return 1
    pools = [pool.candidates for pool in settings.all_pools(environment.dedicated).values()]
    return max(map(len, pools if settings.nat is None else [*pools, settings.nat.candidates]))


def with_next_candidates(
    run: Callable[[], Report],
    latest: Callable[[], Report],
    attempts: int,
    tell: Tell,
    variables: MutableMapping[str, str],
) -> Report:
    """Run the update, and again for each server that couldn't be had, at most once for each candidate.

    ``latest`` gives the report of the run that failed. ``variables`` are those that the engine runs with: they tell
    the provider which servers move on at once, for other failures leave a server its candidate for one more order.
    Raises what the last run raises; other failures at once.
    """

    def say(state: RetryCallState) -> None:
        servers = sold_out(latest())
        variables[SOLD_OUT_SERVERS] = ",".join(servers)
        tell(f"sold out at Hetzner: {', '.join(servers)}; running again with the next candidate")

    retrying = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, FoundationError) and bool(sold_out(latest()))),
        stop=stop_after_attempt(attempts),
        before_sleep=say,
        reraise=True,
    )
    try:
        return retrying(run)
    finally:
        variables.pop(SOLD_OUT_SERVERS, None)
