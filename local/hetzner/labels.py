"""Labels, and the query language that selects by them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any

from lark import Lark, Transformer
from lark.exceptions import LarkError
from pydantic import AfterValidator

from local.hetzner.errors import ApiError, invalid

Labels = Mapping[str, str]
Selector = Callable[[Labels], bool]

MAX_NAME = 63
MAX_PREFIX = 253
MAX_SELECTOR = 1000
RESERVED_PREFIX = "hetzner.cloud"

_WORD = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?"
_NAME = re.compile(_WORD)
_PREFIX = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")

_GRAMMAR = rf"""
    start: requirement ("," requirement)*
    requirement: KEY ("==" | "=") [WORD]      -> equals
               | KEY "!=" [WORD]              -> differs
               | KEY "in" "(" words ")"       -> within
               | KEY "notin" "(" words ")"    -> without
               | KEY                          -> present
               | "!" KEY                      -> absent
    words: WORD ("," WORD)*
    KEY: /(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\/)?{_WORD}/
    WORD: /{_WORD}/
    %ignore /\s+/
"""


def check_labels(labels: dict[str, str]) -> dict[str, str]:
    """The labels, when each is well-formed. Raises ``ValueError``."""
    for key, value in labels.items():
        prefix, slash, name = key.rpartition("/")
        if slash and (len(prefix) > MAX_PREFIX or not _PREFIX.fullmatch(prefix)):
            raise ValueError(f"label key {key!r}: the prefix is not a DNS subdomain of at most {MAX_PREFIX} characters")
        if prefix == RESERVED_PREFIX:
            raise ValueError(f"label key {key!r}: the prefix {RESERVED_PREFIX}/ is reserved")
        if len(name) > MAX_NAME or not _NAME.fullmatch(name):
            raise ValueError(f"label key {key!r} is not a name of at most {MAX_NAME} characters")
        if value and (len(value) > MAX_NAME or not _NAME.fullmatch(value)):
            raise ValueError(f"label value {value!r} of {key!r} is not a name of at most {MAX_NAME} characters")
    return labels


LabelMap = Annotated[dict[str, str], AfterValidator(check_labels)]


class _Compiler(Transformer[Any, Selector]):
    """Of a selector's tree the function that decides. An absent key differs from every value, as in Kubernetes."""

    def start(self, requirements: list[Selector]) -> Selector:
        return lambda labels: all(holds(labels) for holds in requirements)

    def equals(self, parts: list[Any]) -> Selector:
        key, value = parts
        return lambda labels: labels.get(key) == (value or "")

    def differs(self, parts: list[Any]) -> Selector:
        key, value = parts
        return lambda labels: labels.get(key) != (value or "")

    def within(self, parts: list[Any]) -> Selector:
        key, words = parts
        return lambda labels: labels.get(key) in words

    def without(self, parts: list[Any]) -> Selector:
        key, words = parts
        return lambda labels: labels.get(key) not in words

    def present(self, parts: list[Any]) -> Selector:
        return lambda labels: parts[0] in labels

    def absent(self, parts: list[Any]) -> Selector:
        return lambda labels: parts[0] not in labels

    def words(self, parts: list[Any]) -> frozenset[str]:
        return frozenset(str(part) for part in parts)

    def KEY(self, token: str) -> str:  # noqa: N802 - lark calls it by the terminal's name
        return str(token)

    def WORD(self, token: str) -> str:  # noqa: N802
        return str(token)


_parser = Lark(_GRAMMAR, parser="lalr", maybe_placeholders=True)


@lru_cache(maxsize=256)
def selector(text: str, field: str = "label_selector") -> Selector:
    """The function that tells whether labels match ``text``. Raises ``ApiError`` naming ``field``."""
    if not text.strip():
        return lambda labels: True
    if len(text) > MAX_SELECTOR:
        raise invalid(field, f"is longer than {MAX_SELECTOR} characters")
    try:
        return _Compiler().transform(_parser.parse(text))
    except LarkError as error:
        raise _malformed(field) from error


def _malformed(field: str) -> ApiError:
    return invalid(field, "is not a label selector")
