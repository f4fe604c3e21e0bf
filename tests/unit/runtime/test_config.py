"""Configuration: file, environment, flags; every mistake is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tierwise import ConfigError, Limits, Price, Tier, load_settings
from tierwise.config import Budget, find_config

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
        ("dial = 1.5", "dial is 1.5"),
        ("dial = true", "dial is True"),
        ("dial = nan", "dial is nan"),
        ("budget = 3", "budget takes turn, thread, day, month, not 3"),
        ("[budget]\nweek = 3", "budget takes turn, thread, day, month"),
        ("[budget]\nday = -1", "budget.day must be a number from 0"),
        ("[budget]\nmonth = '10'", "budget.month must be a number from 0"),
        ("[budget]\nmonth = inf", "budget.month must be a number from 0"),
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


@pytest.mark.parametrize(("written", "meant"), [("0.2", 0.2), ("'20%'", 0.2), ("'0.2'", 0.2), ("0", 0.0), ("1", 1.0)])
def test_the_dial_may_be_a_share_of_questions(own_home: Path, written: str, meant: float) -> None:
    write(own_home / "tierwise.toml", f"dial = {written}\n")
    assert load_settings().dial == meant


def test_a_share_from_the_environment_and_from_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERWISE_DIAL", "35%")
    assert load_settings().dial == 0.35
    assert load_settings(dial=0.0).dial == 0.0  # a share of nothing is a wish, too
    assert load_settings(dial="0.1").dial == 0.1
    monkeypatch.setenv("TIERWISE_DIAL", "135%")
    with pytest.raises(ConfigError, match="TIERWISE_DIAL is '135%'"):
        load_settings()


def test_a_budget_is_read_from_the_file_and_the_environment(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().budget == Budget()
    write(own_home / "tierwise.toml", "[budget]\nturn = 0.02\nthread = 0.1\nday = 0.5\nmonth = 10\n")
    assert load_settings().budget == Budget(turn=0.02, thread=0.1, day=0.5, month=10.0)
    for name, word in (("TURN", "0.01"), ("THREAD", "0.2"), ("DAY", "0"), ("MONTH", "2.5")):
        monkeypatch.setenv(f"TIERWISE_BUDGET_{name}", word)
    assert load_settings().budget == Budget(turn=0.01, thread=0.2, day=0.0, month=2.5)


@pytest.mark.parametrize("word", ["much", "-1", "inf", "nan"])
def test_a_budget_that_is_no_sum_is_refused(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("TIERWISE_BUDGET_MONTH", word)
    with pytest.raises(ConfigError, match=r"TIERWISE_BUDGET_MONTH is .*Use a number of USD from 0"):
        load_settings()
