"""Definitions in source code: where each is with its comments and decorators, what it is called, its signature."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tierwise.knowledge.reading.code.languages import Language, grammar_of, query_of

if TYPE_CHECKING:
    from tree_sitter import Node

_MAX_SIGNATURE = 300
_MAX_NAME = 120
_MAX_GAP = 1_000  # bytes of white space between a comment and what it belongs to
_BODIES = {"declaration_list", "field_declaration_list", "class_body", "block", "accessor_list", "do_group"}
_SCOPE = re.compile(r"::(?![^<]*>)")  # between the names of C++, not inside of a template's arguments


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition at ``[start, end)``, in characters of the file.

    Attributes:
        start: where it begins, comments and decorators above it included.
        end: one past its last character; for a class its head alone, up to its first member that is a definition.
        path: its name with those of what is around it, outermost first.
        signature: its first lines up to its body, on one line.
        container: whether other definitions can be inside of it.
    """

    start: int
    end: int
    path: tuple[str, ...]
    signature: str
    container: bool


def find_definitions(text: str, language: Language) -> list[Definition] | None:
    """All definitions in order of their place, without overlaps; ``None`` if there is no grammar for the language.

    Broken code is read as far as it makes sense. A function inside of a function is a part of it.
    """
    from tree_sitter import Parser, QueryCursor

    grammar, query = grammar_of(language), query_of(language)
    if grammar is None or query is None:
        return None
    source = text.encode()
    captured = QueryCursor(query).captures(Parser(grammar).parse(source).root_node)
    found = _heads(source, _Finder(source, language).find(captured))
    return found if text.isascii() else _in_characters(source, found)


