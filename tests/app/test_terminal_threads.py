"""``threads`` and ``sources``: looking at, taking out and forgetting what is kept."""

from __future__ import annotations

import json

from tierwise.record import Record
from tierwise.turns import DecisionRecord


def test_threads_are_listed_shown_found_exported_and_deleted(cli, manual, tmp_path):
    cli.serve(["The warranty of the kettle lasts 30 months."])
    cli("ingest", manual)
    cli("ask", "How long is the warranty of the kettle?", "--thread", "kitchen")
    cli("ask", "Anything else?", "--thread", "other")

    listed = cli("threads", "list", "--json").json
    assert [t["thread"] for t in listed] == ["other", "kitchen"]
    assert set(listed[0]) == {"thread", "title", "turns", "last", "locked", "title_locked", "caller", "passing"}
    assert [t["title"] for t in listed] == ["Anything else?", "How long is the warranty of the kettle?"]
    assert cli("threads", "rename", "kitchen", "The red kettle", "--json").json["title"] == "The red kettle"
    assert "The red kettle" in cli("threads", "list").out
    assert "How long is the warranty" in cli("threads", "show", "kitchen").out
    assert [t["thread"] for t in cli("threads", "search", "kettle how", "--json").json] == ["kitchen"]
    assert cli("threads", "search", "zebra").out.strip() == "nothing found"

    markdown = cli("threads", "export", "kitchen").out
    assert markdown.startswith("# kitchen\n")
    assert "- [1] kettle.md: “" in markdown
    target = tmp_path / "kitchen.json"
    assert cli("threads", "export", "kitchen", "--format", "json", "--out", target).code == 0
    assert json.loads(target.read_text(encoding="utf-8"))[0]["thread"] == "kitchen"
    assert cli("threads", "export", "kitchen", "--out", target).code == 2

    assert cli("threads", "delete", "kitchen").code == 2
    assert cli.terminal("threads", "delete", "kitchen", typed="n\n").code == 130
    assert cli("threads", "delete", "kitchen", "--yes", "--json").json == {"thread": "kitchen", "deleted": 1}
    assert [t["thread"] for t in cli("threads", "list", "--json").json] == ["other"]


def test_threads_of_single_questions_to_the_server_are_listed_on_demand(cli):
    cli.serve(["Fine."])
    cli("ask", "Anything?", "--thread", "mine")
    record = Record(cli.home)
    begun = DecisionRecord("one", "api-1", "Hello?", "running", 1.0, caller="local")
    record.start(begun, passing=True)
    record.finish(DecisionRecord("one", "api-1", "Hello?", "done", 1.0, text="Hi.", final="quick", caller="local"))
    record.close()
    assert [t["thread"] for t in cli("threads", "list", "--json").json] == ["mine"]
    assert [t["thread"] for t in cli("threads", "list", "--all", "--json").json] == ["api-1", "mine"]
    assert cli("threads", "search", "hello").out.strip() == "nothing found"
    assert "Hi." in cli("threads", "show", "api-1").out


def test_why_says_what_a_follow_up_was_searched_with(cli):
    cli.serve(["The warranty of the kettle lasts 30 months."])
    cli("ask", "How long is the warranty of the kettle?", "--thread", "kitchen")
    cli("ask", "And how do I extend it?", "--thread", "kitchen")
    (line,) = [line for line in cli("why").out.splitlines() if line.startswith("searched")]
    assert "How long is the warranty of the kettle?" in line


def test_titles_and_turns_of_locked_questions_are_marked(cli):
    cli.serve(["Noted."])
    cli("ask", "My salary is 5,000. Is that much?", "--thread", "work", "--lock")
    (listed,) = cli("threads", "list", "--json").json
    assert (listed["locked"], listed["title_locked"]) == (False, True)
    assert "title locked" in cli("threads", "list").out
    assert "locked to this device" in cli("threads", "export", "work").out


def test_sources_are_listed_shown_removed_and_rebuilt(cli, manual):
    cli("ingest", manual, "--collection", "home", "--lock")
    path = str(manual / "kettle.md")

    listed = cli("sources", "list", "--json").json
    assert [(c["name"], c["locked"]) for c in listed["collections"]] == [("home", True)]
    assert [s["path"] for s in listed["sources"]] == [path]
    assert "locked to this device" in cli("sources", "list").out

    shown = cli("sources", "show", "kettle.md", "--json").json
    assert shown["pages"] == [{"page": None, "text": (manual / "kettle.md").read_text(encoding="utf-8")}]
    assert cli("sources", "rebuild", "--json").json == {"passages": 2}
    assert cli("search", "warranty", "--json").json[0]["source"] == path

    assert cli("sources", "remove").code == 2
    assert cli("sources", "remove", path, "--yes", "--json").json == {"removed": 1}
    assert cli("sources", "list", "--json").json["sources"] == []
    assert (manual / "kettle.md").exists()


def test_questions_about_a_locked_collection_stay_on_the_device(cli, manual):
    _, deep = cli.serve(["I'm sorry, but I cannot answer that question."], ["30 months."])
    cli("ingest", manual, "--lock")

    answer = cli("ask", "How long is the warranty of the kettle?", "--json").json

    assert answer["tier"] == "quick"
    assert deep.connections == 0
