"""Telling the observers: from the database, so that no event is lost with the process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from local.hetzner.boot import Observer
from local.hetzner.context import EVENTS, World
from local.hetzner.listing import Record

# How often events are looked for, and how long an observer that failed is left alone, in s.
INTERVAL = 0.05
PAUSE = 2.0

log = logging.getLogger(__name__)


async def dispatch(world: World, observers: Sequence[Observer]) -> None:
    """Tell the observers of every event, one after the other, for ever."""
    while True:
        pending = world.state.query("kind = ?", EVENTS)
        for _, event in pending:
            try:
                # In a thread: an observer may wait for a cluster, and the API goes on meanwhile.
                await asyncio.to_thread(_tell, observers, event)
            except Exception:
                log.exception("server %s: %s will be told again", event["server"]["name"], event["event"])
                await asyncio.sleep(PAUSE)
                break
            with world.state.transaction():
                world.state.delete(EVENTS, event["id"])
        await asyncio.sleep(INTERVAL)


def _tell(observers: Sequence[Observer], event: Record) -> None:
    for observer in observers:
        if event["event"] == "boot":
            observer.on_boot(event["server"])
        else:
            observer.on_delete(event["server"])
