"""``tierwise tools``: what there is, running it, checking it, turning it on and off."""

from __future__ import annotations

import sys
import tomllib

import pytest
from tool_package import install_notes


@pytest.fixture
def notes(cli, tmp_path, monkeypatch):
    """The file that the tools of an installed package write; the package is off."""
    install_notes(tmp_path / "site", tmp_path / "notes.txt")
    cli.env["PYTHONPATH"] = str(tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delitem(sys.modules, "acme_notes", raising=False)
    yield tmp_path / "notes.txt"
    sys.modules.pop("acme_notes", None)


def config(cli):
    return tomllib.loads((cli.home / "tierwise.toml").read_text(encoding="utf-8"))


def test_the_list_says_what_is_on_what_is_off_and_what_was_set_aside(cli, notes):
    cli.write_config(
        '[tools]\nenabled = ["calculator", "read_file", "nothing"]\n[tools.approval]\ncalculator = "ask"\n'
    )

    listed = cli("tools", "list", "--json").json

    (calculator,) = listed["tools"]
    assert (calculator["name"], calculator["origin"]["kind"], calculator["effects"]) == (
        "calculator", "built-in", ["read"],
    )  # fmt: skip
    assert (calculator["asks"]["now"], calculator["asks"]["by"]) == ("asks", "configuration")
    off = {one["name"]: one for one in listed["off"]}
    assert off["notes"] == {"name": "notes", "kind": "package", "distribution": "acme-notes", "version": "1.2"}
    assert "python" in off
    aside = {problem["name"]: problem["text"] for problem in listed["set_aside"]}
    assert "root =" in aside["read_file"]
    assert "No installed package" in aside["nothing"]

    shown = cli("tools", "list").out
    assert "asks (configuration)" in shown
    assert "package acme-notes 1.2" in shown
    assert "! read_file: It needs a folder" in shown


def test_enabling_a_package_opens_it_first_and_keeps_comments(cli, notes):
    cli.write_config('# mine\n[[tiers]]\nname = "quick"\nmodel = "llama:smollm2-135m"\n')

    assert cli("tools", "enable", "nothing").code == 2
    ran = cli("tools", "enable", "notes", "--json")

    assert ran.json["tools"] == ["note", "stuck", "count"]
    assert config(cli)["tools"]["enabled"] == ["calculator", "clock", "search_knowledge", "notes"]
    assert (cli.home / "tierwise.toml").read_text(encoding="utf-8").startswith("# mine\n[[tiers]]")
    rows = {row.split()[0]: row for row in cli("tools", "list").out.splitlines() if row.strip()}
    assert "package acme-notes 1.2  write" in rows["note"]
    assert rows["note"].endswith("asks")
    assert rows["count"].endswith("free")

    assert cli("tools", "disable", "clock", "notes").code == 0
    assert config(cli)["tools"]["enabled"] == ["calculator", "search_knowledge"]
    assert cli("tools", "disable", "notes").code == 2


def test_a_package_that_breaks_is_not_enabled_and_spoils_nothing(cli, notes, tmp_path):
    (tmp_path / "site" / "acme_notes.py").write_text("raise RuntimeError('no luck')\n", encoding="utf-8")

    ran = cli("tools", "enable", "notes", "--json")

    assert (ran.code, ran.json["error"]["code"]) == (1, "tool_source")
    assert "no luck" in ran.err
    assert not (cli.home / "tierwise.toml").exists()
    cli.write_config('[tools]\nenabled = ["clock", "notes"]\n')
    listed = cli("tools", "list", "--json").json
    assert [tool["name"] for tool in listed["tools"]] == ["clock"]
    assert "no luck" in listed["set_aside"][0]["text"]


def test_file_tools_need_a_folder(cli, tmp_path):
    assert "--root FOLDER" in cli("tools", "enable", "read_file").err
    assert cli("tools", "enable", "read_file", "--root", tmp_path / "nowhere").code == 2

    assert cli("tools", "enable", "read_file", "--root", tmp_path).code == 0

    assert config(cli)["tools"]["root"] == str(tmp_path)
    assert cli("tools", "enable", "list_files").code == 0


def test_show_tells_all_about_a_tool(cli):
    cli.serve(["never asked"], ["never asked"])

    shown = cli("tools", "show", "search_knowledge")
    found = cli("tools", "show", "search_knowledge", "--json").json

    assert "k (whole number, by default 3): how many passages" in shown.out
    assert "query (text, required): what to look for" in shown.out
    assert "effects      read\n" in shown.out
    assert set(found["losses"]) == {"quick", "deep"}
    assert found["parameters"]["required"] == ["query"]
    assert cli("tools", "show", "python").code == 2
    assert "tierwise tools enable python" in cli("tools", "show", "python").err
    assert "Did you mean clock" in cli("tools", "show", "cloc").err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["expression=2 + 3 * 4"], "14"),
        (["--args", '{"expression": "2 + 3"}'], "5"),
        (["expression=7"], "7"),  # a text, whatever it looks like
    ],
)
def test_call_runs_a_tool(cli, words, text):
    assert cli("tools", "call", "calculator", *words).out == f"{text}\n"
    assert cli("tools", "call", "calculator", *words, "--json").json["text"] == text


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["calculator", "expression"], 2, "Write KEY=VALUE"),
        (["calculator", "expression=1", "--args", "{}"], 2, "either as KEY=VALUE or with --args"),
        (["calculator", "--args", "[]"], 2, "no JSON object"),
        (["calculator", "number=1"], 1, "was called wrongly"),
        (["calculator", "expression=1/0"], 1, "division by zero"),
        (["nothing"], 2, "There is no tool 'nothing'"),
    ],
)
def test_a_call_that_cannot_be_made_says_why(cli, words, code, told):
    ran = cli("tools", "call", *words, "--json")

    assert ran.code == code
    assert told in ran.err
    assert "error" in ran.json


