"""``setup``, ``doctor``: from nothing to a working configuration, and what is wrong with a broken one."""

from __future__ import annotations

import sqlite3

import pytest

from tierwise.config import load_settings
from tierwise_app.config_file import ConfigFile


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the file is the point: the doctor's checks afterwards have their own tests."""
    monkeypatch.setattr("tierwise_app.cli.setup.examine", lambda *_, **__: [])


def test_setup_writes_a_configuration_that_works_and_checks_it(cli):
    ran = cli("setup", "--yes", "--deep-model", "gpt-x", "--deep-key-env", "MY_KEY", "--deep-price-input", 2, "--json")

    settings = load_settings(cli.home / "tierwise.toml", env={})
    assert ran.code == 0
    assert ran.json["changed"]
    assert [t.name for t in settings.tiers] == ["quick", "deep"]
    assert settings.tiers[1].api_key_env == "MY_KEY"
    assert settings.tiers[1].price is not None
    key = next(c for c in ran.json["checks"] if c["name"] == "tier deep key")
    assert key["status"] == "warn"
    assert "MY_KEY" in key["fix"]


def test_setup_does_not_overwrite_and_shows_what_would_change(cli, unchecked):
    path = cli.write_config('# mine\npassages = 7\n[[tiers]]\nname = "quick"  # small\nmodel = "llama:smollm2-135m"\n')
    before = path.read_text(encoding="utf-8")
    words = ("setup", "--yes", "--dial", "quality", "--deep-model", "gpt-x", "--deep-url", "http://127.0.0.1:9/v1")

    refused = cli(*words)
    assert refused.code == 2
    assert '+model = "openai:gpt-x"' in refused.err
    assert path.read_text(encoding="utf-8") == before

    assert cli(*words, "--force").code == 0
    after = path.read_text(encoding="utf-8")
    assert "# mine" in after
    assert "# small" in after
    settings = load_settings(path, env={})
    assert (settings.passages, settings.dial, len(settings.tiers)) == (7, "quality", 2)
    assert "nothing to change" in cli(*words).err


def test_setup_keeps_what_is_not_spoken_of(cli, unchecked):
    cli("models", "use", "deep=openai:gpt-x", "--api-key-env", "MY_KEY", "--price-input", 1, "--context", 9000)
    before = load_settings(cli.home / "tierwise.toml", env={})

    assert cli("setup", "--yes", "--dial", "economy", "--force").code == 0
    kept = load_settings(cli.home / "tierwise.toml", env={})
    assert (kept.dial, kept.tiers) == ("economy", before.tiers)

    assert cli("setup", "--yes", "--deep-url", "http://127.0.0.1:9/v1", "--force").code == 0
    moved = load_settings(cli.home / "tierwise.toml", env={}).tiers[1]
    assert (moved.model, moved.base_url, moved.context_window) == ("openai:gpt-x", "http://127.0.0.1:9/v1", 9000)

    assert cli("setup", "--yes", "--deep-model", "none", "--force").code == 0
    assert [t.name for t in load_settings(cli.home / "tierwise.toml", env={}).tiers] == ["quick"]
    assert cli("setup", "--yes", "--deep-url", "http://127.0.0.1:9/v1", "--force").code == 2


def test_setup_never_writes_a_key(cli):
    secret = "sk-abcdefghijklmnopqrstuvwxyz123456"

    ran = cli("setup", "--yes", "--deep-model", "gpt-x", "--deep-key-env", secret)

    assert ran.code == 2
    assert secret not in ran.err + ran.out
    assert not (cli.home / "tierwise.toml").exists()


