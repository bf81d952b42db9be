"""``foundation:pki:CertificateAuthority``: a self-signed authority whose key lives in the state alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from provider.pki import inputs as checks
from provider.pki.x509 import new_authority
from provider.plugin import UNKNOWN, CheckResult, Context, Diff, Properties, ResourceType, Secret, State

DEFAULT_YEARS = 10
YEAR = timedelta(days=365)
# A rotation touches every node, so it wants a year of warning.
WARNING = YEAR


class CertificateAuthority(ResourceType[Any]):
    """Made once. Whatever changes makes another authority, so nothing does unless somebody means it.

    ``clock`` tells the time; only tests have another one.
    """

    def __init__(self, clock: Callable[[], datetime] = checks.now) -> None:
        self._clock = clock

    def check(self, context: Context[Any], old: Properties | None, new: Properties, seed: bytes) -> CheckResult:
        filled = {"validityYears": DEFAULT_YEARS, "generation": 1, **{k: v for k, v in new.items() if v is not None}}
        return CheckResult(
            filled,
            [
                *checks.text_failures(filled, "commonName"),
                *checks.number_failures(filled, "validityYears", 1, 30, "years"),
                *checks.number_failures(filled, "generation", 1, 1_000_000, "rotations"),
            ],
        )

    def diff(self, context: Context[Any], old: State, new: Properties, ignore: Sequence[str]) -> Diff:
        left = checks.parse(old.outputs["notAfter"]) - self._clock()
        if left < WARNING:
            context.warn(
                f"this certificate authority ends on {old.outputs['notAfter']}: rotate it by raising its generation"
            )
        return checks.changes(old.inputs, new, replace=True)

    def preview_create(self, context: Context[Any], inputs: Properties) -> Properties:
        return {**inputs, "certificatePem": UNKNOWN, "privateKeyPem": Secret(UNKNOWN), "notAfter": UNKNOWN}

    def create(self, context: Context[Any], inputs: Properties) -> State:
        authority = new_authority(inputs["commonName"], inputs["validityYears"] * YEAR, self._clock())
        outputs = {
            **inputs,
            "certificatePem": authority.certificate,
            "privateKeyPem": Secret(authority.private_key),
            "notAfter": checks.timestamp(authority.not_after),
        }
        return State(context.resource.name, inputs, outputs)

    def read(self, context: Context[Any], state: State) -> State | None:
        return state

    def delete(self, context: Context[Any], state: State) -> None:
        """It is gone with the state; certificates that it signed stay valid where it is still trusted."""
