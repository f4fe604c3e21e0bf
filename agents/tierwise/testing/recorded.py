"""A model whose results are known from a table, for measuring what a tier would have brought without asking it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from tierwise.errors import ModelError
from tierwise.models.base import Capabilities, ChatRequest, Chunk, Completed, Delta
from tierwise.types import Usage


class RecordedModel:
    """A :class:`~tierwise.models.base.ChatModel` that gives recorded answers to the questions it knows.

    Args:
        name: of the model that was recorded.
        answers: by question, as the user asks it.
    """

    def __init__(self, name: str, answers: Mapping[str, str]) -> None:
        self._name, self._answers = name, answers

    @property
    def name(self) -> str:
        """That of the recorded model."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """Nothing leaves: the answers are on this machine."""
        return Capabilities(context_window=1_000_000, on_device=True)

    async def stream(self, request: ChatRequest) -> AsyncIterator[Chunk]:
        """The recorded answer.

        Raises:
            ModelError: for a question that was not recorded.
        """
        asked = request.messages[-1].content
        # A draft may stand before the question; the question is what the message ends with.
        found = self._answers.get(asked) or next((a for q, a in self._answers.items() if asked.endswith(q)), None)
        if found is None:
            raise ModelError(f"{self._name} was not recorded on this question.", fix="Add it to the recorded results.")
        yield Delta(found)
        yield Completed("stop", Usage(completion_tokens=len(found.split()), estimated=True), self._name)

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """One token four characters."""
        return [len(text) // 4 + 1 for text in texts]

    async def aclose(self) -> None:
        """Nothing to free."""
