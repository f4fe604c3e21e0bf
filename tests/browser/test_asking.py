"""Asking the embedded model, and a larger one, in the real app."""

from __future__ import annotations

import re

import pytest
from benches.app_process import embedded
from browser_parts import expect, words_of

KETTLE = (
    "# Kettle\n\nThe warranty of the kettle lasts 30 months from the day of purchase. "
    "Descale it every 60 days with citric acid.\n\n## Power\n\nThe kettle draws 2200 watts.\n"
)


def facts(many):
    """So many that reading them takes a while."""
    return " ".join(f"Fact {n} says that kettle {n} is warm." for n in range(many))


@pytest.fixture(scope="module")
def deep(tier):
    return tier("deep")


@pytest.fixture(scope="module")
def app(serve, deep):
    return serve(embedded() + deep.entry)


@pytest.fixture(autouse=True)
def nothing_heard_yet(deep):
    deep.server.requests.clear()


def test_a_question_shows_phases_then_text_then_its_tier(app, window):
    one = window(app)
    one.ask(f"What is the capital of France? {facts(80)}", tier="Quick", wait=False)

    one.sees(re.compile("quick is (reading|writing)"))
    expect(one.page).to_have_url(re.compile("thread="))
    one.answered()
    assert "on this device" in words_of(one.messages.last)
    one.page.get_by_text("Why this answer?").click()
    one.sees("Who tried")


def test_stop_while_the_prompt_is_read(app, window):
    one = window(app)
    one.ask(f"Sum this up. {facts(450)}", tier="Quick", wait=False)

    one.sees(re.compile(r"quick is reading: [\d,]+ of [\d,]+ tokens"))
    one.button("Stop").click()
    one.sees("Stopped before a word was written.")
    one.button("New thread").click()
    one.sees("What would you like to know?")
    one.ask("What is 2 and 2?")
    assert "quick" in words_of(one.messages.last)


def test_an_answer_is_escalated_with_its_price_and_what_leaves(app, deep, window):
    one = window(app)
    one.ask("My name is Ada Quince.", tier="Quick")
    one.ask("Name one blue thing.")
    assert deep.server.requests == []

    escalate = one.button(re.compile("Escalate this"))
    assert "$" in words_of(escalate)
    escalate.click()
    expect(one.dialog).to_contain_text("127.0.0.1")
    expect(one.dialog).to_contain_text("Estimated cost: $")
    one.dialog.get_by_role("button", name="Ask deep").click()
    expect(one.dialog).to_contain_text("This is the whole request.")
    expect(one.dialog).to_contain_text("My name is Ada Quince.")
    one.drawn()  # with all that can be left out
    assert deep.server.requests == []
    earlier = one.dialog.get_by_role("checkbox", name=re.compile("Earlier in this thread"))
    for n in range(earlier.count()):
        one.dialog.get_by_text("Earlier in this thread").nth(n).click()
        expect(earlier.nth(n)).not_to_be_checked()
    one.dialog.get_by_role("button", name="Send to deep").click()

    one.sees("deep says so.")
    one.answered()
    assert len(deep.server.requests) == 1
    assert "blue thing" in deep.heard
    assert "Quince" not in deep.heard
    # This thread has been shown what leaves: it does not ask again.
    one.ask("And a red one?", tier="Deep")
    assert len(deep.server.requests) == 2
    assert "Quince" not in deep.heard


def test_what_would_leave_is_kept_here(app, deep, window):
    one = window(app)
    one.ask("Name one green thing.", tier="Deep", wait=False)
    expect(one.dialog).to_contain_text("This is the whole request.")

    one.dialog.get_by_role("button", name="Keep it here").click()

    one.answered()
    assert "on this device" in words_of(one.messages.last)
    assert deep.server.requests == []


def test_a_locked_message_is_refused_to_a_hosted_tier(app, deep, window):
    one = window(app)
    one.page.get_by_text("Keep on this device", exact=True).click()
    one.ask("Name one secret thing.", tier="Deep")

    one.sees(re.compile("is not on this device, and this turn is locked"))
    assert "Locked to this device" in words_of(one.messages.first)
    assert deep.server.requests == []


def test_a_locked_thread_stays_here(app, deep, window):
    one = window(app)
    one.ask("Name one private thing.", tier="Quick")
    one.button("Thread").click()
    one.page.get_by_text("Lock this thread").click()
    one.sees("Stays on this device")
    one.page.keyboard.press("Escape")

    one.ask("And another one?", tier="Deep")

    one.sees(re.compile("is not on this device, and this turn is locked"))
    assert deep.server.requests == []


def test_a_file_is_read_cited_and_opened_at_the_words(app, window, tmp_path):
    kettle = tmp_path / "kettle.md"
    kettle.write_text(KETTLE, encoding="utf-8")
    one = window(app)
    one.ask("How many months does the warranty of the kettle last?", files=[kettle], tier="Quick")
    one.button(re.compile(r"\[1\] kettle\.md")).click()

    expect(one.dialog).to_contain_text("2200 watts")
    marked = one.dialog.locator(".stMarkdownColoredBackground, [class*=colored-background], mark").first
    expect(marked).to_contain_text("30 months")
