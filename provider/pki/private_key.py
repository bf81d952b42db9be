"""``foundation:pki:PrivateKey``: a key without a certificate, such as the one that signs service-account tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provider.pki import inputs as checks
from provider.pki.x509 import ALGORITHMS, new_private_key
from provider.plugin import UNKNOWN, CheckFailure, CheckResult, Context, Diff, Properties, ResourceType, Secret, State


class PrivateKey(ResourceType[Any]):
    """Made once; another generation or algorithm makes another key."""

    def check(self, context: Context[Any], old: Properties | None, new: Properties, seed: bytes) -> CheckResult:
        filled = {"algorithm": "ECDSA", "generation": 1, **{k: v for k, v in new.items() if v is not None}}
        failures = checks.number_failures(filled, "generation", 1, 1_000_000, "rotations")
        if filled["algorithm"] is not UNKNOWN and filled["algorithm"] not in ALGORITHMS:
            failures.append(CheckFailure("algorithm", f"must be one of {', '.join(ALGORITHMS)}"))
        return CheckResult(filled, failures)

    def diff(self, context: Context[Any], old: State, new: Properties, ignore: Sequence[str]) -> Diff:
        return checks.changes(old.inputs, new, replace=True)

    def preview_create(self, context: Context[Any], inputs: Properties) -> Properties:
        return {**inputs, "privateKeyPem": Secret(UNKNOWN)}

    def create(self, context: Context[Any], inputs: Properties) -> State:
        outputs = {**inputs, "privateKeyPem": Secret(new_private_key(inputs["algorithm"]))}
        return State(context.resource.name, inputs, outputs)

    def read(self, context: Context[Any], state: State) -> State | None:
        return state

    def delete(self, context: Context[Any], state: State) -> None:
        """It is gone with the state."""
