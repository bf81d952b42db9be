"""The request budget of a project: a bucket that starts full and refills steadily."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Requests an hour and project, refilled evenly: +1/s (vendor documentation, "Rate Limiting").
REQUESTS_PER_HOUR = 3600
HOUR = 3600.0


@dataclass(frozen=True)
class Budget:
    """``remaining`` requests (a fraction counts towards the next one) of ``limit`` an hour, as of ``at`` (Unix s)."""

    limit: int
    remaining: float
    at: float

    @classmethod
    def full(cls, limit: int, at: float) -> Budget:
        """Nothing used."""
        return cls(limit, float(limit), at)

    def later(self, now: float) -> Budget:
        """The budget at ``now``; time that runs backwards refills nothing."""
        refill = max(0.0, now - self.at) * self.limit / HOUR
        return Budget(self.limit, min(float(self.limit), self.remaining + refill), now)

    def allows(self) -> bool:
        """Whether one more request may be made."""
        return self.remaining >= 1

    def spend(self) -> Budget:
        """One request less."""
        return Budget(self.limit, self.remaining - 1, self.at)

    def headers(self) -> dict[str, str]:
        """What every answer says of it. ``Reset`` is when the budget will be full again."""
        missing = self.limit - self.remaining
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(max(0, math.floor(self.remaining))),
            "RateLimit-Reset": str(math.ceil(self.at + missing * HOUR / self.limit)),
        }
