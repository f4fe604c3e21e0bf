"""A model whose finished answers are kept in a file: what was asked before is not computed, or paid for, again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tierwise.errors import InvalidInput
from tierwise.home import private
from tierwise.jsonable import from_json, to_json
from tierwise.models.base import Called, Capabilities, ChatModel, ChatRequest, Chunk, Completed, Delta
from tierwise.types import Floor, TokenEvidence, ToolCall


class KeptModel:
    """A :class:`~tierwise.models.base.ChatModel` around another that makes long runs resumable.

    A request that was answered to its end before gets the same text, calls and evidence again, and
    :attr:`from_file` counts it. Whose turn it is in the queue (``thread``) does not make a request another one, and a
    floor is applied to what is kept: an answer that would not have come to its end is cut where it would have been.

    Args:
        model: answers what is new.
        path: JSON Lines, one answer a line, readable by its owner only. A line that was cut by a crash is passed over.

    Raises:
        InvalidInput: if the file cannot be read.
        StoreError: if it cannot be written.
    """

    def __init__(self, model: ChatModel, path: Path) -> None:
        self._model = model
        self._path = private(path)
        self._answers = _read(path)
        self.from_file = 0
        self._ends_in_newline = _ends_in_newline(path)

    @property
    def name(self) -> str:
        """That of the model inside."""
        return self._model.name

    @property
    def capabilities(self) -> Capabilities:
        """Those of the model inside."""
        return self._model.capabilities

    def has(self, request: ChatRequest) -> bool:
        """Whether the answer is in the file."""
        return self._key(request) in self._answers

    async def stream(self, request: ChatRequest) -> AsyncIterator[Chunk]:
        """Run one model step, or give the kept answer. See :class:`~tierwise.models.base.ChatModel`."""
        key = self._key(request)
        if (kept := self._answers.get(key)) is not None:
            self.from_file += 1
            text, calls, done = _above(request.floor, kept["text"], kept["calls"], from_json(Completed, kept["done"]))
            if text:
                yield Delta(text)
            for call in calls:
                yield Called(from_json(ToolCall, call))
            yield done
            return
        text, calls = "", []
        async for chunk in self._model.stream(request):
            if isinstance(chunk, Delta):
                text += chunk.text
            elif isinstance(chunk, Called):
                calls.append(chunk.call)
            elif isinstance(chunk, Completed) and chunk.finish != "doubted":
                self._keep(key, {"text": text, "calls": to_json(calls), "done": to_json(chunk)})
            yield chunk

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """By the model inside."""
        return await self._model.count_tokens(texts)

    async def aclose(self) -> None:
        """Free what the model inside holds."""
        await self._model.aclose()

    def _key(self, request: ChatRequest) -> str:
        asked = {k: v for k, v in to_json(replace(request, floor=None)).items() if k != "thread"}
        if not request.must_call:
            del asked["must_call"]  # answers that were kept before there was such a wish are still good
        text = json.dumps([self._model.name, asked], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def _keep(self, key: str, answer: dict[str, Any]) -> None:
        self._answers[key] = answer
        line = json.dumps({"key": key, **answer}, ensure_ascii=True) + "\n"
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line if self._ends_in_newline else "\n" + line)
        self._ends_in_newline = True


def _above(floor: Floor | None, text: str, calls: list[Any], done: Completed) -> tuple[str, list[Any], Completed]:
    """What a floor leaves of an answer."""
    evidence = done.evidence
    if floor is None or evidence is None or len(evidence.logprobs) < floor.tokens:
        return text, calls, done
    n = floor.tokens
    if sum(evidence.logprobs[:n]) / n >= floor.logprob_mean:
        return text, calls, done
    begun = TokenEvidence(evidence.logprobs[:n], evidence.margins[:n], evidence.entropies[:n], evidence.starts[:n])
    usage = replace(done.usage, completion_tokens=n)
    end = evidence.starts[n - 1] if evidence.starts else 0
    return text[:end], [], replace(done, finish="doubted", usage=usage, evidence=begun)


def _read(path: Path) -> dict[str, dict[str, Any]]:
    answers: dict[str, dict[str, Any]] = {}
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.", fix="Choose another file.") from error
    for line in lines:
        try:
            row = json.loads(line)
            answers[row["key"]] = {name: row[name] for name in ("text", "calls", "done")}
        except (ValueError, TypeError, KeyError):
            continue
    return answers


def _ends_in_newline(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if size == 0:
            return True
        file.seek(size - 1)
        return file.read(1) == b"\n"
