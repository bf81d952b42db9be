"""The PostgreSQL server that the providers administer, and libpq's own way of naming it."""

from __future__ import annotations

import configparser
from dataclasses import dataclass
from pathlib import Path

import pulumi


@dataclass(frozen=True, kw_only=True)
class DatabaseServer:
    """Address and administrator of a PostgreSQL server."""

    host: pulumi.Input[str]
    port: pulumi.Input[int] = 5432
    username: pulumi.Input[str]
    password: pulumi.Input[str]
    sslmode: str = "verify-full"
    """In libpq's words, as are the services' (PostgreSQL documentation, section 32.17)."""


def read_service(file: Path, service: str) -> DatabaseServer:
    """The server that ``service`` names in a libpq connection service file.

    Raises FileNotFoundError without the file, LookupError without the service or one of its settings host, user and
    password; no message holds a value of the file's.
    """
    services = configparser.ConfigParser(interpolation=None)
    with file.open(encoding="utf-8") as lines:
        services.read_file(lines)
    if service not in services:
        raise LookupError(f"{file} has no service [{service}]; it has {', '.join(services.sections()) or 'none'}")
    settings = services[service]
    missing = [key for key in ("host", "user", "password") if key not in settings]
    if missing:
        raise LookupError(f"{file}: service [{service}] lacks {', '.join(missing)}")
    return DatabaseServer(
        host=settings["host"],
        port=settings.getint("port", 5432),
        username=settings["user"],
        password=pulumi.Output.secret(settings["password"]),
        sslmode=settings.get("sslmode", "prefer"),
    )
