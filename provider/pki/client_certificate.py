"""``foundation:pki:ClientCertificate``: a client's certificate, renewed by updates before it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from provider.pki import inputs as checks
from provider.pki.x509 import UnusableKey, new_client_certificate
from provider.plugin import (
    UNKNOWN,
    CheckFailure,
    CheckResult,
    Context,
    Diff,
    Kind,
    PluginError,
    Properties,
    ResourceType,
    Secret,
    State,
    contains_unknown,
    reveal,
)

DEFAULT_DAYS = 365
# A certificate is renewed by the first update that finds less than this share of its life left.
RENEWAL = 1 / 3
RENEWED = ("certificatePem", "privateKeyPem", "notBefore", "notAfter")


class ClientCertificate(ResourceType[Any]):
    """``clock`` tells the time; only tests have another one."""

    def __init__(self, clock: Callable[[], datetime] = checks.now) -> None:
        self._clock = clock

    def check(self, context: Context[Any], old: Properties | None, new: Properties, seed: bytes) -> CheckResult:
        given = {key: value for key, value in new.items() if value is not None}
        filled = {"validityDays": DEFAULT_DAYS, "organizations": [], **given}
        key = filled.get("authorityPrivateKeyPem")
        if key is not None and key is not UNKNOWN and not isinstance(key, Secret):
            filled["authorityPrivateKeyPem"] = Secret(key)
        missing = [
            CheckFailure(name, "must be PEM, as a CertificateAuthority has it")
            for name in ("authorityCertificatePem", "authorityPrivateKeyPem")
            if not contains_unknown(filled.get(name)) and not isinstance(reveal(filled.get(name)), str)
        ]
        return CheckResult(
            filled,
            [
                *missing,
                *checks.text_failures(filled, "commonName"),
                *checks.name_list_failures(filled, "organizations"),
                *checks.number_failures(filled, "validityDays", 1, 3650, "days"),
            ],
        )

    def diff(self, context: Context[Any], old: State, new: Properties, ignore: Sequence[str]) -> Diff:
        changed = checks.changes(old.inputs, new, replace=False)
        if changed.detailed:
            return changed
        start, end = checks.parse(old.outputs["notBefore"]), checks.parse(old.outputs["notAfter"])
        if end - self._clock() > (end - start) * RENEWAL:
            return Diff()
        return Diff({"notAfter": Kind.UPDATE}, of_inputs=False)

    def preview_create(self, context: Context[Any], inputs: Properties) -> Properties:
        return {**inputs, **dict.fromkeys(RENEWED, UNKNOWN), "privateKeyPem": Secret(UNKNOWN)}

    def preview_update(self, context: Context[Any], old: State, new: Properties) -> Properties:
        return self.preview_create(context, new)

    def create(self, context: Context[Any], inputs: Properties) -> State:
        return State(context.resource.name, inputs, self._issue(inputs))

    def update(self, context: Context[Any], old: State, new: Properties) -> Properties:
        return self._issue(new)

    def read(self, context: Context[Any], state: State) -> State | None:
        return state

    def delete(self, context: Context[Any], state: State) -> None:
        """Kubernetes knows no revocation: it stays valid until it ends, which is why it is short-lived."""

    def _issue(self, inputs: Properties) -> Properties:
        known = reveal(inputs)
        try:
            issued = new_client_certificate(
                known["authorityCertificatePem"],
                known["authorityPrivateKeyPem"],
                known["commonName"],
                known["organizations"],
                timedelta(days=known["validityDays"]),
                self._clock(),
            )
        except UnusableKey as error:
            raise PluginError(str(error)) from None
        return {
            **inputs,
            "certificatePem": issued.certificate,
            "privateKeyPem": Secret(issued.private_key),
            "notBefore": checks.timestamp(issued.not_before),
            "notAfter": checks.timestamp(issued.not_after),
        }
