"""The control endpoint of a clone's emulated Hetzner project: faults put on, and what is left."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import urllib3

from automation.prove.clone import Clone


@dataclass(frozen=True)
class Emulator:
    """One emulator; ``token`` opens its control endpoint."""

    url: str
    token: str

    @classmethod
    def of(cls, clone: Clone) -> Emulator:
        """The clone's."""
        known = json.loads((clone.foundation_directory / "hetzner.json").read_text())
        own = json.loads((clone.foundation_directory / "sandbox" / "hetzner" / "credentials.json").read_text())
        return cls(known["endpoint"].removesuffix("/v1"), own["control_token"])

    @contextmanager
    def faults(self, fault: Mapping[str, Any]) -> Iterator[None]:
        """The fault is on inside."""
        self._ask("POST", "faults", fault)
        try:
            yield
        finally:
            self._ask("DELETE", "faults")

    def leftovers(self) -> dict[str, int]:
        """Number of the project's objects, by kind."""
        return Counter(item["kind"] for item in self._ask("GET", "leftovers?project=foundation").json())

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> urllib3.BaseHTTPResponse:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = urllib3.request(method, f"{self.url}/_control/{path}", headers=headers, json=body)
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.data.decode()}")
        return answer
