"""``foundation:hetzner:ServerTypeChoice``: which server type in which location a server is ordered as.

The first candidate that can be had is taken and kept for as long as the server lives: what is sold out neither fails
an update nor moves a server that runs. When there is no such server although a choice was made, its order came to
nothing, for whatever reason. A candidate that is called available is ordered once more, and after a second failure in a
row the one behind it is; one that isn't called so makes room for the first that is. Whoever runs the update and knows
that Hetzner refused an order as sold out says so in FOUNDATION_SOLD_OUT: these servers move on at once.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Final

from provider.hetzner.offers import Choice, Market, Markets, Unanswered, ask_hetzner, choose
from provider.plugin import (
    CheckFailure,
    CheckResult,
    Context,
    Diff,
    Kind,
    PluginError,
    Properties,
    ResourceType,
    State,
    contains_unknown,
    reveal,
)

API: Final = "https://api.hetzner.cloud/v1"
# A preview does without the answer rather than wait for the client's tries, which take most of a minute.
PREVIEW_SECONDS: Final = 5.0
# Names of servers, joined by commas, whose last order Hetzner refused as sold out.
SOLD_OUT: Final = "FOUNDATION_SOLD_OUT"
# Orders of a candidate that is called available, before the next one's turn.
ORDERS: Final = 2


class ServerTypeChoice(ResourceType[Any]):
    """Inputs ``server`` (its name), ``candidates`` (``serverType``, ``location``), ``memory`` (GB, optional),
    ``token`` and ``endpoint`` (or HCLOUD_TOKEN and HCLOUD_ENDPOINT); outputs ``serverType``, ``location`` and
    ``attempts``: how often in a row the server was ordered as such."""

    def __init__(self, markets: Markets | None = None) -> None:
        self._markets = markets or Markets(ask_hetzner)

    def check(self, context: Context[Any], old: Properties | None, new: Properties, seed: bytes) -> CheckResult:
        failures = []
        if not isinstance(new.get("server"), str) or not new["server"]:
            failures.append(CheckFailure("server", "must be the server's name, known beforehand"))
        candidates = new.get("candidates")
        if not isinstance(candidates, list) or not candidates or contains_unknown(candidates):
            failures.append(CheckFailure("candidates", "must list at least one server type and location"))
        else:
            failures += [
                CheckFailure(f"candidates[{index}]", "must have serverType and location, such as cpx22 and fsn1")
                for index, found in enumerate(candidates)
                if not isinstance(found, dict) or not all(found.get(key) for key in ("serverType", "location"))
            ]
        return CheckResult(new, failures)

    def diff(self, context: Context[Any], old: State, new: Properties, ignore: Sequence[str]) -> Diff:
        if old.inputs.get("server") != new["server"]:
            return Diff({"server": Kind.UPDATE_REPLACE})
        market = self._seen(new)
        before = _chosen(old.outputs)
        if market is None or before is None or new["server"] in market.servers:
            return Diff()
        now = _next(new, market, old.outputs)
        changed = [key for key in ("serverType", "location", "attempts") if now[key] != old.outputs.get(key)]
        return Diff(dict.fromkeys(changed, Kind.UPDATE), of_inputs=False)

    def create(self, context: Context[Any], inputs: Properties) -> State:
        return State(inputs["server"], inputs, self._decide(context, inputs, None))

    def preview_create(self, context: Context[Any], inputs: Properties) -> Properties:
        market = self._seen(inputs)
        if market is None:
            return _outputs(inputs, _candidates(inputs)[0])
        return self._outcome(context, inputs, market, None)

    def read(self, context: Context[Any], state: State) -> State | None:
        return state

    def update(self, context: Context[Any], old: State, new: Properties) -> Properties:
        return self._decide(context, new, old.outputs)

    def preview_update(self, context: Context[Any], old: State, new: Properties) -> Properties:
        market = self._seen(new)
        return old.outputs if market is None else self._outcome(context, new, market, old.outputs)

    def delete(self, context: Context[Any], state: State) -> None:
        """Nothing to remove: the server is another resource's."""

    def _decide(self, context: Context[Any], inputs: Properties, before: Properties | None) -> Properties:
        try:
            market = self._market(inputs)
        except Unanswered as error:
            raise PluginError(
                f"which server type {inputs['server']} can have isn't known: {error}. Nothing was ordered; run the "
                "same command again"
            ) from None
        return self._outcome(context, inputs, market, before)

    def _outcome(
        self, context: Context[Any], inputs: Properties, market: Market, before: Properties | None
    ) -> Properties:
        server = inputs["server"]
        # One that was ordered, but the update that did it ended before it could say so.
        if server in market.servers:
            return _outputs(inputs, market.servers[server])
        found = _next(inputs, market, before or {})
        choice, earlier = _chosen(found), _chosen(before or {})
        assert choice is not None, "a choice was made just now"
        if earlier is not None and earlier != choice:
            context.warn(f"{server}: an earlier order for {earlier} came to nothing; now {choice}")
        for text in _remarks(choice, market, inputs.get("memory")):
            context.warn(f"{server}: {text}")
        return found

    def _seen(self, inputs: Properties) -> Market | None:
        """The market for a preview, which must work where the API can't be asked."""
        if contains_unknown([inputs.get("token"), inputs.get("endpoint")]):
            return None
        try:
            return self._market(inputs, PREVIEW_SECONDS)
        except Unanswered:
            return None

    def _market(self, inputs: Properties, patience: float | None = None) -> Market:
        token = reveal(inputs.get("token")) or os.environ.get("HCLOUD_TOKEN")
        if not token:
            raise Unanswered("there is no API token: give one, or set HCLOUD_TOKEN")
        endpoint = reveal(inputs.get("endpoint")) or os.environ.get("HCLOUD_ENDPOINT") or API
        return self._markets.market(token, endpoint, patience)


