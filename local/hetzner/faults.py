"""Faults on demand: what the real API does on its bad days."""

from __future__ import annotations

import random
import re
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from local.hetzner.errors import ApiError
from local.hetzner.state import State

KEY = "faults"


class _Fault(BaseModel):
    """``times``: how often it strikes (None: until removed). ``probability`` by which it strikes when it could,
    decided by ``seed``, so that two runs meet the same faults."""

    model_config = ConfigDict(extra="forbid")

    id: int = 0
    times: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1.0, gt=0, le=1)
    seed: int = 0
    seen: int = 0
    struck: int = 0

    def strike(self) -> bool:
        """Whether it happens now."""
        if self.times is not None and self.struck >= self.times:
            return False
        self.seen += 1
        # Not for secrets: the same seed must give the same faults.
        happens = random.Random(f"{self.seed}:{self.seen}").random() < self.probability  # noqa: S311
        self.struck += happens
        return happens


class SoldOut(_Fault):
    """No servers of this type in this location (None: in any). ``listed``: it is called available all the same;
    ``code``: what an order is refused with, for the real API has been seen to say either."""

    kind: Literal["sold_out"]
    server_type: str
    location: str | None = None
    listed: bool = False
    code: Literal["resource_unavailable", "invalid_input"] = "resource_unavailable"

    def concerns(self, server_type: str, location: str) -> bool:
        """Whether it is about this."""
        return self.server_type == server_type and self.location in (None, location)


class FailingAction(_Fault):
    """Actions whose command matches the glob end with this error, after their usual time."""

    kind: Literal["failing_action"]
    command: str
    code: str = "action_failed"
    message: str = "Action failed"


class SlowAction(_Fault):
    """Actions whose command matches the glob take ``seconds`` (at speed 1) longer."""

    kind: Literal["slow_action"]
    command: str
    seconds: float = Field(gt=0)


class _OnRequest(_Fault):
    """``method`` is a glob, ``path`` a regular expression that is searched in the path below ``/v1``."""

    method: str = "*"
    path: str = ""

    def concerns(self, method: str, path: str) -> bool:
        """Whether it is about this request."""
        return fnmatchcase(method, self.method) and re.search(self.path, path) is not None


class FailingRequest(_OnRequest):
    """Requests are answered with this error, such as ``rate_limit_exceeded`` or ``unavailable``, and do nothing."""

    kind: Literal["failing_request"]
    code: str
    message: str = "injected"
    status: int | None = None

    def error(self) -> ApiError:
        """The answer."""
        return ApiError(self.code, self.message, status=self.status)


class CutConnection(_OnRequest):
    """The connection ends ``before`` the request did anything, or ``after`` it did all, with no answer."""

    kind: Literal["cut_connection"]
    when: Literal["before", "after"] = "before"


Fault = Annotated[SoldOut | FailingAction | SlowAction | FailingRequest | CutConnection, Field(discriminator="kind")]
_LIST: TypeAdapter[list[Fault]] = TypeAdapter(list[Fault])
FAULT: TypeAdapter[Fault] = TypeAdapter(Fault)


class Faults:
    """Those in force. Their counts are kept by ``save``, also of requests that were undone."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._all: list[Fault] = _LIST.validate_python(state.read_setting(KEY, []))

    def add(self, fault: Fault) -> Fault:
        """Put it in force."""
        fault.id = self._state.number("fault", 1)
        self._all.append(fault)
        self.save()
        return fault

    def remove(self, identity: int | None = None) -> None:
        """Lift one, or all."""
        self._all = [fault for fault in self._all if identity is not None and fault.id != identity]
        self.save()

    def any(self) -> bool:
        """Whether there are any."""
        return bool(self._all)

    def dump(self) -> list[dict[str, Any]]:
        """All of them, with their counts."""
        return [fault.model_dump() for fault in self._all]

    def save(self) -> None:
        """Keep the counts."""
        self._state.write_setting(KEY, self.dump())

    def sold_out(self, server_type: str, location: str) -> str | None:
        """The code that an order for it is refused with now, or None."""
        for fault in self._all:
            if isinstance(fault, SoldOut) and fault.concerns(server_type, location) and fault.strike():
                return fault.code
        return None

    def listed(self, server_type: str, location: str) -> bool:
        """Whether nothing in force hides it from the list of what is available."""
        return not any(
            isinstance(fault, SoldOut) and not fault.listed and fault.concerns(server_type, location)
            for fault in self._all
        )

    def action_error(self, command: str) -> dict[str, str] | None:
        """The error that an action begun now will end with."""
        for fault in self._all:
            if isinstance(fault, FailingAction) and fnmatchcase(command, fault.command) and fault.strike():
                return {"code": fault.code, "message": fault.message}
        return None

    def delay(self, command: str) -> float:
        """By how much, in s, an action begun now is slower."""
        return sum(
            fault.seconds
            for fault in self._all
            if isinstance(fault, SlowAction) and fnmatchcase(command, fault.command) and fault.strike()
        )

    def on_request(self, method: str, path: str) -> FailingRequest | CutConnection | None:
        """What happens to a request."""
        for fault in self._all:
            if isinstance(fault, FailingRequest | CutConnection) and fault.concerns(method, path) and fault.strike():
                return fault
        return None