def test_setup_asks_and_asks_again_for_what_cannot_be(cli):
    typed = [
        "no/such/file.gguf",
        "embedded",
        "gpt-x",
        "http://127.0.0.1:9/v1",
        "sk-abcdefghijklmnopqrstuvwxyz123456",
        "MY_KEY",
        "2.5",
        "10",
        "economy",
    ]

    ran = cli.terminal("setup", typed="\n".join(typed) + "\n")

    assert ran.code == 0, ran.out
    assert "Phi-3" in ran.out
    assert "no/such/file.gguf cannot be opened" in ran.out
    settings = load_settings(cli.home / "tierwise.toml", env={})
    deep = settings.tiers[1]
    assert (settings.dial, deep.base_url, deep.api_key_env) == ("economy", "http://127.0.0.1:9/v1", "MY_KEY")
    assert deep.price is not None
    assert (deep.price.input, deep.price.output) == (2.5, 10.0)


def test_setup_without_a_terminal_asks_for_flags(cli):
    ran = cli("setup")

    assert ran.code == 2
    assert "--yes" in ran.err


def test_a_wrong_dial_on_the_command_line_is_not_blamed_on_the_file(cli):
    cli.write_config('dial = "quality"\n')
    ran = cli("ask", "hi", "--dial", "fast")
    assert ran.code == 2
    assert ran.err.startswith("error: The dial is 'fast'. Use economy, balanced, quality, or a share")


def test_doctor_is_content_with_a_fresh_installation(cli):
    ran = cli("doctor", "--json")

    names = [check["name"] for check in ran.json["checks"]]
    assert ran.code == 0
    assert ran.json["ok"]
    assert {"python", "configuration", "home", "disk", "network", "tier quick", "embedder", "vectors"} <= set(names)
    assert all(set(check) == {"name", "status", "text", "fix"} for check in ran.json["checks"])


def test_doctor_contacts_a_hosted_tier_only_when_told(cli):
    _, deep = cli.serve(["One."], ["Two."])

    assert cli("doctor").code == 0
    assert deep.connections == 0
    assert cli("doctor", "--online").code == 0
    assert len(deep.requests) == 1


def test_doctor_names_a_fix_for_what_is_broken(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-abcdefghijklmnopqrstuvwxyz123456")
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(b"GGUF\x03\x00\x00\x00")
    cli.write_config(
        f'[[tiers]]\nname = "quick"\nmodel = "llama:{cut}"\n'
        '[[tiers]]\nname = "deep"\nmodel = "openai:gpt-x"\napi_key_env = "MY_KEY"\n'
    )
    (cli.home / "knowledge.sqlite").write_bytes(b"not a database" * 100)

    ran = cli("doctor", "--json")
    text = cli("doctor")

    failed = {c["name"]: c for c in ran.json["checks"] if c["status"] == "fail"}
    assert ran.code == 1
    assert {"tier quick", "knowledge.sqlite"} <= set(failed)
    assert "cut.gguf" in failed["tier quick"]["text"]
    assert failed["knowledge.sqlite"]["fix"]
    assert "MY_KEY is set" in text.out
    assert "sk-abc" not in ran.out + ran.err + text.out + text.err


def test_doctor_reports_a_configuration_that_cannot_be_read(cli):
    cli.write_config("[[tiers]\n")

    ran = cli("doctor", "--json")

    assert ran.code == 1
    assert ran.json["checks"][-1]["name"] == "configuration"


def test_an_invalid_edit_leaves_the_file_untouched(cli):
    path = cli.write_config('dial = "balanced"\n')
    file = ConfigFile(path)
    file.set_value("dial", "luxury")

    with pytest.raises(Exception, match=r"dial is 'luxury'") as caught:
        file.write()

    assert str(path) in str(caught.value)
    assert path.read_text(encoding="utf-8") == 'dial = "balanced"\n'
    assert sorted(p.name for p in cli.home.iterdir()) == ["tierwise.toml"]


def test_stores_are_private(cli, manual):
    cli.serve(["Paris."])
    cli("ingest", manual)
    cli("ask", "What is the capital of France?")

    stores = sorted(cli.home.glob("*.sqlite"))
    assert {"knowledge.sqlite", "record.sqlite"} <= {p.name for p in stores}
    assert all(p.stat().st_mode & 0o077 == 0 for p in stores)
    with sqlite3.connect(cli.home / "record.sqlite") as db:
        assert db.execute("SELECT count(*) FROM turns").fetchone() == (1,)
    db.close()