def _next(inputs: Properties, market: Market, before: Properties) -> Properties:
    """What a server that isn't there is ordered as, after the order that ``before`` tells of, if any."""
    candidates, earlier = _candidates(inputs), _chosen(before)
    if earlier is None:
        return _outputs(inputs, choose(candidates, market))
    # The engine keeps numbers as floats.
    attempts = int(before.get("attempts") or 1)
    sold_out = inputs["server"] in os.environ.get(SOLD_OUT, "").split(",")
    if not sold_out and not market.has(earlier):
        afresh = choose(candidates, market)
        if market.has(afresh):
            return _outputs(inputs, afresh)
    if not sold_out and market.has(earlier) and earlier in candidates and attempts < ORDERS:
        return _outputs(inputs, earlier, attempts + 1)
    return _outputs(inputs, choose(candidates, market, after=earlier))


def _candidates(inputs: Properties) -> list[Choice]:
    return [Choice(found["serverType"], found["location"]) for found in inputs["candidates"]]


def _chosen(outputs: Properties) -> Choice | None:
    found = outputs.get("serverType"), outputs.get("location")
    return Choice(*found) if all(isinstance(part, str) for part in found) else None  # type: ignore[arg-type]


def _outputs(inputs: Properties, choice: Choice, attempts: int = 1) -> Properties:
    given = {key: inputs[key] for key in ("server", "candidates", "memory") if inputs.get(key) is not None}
    return {**given, "serverType": choice.server_type, "location": choice.location, "attempts": attempts}


def _remarks(choice: Choice, market: Market, memory: float | None) -> list[str]:
    """What somebody who pays for it wants to know beforehand."""
    offer = market.offers.get(choice)
    if offer is None:
        return [f"Hetzner doesn't know {choice}; it is ordered all the same, for nothing else is available"]
    found = []
    if not offer.available:
        found.append(f"no candidate is called available; {choice} is ordered all the same")
    if offer.ends is not None:
        found.append(f"{choice} can't be ordered any more after {offer.ends:%Y-%m-%d}: add a candidate")
    if memory is not None and offer.memory < memory:
        found.append(
            f"{choice} has {offer.memory:g} GB of memory, less than the {memory:g} GB that are asked for (FC-285)"
        )
    return found
