"""Characters that are cut anywhere on their way."""

from __future__ import annotations

import random

from benches.faults.characters import hosted_readers, local_read, wrong_texts
from hypothesis import given
from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


async def test_made_up_texts_arrive_as_they_were_sent() -> None:
    assert await wrong_texts(40) == {"chat": [], "responses": [], "local": []}


@given(TEXTS, st.integers(0, 2**32))
def test_any_text_cut_into_tokens_anywhere(text: str, seed: int) -> None:
    assert local_read(random.Random(seed), text) == text.lstrip()


async def test_an_emoji_in_every_place_of_every_reader() -> None:
    for name, reader in hosted_readers().items():
        for seed in range(40):
            text = "a" * (seed % 7) + "\U0001f642" * 3 + "b"
            assert await reader.read(random.Random(seed), text) == text, (name, seed)
