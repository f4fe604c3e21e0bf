"""``models``: get a model from a server that misbehaves, name it, give it to a tier, try it, take it away."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from model_source import Source, crawl_at, serving

from tierwise.config import load_settings
from tierwise.errors import InvalidInput
from tierwise.models.store import card as catalogue
from tierwise.testing.tiny_gguf import write_tiny_phi3
from tierwise_app.config_file import ConfigFile

VOCABULARY = Path(__file__).parents[1] / "data" / "phi3" / "ggml-vocab-phi-3.gguf"
ASSISTANT, A, B = 32001, 263, 289  # <|assistant|>, then two words that follow each other for ever
HALF = 3 << 20


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gguf") / "Tiny Model (v2).Q4.gguf"
    return write_tiny_phi3(path, VOCABULARY, follows={ASSISTANT: A, A: B, B: A})


@pytest.fixture
def source(tiny: Path) -> Any:
    with serving(Source(tiny.read_bytes())) as running:
        yield running


@pytest.fixture
def served(source: Source, monkeypatch: pytest.MonkeyPatch) -> Source:
    """The catalogue's Phi-3 is fetched from the server of this test."""
    known = catalogue.card("phi-3-mini-4k")
    claims = {"url": source.url, "size": None, "size_about": len(source.content), "sha256": None}
    changed = type(known)(**{name: getattr(known, name) for name in known.__slots__} | claims)
    cards = {card.name: card for card in catalogue.catalogue()} | {known.name: changed}
    monkeypatch.setattr(catalogue, "_cards", lambda: cards)
    return source


def models(cli: Any) -> list[str]:
    return sorted(path.name for path in (cli.home / "models").iterdir() if path.suffix != ".lock")


# -- list --------------------------------------------------------------------------------------------------------------


def test_list_says_what_is_here_what_fits_and_who_vouches(cli, tiny):
    cli("models", "add", tiny, "--name", "mine")

    listed = cli("models", "list", "--json").json
    cards = {card["name"]: card for card in listed["catalogue"]}

    assert [t["model"] for t in listed["tiers"]] == ["llama:smollm2-135m"]
    assert cards["smollm2-135m"]["installed"]
    assert cards["smollm2-135m"]["vouched"] == "catalogue"
    assert not cards["phi-3-mini-4k"]["installed"]
    assert {"memory", "fits", "verified", "licence", "languages", "tools", "url"} <= set(cards["phi-3-mini-4k"])
    assert listed["own"] == [
        {"name": "mine", "file_bytes": tiny.stat().st_size, "vouched": "nobody", "path": str(tiny)}
    ]
    shown = cli("models", "list").out
    assert "installed, verified" in shown
    assert "your own" in shown


def test_a_narrow_terminal_leaves_columns_out_and_says_so(cli):
    cli.env["COLUMNS"] = "80"
    shown = cli.terminal("models", "list").out
    assert max(len(line) for line in re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()) <= 80
    assert "A wider terminal also shows: tools, context, size" in shown
    assert "131,072" in cli("models", "list").out


# -- pull --------------------------------------------------------------------------------------------------------------


def test_pull_fetches_tells_what_it_costs_and_is_done_once(cli, served):
    ran = cli("models", "pull", "phi-3-mini-4k")

    assert ran.code == 0
    assert "GB" in ran.err and "tokens/s" in ran.err
    assert "models use quick=phi-3-mini-4k" in ran.out
    again = cli("models", "pull", "llama:phi-3-mini-4k", "--json")
    assert again.json["vouched"] == "first download"
    assert again.json["sha256"] == hashlib.sha256(served.content).hexdigest()
    assert len(served.asked) == 1


def test_pull_on_a_terminal_shows_a_bar(cli, source, tiny):
    source.pace = 0.01
    ran = cli.terminal("models", "add", source.url, "--name", "tiny")
    assert ran.code == 0
    assert "/s" in ran.out


@pytest.mark.parametrize("how", ["flag", "config", "locked"])
def test_nothing_is_fetched_offline(cli, served, how):
    if how != "flag":
        cli.write_config("offline = true\n" if how == "config" else "locked = true\n")
    ran = cli("models", "pull", "phi-3-mini-4k", *(["--offline"] if how == "flag" else []))
    assert ran.code == 4
    assert "models add PATH" in ran.err
    assert served.asked == []


def test_pull_of_what_cannot_be_pulled_says_what_to_do(cli):
    assert cli("models", "pull", "no-such-model").code == 2
    assert cli("models", "pull", "../../etc/passwd").code == 2
    packaged = cli("models", "pull", "smollm2-135m", "--again")
    assert packaged.code == 2
    assert "tierwise[embedded]" in packaged.err