def test_a_call_that_does_more_than_read_asks(cli, notes):
    cli("tools", "enable", "notes")

    refused = cli("tools", "call", "note", "text=tea", "copies=2")
    assert (refused.code, notes.exists()) == (2, False)
    assert 'text: "tea"' in refused.err
    assert "--yes" in refused.err
    assert cli("tools", "call", "note", "text=tea", "copies=2", "--yes").code == 0
    assert notes.read_text(encoding="utf-8") == "tea\ntea\n"
    wrong = cli("tools", "call", "note", "text=tea", "copies=10", "--yes")
    assert (wrong.code, wrong.err) == (1, "error: that is too many copies; take at most 9\n")
    assert cli("tools", "call", "count", "--json").json["text"] == "2"

    cli.write_config('[tools]\nenabled = ["notes"]\n[tools.approval]\nnote = "deny"\n')
    assert cli("tools", "call", "note", "text=tea", "--yes").code == 4


def test_a_call_may_search_documents(cli, manual):
    cli("ingest", manual, "--lock")

    found = cli("tools", "call", "search_knowledge", "query=warranty", "k=1")

    assert "30 months" in found.out


def test_check_finds_what_is_wrong(cli, notes, tmp_path):
    assert cli("tools", "check").code == 0
    assert cli("tools", "check", "clock", "--call", "--json").json["calls"] >= 1

    good = cli("tools", "check", "notes", "--json").json  # a package may be checked before it is on
    assert (good["ok"], good["tools"]) == (True, ["note", "stuck", "count"])
    assert not notes.exists()

    source = tmp_path / "site" / "acme_notes.py"
    source.write_text(source.read_text(encoding="utf-8") + "TOOLS.append(lambda x: x)\n", encoding="utf-8")
    sys.modules.pop("acme_notes", None)
    bad = cli("tools", "check", "notes")
    assert bad.code == 1
    assert "error (set-aside)" in bad.out
    assert "1 error" in bad.out


def test_new_makes_a_package_and_says_how_to_go_on(cli, tmp_path):
    made = cli("tools", "new", "Acme.Tea", "--in", tmp_path, "--json").json

    folder = tmp_path / "acme-tea"
    assert made["folder"] == str(folder)
    assert (folder / "pyproject.toml").is_file()
    assert made["next"] == [
        f'pip install -e "{folder}[dev]"',
        "tierwise tools check acme-tea",
        "tierwise tools enable acme-tea",
    ]
    assert cli("tools", "new", "acme-tea", "--in", tmp_path).code == 2
    assert cli("tools", "new", "json", "--in", tmp_path).code == 2


def test_python_says_how_it_is_shut_in_or_why_it_cannot_be(cli, monkeypatch):
    from tierwise_tools import SourceError
    from tierwise_tools.sandbox import probe

    def none() -> object:
        raise SourceError("Python cannot be run safely on this machine (bubblewrap: none).", fix="Install bubblewrap.")

    with monkeypatch.context() as patch:
        patch.setattr(probe, "level", none)
        refused = cli("tools", "enable", "python")
        assert refused.code == 1
        assert "Install bubblewrap" in refused.err
        assert not (cli.home / "tierwise.toml").exists()

    monkeypatch.setattr(probe, "level", lambda: probe.Level("landlock", (("bubblewrap", "it is not installed"),)))
    enabled = cli("tools", "enable", "python")
    assert "python is shut in by landlock. bubblewrap does not work here: it is not installed" in enabled.out


def test_doctor_tells_what_was_set_aside_and_how_python_is_shut_in(cli, monkeypatch):
    from tierwise.config import load_settings
    from tierwise_app.checks_tools import check_tools
    from tierwise_tools.sandbox import probe

    monkeypatch.setattr(probe, "level", lambda: probe.Level("bubblewrap"))
    path = cli.write_config('[tools]\nenabled = ["clock", "read_file", "python"]\n')

    checks = {check.name: check for check in check_tools(load_settings(path))}

    assert checks["tools"].text == "2 tools on"
    assert checks["tool read_file"].status == "warn"
    assert checks["sandbox"].text == "python is shut in by bubblewrap"
