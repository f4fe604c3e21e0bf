"""LoRA adapters on the embedded model: one process, several voices; a wrong one is an error, never a bare answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tierwise.config import Tier
from tierwise.errors import AdapterError, InvalidInput
from tierwise.models import LlamaModel, locate, open_model
from tierwise.testing import write_adapter

Open = Callable[..., LlamaModel]
Ask = Callable[..., Any]
QUESTION = "What is the capital of France?"
BARE = "L'Étoile, la Marseillaise"  # how the model answers without an adapter


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERWISE_THREADS", "1")


@pytest.fixture(scope="module")
def base() -> Path:
    return locate("smollm2-135m")


@pytest.fixture(scope="module")
def yes(base: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_adapter(tmp_path_factory.mktemp("lora") / "yes.gguf", base, word="yes"))


@pytest.fixture(scope="module")
def green(base: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_adapter(tmp_path_factory.mktemp("lora") / "green.gguf", base, word="green"))


async def test_a_request_chooses_its_adapter_and_the_process_stays(
    base: Path, yes: str, green: str, llama: Open, ask: Ask
) -> None:
    model = llama(base, context_window=512)
    said, pids = [], set()
    for adapter in (None, yes, green, None, yes):
        said.append((await ask(model, QUESTION, adapter=adapter, max_tokens=8)).text)
        pids.add(model.pid)
    assert said[1:3] == ["yes" + 7 * " yes", "green" + 7 * " green"]
    assert said[3:] == said[:2]
    assert said[0].startswith(BARE[:10])
    assert len(pids) == 1


async def test_what_one_adapter_read_is_not_taken_for_what_another_read(
    base: Path, yes: str, llama: Open, ask: Ask
) -> None:
    model = llama(base, context_window=512)
    await ask(model, QUESTION, max_tokens=2)
    worn = await ask(model, QUESTION, adapter=yes, max_tokens=2)
    again = await ask(model, QUESTION, adapter=yes, max_tokens=2)
    assert worn.done.usage.cached_tokens == 0
    assert again.done.usage.cached_tokens > 0


async def test_requests_with_different_adapters_may_overlap(
    base: Path, yes: str, green: str, llama: Open, ask: Ask
) -> None:
    model = llama(base, context_window=512)
    adapters = (yes, green, None, green, yes)
    answers = await asyncio.gather(*(ask(model, QUESTION, adapter=a, thread=str(n)) for n, a in enumerate(adapters)))
    assert [answer.text.split()[0] for answer in answers] == ["yes", "green", BARE.split()[0], "green", "yes"]


async def test_a_tier_wears_its_adapter(base: Path, yes: str, green: str, ask: Ask) -> None:
    model = open_model(Tier("quick", f"llama:{base}", adapter=yes, context_window=512))
    try:
        assert (await ask(model, QUESTION, max_tokens=2)).text == "yes yes"
        assert (await ask(model, QUESTION, max_tokens=2, adapter=green)).text == "green green"
    finally:
        await model.aclose()


async def test_a_file_that_is_replaced_is_another_adapter(
    base: Path, yes: str, green: str, tmp_path: Path, llama: Open, ask: Ask
) -> None:
    model = llama(base, context_window=512)
    mine = tmp_path / "mine.gguf"
    for made, word in ((yes, "yes"), (green, "green")):
        mine.write_bytes(Path(made).read_bytes())
        assert (await ask(model, QUESTION, adapter=str(mine), max_tokens=2)).text == f"{word} {word}"


def of_another_family(path: Path, base: Path, good: bytes) -> None:
    path.write_bytes(good.replace(b"llama", b"qwen2"))


def of_another_size(path: Path, base: Path, good: bytes) -> None:
    write_adapter(path, base, word="yes", widen=64)


def cut(path: Path, base: Path, good: bytes) -> None:
    path.write_bytes(good[:-5000])


def cut_in_its_header(path: Path, base: Path, good: bytes) -> None:
    path.write_bytes(good[:90])


def a_whole_model(path: Path, base: Path, good: bytes) -> None:
    path.write_bytes(base.read_bytes())


def a_web_page(path: Path, base: Path, good: bytes) -> None:
    path.write_text("<!doctype html><title>404</title>", encoding="utf-8")


def absent(path: Path, base: Path, good: bytes) -> None:
    """Nothing is written."""


@pytest.mark.parametrize(
    "make", [of_another_family, of_another_size, cut, cut_in_its_header, a_whole_model, a_web_page, absent]
)
async def test_a_wrong_adapter_is_an_error_and_the_model_lives(
    make: Callable[[Path, Path, bytes], None], base: Path, yes: str, tmp_path: Path, llama: Open, ask: Ask
) -> None:
    wrong = tmp_path / "wrong.gguf"
    make(wrong, base, Path(yes).read_bytes())
    model = llama(base, context_window=512)
    with pytest.raises(AdapterError, match=r"wrong\.gguf"):
        await ask(model, QUESTION, adapter=str(wrong))
    assert (await ask(model, QUESTION)).text.startswith(BARE)


def test_a_word_that_is_not_one_token(base: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not one token"):
        write_adapter(tmp_path / "a.gguf", base, word="antidisestablishmentarianism")