@pytest.fixture
def go_on(source: Source) -> Iterator[threading.Event]:
    """The first download crawls from its middle on until this is set."""
    event = threading.Event()
    source.faults = [crawl_at(HALF, event)]
    yield event
    event.set()


def test_a_killed_download_goes_on(cli, source, go_on):
    words = ("models", "add", source.url, "--name", "tiny", "--json")
    with cli.start(*words) as process:
        part = cli.home / "models" / "tiny.gguf.part"
        _wait_for(lambda: part.exists() and part.stat().st_size > 1 << 20)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    kept = part.stat().st_size
    assert 0 < kept < len(source.content)

    ran = cli(*words)

    assert ran.code == 0
    assert ran.json["sha256"] == hashlib.sha256(source.content).hexdigest()
    assert source.asked == [None, f"bytes={kept}-"]
    assert models(cli) == ["tiny.gguf", "tiny.json"]


def test_ctrl_c_keeps_what_arrived(cli, source, go_on):
    with cli.start("models", "add", source.url, "--name", "tiny") as process:
        part = cli.home / "models" / "tiny.gguf.part"
        _wait_for(lambda: part.exists() and part.stat().st_size > 1 << 20)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "goes on from there" in err
    assert "Traceback" not in err
    assert models(cli) == ["tiny.gguf.part", "tiny.gguf.part.json"]


def test_of_two_at_once_one_fetches_and_one_is_told(cli, source, go_on):
    words = ("models", "add", source.url, "--name", "tiny")
    with cli.start(*words) as first:
        part = cli.home / "models" / "tiny.gguf.part"
        _wait_for(lambda: part.exists() and part.stat().st_size > 0)
        second = cli.process(*words)
        removed = cli("models", "rm", "tiny")
        go_on.set()
        first.communicate(timeout=60)
    assert (first.returncode, second.code) == (0, 1)
    assert "Another process" in second.err
    assert "Another process" in removed.err
    assert models(cli) == ["tiny.gguf", "tiny.json"]


# -- add and rm --------------------------------------------------------------------------------------------------------


def test_an_own_file_is_named_after_itself(cli, tiny):
    ran = cli("models", "add", tiny, "--json")
    assert ran.json["name"] == "tiny-model-v2.q4"
    assert cli("models", "add", tiny).code == 2  # the name is taken
    assert cli("models", "rm", "tiny-model-v2.q4", "--json").json["freed"] == 0
    assert tiny.exists()


def test_add_from_a_url_checks_the_hash_it_is_given(cli, source):
    wrong = cli("models", "add", source.url, "--name", "tiny", "--sha256", "0" * 64, "--json")
    assert (wrong.code, wrong.json["error"]["code"]) == (1, "model_file")
    assert models(cli) == []
    right = hashlib.sha256(source.content).hexdigest()
    assert cli("models", "add", source.url, "--sha256", right, "--json").json["name"] == "model"


def test_add_refuses_what_is_no_file_of_a_model(cli, source, tmp_path):
    fake = tmp_path / "fake.gguf"
    fake.write_bytes(b"GGUF" + os.urandom(64))
    source.content = b"<!doctype html><title>Sign in</title>"

    assert cli("models", "add", fake, "--json").json["error"]["code"] == "model_file"
    page = cli("models", "add", source.url, "--json")
    assert "web page" in page.json["error"]["message"]
    assert cli("models", "add", "http://example.com/x.gguf").code == 2
    assert "models use TIER=openai:gpt-x" in cli("models", "add", "openai:gpt-x").err
    assert cli("models", "add", "https://[::1").code == 2
    assert cli("models", "add", fake, "--name", "../up").code == 2
    assert not (cli.home / "tierwise.toml").exists()


def test_rm_does_not_take_a_model_from_under_a_tier(cli, tiny):
    cli("models", "add", tiny, "--name", "mine", "--copy")
    cli("models", "use", "quick=mine")

    refused = cli("models", "rm", "mine")
    assert refused.code == 2
    assert "models use quick=MODEL" in refused.err
    cli("models", "use", f"quick={cli.home / 'models' / 'mine.gguf'}")
    assert cli("models", "rm", "mine").code == 2
    assert cli("models", "rm", "mine", "--force").code == 0
    assert models(cli) == []
    assert cli("models", "rm", "mine", "--force").code == 2
    assert "pip uninstall" in cli("models", "rm", "smollm2-135m", "--force").err


def test_a_link_to_a_file_that_is_gone_is_told_as_that(cli, tiny, tmp_path):
    moved = tmp_path / "moved.gguf"
    moved.write_bytes(tiny.read_bytes())
    cli("models", "add", moved)
    moved.unlink()

    for words in (("use", "quick=moved"), ("test", "moved")):
        assert f"gone from {moved}" in cli("models", *words).err
    assert cli("models", "rm", "moved").code == 0
    assert models(cli) == []


