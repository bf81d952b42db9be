"""One YAML file: its data, and the line of everything in it.

YAML 1.2 by ruamel.yaml, whose node tree carries the lines. Aliases are refused: a tenant's file must be readable
line by line, and a few nested aliases grow into gigabytes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from models.cleartext import names_secret, shape
from models.loading.problems import InvalidInput, Problem, shown

Keys = tuple[str | int, ...]
"""The way down to a value: keys of mappings and indices of lists."""

_TOO_LARGE = 1_000_000
_SHORTEST_SECRET = 8


@dataclass
class Document:
    """A YAML file whose top level is a mapping, and the problems found in it so far."""

    file: str
    """The file's path as people are shown it."""
    text: str
    data: dict[str, object]
    lines: Mapping[Keys, int]
    problems: list[Problem] = field(default_factory=list)
    in_clear: set[Keys] = field(default_factory=set)
    """Values that turned out to be secrets: never shown."""

    def line(self, keys: Keys) -> int:
        """The line of a value, or of the nearest thing around it that stands in the file."""
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return self.lines.get(keys, 1)

    def value(self, keys: Keys) -> object:
        """The value that ``keys`` lead to; None when there is none."""
        at: object = self.data
        for key in keys:
            if isinstance(at, list) and isinstance(key, int) and key < len(at):
                at = at[key]
            elif isinstance(at, dict):
                at = at.get(key)
            else:
                return None
        return at

    def report(self, keys: Keys, message: str, *, hint: str = "", show: bool = True, prefix: Keys = ()) -> None:
        """Note a problem with the value at ``keys``; ``prefix`` is left out of the field's name.

        The value is shown before the message unless ``show`` is off or it may be secret.
        """
        text = shown(self.value(keys)) if show and not self.hides(keys) else None
        name = field_name(keys[len(prefix) :])
        said = (self._without_secrets(part) for part in (message, hint))
        self.problems.append(Problem(self.file, self.line(keys), name, text, *said))

    def hides(self, keys: Keys) -> bool:
        """Whether the value may be a secret, by its own look or by the name of a field on the way to it."""
        if any(keys[: len(hidden)] == hidden for hidden in self.in_clear):
            return True
        if any(isinstance(key, str) and (names_secret(key) or key in ("secrets", "shared_secrets")) for key in keys):
            return True
        value = self.value(keys)
        return isinstance(value, str) and shape(value) is not None

    def _without_secrets(self, text: str) -> str:
        # A shorter one is a secret by its field's name only, and could be part of any word.
        for secret in (str(self.value(keys)) for keys in self.in_clear):
            text = text.replace(secret, "(hidden)") if len(secret) >= _SHORTEST_SECRET else text
        return text


def field_name(keys: Keys) -> str:
    """``("agents", "custom", 0, "role")`` as ``agents.custom[0].role``; a key that looks secret is left out."""
    name = ""
    for key in keys:
        if isinstance(key, int):
            name += f"[{key}]"
        else:
            name += ("." if name else "") + ("(hidden)" if shape(key) else key)
    return name


def shown_path(path: Path, base: Path | None) -> str:
    """``path`` as people are shown it: relative to ``base``, else as given."""
    return path.as_posix() if base is None else Path(os.path.relpath(path, base)).as_posix()


def read(path: Path, *, base: Path | None = None) -> Document:
    """Read a YAML file. Raises InvalidInput when it can't be read as one mapping."""
    file = shown_path(path, base)
    text = _text(path, file)
    yaml = YAML(typ="safe", pure=True)
    try:
        constructor, _ = yaml.get_constructor_parser(text)
        node: Node | None = constructor.composer.get_single_node()
        tree = _Tree(file)
        if node is not None:
            tree.walk(node, ())
        if tree.problems:
            raise InvalidInput(tree.problems)
        data = None if node is None else constructor.construct_document(node)
    except YAMLError as error:
        raise InvalidInput([_syntax_problem(file, text, error)]) from None
    if data is None:
        raise InvalidInput([Problem(file, 1, "", None, "is empty", "it must hold fields such as `name: value`")])
    if not isinstance(data, dict):
        raise InvalidInput([Problem(file, 1, "", None, "must hold fields such as `name: value`")])
    return Document(file, text, data, tree.lines)


def _text(path: Path, file: str) -> str:
    try:
        content = path.read_bytes()
        if len(content) > _TOO_LARGE:
            raise InvalidInput([Problem(file, 1, "", None, "is larger than 1 MB", "is it the right file?")])
        return content.decode("utf-8")
    except FileNotFoundError:
        raise InvalidInput([Problem(file, 1, "", None, "there is no such file")]) from None
    except OSError as error:
        raise InvalidInput([Problem(file, 1, "", None, f"can't be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InvalidInput([Problem(file, line, "", None, "is not UTF-8 text", "save it as UTF-8")]) from None


def _syntax_problem(file: str, text: str, error: YAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark if isinstance(error, MarkedYAMLError) else None
    line = 1 if mark is None else min(mark.line + 1, text.count("\n") + 1)
    if isinstance(error, MarkedYAMLError):
        said = error.problem or "can't be read"
    else:
        said = "holds a character that YAML doesn't allow"
    lines = text.splitlines()
    indent = lines[line - 1][: len(lines[line - 1]) - len(lines[line - 1].lstrip())] if line <= len(lines) else ""
    if "\t" in indent or "'\\t'" in said:
        return Problem(file, line, "", None, "is indented by a tab", "indent by spaces")
    if "single document" in str(error.context if isinstance(error, MarkedYAMLError) else ""):
        return Problem(file, line, "", None, "holds a second document", "write one document to a file, without `---`")
    # What a message quotes could be part of a secret.
    said = said.split("'")[0].strip() if shape(said) else said
    return Problem(file, line, "", None, f"is no YAML: {said}")


class _Tree:
    """Walks a node tree for the line of every value, and for what a plain mapping can't tell any more."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Keys, int] = {}
        self.problems: list[Problem] = []
        self._seen: set[int] = set()

    def walk(self, node: Node, keys: Keys) -> None:
        # A value's line is that of its key, which the entry has noted.
        self.lines.setdefault(keys, node.start_mark.line + 1)
        if id(node) in self._seen:
            self._problem(node, keys, "is an alias (`*name`)", "write the value out", self.lines[keys])
            return
        self._seen.add(id(node))
        if isinstance(node, SequenceNode):
            for index, item in enumerate(node.value):
                self.walk(item, (*keys, index))
        elif isinstance(node, MappingNode):
            for key, value in node.value:
                self._entry(key, value, keys)

    def _entry(self, key: Node, value: Node, keys: Keys) -> None:
        if not isinstance(key, ScalarNode) or key.tag != "tag:yaml.org,2002:str":
            self._problem(key, keys, "holds a key that is not text", "put it in quotes")
            return
        down = (*keys, str(key.value))
        if down in self.lines:
            self._problem(key, down, "is given twice", f"the first is in line {self.lines[down]}")
            return
        self.lines[down] = key.start_mark.line + 1
        self.walk(value, down)

    def _problem(self, node: Node, keys: Keys, message: str, hint: str, line: int | None = None) -> None:
        # An alias's node stands where the anchor is.
        line = node.start_mark.line + 1 if line is None else line
        self.problems.append(Problem(self.file, line, field_name(keys), None, message, hint))
