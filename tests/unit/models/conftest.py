from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tierwise.models import ChatModel, ChatRequest, Completed, Delta, LlamaModel
from tierwise.testing.tiny_gguf import write_tiny_phi3
from tierwise.types import Message

VOCABULARY = Path(__file__).parents[2] / "data" / "phi3" / "ggml-vocab-phi-3.gguf"
ASSISTANT = 32001


class Answer:
    """A drained stream."""

    def __init__(self, chunks: list[object]) -> None:
        self.chunks = chunks
        self.text = "".join(c.text for c in chunks if isinstance(c, Delta))
        last = chunks[-1]
        assert isinstance(last, Completed)
        self.done = last


async def _ask(model: ChatModel, *messages: str | Message, **options: object) -> Answer:
    made = tuple(Message("user", m) if isinstance(m, str) else m for m in messages)
    request = ChatRequest(made, **{"max_tokens": 16, **options})  # type: ignore[arg-type]
    return Answer([chunk async for chunk in model.stream(request)])


@pytest.fixture
def ask() -> Callable[..., Awaitable[Answer]]:
    """Drain one stream: ``await ask(model, "hi", max_tokens=3)``."""
    return _ask


@pytest.fixture(scope="session")
def says(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a tiny phi3 model that says these tokens, one after the other; the last follows itself if it is repeated."""
    folder = tmp_path_factory.mktemp("tiny")
    made: dict[tuple[object, ...], Path] = {}

    def make(*tokens: int, **options: object) -> Path:
        key = (tokens, *options.items())
        if key not in made:
            follows = dict(zip((ASSISTANT, *tokens), tokens, strict=False))
            path = folder / f"{len(made)}.gguf"
            made[key] = write_tiny_phi3(path, VOCABULARY, follows=follows, **options)  # type: ignore[arg-type]
        return made[key]

    return make


@pytest.fixture
async def llama() -> AsyncIterator[Callable[..., LlamaModel]]:
    """Open local models that are closed at the end of the test."""
    opened: list[LlamaModel] = []

    def open_(path: Path, **options: object) -> LlamaModel:
        opened.append(LlamaModel(path, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield open_
    for model in opened:
        await model.aclose()
