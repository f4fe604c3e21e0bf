"""Configuration: file, environment, flags; every mistake is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tierwise import ConfigError, Limits, Price, Tier, load_settings
from tierwise.config import find_config

GOOD = """
dial = "quality"
passages = 3
[[tiers]]
name = "quick"
model = "llama:smollm2-135m"
[[tiers]]
name = "deep"
model = "openai:big"
base_url = "http://127.0.0.1:8000/v1"
api_key_env = "DEEP_KEY"
price = { input = 2.5, output = 10 }
limits = { first_token = 5 }
"""


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_file_in_the_home_folder_is_read(own_home: Path) -> None:
    write(own_home / "tierwise.toml", GOOD)
    settings = load_settings()
    assert settings.path == own_home / "tierwise.toml"
    assert (settings.dial, settings.passages, settings.home) == ("quality", 3, own_home)
    quick, deep = settings.tiers
    assert quick.stays_on_device
    assert not deep.stays_on_device  # though it is on loopback: an address proves nothing
    assert deep.price == Price(2.5, 10.0)
    assert deep.limits == Limits(first_token=5.0)
    assert deep.price.cost(1_000_000, 100_000) == pytest.approx(3.5)


def test_flags_beat_the_environment_which_beats_the_file(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(own_home / "tierwise.toml", GOOD)
    monkeypatch.setenv("TIERWISE_DIAL", "economy")
    assert load_settings().dial == "economy"
    assert load_settings(dial="balanced").dial == "balanced"
    assert load_settings(dial=None).dial == "economy"


def test_the_working_folder_comes_before_the_home_folder(own_home: Path) -> None:
    write(own_home / "tierwise.toml", GOOD)
    here = write(Path.cwd() / "tierwise.toml", 'dial = "economy"\n')
    assert find_config(own_home) == here


def test_a_named_file_must_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERWISE_CONFIG", "/nowhere/tierwise.toml")
    with pytest.raises(ConfigError, match="TIERWISE_CONFIG names /nowhere"):
        load_settings()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dial = 'loud'", "dial is 'loud'"),
        ("dail = 'quality'", "unknown key 'dail'"),
        ("passages = 0", "passages must be a whole number"),
        ("locked = 'yes'", "locked must be true or false"),
        ("tiers = 3", "tiers must be written as"),
        ("[[tiers]]\nname = 'a'", "'model' is missing"),
        ("[[tiers]]\nname = 'a'\nmodel = 'gpt'", "no known kind"),
        ("[[tiers]]\nname = 'a b'\nmodel = 'openai:x'", "cannot be named 'a b'"),
        ("[[tiers]]\nname = 'auto'\nmodel = 'openai:x'", "cannot be named 'auto'"),
        ("[[tiers]]\nname = 'a'\nmodel = 'openai:x'\napi_key = 'sk-1'", "A key never goes into the file"),
        ("[[tiers]]\nname = 'a'\nmodel = 'openai:x'\nprice = 3", "price takes input, output"),
        ("[[tiers]]\nname = 'a'\nmodel = 'openai:x'\nprice = {input = -1}", "price.input must be a number"),
        ("[[tiers]]\nname = 'a'\nmodel = 'openai:x'\non_device = 'yes'", "on_device must be a bool"),
        ("[[tiers]]\nname = 'a'\nmodel = 'openai:x'\nmax_tokens = 0", "max_tokens must be a whole number"),
        ("[[tiers]]\nname = 'a'\nmodel = 'openai:x'\n[[tiers]]\nname = 'a'\nmodel = 'openai:y'", "two tiers"),
        ("dial = ", "not valid TOML"),
        ("\udcff", "cannot be read"),
    ],
)
def test_mistakes_are_named(own_home: Path, text: str, says: str) -> None:
    own_home.mkdir()
    path = own_home / "tierwise.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert says in str(caught.value)
    assert str(path) in str(caught.value) or "cannot be named" in says or "kind" in says


def test_on_device_is_the_owners_word() -> None:
    assert Tier("a", "openai:x", base_url="http://127.0.0.1:1/v1", on_device=True).stays_on_device
    assert not Tier("a", "openai:x", base_url="http://127.0.0.1:1/v1").stays_on_device


@pytest.mark.parametrize("word", ["1", "true", "Yes", "on"])
def test_offline_by_environment(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("TIERWISE_OFFLINE", word)
    assert load_settings().offline is True


def test_a_flag_that_is_neither_yes_nor_no_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERWISE_OFFLINE", "maybe")
    with pytest.raises(ConfigError, match="Use 1 or 0"):
        load_settings()