class _Finder:
    """Goes through the nodes of a file that matter, in their order."""

    def __init__(self, source: bytes, language: Language) -> None:
        self._source = source
        self._language = language
        self._run = (0, 0)  # where comments that follow each other begin, and where they end
        self._wrappers: list[tuple[int, int]] = []  # of those whose definition comes next: begin and end

    def find(self, captured: dict[str, list[Node]]) -> list[Definition]:
        """The definitions among the nodes that :func:`query_of` captures."""
        rank = {"attached": 0, "wrapper": 1, "definition": 2}
        nodes = [(node.start_byte, -node.end_byte, rank[name], node) for name in captured for node in captured[name]]
        found: list[Definition] = []
        around: list[tuple[int, tuple[str, ...] | None]] = []  # end and path of what is open; no path in a function
        for start, minus_end, kind, node in sorted(nodes, key=lambda entry: entry[:3]):
            if kind == 0:
                self._comment(start, -minus_end)
                continue
            begin = self._run[0] if self._touches(start) else start
            while self._wrappers and self._wrappers[-1][1] <= start:
                self._wrappers.pop()
            if self._wrappers:
                begin = min(begin, self._wrappers[-1][0])
            if kind == 1:
                self._wrappers.append((begin, -minus_end))
                continue
            while around and around[-1][0] <= start:
                around.pop()
            path = around[-1][1] if around else ()
            if path is None or (definition := self._definition(node, path, begin)) is None:
                continue
            self._wrappers.clear()
            found.append(definition)
            around.append((-minus_end, definition.path if definition.container else None))
        return found

    def _comment(self, start: int, end: int) -> None:
        """Take note of a comment, a decorator or an attribute."""
        end = start + len(self._source[start:end].rstrip())
        if self._touches(start):
            self._run = (self._run[0], end)
        elif not self._source[self._source.rfind(b"\n", 0, start) + 1 : start].strip():
            self._run = (start, end)
        # Else it is behind code on its line, and speaks of that.

    def _touches(self, start: int) -> bool:
        """Whether the comments go on up to here without a blank line."""
        begin, end = self._run
        gap = self._source[end:start] if begin < end and start - end < _MAX_GAP else b"-"
        return not gap.strip() and gap.count(b"\n") < 2

    def _definition(self, node: Node, path: tuple[str, ...], start: int) -> Definition | None:
        container = node.type in self._language.containers
        name = self._name(node)
        if not name:
            return None
        body = _body(node)
        if body is None and node.type.endswith(("_specifier", "namespace_definition", "mod_item")):
            return None  # `struct point p;` uses a name and defines none
        ends = [child.start_byte for child in node.children if "comment" in child.type]
        ends += [body.start_byte] if body is not None else []
        head_end = min((end for end in ends if end > node.start_byte), default=node.end_byte)
        head = self._source[node.start_byte : head_end][: 4 * _MAX_SIGNATURE].decode(errors="ignore")
        signature = " ".join(head.split())[:_MAX_SIGNATURE].rstrip(" {:")
        return Definition(start, node.end_byte, (*path, *name), signature, container)

    def _name(self, node: Node) -> tuple[str, ...]:
        """What a node defines, with the type that it belongs to where the language says that at its place."""
        kind = node.type
        if kind == "variable_declarator":  # JavaScript: a name for a function
            value = node.child_by_field_name("value")
            if value is None or value.type not in ("arrow_function", "function_expression", "function", "class"):
                return ()
        if kind in ("function_definition", "declaration", "type_definition") and node.child_by_field_name("declarator"):
            return self._declared(node)
        if kind == "impl_item":
            return self._words(node.child_by_field_name("type"))
        if kind == "type_declaration":  # Go: `type (...)` may hold several
            spec = next((child for child in node.named_children if child.type in ("type_spec", "type_alias")), None)
            return self._words(spec.child_by_field_name("name")) if spec else ()
        name = self._words(node.child_by_field_name("name"))
        receiver = node.child_by_field_name("receiver") if kind == "method_declaration" else None
        if receiver is not None and name:  # Go: `func (c *Client) Retry()`
            owner = "".join(self._words(receiver)).strip("()").split()
            return (owner[-1].lstrip("*").partition("[")[0], *name) if owner else name
        if not name and kind in ("indexer_declaration", "operator_declaration"):
            return (kind.partition("_")[0],)
        return name

    def _declared(self, node: Node) -> tuple[str, ...]:
        """The name in a declarator of C: `int (*f(void))[3]` declares `f`; what declares no function has none here."""
        inner = node.child_by_field_name("declarator")
        function = False
        for _ in range(20):
            if inner is None:
                return ()
            function = function or inner.type == "function_declarator"
            following = inner.child_by_field_name("declarator") or next(
                (c for c in inner.named_children if c.type.endswith("declarator") or c.type == "function_declarator"),
                None,
            )
            if following is None:
                break
            inner = following
        is_type = node.type == "type_definition"
        if not function and not is_type:
            return ()
        return tuple(part for word in self._words(inner) for part in _SCOPE.split(word) if part)

    def _words(self, node: Node | None) -> tuple[str, ...]:
        if node is None:
            return ()
        words = " ".join(self._source[node.start_byte : node.end_byte][:_MAX_NAME].decode(errors="ignore").split())
        return (words,) if words else ()


def _body(node: Node) -> Node | None:
    value = node.child_by_field_name("value")
    for holder in (node, value) if value is not None else (node,):
        if body := holder.child_by_field_name("body"):
            return body
    return next((child for child in node.children[-2:] if child.type in _BODIES), None)


def _heads(source: bytes, found: list[Definition]) -> list[Definition]:
    """Without overlaps: what holds other definitions ends where the first of them begins."""
    heads = []
    for number, definition in enumerate(found, 1):
        end = min(definition.end, found[number].start) if number < len(found) else definition.end
        end = definition.start + len(source[definition.start : end].rstrip())
        if end > definition.start:
            heads.append(replace(definition, end=end))
    return heads


def _in_characters(source: bytes, found: list[Definition]) -> list[Definition]:
    """The same with offsets in characters instead of bytes."""
    places = {0: 0}
    at = characters = 0
    for offset in sorted({offset for definition in found for offset in (definition.start, definition.end)}):
        characters += len(source[at:offset].decode(errors="replace"))
        places[offset] = characters
        at = offset
    return [replace(d, start=places[d.start], end=places[d.end]) for d in found]
