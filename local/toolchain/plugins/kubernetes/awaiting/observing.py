"""Following one object until something is true of it."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from local.toolchain.plugins.kubernetes.catalog import Api
from local.toolchain.plugins.kubernetes.client import ApiError, Client, Unreachable
from local.toolchain.plugins.kubernetes.objects import Object, find, metadata
from provider.plugin import PluginError

# The published plugin's own, for every kind that sets no other. Seconds.
DEFAULT_TIMEOUT = 600.0
# A watch ends this often to look at the clock and at whether the user cancelled. Seconds.
WATCH_SECONDS = 3
# What a watch answers when it can't go on from where it was.
_GONE = 410


class NotReady(PluginError):
    """The object exists and isn't ready (or not gone). ``live`` is how it was last seen, ``reasons`` what is wrong."""

    def __init__(self, message: str, live: Object, reasons: list[str]) -> None:
        super().__init__(message)
        self.live = live
        self.reasons = reasons


@dataclass(frozen=True)
class Watched:
    """The object to follow and the operation that waits for it."""

    client: Client
    api: Api
    namespace: str
    name: str
    timeout: float
    cancelled: threading.Event
    log: Callable[[str], None]

    def siblings(self, api: Api, **query: str) -> list[Object]:
        """Objects of another kind in the same namespace; none when they can't be listed."""
        try:
            answer = self.client.get(api.path(self.namespace), **query)
        except ApiError:
            return []
        return list(answer.get("items") or [])


class Readiness(ABC):
    """What makes one kind ready."""

    #: Whether a refresh reports the object when it isn't ready.
    checked_on_read = True
    #: Seconds, when neither the resource nor its annotations say otherwise.
    timeout = DEFAULT_TIMEOUT
    #: Seconds between looks, for a kind whose readiness shows in other objects than itself.
    poll_seconds: float | None = None

    def __init__(self, watched: Watched, made: Object, before: Object | None) -> None:
        self.watched = watched
        self.made = made
        self.before = before

    @abstractmethod
    def ready(self, live: Object) -> bool:
        """Whether it is ready now. Raises :class:`NotReady` when it can't become ready any more."""

    def reasons(self) -> list[str]:
        """What is wrong, for the user, when it isn't ready in time."""
        return []

    def fulfilled(self, live: Object) -> bool:
        """The last look, when time is over."""
        return False


def observe(watched: Watched, made: Object, readiness: Readiness) -> Object:
    """Follows the object until it is ready; the live object then. Raises :class:`NotReady`."""
    deadline = time.monotonic() + (watched.timeout or readiness.timeout)
    live = made
    poll = readiness.poll_seconds
    for event in _events(watched, made, deadline) if poll is None else _polled(watched, made, deadline, poll):
        if event is not None:
            live = event
        if readiness.ready(live):
            watched.log("")
            return live
    if readiness.fulfilled(live):
        return live
    if watched.cancelled.is_set():
        message = f"Resource operation was cancelled for {watched.name!r}"
    else:
        message = f"'{watched.name}' timed out waiting to be Ready"
    raise NotReady(message, live, readiness.reasons())


def await_deletion(watched: Watched, deleted: Object) -> None:
    """Follows an object whose deletion began until it is gone. Raises :class:`NotReady`."""
    deadline = time.monotonic() + (watched.timeout or DEFAULT_TIMEOUT)
    live = deleted
    uid = metadata(deleted).get("uid")
    for event in _events(watched, deleted, deadline, gone_ends=True):
        if event is not None:
            if metadata(event).get("uid") != uid:  # somebody made another one of the same name
                return
            live = event
            message = _deletion_message(live)
            if message:
                watched.log(message)
    if not _exists(watched, uid):
        return
    finalizers = ", ".join(metadata(live).get("finalizers") or [])
    reasons = [f"finalizers might be preventing deletion ({finalizers})"] if finalizers else []
    message = "was cancelled" if watched.cancelled.is_set() else "timed out"
    raise NotReady(f"the deletion of {watched.name!r} {message}", live, reasons)


def _deletion_message(live: Object) -> str:
    # A namespace says what it is waiting for.
    for condition in find(live, "status", "conditions") or []:
        if condition.get("status") == "True" and condition.get("message"):
            return str(condition["message"])
    return ""


def _exists(watched: Watched, uid: str | None) -> bool:
    try:
        live = watched.client.get(watched.api.path(watched.namespace, watched.name))
    except ApiError as error:
        if error.not_found:
            return False
        raise
    return metadata(live).get("uid") == uid


def _polled(watched: Watched, start: Object, deadline: float, seconds: float) -> Iterator[Object]:
    """The object now and then. Ends with the time and with the user's cancellation."""
    yield start
    while time.monotonic() < deadline and not watched.cancelled.wait(seconds):
        yield watched.client.get(watched.api.path(watched.namespace, watched.name))


def _events(watched: Watched, start: Object, deadline: float, *, gone_ends: bool = False) -> Iterator[Object | None]:
    """The object now and after every change; None when nothing changed for a while. Ends with the time, with the
    user's cancellation, and (``gone_ends``) with the object."""
    yield start
    version = str(metadata(start).get("resourceVersion", ""))
    path = watched.api.path(watched.namespace)
    while not watched.cancelled.is_set() and time.monotonic() < deadline:
        query = {"fieldSelector": f"metadata.name={watched.name}", "resourceVersion": version}
        seconds = max(1, min(WATCH_SECONDS, int(deadline - time.monotonic())))
        try:
            for kind, obj in watched.client.watch(path, query, seconds):
                version = str(metadata(obj).get("resourceVersion", version))
                if kind == "DELETED" and gone_ends:
                    return
                yield obj
                if watched.cancelled.is_set():
                    return
        except Unreachable:
            # The object is being worked on, whether the API server answers or not.
            watched.cancelled.wait(1)
        except ApiError as error:
            if error.status != _GONE and not error.transient:
                raise
            try:
                live = watched.client.get(watched.api.path(watched.namespace, watched.name))
            except ApiError as missing:
                if missing.not_found and gone_ends:
                    return
                raise
            version = str(metadata(live).get("resourceVersion", ""))
            yield live
        yield None
