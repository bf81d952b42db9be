"""The control endpoint: faults, time, projects, and what is left over. It has a token of its own."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.hetzner.actions import KIND as ACTIONS
from local.hetzner.context import EVENTS, World
from local.hetzner.faults import FAULT
from local.hetzner.ratelimit import REQUESTS_PER_HOUR

PREFIX = "/_control"
Handler = Callable[[World, Request, Any], Any]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewProject(_Body):
    """A project and its first token."""

    name: str = Field(min_length=1)
    requests_per_hour: int = Field(default=REQUESTS_PER_HOUR, ge=1)
    permission: Literal["read", "read_write"] = "read_write"


class ProjectSettings(_Body):
    """``limits``: how many of a kind the project may have; ``remaining``: requests left now."""

    limits: dict[str, int] | None = None
    remaining: float | None = Field(default=None, ge=0)


class ClockSettings(_Body):
    """``advance`` in s. ``speed`` counts for actions that begin later."""

    speed: float | None = Field(default=None, gt=0)
    frozen: bool | None = None
    advance: float = Field(default=0, ge=0)


def control_routes(world: World, token: str) -> list[Route]:
    """Every path below ``/_control``."""
    paths: dict[tuple[str, str], Handler] = {
        ("/health", "GET"): lambda world, request, body: None,
        ("/projects", "POST"): _add_project,
        ("/projects/{name}", "GET"): _get_project,
        ("/projects/{name}", "PUT"): _set_project,
        ("/faults", "GET"): lambda world, request, body: world.faults.dump(),
        ("/faults", "POST"): _add_fault,
        ("/faults", "DELETE"): lambda world, request, body: world.faults.remove(),
        ("/faults/{id:int}", "DELETE"): lambda world, request, body: world.faults.remove(request.path_params["id"]),
        ("/clock", "GET"): lambda world, request, body: _clock(world),
        ("/clock", "PUT"): _set_clock,
        ("/leftovers", "GET"): _leftovers,
        ("/reset", "POST"): _reset,
    }
    return [
        Route(f"{PREFIX}{path}", _guarded(world, token, handler), methods=[method])
        for (path, method), handler in paths.items()
    ]


def _guarded(world: World, token: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not secrets.compare_digest(given.encode(), token.encode()):
            return JSONResponse({"error": "the control token is missing or wrong"}, 401)
        content = await request.body()
        try:
            with world.state.transaction():
                answer = handler(world, request, json.loads(content) if content else {})
        except ValidationError as error:
            return JSONResponse({"error": error.errors(include_url=False, include_context=False)}, 422)
        except (ValueError, LookupError) as error:
            return JSONResponse({"error": str(error)}, 422)
        return Response(status_code=204) if answer is None else JSONResponse(answer)

    return endpoint


def _add_project(world: World, request: Request, body: Any) -> Any:
    wanted = NewProject.model_validate(body)
    world.projects.create(wanted.name, wanted.requests_per_hour)
    return {"token": world.projects.add_token(wanted.name, wanted.permission)}


def _get_project(world: World, request: Request, body: Any) -> Any:
    return world.projects.usage(_project(world, request))


def _set_project(world: World, request: Request, body: Any) -> None:
    name = _project(world, request)
    settings = ProjectSettings.model_validate(body)
    if settings.limits is not None:
        world.projects.set_limits(name, settings.limits)
    if settings.remaining is not None:
        world.projects.refill(name, settings.remaining, world.clock.now())


def _project(world: World, request: Request) -> str:
    name: str = request.path_params["name"]
    if name not in world.projects.names():
        raise LookupError(f"there is no project {name!r}")
    return name


def _add_fault(world: World, request: Request, body: Any) -> Any:
    return world.faults.add(FAULT.validate_python(body)).model_dump()


def _set_clock(world: World, request: Request, body: Any) -> Any:
    settings = ClockSettings.model_validate(body)
    if settings.frozen is True:
        world.clock.freeze()
    if settings.frozen is False:
        world.clock.unfreeze()
    if settings.speed is not None:
        world.clock.set_speed(settings.speed)
    if settings.advance:
        world.clock.advance(settings.advance)
    return _clock(world)


def _clock(world: World) -> Any:
    return {"now": world.clock.now(), "frozen": world.clock.frozen is not None, "speed": world.clock.speed}


def _leftovers(world: World, request: Request, body: Any) -> Any:
    project = request.query_params.get("project")
    return [
        {"project": owner, "kind": kind, "id": record["id"], "name": record.get("name"), "labels": record.get("labels")}
        for kind, owner, record in world.state.everything()
        if kind not in (ACTIONS, EVENTS) and project in (None, owner)
    ]


def _reset(world: World, request: Request, body: Any) -> None:
    """No objects, no faults, full budgets; projects and their tokens stay."""
    world.state.clear()
    world.faults.remove()
    for project in world.projects.names():
        world.projects.refill(project, None, world.clock.now())