def test_what_was_put_there_by_hand_can_be_removed(cli, tiny):
    folder = cli.home / "models"
    folder.mkdir()
    (folder / "My Model.gguf").write_bytes(tiny.read_bytes())
    assert cli("models", "list", "--json").json["own"][0]["name"] == "My Model"
    assert cli("models", "rm", "My Model").code == 0
    assert models(cli) == []


def test_rm_takes_an_unfinished_download_along(cli, source, go_on):
    with cli.start("models", "add", source.url, "--name", "tiny") as process:
        part = cli.home / "models" / "tiny.gguf.part"
        _wait_for(lambda: part.exists() and part.stat().st_size > 0)
        process.kill()
        process.communicate()
    cli("models", "rm", "tiny")
    assert models(cli) == []


# -- use ---------------------------------------------------------------------------------------------------------------


def test_use_puts_local_tiers_before_hosted_ones(cli):
    assert (
        cli("models", "use", "deep=openai:gpt-x", "--base-url", "http://127.0.0.1:9/v1", "--price-input", 1).code == 0
    )
    added = cli("models", "use", "second=llama:smollm2-135m", "--json")

    settings = load_settings(cli.home / "tierwise.toml", env={})
    assert added.json["tier"] == {"name": "second", "model": "llama:smollm2-135m"}
    assert [t.name for t in settings.tiers] == ["quick", "second", "deep"]
    assert cli("models", "use", "deep=openai:other").code == 0
    tiers = cli("models", "list", "--json").json["tiers"]
    assert [t["model"] for t in tiers] == ["llama:smollm2-135m", "llama:smollm2-135m", "openai:other"]


def test_use_keeps_comments_and_drops_what_was_about_the_old_model(cli, tiny):
    cli("models", "add", tiny, "--name", "mine")
    path = cli.write_config(
        '# mine\n[[tiers]]\nname = "quick"  # small\nmodel = "llama:smollm2-135m"\ncontext_window = 300\n'
        '[[tiers]]\nname = "deep"\nmodel = "openai:gpt-x"\nbase_url = "http://127.0.0.1:9/v1"\nmax_tokens = 50\n'
        "price = { input = 1.0, output = 2.0 }\n"
    )

    assert cli("models", "use", "quick=mine").code == 0
    quick = load_settings(path, env={}).tiers[0]
    assert (quick.model, quick.context_window) == ("llama:mine", 300)
    assert "# mine" in path.read_text() and "# small" in path.read_text()

    cheaper = cli("models", "use", "deep=openai:gpt-y")
    deep = load_settings(path, env={}).tiers[1]
    assert (deep.model, deep.base_url, deep.price) == ("openai:gpt-y", "http://127.0.0.1:9/v1", None)
    assert "taken out" in cheaper.err and "price" in cheaper.err

    cli("models", "use", f"deep={tiny}")
    deep = load_settings(path, env={}).tiers[1]
    assert (deep.model, deep.base_url, deep.max_tokens) == (f"llama:{tiny}", None, 50)


def test_use_leaves_the_file_where_and_as_it_is(cli, tmp_path):
    real = tmp_path / "dotfiles.toml"
    real.write_bytes(
        b'[[tiers]]\r\nname = "quick"\r\nmodel = "llama:smollm2-135m"\r\n\r\n'
        b'# the big one\r\n[[tiers]]\r\nname = "deep"\r\nmodel = "openai:gpt-x"\r\nbase_url = "http://127.0.0.1:9/v1"\r\n'
    )
    real.chmod(0o600)
    link = cli.home / "tierwise.toml"
    link.symlink_to(real)

    assert cli("models", "use", "second=smollm2-135m").code == 0

    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    assert real.read_bytes().count(b"\n") == real.read_bytes().count(b"\r\n")
    assert '\n\n# the big one\n[[tiers]]\nname = "deep"' in real.read_text()
    assert [tier.name for tier in load_settings(link, env={}).tiers] == ["quick", "second", "deep"]


def test_use_does_not_undo_what_another_has_written_meanwhile(cli):
    path = cli.write_config('[[tiers]]\nname = "quick"\nmodel = "llama:smollm2-135m"\n')
    file = ConfigFile(path)
    assert cli("models", "use", "second=smollm2-135m").code == 0
    file.set_value("dial", "quality")
    with pytest.raises(InvalidInput, match="just now"):
        file.write()
    assert [tier.name for tier in load_settings(path, env={}).tiers] == ["quick", "second"]


def test_tiers_in_one_value_are_told_apart_from_broken_toml(cli):
    cli.write_config('tiers = [{name = "quick", model = "llama:smollm2-135m"}]\n')
    assert "Write each as a [[tiers]] section" in cli("models", "use", "second=smollm2-135m").err


