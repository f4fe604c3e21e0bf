"""Threads in the real app, with tiers whose answers and pace are ours."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest
from browser_parts import expect, words_of
from histories import fill
from tool_package import install_notes
from tool_steps import calling, echo
from waiting import until, written

from tierwise.testing import Step

SLOW = " ".join(f"word{n}" for n in range(40))
ENDLESS = " ".join(f"word{n}" for n in range(600))


def quick_answer(request):
    question = request.messages[-1].content
    if "slowly" in question:
        return Step(SLOW, delay=0.1)
    if "Note tea" in question:
        return calling(("note", {"text": "buy tea"}))
    if request.messages[-1].role == "tool":
        return echo(request)
    if "endlessly" in question:
        return Step(ENDLESS, delay=0.3)
    return f"Quick heard: {question.splitlines()[-1]}"


@pytest.fixture(scope="module")
def quick(tier):
    return tier("quick", quick_answer, on_device=True, priced=False)


@pytest.fixture(scope="module")
def notes(tmp_path_factory):
    """The file that the tools of an installed package write."""
    return tmp_path_factory.mktemp("notes") / "notes.txt"


@pytest.fixture(scope="module")
def app(serve, tier, quick, notes):
    site = notes.parent / "site"
    install_notes(site, notes)
    config = f'show_before_sending = "never"\n{quick.entry}{tier("deep").entry}[tools]\nenabled = ["notes"]\n'
    return serve(config, env={"PYTHONPATH": str(site)})


def test_stop_keeps_the_text_and_marks_it(app, window):
    one = window(app)
    one.ask("Tell me endlessly.", tier="Quick", wait=False)
    one.sees(re.compile("word3"))

    one.button("Stop").click()

    one.sees("Stopped. What was written is kept.")
    said = words_of(one.messages.last)
    assert "word3" in said and "word599" not in said
    one.ask("And now?", tier="Quick")
    one.sees(re.compile("Quick heard: And now"))


def test_a_thumb_on_an_earlier_answer_does_not_stop_a_running_one(app, window):
    one = window(app)
    one.ask("First.", tier="Quick")
    one.ask("Tell me slowly.", tier="Quick", wait=False)
    one.sees(re.compile("word3"))

    one.messages.nth(1).get_by_test_id("stFeedback").get_by_role("radio").last.click()

    one.sees(re.compile("word39"))
    one.answered()
    one.reload()
    expect(one.messages.nth(1).get_by_test_id("stFeedback").get_by_role("radio").last).to_be_checked()


def test_an_answer_goes_on_over_a_reload(app, window):
    one = window(app)
    one.ask("Tell me slowly.", tier="Quick", wait=False)
    one.sees(re.compile("word3"))

    one.reload()

    one.sees(re.compile("word6"))
    one.sees(re.compile("word39"))
    one.answered()


def test_two_windows_on_a_thread_both_see_it(app, window):
    one = window(app)
    one.ask("First.", tier="Quick")
    other = window(app, thread=one.thread)
    other.sees("Quick heard: First.")

    one.ask("Tell me slowly.", tier="Quick", wait=False)

    other.sees(re.compile("word3"))
    other.sees(re.compile("word39"))
    other.answered()
    one.answered()


def test_a_question_is_edited_and_an_answer_given_again(app, quick, window):
    one = window(app)
    one.ask("What is a lock?", tier="Quick")

    one.button("Edit").click()
    one.dialog.get_by_label("Question").fill("What is a dial?")
    one.dialog.get_by_role("button", name="Ask").click()

    one.sees("Quick heard: What is a dial?")
    one.answered()
    one.sees_not("Quick heard: What is a lock?")
    one.page.get_by_text("Replaced answers").click()
    one.sees("Quick heard: What is a lock?")

    quick.server.requests.clear()
    one.button("Again").click()
    one.sees_not("Asked: What is a lock?")  # a new answer, with what it replaced folded again
    one.answered()
    assert len(quick.server.requests) == 1


def test_history_is_searched_and_a_thread_has_an_address(app, window):
    one = window(app)
    one.ask("How tall is a giraffe?", tier="Quick")
    thread = one.thread
    one.button("New thread").click()
    one.sees("What would you like to know?")
    expect(one.page).not_to_have_url(re.compile("thread="))

    search = one.page.get_by_placeholder("Search your threads")
    search.fill("giraffe")
    search.press("Enter")
    one.sees("1 found")
    one.button(re.compile("How tall is a giraffe")).click()

    one.sees("Quick heard: How tall is a giraffe?")
    expect(one.page).to_have_url(re.compile(f"thread={thread}"))
    one.go(thread="nothing-of-that-name")
    one.sees(re.compile("There is no such thread"))


def test_a_thread_is_exported(app, window, tmp_path):
    one = window(app)
    one.ask("What is exported?", tier="Quick")

    one.button("Thread").click()
    one.page.get_by_text("Export", exact=True).click()
    saved = {}
    for label in ("As Markdown", re.compile("As JSON")):
        with one.page.expect_download() as download:
            one.button(label).click()
        path = Path(tmp_path / download.value.suggested_filename)
        download.value.save_as(path)
        saved[path.suffix] = path.read_text(encoding="utf-8")

    assert "Quick heard: What is exported?" in saved[".md"]
    assert "Quick heard: What is exported?" in json.dumps(json.loads(saved[".json"]))


def test_a_thread_is_named_and_deleted(app, window):
    one = window(app)
    one.ask("To be renamed.", tier="Quick")
    one.button("Thread").click()
    title = one.page.get_by_label("Title")
    title.fill("Kettles")
    one.button("Rename").click()
    expect(one.page.get_by_role("heading", name="Kettles")).to_be_visible()

    one.button("Thread").click()
    one.button("Delete this thread").click()
    one.dialog.get_by_role("button", name="Delete it").click()

    expect(one.page.get_by_role("heading", name="Kettles")).to_have_count(0)
    expect(one.page).not_to_have_url(re.compile("thread="))


def test_what_waits_for_a_person_is_decided_in_the_window(app, window, notes):
    one = window(app)
    one.ask("Note tea.", tier="Quick", wait=False)
    dialog = one.dialog
    expect(dialog.get_by_text("A tool asks for your yes")).to_be_visible()
    expect(dialog).to_contain_text("acme-notes")
    assert not notes.exists()
    dialog.get_by_label("text", exact=True).fill("buy coffee")
    dialog.get_by_role("button", name="Allow once").click()
    one.sees(re.compile("noted: buy coffee"))
    one.answered()
    assert notes.read_text() == "buy coffee\n"

    one.ask("Note tea.", tier="Quick", wait=False)
    expect(dialog.get_by_text("A tool asks for your yes")).to_be_visible()
    dialog.get_by_label(re.compile("a reason, for the model")).fill("not today")
    dialog.get_by_role("button", name="Deny").click()
    one.sees(re.compile("not today"))
    one.answered()
    assert notes.read_text() == "buy coffee\n"


def test_a_thread_of_200_turns_opens_and_answers(app, window):
    fill(app.home, "long", 200)
    one = window(app, thread="long")
    one.sees("Answer 199 of a long thread.")
    expect(one.messages).to_have_count(40)

    one.button("Show earlier turns").click()
    one.sees("Answer 161 of a long thread.")
    expect(one.messages).to_have_count(80)
    one.ask("Still there?", tier="Quick")
    one.sees("Quick heard: Still there?")


def test_a_killed_server_goes_on_where_it_was(app, quick, window, monkeypatch):
    one = window(app)
    one.ask("Tell me endlessly.", tier="Quick", wait=False)
    one.sees(re.compile("word3"))
    thread = one.thread
    until(lambda: "word2" in written(app.home, thread))
    one.page.goto("about:blank")

    app.end(signal.SIGKILL)
    app.start()
    one.go(thread=thread)

    one.sees(re.compile("The program ended while this turn was being answered"))
    one.sees(re.compile("word2"))
    monkeypatch.setattr(quick, "answer", lambda request: "It came to its end.")
    one.button("Go on with it").click()
    one.sees("It came to its end.")
    one.answered()
    one.sees_not(re.compile("The program ended"))
