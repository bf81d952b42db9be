"""What Hetzner can deliver now, asked for once by all nodes of an update."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import requests
from hcloud import APIException, Client, HCloudException

# Long enough that all nodes of an update share an answer, short enough that it is still true.
FRESH_SECONDS: Final = 10.0
TIMEOUT_SECONDS: Final = (3.0, 15.0)


class Unanswered(Exception):
    """The API gave no usable answer; the text holds no secret."""


@dataclass(frozen=True, order=True)
class Choice:
    """A server type in a location."""

    server_type: str
    location: str

    def __str__(self) -> str:
        return f"{self.server_type} in {self.location}"


@dataclass(frozen=True)
class Offer:
    """What is known of a choice. ``memory`` in GB; ``ends``: when it can no longer be ordered, if announced."""

    available: bool
    memory: float
    ends: datetime | None = None


@dataclass(frozen=True)
class Market:
    """``servers``: what the project has, by name; ``offers``: what can be had."""

    servers: Mapping[str, Choice]
    offers: Mapping[Choice, Offer]

    def has(self, choice: Choice) -> bool:
        """Whether it is called available."""
        return choice in self.offers and self.offers[choice].available


class Source(Protocol):
    """Where a market comes from."""

    def __call__(self, token: str, endpoint: str) -> Market:
        """Raises :class:`Unanswered`."""


class Markets:
    """Answers by project, kept for a moment; threads that ask at the same time wait for one answer."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._asked: dict[tuple[str, str], tuple[float, Future[Market]]] = {}

    def market(self, token: str, endpoint: str, patience: float | None = None) -> Market:
        """The market, waited for ``patience`` seconds at most (None: as long as it takes).

        Raises :class:`Unanswered`.
        """
        with self._lock:
            asked, answer = self._asked.get((token, endpoint), (0.0, None))
            if answer is None or (answer.done() and time.monotonic() - asked > FRESH_SECONDS):
                answer = self._ask(token, endpoint)
                self._asked[token, endpoint] = (time.monotonic(), answer)
        try:
            return answer.result(patience)
        except TimeoutError:
            raise Unanswered(f"Hetzner's API at {endpoint} gave no answer within {patience:g} s") from None

    def _ask(self, token: str, endpoint: str) -> Future[Market]:
        answer: Future[Market] = Future()

        def ask() -> None:
            try:
                answer.set_result(self._source(token, endpoint))
            except BaseException as error:
                answer.set_exception(error)

        # Not an executor's: nobody waits for the answer when the plugin ends.
        threading.Thread(target=ask, daemon=True).start()
        return answer


def ask_hetzner(token: str, endpoint: str) -> Market:
    """The market as the API has it now: one request for each 50 servers and 50 types.

    Raises :class:`Unanswered` after the vendor's client has tried again what may pass by itself.
    """
    client = Client(token=token, api_endpoint=endpoint, application_name="foundation", timeout=TIMEOUT_SECONDS)
    try:
        return Market(
            servers={
                str(server.name): _choice(server.server_type, server.location) for server in client.servers.get_all()
            },
            offers={
                _choice(found, place.location): Offer(
                    available=bool(place.available),
                    memory=float(found.memory or 0),
                    ends=place.deprecation.unavailable_after if place.deprecation else None,
                )
                for found in client.server_types.get_all()
                for place in found.locations or ()
            },
        )
    except APIException as error:
        raise Unanswered(f"Hetzner answers {error.code}: {error.message}") from None
    except (HCloudException, requests.RequestException) as error:
        raise Unanswered(f"Hetzner's API at {endpoint} can't be reached ({type(error).__name__})") from None


def choose(candidates: Sequence[Choice], market: Market, after: Choice | None = None) -> Choice:
    """The first candidate that is called available; with ``after``, whose order came to nothing, the first one behind
    it, and it last of all. When none is called available the first of that order: lists have been wrong both ways,
    and an order says it for certain."""
    order = list(candidates)
    if after in order:
        turn = order.index(after) + 1
        order = order[turn:] + order[:turn]
    return next(filter(market.has, order), order[0])


def _choice(server_type: Any, location: Any) -> Choice:
    """The client's types have every field optional; the API always sends these."""
    return Choice(str(server_type.name), str(location.name))
