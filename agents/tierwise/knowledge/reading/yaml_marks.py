"""YAML by its marks: where each value is, without building any; aliases are never followed, tags never obeyed."""

from __future__ import annotations

from dataclasses import dataclass

from tierwise.knowledge.reading.problem import Unreadable
from tierwise.knowledge.reading.values import MAX_DEPTH, MAX_RECORD, MOST_VALUES, TooDeep, TooMany, Value


def yaml_values(text: str) -> list[Value]:
    """The documents of a YAML stream.

    Raises:
        TooDeep: if it nests without reason.
        TooMany: if there are too many values for the memory.
        ValueError: if it is not YAML; the message is one line.
    """
    import yaml

    documents: list[Value] = []
    above: list[_Open] = []
    count = 0

    def place(mark: object) -> int:
        return min(getattr(mark, "index", 0), len(text))

    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if isinstance(event, yaml.CollectionEndEvent):
                ended = above.pop()
                # The end of a block is noticed at the token after it: it truly ends with its last value.
                ends = [ended.node.end, *(child.end for child in ended.node.children[-1:])]
                if place(event.start_mark) < place(event.end_mark):  # a bracket
                    ends.append(place(event.end_mark))
                ended.node.end = max(ends)
                if above and ended.node.end - ended.node.start <= MAX_RECORD:
                    count -= ended.node.forget()
                if ended.is_key and above:
                    above[-1].key = ("?", ended.node.start)
            elif isinstance(event, yaml.NodeEvent):
                start = place(event.start_mark)
                node = Value(start, place(event.end_mark), start)
                if isinstance(event, yaml.ScalarEvent):
                    node.scalar = event.value
                elif isinstance(event, yaml.AliasEvent):
                    node.scalar = f"*{event.anchor}"
                is_key = bool(above) and _put(node, above[-1])
                count += not is_key
                if count > MOST_VALUES:
                    raise TooMany
                if not above:
                    documents.append(node)
                if isinstance(event, yaml.CollectionStartEvent):
                    if len(above) >= MAX_DEPTH:
                        raise TooDeep
                    above.append(_Open(node, isinstance(event, yaml.MappingStartEvent), is_key))
    except (yaml.YAMLError, RecursionError) as error:
        if "nesting" in str(error):  # the library reads ahead, and has a limit of its own
            raise TooDeep from error
        raise ValueError(" ".join(str(error).split())[:200]) from error
    if len(documents) > 1:
        for number, document in enumerate(documents):
            document.key = f"[{number}]"
    return documents


@dataclass(slots=True)
class _Open:
    """A mapping or a list that has not ended; ``key`` is the mapping's key whose value comes next."""

    node: Value
    mapping: bool
    is_key: bool
    key: tuple[str, int] | None = None


def _put(node: Value, parent: _Open) -> bool:
    """Put a value into the one around it; returns whether it is a key there."""
    if not parent.mapping:
        node.key = f"[{len(parent.node.children)}]"
    elif parent.key is None:
        parent.key = (node.scalar or "?", node.start)
        return True
    else:
        node.key, node.start = parent.key
        parent.key = None
    parent.node.children.append(node)
    return False


def top_level_scalars(text: str) -> dict[str, str]:
    """The fields of a YAML mapping whose values are plain words; none if the text is not a mapping."""
    try:
        documents = yaml_values(text)
    except (ValueError, TooMany, Unreadable):
        return {}
    return {n.key: n.scalar for root in documents[:1] for n in root.children if n.key and n.scalar is not None}
