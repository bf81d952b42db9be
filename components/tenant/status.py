"""What each status of a tenant means for what it runs on (FC-269, FC-270)."""

from __future__ import annotations

from dataclasses import dataclass

from models.tenant import Status


@dataclass(frozen=True)
class Standing:
    """What a tenant is given in its present status."""

    runs: bool
    """Pods run. Else there are 0 replicas and no autoscaler."""
    served: bool
    """The gateway routes its hosts."""
    logs_in: bool
    """Its database role can log in."""
    writes: bool
    """Its database role may change rows."""
    kept: bool
    """Its data is guarded against deletion."""


_FULL = Standing(runs=True, served=True, logs_in=True, writes=True, kept=True)

STANDING: dict[Status, Standing] = {
    Status.PROVISIONING: _FULL,
    Status.ACTIVE: _FULL,
    # The last step of provisioning went wrong: what is there stays as it is.
    Status.FAILED: _FULL,
    Status.SUSPENDED: Standing(runs=True, served=True, logs_in=True, writes=False, kept=True),
    Status.INACTIVE: Standing(runs=False, served=False, logs_in=True, writes=False, kept=True),
    Status.DELETED: Standing(runs=False, served=False, logs_in=False, writes=False, kept=False),
}
