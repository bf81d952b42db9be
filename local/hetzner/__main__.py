"""The emulator's process: ``python -m local.hetzner --data FOLDER --port PORT``."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from starlette.applications import Starlette

from local.hetzner.actions import running
from local.hetzner.app import make_app
from local.hetzner.boot import Observer
from local.hetzner.boot.dispatch import dispatch
from local.hetzner.catalogue import load_catalogue
from local.hetzner.clock import Clock
from local.hetzner.context import Context, World
from local.hetzner.credentials import PROJECT, Credentials
from local.hetzner.faults import Faults
from local.hetzner.projects import Projects
from local.hetzner.state import State
from local.ports import LOOPBACK

# How often actions that are due are finished when nobody asks, in s.
TICK = 0.05


def main(
    data: Annotated[Path, typer.Option(help="Folder of the state and the credentials.")],
    port: Annotated[int, typer.Option(help="Port on the loopback interface.")],
    speed: Annotated[float, typer.Option(help="How many times faster than in reality actions are.")] = 1.0,
    kubeconfig: Annotated[Path | None, typer.Option(help="Cluster whose nodes the servers become.")] = None,
) -> None:
    """Serve the Hetzner Cloud API until a signal comes."""
    state = State(data / "state.sqlite")
    world = World(state, Clock(state, speed), load_catalogue(), Faults(state), Projects(state))
    credentials = Credentials.load(data)
    with state.transaction():
        if PROJECT not in world.projects.names():
            world.projects.create(PROJECT)
        world.projects.add_token(PROJECT, token=credentials.token)
    observers: list[Observer] = []
    if kubeconfig is not None:
        # The Kubernetes client takes longer to load than all the rest.
        from local.hetzner.boot.kubernetes import ClusterObserver

        observers.append(ClusterObserver(kubeconfig))

    def cut(client: Any) -> None:
        for connection in list(server.server_state.connections):
            if getattr(connection, "client", None) == tuple(client):
                connection.transport.abort()

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(_tick(world)), asyncio.create_task(dispatch(world, observers))]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    app = make_app(world, credentials.control_token, cut, lifespan=lifespan)
    server = uvicorn.Server(
        uvicorn.Config(
            app, host=LOOPBACK, port=port, access_log=False, log_level="warning", timeout_graceful_shutdown=2
        )
    )
    server.run()
    state.close()


async def _tick(world: World) -> None:
    """Finish actions that nobody waits for."""
    while True:
        now = world.clock.now()
        for project in {owner for owner, action in running(world.state) if action["due"] <= now}:
            with world.state.transaction():
                Context.of(world, project).actions.advance()
        await asyncio.sleep(TICK)


if __name__ == "__main__":
    typer.run(main)
