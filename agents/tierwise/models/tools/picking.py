"""Which tools a small model is shown: few, and those that have to do with the question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Embed = Callable[[Sequence[str]], "NDArray[np.float32]"]
_KEPT = 4_096  # vectors of descriptions
_vectors: dict[tuple[Embed, str], NDArray[np.float32]] = {}


class Described(Protocol):
    """A tool with a name and a description."""

    @property
    def name(self) -> str:
        """What a model calls it."""
        ...

    @property
    def description(self) -> str:
        """What it does."""
        ...


T = TypeVar("T", bound=Described)


def pick_tools(tools: Sequence[T], question: NDArray[np.float32], embed: Embed, most: int) -> tuple[T, ...]:
    """The tools whose name and description are nearest to a question.

    They keep the order they were given in, so that the prompt of the next question begins alike. Descriptions are
    embedded once.

    Args:
        tools: any number.
        question: its vector, of length 1.
        embed: makes vectors of length 1; blocking.
        most: how many to pick; no more than these, and all of them are picked.
    """
    if len(tools) <= most:
        return tuple(tools)
    import numpy as np

    near = np.array(tool_nearness(tools, question, embed))
    nearest = np.argsort(-near, kind="stable")[: max(0, most)]
    return tuple(tools[index] for index in sorted(nearest))


def tool_nearness(tools: Sequence[Described], question: NDArray[np.float32], embed: Embed) -> list[float]:
    """Cosine of each tool's name and description to a question, in [-1, 1]; arguments as for :func:`pick_tools`."""
    import numpy as np

    vectors = _embedded([f"{tool.name}: {tool.description}" for tool in tools], embed)
    found: list[float] = (vectors @ np.asarray(question)).tolist()
    return found


def _embedded(texts: Sequence[str], embed: Embed) -> NDArray[np.float32]:
    import numpy as np

    found = {text: _vectors.get((embed, text)) for text in texts}
    if new := [text for text, vector in found.items() if vector is None]:
        made = dict(zip(new, embed(new), strict=True))
        found.update(made)
        if len(_vectors) + len(made) > _KEPT:
            _vectors.clear()
        _vectors.update({(embed, text): vector for text, vector in made.items()})
    return np.stack([vector for text in texts if (vector := found[text]) is not None])
