"""Every page of the real app: opened, narrow and dark, and looked at by axe-core."""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from browser_parts import expect
from histories import fill

PAGES = {
    "": "What would you like to know?",
    "knowledge": "Knowledge",
    "prompts": "Prompts",
    "tools": "Tools",
    "models": "Models & tiers",
    "lab": "Routing lab",
    "insights": "Insights",
    "settings": "Settings",
}
LOOKS = [("light", 1280), ("dark", 390)]
AXE = "4.14.1"
# What axe-core finds that no setting of ours can change: rule, part of the page, why.
STREAMLIT_S_OWN = [
    (
        "color-contrast",
        "[role=radio][aria-checked=true]",
        "A chosen segment is written in the primary colour, and a button's label in white on it: on a dark page no"
        " colour has 4.5:1 both ways. Ours has it for the button; the segment, at 3.8:1, has a border as well.",
    ),
]


@pytest.fixture(scope="module")
def app(serve, tier):
    app = serve(tier("quick", on_device=True, priced=False).entry + tier("deep").entry)
    for thread in ("told", "told-light", "told-dark"):
        fill(app.home, thread, 3)
    return app


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    """The source of axe-core, from npm; kept for the next time."""
    cache = Path.home() / ".cache" / "tierwise-tests"
    kept = cache / f"axe-{AXE}.js"
    if not kept.exists():
        folder = tmp_path_factory.mktemp("axe")
        if shutil.which("npm") is None:
            pytest.skip("there is no npm to get axe-core with")
        try:
            subprocess.run(["npm", "pack", f"axe-core@{AXE}"], cwd=folder, check=True, capture_output=True, timeout=60)
        except (subprocess.SubprocessError, OSError):
            pytest.skip("axe-core cannot be had from npm here")
        with tarfile.open(next(folder.glob("*.tgz"))) as packed:
            source = packed.extractfile("package/axe.min.js")
            assert source is not None
            cache.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(source.read())
    return kept.read_text(encoding="utf-8")


def grave(one, axe):
    """What axe-core finds to be serious or critical, as lines."""
    one.still()  # a colour that fades in has too little contrast on its way
    one.page.evaluate(axe)
    return one.page.evaluate(_GRAVE, [[rule, part] for rule, part, _ in STREAMLIT_S_OWN])


_GRAVE = """async (known) => {
  const found = (await axe.run(document, {resultTypes: ['violations']})).violations;
  const lines = [];
  for (const rule of found.filter((rule) => ['serious', 'critical'].includes(rule.impact)))
    for (const node of rule.nodes) {
      const part = document.querySelector(node.target[0]);
      if (known.some(([id, where]) => id === rule.id && part && part.closest(where))) continue;
      lines.push(`${rule.id} (${rule.impact}): ${node.failureSummary} ${node.html.slice(0, 160)}`);
    }
  return lines;
}"""


@pytest.mark.parametrize(("scheme", "width"), LOOKS, ids=[f"{scheme}-{width}" for scheme, width in LOOKS])
def test_every_page_opens_fits_and_is_accessible(app, window, axe, scheme, width):
    one = window(app, width=width, scheme=scheme)
    found = []
    for page, title in PAGES.items():
        one.go(page)
        expect(one.page.get_by_role("heading", name=title).first).to_be_visible()
        one.drawn()
        assert one.page.get_by_test_id("stException").count() == 0, page
        found += [f"/{page}: sticks out: {what}" for what in one.overflow()]
        found += [f"/{page}: {what}" for what in grave(one, axe)]
    one.go(thread=f"told-{scheme}")
    one.answered()
    one.page.get_by_text("Why this answer?").last.click()
    one.sees("Who tried")
    one.drawn()
    found += [f"thread: sticks out: {what}" for what in one.overflow()]
    found += [f"thread: {what}" for what in grave(one, axe)]
    one.ask("What would leave?", tier="Deep", wait=False)
    expect(one.dialog).to_contain_text("This is the whole request.")
    one.drawn()
    found += [f"what leaves: {what}" for what in grave(one, axe)]
    one.dialog.get_by_role("button", name="Keep it here").click()
    one.answered()
    assert not found, "\n".join(found)


def test_a_phone_s_window_is_enough_to_ask(app, window):
    one = window(app, width=390)
    expect(one.page.get_by_test_id("stSidebar")).not_to_be_in_viewport()

    one.ask("Can you read this on a phone?", tier="Quick")

    one.sees("quick says so.")
    assert one.overflow() == []
    one.page.get_by_text("Why this answer?").click()
    one.sees("Who tried")
    assert one.overflow() == []


def test_simple_mode_leaves_chat_knowledge_and_the_way_back(app, window):
    one = window(app, "settings")
    pages = one.page.get_by_test_id("stSidebarNav").get_by_role("link")
    expect(pages).to_have_count(len(PAGES))

    one.page.get_by_role("tab", name="This app").click()
    one.page.get_by_text("Simple mode", exact=True).first.click()
    expect(pages).to_have_count(3)
    assert [page.inner_text().split("\n")[-1] for page in pages.all()] == ["Chat", "Knowledge", "Settings"]

    one.reload()
    one.page.get_by_role("tab", name="This app").click()
    one.page.get_by_text("Simple mode", exact=True).first.click()
    expect(pages).to_have_count(len(PAGES))


def test_the_developer_card_is_typed_on_and_off(app, window):
    one = window(app, thread="told")
    one.sees("Answer 2 of a long thread.")
    card = one.page.get_by_text("Developer card", exact=True)
    expect(card).to_have_count(0)

    one.input.fill("-developer on")
    one.input.press("Enter")
    expect(card).to_have_count(3)
    card.last.click()
    one.sees("told-2")

    one.input.fill("-developer off")
    one.input.press("Enter")
    expect(card).to_have_count(0)
    assert re.search("thread=told", one.page.url)


def test_the_first_start_offers_documents_to_ask_about(serve, tier, window):
    app = serve(tier("quick", on_device=True, priced=False).entry, welcomed=False)
    one = window(app)
    one.sees("Welcome to tierwise")

    one.button("Read the sample documents").click()
    one.button(re.compile("How many months does the warranty")).click()

    one.answered()
    expect(one.page).to_have_url(re.compile("thread="))
