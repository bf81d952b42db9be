"""A server's power, and what it boots from."""

from __future__ import annotations

import secrets
from typing import Any, Literal

from local.hetzner.actions import Effect, effect
from local.hetzner.catalogue import find
from local.hetzner.context import Context
from local.hetzner.errors import ApiError, invalid
from local.hetzner.listing import Record
from local.hetzner.resources.assignment import primary_ips_of
from local.hetzner.resources.base import Body, Empty, Key, Resource, command


class AttachIso(Body):
    """Body of ``attach_iso``."""

    iso: Key


class EnableRescue(Body):
    """Body of ``enable_rescue``."""

    type: Literal["linux64"] = "linux64"
    ssh_keys: list[int] = []


class PowerCommands(Resource):
    """Starting, stopping, rescuing."""

    @command("poweron")
    def poweron(self, context: Context, record: Record, body: Empty) -> Record:
        """Turn it on; nothing happens to one that runs."""
        if not record["private_net"] and not primary_ips_of(context, record["id"]):
            raise ApiError("unsupported_error", "server needs a network interface, public or private")
        return begin(context, "start_server", record, start)

    @command("poweroff")
    def poweroff(self, context: Context, record: Record, body: Empty) -> Record:
        """Cut its power."""
        return begin(context, "stop_server", record, stop)

    @command("shutdown")
    def shutdown(self, context: Context, record: Record, body: Empty) -> Record:
        """Ask its operating system to stop."""
        _require_running(record)
        return begin(context, "shutdown_server", record, stop)

    @command("reboot")
    def reboot(self, context: Context, record: Record, body: Empty) -> Record:
        """Ask its operating system to start again."""
        _require_running(record)
        return begin(context, "reboot_server", record, start)

    @command("reset")
    def reset(self, context: Context, record: Record, body: Empty) -> Record:
        """Cut its power and turn it on."""
        _require_running(record)
        return begin(context, "reset_server", record, start)

    @command("reset_password")
    def reset_password(self, context: Context, record: Record, body: Empty) -> Record:
        """A new password for root."""
        _require_running(record)
        action = begin(context, "reset_password", record)
        return {"root_password": secrets.token_urlsafe(16), "action": context.actions.view(action)}

    @command("enable_rescue", EnableRescue)
    def enable_rescue(self, context: Context, record: Record, body: EnableRescue) -> Record:
        """Boot the rescue system next time."""
        action = begin(context, "enable_rescue", record, set_server, rescue_enabled=True)
        return {"root_password": secrets.token_urlsafe(16), "action": context.actions.view(action)}

    @command("disable_rescue")
    def disable_rescue(self, context: Context, record: Record, body: Empty) -> Record:
        """Boot from its disk."""
        return begin(context, "disable_rescue", record, set_server, rescue_enabled=False)

    @command("attach_iso", AttachIso)
    def attach_iso(self, context: Context, record: Record, body: AttachIso) -> Record:
        """Boot from an installation medium."""
        iso = find(context.world.catalogue.isos, body.iso)
        if iso is None:
            raise invalid("iso", f"ISO {body.iso!r} not found")
        return begin(context, "attach_iso", record, set_server, iso=iso["id"])

    @command("detach_iso")
    def detach_iso(self, context: Context, record: Record, body: Empty) -> Record:
        """Take the medium out."""
        return begin(context, "detach_iso", record, set_server, iso=None)


def begin(context: Context, name: str, record: Record, then: Effect | None = None, **arguments: Any) -> Record:
    """An action on a server alone."""
    return context.actions.begin(name, [("server", record["id"])], then, server=record["id"], **arguments)


def require_off(record: Record) -> None:
    """Raise ``ApiError`` unless it is off."""
    if record["status"] != "off":
        raise ApiError("server_not_stopped", "server must be powered off")


@effect
def start(context: Context, server: int) -> None:
    """It runs; when it was off before, it has booted now."""
    record = context.objects.get("servers", server)
    if record is None:
        return
    record = context.objects.put("servers", {**record, "status": "running", "rescue_enabled": False})
    context.emit("boot", record)


@effect
def stop(context: Context, server: int) -> None:
    """It is off."""
    set_server(context, server, status="off")


@effect
def set_server(context: Context, server: int, **fields: Any) -> None:
    """Something of it is different."""
    record = context.objects.get("servers", server)
    if record is not None:
        context.objects.put("servers", {**record, **fields})


def _require_running(record: Record) -> None:
    if record["status"] != "running":
        raise ApiError("unsupported_error", "server must be running")
