"""A small model is shown few tools: those near the question, in the order they always have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from tierwise.models import MiniLM, ToolSpec
from tierwise.models.tools import pick_tools

TOOLS = [
    ToolSpec("send_email", "Send an email to somebody."),
    ToolSpec("get_weather", "The weather forecast of a city."),
    ToolSpec("convert_money", "Convert an amount between currencies."),
    ToolSpec("play_music", "Play a song."),
    ToolSpec("exchange_rates", "Today's exchange rates of currencies."),
]


class Counting:
    """An embedder that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += texts
        return np.array([[1, 0] if "currenc" in text else [0, 1] for text in texts], np.float32)


def test_the_nearest_keep_their_order_and_are_embedded_once() -> None:
    embedder = Counting()
    for _ in range(2):
        picked = pick_tools(TOOLS, np.array([1, 0], np.float32), embedder.embed, 2)
        assert [tool.name for tool in picked] == ["convert_money", "exchange_rates"]
    assert len(embedder.asked) == len(TOOLS)
    assert [t.name for t in pick_tools(TOOLS, np.array([1, 0]), embedder.embed, 3)] == [
        "send_email",  # of those that are equally far, the first
        "convert_money",
        "exchange_rates",
    ]


@pytest.mark.parametrize("most", [5, 6])
def test_few_tools_are_all_shown_without_embedding_anything(most: int) -> None:
    embedder = Counting()
    assert pick_tools(TOOLS, np.array([1, 0]), embedder.embed, most) == tuple(TOOLS)
    assert embedder.asked == []


def test_two_embedders_do_not_share_their_vectors() -> None:
    one, other = Counting(), Counting()
    pick_tools(TOOLS, np.array([1, 0]), one.embed, 1)
    pick_tools(TOOLS, np.array([1, 0]), other.embed, 1)
    assert len(other.asked) == len(TOOLS)


def test_by_the_embedder_in_use() -> None:
    embedder = MiniLM()
    for question, name in (("Will it rain in Oslo?", "get_weather"), ("Write Anna a message", "send_email")):
        picked = pick_tools(TOOLS, embedder.embed([question])[0], embedder.embed, 2)
        assert name in [tool.name for tool in picked]