@pytest.mark.parametrize(
    "words",
    [
        ("deep=openai:gpt-x", "--base-url", "notaurl"),
        ("deep=openai:",),
        ("quick=llama:",),
        ("quick=nonsense",),
        ("quick",),
        ("quick=smollm2-135m", "--base-url", "http://127.0.0.1:9/v1"),
        ("=mine",),
        ("auto=smollm2-135m",),
        ("quick=../../etc/passwd",),
        ("deep=openai:gpt-x", "--api-key-env", "sk-abcdefghijklmnopqrstuvwxyz123456"),
    ],
)
def test_use_refuses_what_could_never_answer(cli, words):
    ran = cli("models", "use", *words, "--json")
    assert ran.code in (1, 2)
    assert ran.json["error"]["message"]
    assert "sk-abc" not in ran.out + ran.err
    assert not (cli.home / "tierwise.toml").exists()


def test_use_of_a_model_that_is_not_here_names_the_download(cli):
    ran = cli("models", "use", "quick=phi-3-mini-4k")
    assert ran.code == 1
    assert "tierwise models pull phi-3-mini-4k" in ran.err


def test_setup_takes_a_model_by_its_name(cli, tiny):
    cli("models", "add", tiny, "--name", "mine")
    assert cli("setup", "--yes", "--local", "mine").code == 0
    assert load_settings(cli.home / "tierwise.toml", env={}).tiers[0].model == "llama:mine"
    assert "models pull phi-3-mini-4k" in cli("setup", "--yes", "--local", "phi-3-mini-4k", "--force").err


def test_a_thread_goes_on_after_its_model_was_replaced(cli, tiny):
    cli.serve(["It is the kettle."])
    long = "The kettle is red, the pot is blue, and the pan is green. " * 24
    assert cli("ask", f"{long} What is red?", "--thread", "kitchen").code == 0
    cli("models", "add", tiny, "--name", "mine")
    assert cli("models", "use", "quick=mine").code == 0

    ran = cli("ask", "And what is blue?", "--thread", "kitchen", "--json")

    assert ran.code == 0
    assert "context_condensed" in [notice["code"] for notice in ran.json["notices"]]
    shown = cli("threads", "show", "kitchen").out
    assert "What is red?" in shown and "And what is blue?" in shown


# -- test --------------------------------------------------------------------------------------------------------------


def test_test_tries_tiers_and_goes_on_after_a_failure(cli):
    cli.serve(["One two three."], ["Four."])
    gone = '\n[[tiers]]\nname = "gone"\nmodel = "openai:gone"\nbase_url = "http://127.0.0.1:1/v1"\n'
    cli.write_config((cli.home / "tierwise.toml").read_text(encoding="utf-8") + gone)

    ran = cli("models", "test", "--json")

    assert ran.code == 1
    assert [(r["tier"], r["ok"]) for r in ran.json] == [("quick", True), ("deep", True), ("gone", False)]
    assert ran.json[0]["text"] == "One two three."
    assert ran.json[2]["error"]["code"] == "unreachable"
    assert cli("models", "test", "quick").out.startswith("quick: ")


@pytest.mark.parametrize("words", [("models", "test"), ("doctor", "--online")])
def test_nobody_is_asked_offline_but_who_is_on_this_device(cli, words):
    quick, deep = cli.serve(["One two three."], ["Four."])
    path = cli.home / "tierwise.toml"
    path.write_text(f"offline = true\n{path.read_text()}")

    ran = cli(*words, "--json")

    assert ran.code == (4 if "test" in words else 0)
    assert quick.requests
    assert not deep.requests


def test_test_tries_a_model_that_no_tier_uses(cli, tiny):
    cli("models", "add", tiny, "--name", "mine")

    ran = cli("models", "test", "mine", "smollm2-135m", "--json")

    assert ran.code == 0
    assert [(r["model"], r["tokens"]) for r in ran.json] == [("llama:mine", 8), ("llama:smollm2-135m", 8)]
    assert all(r["expected_tokens_per_s"] > 0 for r in ran.json)
    assert cli("models", "test", "nonsense").code == 2


def test_test_finds_a_file_that_was_damaged(cli, source):
    cli("models", "add", source.url, "--name", "tiny")
    path = cli.home / "models" / "tiny.gguf"
    stat = path.stat()
    path.write_bytes(source.content[:-4] + b"evil")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # not even size and time differ

    ran = cli("models", "test", "tiny", "--json")

    assert ran.json[0]["error"]["code"] == "model_file"
    assert "SHA-256" in ran.json[0]["error"]["message"]


def _wait_for(what: Any) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)
