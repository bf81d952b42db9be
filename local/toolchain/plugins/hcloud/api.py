"""Requests by the vendor's client, and waiting for the actions that they begin."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import requests
from hcloud import APIException, Client
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    retry_if_result,
    stop_after_attempt,
    stop_after_delay,
    stop_any,
    stop_when_event_set,
    wait_exponential,
)
from tenacity.nap import sleep_using_event

from provider.plugin import Context, PluginError

Answer = dict[str, Any]
T = TypeVar("T")

# The published plugin's own: an action is waited for as long as Terraform waits for a resource.
ACTION_SECONDS = 20 * 60.0
ATTEMPTS = 5
# The vendor's largest page.
PER_PAGE = 50
RUNNING = "running"


class ApiError(PluginError):
    """The API refused a request; ``code`` is its reason (``protected``, ``uniqueness_error``, ...)."""

    def __init__(self, error: APIException) -> None:
        fields = error.details.get("fields", []) if isinstance(error.details, dict) else []
        wrong = [(field["name"], ", ".join(field.get("messages") or ())) for field in fields]
        said = "; ".join(f"{name}: {messages}" for name, messages in wrong if messages)
        super().__init__(f"{error.message} ({error.code}){f': {said}' if said else ''}")
        self.code = str(error.code)


@dataclass(frozen=True)
class Api:
    """The project that the provider's token opens. ``interval`` says how long to wait before asking for the n-th time
    (0 is the first) whether an action has ended."""

    client: Client
    interval: Callable[[int], float]


class Operation:
    """The requests of one operation, which end soon after the user stops the update. Methods raise ``ApiError``."""

    def __init__(self, context: Context[Api]) -> None:
        if context.config is None:
            raise PluginError("hcloud: the provider's configuration isn't known yet")
        self.warn = context.warn
        self._api = context.config
        self._cancelled: threading.Event = context.cancelled
        self._seconds = context.timeout

    def request(self, method: str, path: str, body: Answer | None = None, **params: Any) -> Answer:
        """One request's answer. The client tries again what the vendor says to try again: ``conflict``,
        ``rate_limit_exceeded`` and timeouts."""
        options: Answer = ({"json": body} if body is not None else {}) | ({"params": params} if params else {})
        if self._cancelled.is_set():
            raise PluginError(f"{method} {path}: stopped by the user")
        try:
            return self._api.client.request(method, path, **options)
        except APIException as error:
            raise ApiError(error) from None
        except requests.RequestException as error:
            raise PluginError(f"{method} {path}: the Hetzner Cloud API doesn't answer: {error}") from None

    def find(self, kind: str, identity: object) -> Answer | None:
        """The object of this kind (``servers``) and ID; None when there is none."""
        try:
            found: Answer = self.request("GET", f"/{kind}/{identity}")[SINGULAR[kind]]
        except ApiError as error:
            if error.code == "not_found":
                return None
            raise
        return found

    def named(self, kind: str, name: str, **params: Any) -> Answer | None:
        """The object of this kind and name; None when there is none."""
        found: list[Answer] = self.request("GET", f"/{kind}", name=name, **params)[kind]
        return found[0] if found else None

    def look_up(self, kind: str, key: str, **params: Any) -> Answer | None:
        """The object of this kind by its ID or its name."""
        return (self.find(kind, key) if key.isdecimal() else None) or self.named(kind, key, **params)

    def begin(self, path: str, body: Answer | None = None, *, again: Collection[str] = ()) -> Answer:
        """A request that begins actions. It is sent again, after 1, 2, 4 ... s, when the API answers with one of the
        codes ``again``."""
        return self.retried(lambda: self.request("POST", path, body), again)

    def post(self, path: str, body: Answer | None = None, *, again: Collection[str] = ()) -> None:
        """The same; returns when the actions have succeeded."""
        self.wait(self.begin(path, body, again=again))

    def delete(self, path: str, *, again: Collection[str] = (), attempts: int = ATTEMPTS) -> None:
        """Removes an object, which is gone when this returns; one that is gone already is no error."""
        try:
            self.wait(self.retried(lambda: self.request("DELETE", path), again, attempts))
        except ApiError as error:
            if error.code != "not_found":
                raise

    def running(self, kind: str, identity: str) -> Answer:
        """The actions that work on an object now, as an answer to wait for."""
        if kind not in WITH_ACTIONS:
            return {}
        return self.request("GET", f"/{kind}/{identity}/actions", status=RUNNING)

    def retried(self, work: Callable[[], T], codes: Collection[str], attempts: int = ATTEMPTS) -> T:
        """What ``work`` returns, tried again when it raises an ``ApiError`` with one of ``codes``."""
        retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, ApiError) and error.code in codes),
            wait=wait_exponential(),
            stop=stop_any(stop_after_attempt(attempts), stop_when_event_set(self._cancelled)),
            sleep=sleep_using_event(self._cancelled),
            reraise=True,
        )
        return retrying(work)

    def until(self, condition: Callable[[], bool], attempts: int = ATTEMPTS) -> bool:
        """Whether ``condition`` came true within so many tries, 1, 2, 4 ... s apart."""
        retrying = Retrying(
            retry=retry_if_result(lambda result: not result),
            wait=wait_exponential(),
            stop=stop_any(stop_after_attempt(attempts), stop_when_event_set(self._cancelled)),
            sleep=sleep_using_event(self._cancelled),
            retry_error_callback=lambda _: False,
        )
        return bool(retrying(condition))

    def wait(self, answer: Answer) -> None:
        """Returns when all actions of an answer have succeeded; raises ``PluginError`` when one fails."""
        actions = [answer.get("action"), *answer.get("actions", ()), *answer.get("next_actions", ())]
        running = _running(action for action in actions if action is not None)
        if running:
            self._cancelled.wait(self._api.interval(0))
            retrying = Retrying(
                retry=retry_if_result(bool),
                wait=lambda state: self._api.interval(state.attempt_number),
                stop=stop_any(stop_when_event_set(self._cancelled), stop_after_delay(self._seconds or ACTION_SECONDS)),
                sleep=sleep_using_event(self._cancelled),
                retry_error_callback=self._give_up,
            )
            retrying(self._poll, running)

    def _poll(self, running: dict[int, Answer]) -> dict[int, Answer]:
        if self._cancelled.is_set():
            return running
        asked = list(running)[:PER_PAGE]
        found = self.request("GET", "/actions", id=asked, per_page=PER_PAGE)["actions"]
        still = _running(found)
        for identity in asked:
            if identity not in still:
                running.pop(identity)
        return running

    def _give_up(self, state: RetryCallState) -> None:
        names = ", ".join(f"{action['command']} ({action['id']})" for action in state.args[0].values())
        reason = "stopped by the user" if self._cancelled.is_set() else "it takes too long"
        raise PluginError(f"{reason}, while waiting for action {names}; it goes on at Hetzner")


# Of these the API lists the actions.
WITH_ACTIONS = ("firewalls", "load_balancers", "networks", "primary_ips", "servers", "volumes", "zones")
# How the API calls one of a kind.
SINGULAR = {
    kind: kind.removesuffix("s")
    for kind in ("firewalls", "images", "isos", "load_balancers", "networks", "placement_groups", "primary_ips",
                 "servers", "server_types", "ssh_keys", "volumes", "zones")
}  # fmt: skip


def _running(actions: Iterable[Answer]) -> dict[int, Answer]:
    """Those that have not ended. Raises ``PluginError`` for one that failed."""
    running = {}
    for action in actions:
        if action["status"] == RUNNING:
            running[action["id"]] = action
        elif action["error"]:
            error = action["error"]
            reason = f"{error['message']} ({error['code']}, {action['id']})"
            raise PluginError(f"action {action['command']} failed: {reason}")
    return running
