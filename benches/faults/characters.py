"""Characters that are cut anywhere on their way: does every text arrive as it was sent?

    python -m benches.faults.characters [--examples 10000]

Made-up texts (emoji of several code points, flags, CJK, combining marks, the line ends of Unicode) go through the
reader of Chat Completions, the reader of Responses and the decoder of local models. Hosted: the text is cut into pieces
anywhere, between the halves of a surrogate pair as well, and the bytes of the stream once more, anywhere. Local: the
bytes of the text are cut into tokens anywhere. Bar: wrong 0.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx2
import numpy as np

from tierwise.config import Limits
from tierwise.models.base import ChatRequest, Delta
from tierwise.models.hosted.chat import OpenAIChat
from tierwise.models.hosted.client import Clock
from tierwise.models.hosted.model import OpenAIModel
from tierwise.models.hosted.responses import OpenAIResponses
from tierwise.models.local.answer import Answer, Generation
from tierwise.types import Message

_PARTS = (
    *"aZ09 .,:{}[]\"'\\/<>&\n\t",
    *"äßéñøЖשم中文字日本한국กा",
    *"\u2028\u2029\x85\u00a0\u200b\u200d\ufe0f\ufeff\u0301\u20dd",
    *"🙂😀🚀𝔘𠜎🀄",
    "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "👍🏽", "e\u0301", "\r\n", "data: ", "[DONE]",
)  # fmt: skip


def text_of(chance: random.Random) -> str:
    """A made-up text; never empty."""
    return "".join(chance.choice(_PARTS) for _ in range(chance.randint(1, 40)))


def cut(chance: random.Random, whole: Sequence[Any]) -> list[Any]:
    """The whole in pieces, cut anywhere; none is empty."""
    places = sorted(chance.sample(range(1, len(whole)), chance.randint(0, min(len(whole) - 1, 30))))
    return [whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True)]


def halves(text: str) -> str:
    """The text with every pair of surrogates as two characters, as UTF-16 has it."""
    data = text.encode("utf-16-le")
    return "".join(chr(int.from_bytes(data[n : n + 2], "little")) for n in range(0, len(data), 2))


class Hosted:
    """One of the two readers of streams, fed without a network."""

    def __init__(
        self, model: OpenAIModel, event: Callable[[str], dict[str, Any]], last: Sequence[dict[str, Any]]
    ) -> None:
        self._model, self._event, self._last = model, event, last

    async def read(self, chance: random.Random, text: str) -> str:
        """What is read of the text, cut anywhere on its way."""
        events = [self._event(piece) for piece in cut(chance, halves(text))]
        lines = [f"data: {_dump(chance, event)}\n\n" for event in (*events, *self._last)]
        body = cut(chance, "".join([*lines, "data: [DONE]\n\n"]).encode())

        async def parts() -> AsyncIterator[bytes]:
            for part in body:
                yield part

        response = httpx2.Response(
            200, headers={"content-type": "text/event-stream"}, content=parts(),
            request=httpx2.Request("POST", "http://127.0.0.1:9/v1"),
        )  # fmt: skip
        where = self._model.endpoint.where(self._model.api)
        request = ChatRequest((Message("user", "Say it."),))
        reply = self._model.reply(request, where, Clock(Limits(), where.host))
        said = [item.text async for item in reply.read(response) if isinstance(item, Delta)]
        for piece in said:
            piece.encode()  # half a character cannot be encoded
        return "".join(said)


def _dump(chance: random.Random, event: dict[str, Any]) -> str:
    """As JSON; characters are escaped or not, halves of one always are."""
    if chance.random() < 0.5:
        return json.dumps(event)
    try:
        plain = json.dumps(_joined(event), ensure_ascii=False)
        plain.encode()
    except UnicodeEncodeError:
        return json.dumps(event)
    return plain


def _joined(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    if isinstance(value, dict):
        return {key: _joined(one) for key, one in value.items()}
    return [_joined(one) for one in value] if isinstance(value, list) else value


def hosted_readers() -> dict[str, Hosted]:
    """Both flavours."""
    url = "http://127.0.0.1:9/v1"

    def piece(text: str, finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
        return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}

    def delta(text: str) -> dict[str, Any]:
        return {"type": "response.output_text.delta", "delta": text, "item_id": "i", "output_index": 0,
                "content_index": 0, "sequence_number": 1, "logprobs": []}  # fmt: skip

    done = {"type": "response.completed", "sequence_number": 2,
            "response": {"id": "r", "model": "m", "status": "completed", "output": []}}  # fmt: skip
    return {
        "chat": Hosted(OpenAIChat("m", base_url=url), piece, [piece("", "stop")]),
        "responses": Hosted(OpenAIResponses("m", base_url=url), delta, [done]),
    }


def local_read(chance: random.Random, text: str) -> str:
    """What the decoder of local models makes of the text's bytes, cut into tokens anywhere."""
    pieces = cut(chance, text.encode())
    end = len(pieces)
    rows = np.eye(end + 1, dtype=np.float32)
    answer = Answer(
        [0],
        Generation(max_tokens=end + 1, evidence=False, lookup=False),
        room=end + 2,
        mask=None,
        piece=lambda token: pieces[token],
        ends=lambda token: token == end,
    )
    said = []
    for token in range(end + 1):
        answer.choose([lambda token=token: rows[token]], [])  # type: ignore[misc]
        said.append(answer.text())
    for piece in said:
        piece.encode()
    return "".join(said)


async def wrong_texts(examples: int, seed: int = 1) -> dict[str, list[tuple[str, str]]]:
    """Texts that did not arrive as they were sent, by reader, with what arrived."""
    chance = random.Random(seed)
    readers = hosted_readers()
    wrong: dict[str, list[tuple[str, str]]] = {**{name: [] for name in readers}, "local": []}
    for _ in range(examples):
        text = text_of(chance)
        for name, reader in readers.items():
            if (got := await reader.read(chance, text)) != text:
                wrong[name].append((text, got))
        # The white space that a model begins with is not shown.
        if (got := local_read(chance, text)) != text.lstrip():
            wrong["local"].append((text, got))
    return wrong


def main(words: Sequence[str]) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benches.faults.characters", description=__doc__)
    parser.add_argument("--examples", type=int, default=10_000, help="texts, each read by all three")
    args = parser.parse_args(words)
    started = time.perf_counter()
    wrong = asyncio.run(wrong_texts(args.examples))
    for name, pairs in wrong.items():
        print(f"  {name:9} wrong {len(pairs)} of {args.examples:,}")
        for sent, got in pairs[:3]:
            print(f"            sent {sent!r}, got {got!r}")
    print(f"({time.perf_counter() - started:.0f} s)")
    return int(any(wrong.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
