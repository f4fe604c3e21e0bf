"""Two hundred schemas, from a single word to recursive unions: each is refused before decoding, or kept."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tierwise.errors import SchemaNotSupported
from tierwise.models import ChatRequest, Completed, Delta, LlamaModel, locate
from tierwise.models.schemas import check, prepare
from tierwise.types import Message

FILE = Path(__file__).parents[2] / "data" / "schemas.jsonl"
SCHEMAS = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
KEPT = [row for row in SCHEMAS if "refused" not in row]
REFUSED = [row for row in SCHEMAS if "refused" in row]
LONGEST = 400  # tokens; every schema that is kept ends before that


def test_there_are_two_hundred() -> None:
    assert (len(KEPT), len(REFUSED)) == (170, 30)
    assert len({row["name"] for row in SCHEMAS}) == len(SCHEMAS)


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row["name"])
def test_what_cannot_be_kept_is_refused_with_its_place(row: Any) -> None:
    with pytest.raises(SchemaNotSupported, match=re.escape(repr(row["refused"])) if row["refused"] else "chema"):
        prepare(row["schema"])


@pytest.mark.slow
async def test_a_real_model_keeps_every_schema(llama: Callable[..., LlamaModel]) -> None:
    model = llama(locate("smollm2-135m"))

    async def answer(row: Any) -> tuple[str, str]:
        schema = prepare(row["schema"])
        prompt = (Message("user", f"{row['ask']} Answer with JSON."),)
        request = ChatRequest(prompt, max_tokens=LONGEST, schema=schema, evidence=False)
        chunks = [chunk async for chunk in model.stream(request)]
        done = chunks[-1]
        assert isinstance(done, Completed)
        return done.finish, "".join(c.text for c in chunks if isinstance(c, Delta))

    answers = await asyncio.gather(*map(answer, KEPT))
    for row, (finish, text) in zip(KEPT, answers, strict=True):
        assert finish == "stop", (row["name"], text)
        check(text, row["schema"])
