"""``python -m services.auth``: the server, and what operators do by hand. Settings: services/auth/settings.py."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from pydantic import TypeAdapter, ValidationError

from services.auth import logs, registration, signing_keys
from services.auth.app import create, identity_api
from services.auth.database import Database
from services.auth.refusal import Refused
from services.auth.service import Service
from services.auth.settings import Settings

GRACE_SECONDS = 10
"""Requests under way have so long to end after SIGTERM."""

app = typer.Typer(help="Forward authentication and identity.", no_args_is_help=True)


def _settings() -> Settings:
    try:
        return Settings.read()
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(["AUTH", *(str(part).upper() for part in problem["loc"])])
            print(f"{name}: {problem['msg']}", file=sys.stderr)
        raise typer.Exit(2) from None


def _run(work: Callable[[Database, Settings], Awaitable[str]]) -> None:
    """Do ``work`` and print what it says. Exits with 1 when the database can't be reached."""
    settings = _settings()

    async def connected() -> str:
        database = Database(settings.database.get_secret_value(), 1)
        await database.open()
        try:
            return await work(database, settings)
        finally:
            await database.close()

    try:
        print(asyncio.run(connected()))
    except Refused:
        print("the database can't be reached", file=sys.stderr)
        raise typer.Exit(1) from None


@app.command()
def serve() -> None:
    """Run one replica until SIGTERM. One process, one core: more of them are more replicas."""
    settings = _settings()
    logs.configure()
    uvicorn.run(
        create(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        # Traefik keeps connections for 90 s; the side that closes first must be Traefik's.
        timeout_keep_alive=120,
    )


@app.command()
def register_tenants(
    file: Annotated[typer.FileText, typer.Argument(help="JSON; - is standard input.")],
) -> None:
    """Write tenants, their domains and first owners into auth_db: a list of {id, slug, tier, status, domains, owner:
    {email, password}}. What is there already is brought up to date; users that exist are left alone."""
    try:
        tenants = TypeAdapter(list[registration.Registration]).validate_python(json.load(file))
    except ValidationError as error:
        for problem in error.errors(include_input=False):
            print(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}", file=sys.stderr)
        raise typer.Exit(2) from None
    except ValueError:
        print(f"{file.name} holds no JSON", file=sys.stderr)
        raise typer.Exit(2) from None
    _run(lambda database, _: registration.register(database, tenants))


@app.command()
def rotate_signing_key(
    at_once: Annotated[
        bool, typer.Option("--at-once", help="After a leak: tokens signed so far end now, users log in again.")
    ] = False,
) -> None:
    """Make a new signing key; the old one verifies until its last token has expired."""
    _run(lambda database, settings: signing_keys.rotate(database, settings, at_once=at_once))


@app.command()
def openapi(file: Path) -> None:
    """Write the OpenAPI document."""
    settings = Settings.model_validate({"domain": "example.com", "database": "", "secret": "-" * 32})
    document = identity_api(Service(settings)).openapi()
    file.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    app()
