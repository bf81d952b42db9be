"""RandomString and RandomPassword: characters drawn from the sets asked for."""

from __future__ import annotations

import secrets
import string

import bcrypt

from local.toolchain.plugins.random.resource import KEEPERS, Attribute, RandomResource
from provider.plugin import CheckFailure, Properties, contains_unknown

# The published plugin's own sets.
SPECIAL = "!@#$%&*()-_=+[]{}<>:?"
SETS = {
    "upper": string.ascii_uppercase,
    "lower": string.ascii_lowercase,
    "numeric": string.digits,
    "special": SPECIAL,
}
MINIMA = {"upper": "minUpper", "lower": "minLower", "numeric": "minNumeric", "special": "minSpecial"}
# bcrypt looks at no more; the published plugin cuts there.
BCRYPT_BYTES = 72
BCRYPT_COST = 10


class RandomString(RandomResource):
    """A string that is no secret: its id is the string itself."""

    attributes = {
        "keepers": KEEPERS,
        "length": Attribute(int, required=True, least=1),
        **dict.fromkeys((*SETS, "number"), Attribute(bool, default=True)),
        **dict.fromkeys(MINIMA.values(), Attribute(int, default=0, least=0)),
        "overrideSpecial": Attribute(str),
    }
    results: tuple[str, ...] = ("result",)
    schema_version = 2

    def plan(self, inputs: Properties) -> Properties:
        # "number" is the old name of "numeric": whichever is given says both.
        planned = super().plan(inputs)
        given = [inputs[name] for name in ("numeric", "number") if inputs.get(name) is not None]
        return planned | (dict.fromkeys(("numeric", "number"), given[0]) if given else {})

    def combinations(self, plan: Properties) -> list[CheckFailure]:
        if contains_unknown(plan):
            return []
        failures = []
        least = sum(plan[name] for name in MINIMA.values())
        if plan["length"] < least:
            reason = f"must be at least minUpper + minLower + minNumeric + minSpecial = {least}, got {plan['length']}"
            failures.append(CheckFailure("length", reason))
        if not any(plan[name] for name in SETS):
            failures.append(CheckFailure("", "one at least of special, upper, lower and numeric must be true"))
        return failures

    def draw(self, inputs: Properties) -> tuple[str, Properties]:
        text = _draw(inputs)
        return text, {"result": text}

    def adopt(self, resource_id: str) -> tuple[str, Properties, Properties]:
        flags: Properties = dict.fromkeys((*SETS, "number"), True)
        return resource_id, {"length": len(resource_id), **flags}, {"result": resource_id}


class RandomPassword(RandomString):
    """A string that is a secret, and its bcrypt hash; the id says nothing."""

    results = ("result", "bcryptHash")
    secret = results
    schema_version = 3

    def draw(self, inputs: Properties) -> tuple[str, Properties]:
        return "none", _with_hash(_draw(inputs))

    def adopt(self, resource_id: str) -> tuple[str, Properties, Properties]:
        _, inputs, _ = super().adopt(resource_id)
        return "none", inputs, _with_hash(resource_id)


def _draw(inputs: Properties) -> str:
    sets = SETS | {"special": inputs.get("overrideSpecial") or SPECIAL}
    characters = [secrets.choice(sets[name]) for name, least in MINIMA.items() for _ in range(inputs[least])]
    allowed = "".join(sets[name] for name in sets if inputs[name])
    characters += [secrets.choice(allowed) for _ in range(inputs["length"] - len(characters))]
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters)


def _with_hash(text: str) -> Properties:
    salt = bcrypt.gensalt(BCRYPT_COST, prefix=b"2a")
    return {"result": text, "bcryptHash": bcrypt.hashpw(text.encode()[:BCRYPT_BYTES], salt).decode()}
