"""An answer's text with its marks, its sources, and a look at each where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from reportlab.pdfgen.canvas import Canvas
from streamlit.testing.v1 import AppTest

from tierwise import Answer, Citation, Copilot, DecisionRecord
from tierwise.testing import make_copilot
from tierwise.turns import Unsupported
from tierwise_app.web import desk as desk_module
from tierwise_app.web.answer.body import body_markdown
from tierwise_app.web.answer.preview import Place, Preview, cited_place, look_up, preview_markdown
from tierwise_app.web.desk import Desk

QUESTION = "How long is the warranty of the kettle?"
SAID = "The warranty of the kettle lasts 30 months."
KETTLE = f"# Kettle\n\n{SAID} ![x](http://h.example/p) Descale it every 60 days.\n\n## Power\n\nIt draws 2200 watts.\n"


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "kettle.md"
    path.write_text(KETTLE, encoding="utf-8")
    return path


@pytest.fixture
def copilot(own_home: Path) -> Iterator[Copilot]:
    with make_copilot([f"{SAID} The moon is made of green cheese."], home=own_home) as one:
        yield one


@pytest.fixture
def page(copilot: Copilot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], AppTest]]:
    """Draws the last turn of the thread."""

    def script() -> None:
        from tierwise_app.web.answer.body import draw_body
        from tierwise_app.web.answer.citations import draw_citations
        from tierwise_app.web.desk import desk

        record = desk().copilot.record.turns("kitchen")[-1]
        draw_body(record, key=record.turn_id)
        draw_citations(record, key=record.turn_id)

    monkeypatch.setattr(desk_module, "Desk", lambda: Desk(copilot))
    st.cache_resource.clear()
    yield lambda: AppTest.from_function(script, default_timeout=60).run()
    st.cache_resource.clear()


def asked(copilot: Copilot, document: Path) -> DecisionRecord:
    copilot.knowledge.ingest(document)
    copilot.ask(QUESTION, thread="kitchen")
    return copilot.record.turns("kitchen")[-1]


def test_an_answer_shows_its_sources_and_a_source_opens_where_it_stands(copilot, document, page):
    asked(copilot, document)
    app = page()

    assert not app.exception
    assert app.markdown[0].value == (
        "The warranty of the kettle lasts 30 months. :green[&#91;1&#93;]"
        " The moon is made of green cheese. :small[:gray-background[&#91;no\u00a0source&#93;]]"
    )
    (button,) = [button for button in app.button if button.key.startswith("cite-")]
    assert button.label.startswith("[1] kettle")
    button.click().run()
    assert not app.exception
    (preview,) = [shown.value for shown in app.markdown if "yellow-background" in shown.value]
    assert "lasts 30 months.**]" in preview
    assert "&#33;&#91;x&#93;&#40;http" in preview
    assert "2200 watts" in preview
    assert [shown.value for shown in app.code] == [str(document)]


def test_passages_that_were_read_and_not_cited_are_folded(copilot, document, page):
    copilot.knowledge.ingest(document)
    other = document.with_name("pan.md")
    other.write_text("The warranty of the pan, which is no kettle, is another.\n", encoding="utf-8")
    copilot.knowledge.ingest(other)
    copilot.ask(QUESTION, thread="kitchen")
    app = page()

    assert [e.label for e in app.expander if "Also read" in e.label]
    assert not [button for button in app.button if button.key.startswith("read-")]


def test_a_passage_that_was_only_read_opens_too(copilot, document, page):
    copilot.knowledge.ingest(document)
    with make_copilot(["That I cannot say."], home=copilot.settings.home) as other:
        other.ask(QUESTION, thread="kitchen")
    app = page()
    assert [e.label for e in app.expander] == ["Read, not cited (1)"]
    app.session_state[f"read-{copilot.record.turns('kitchen')[-1].turn_id}"] = True
    app.run()
    next(button for button in app.button if button.key.startswith("read-")).click().run()
    assert not app.exception
    assert [shown.value for shown in app.code] == [str(document)]


def test_a_source_that_changed_or_went_is_said_and_what_was_read_is_shown(copilot, document, page):
    record = asked(copilot, document)
    place = cited_place(record, record.citations[0])
    assert look_up(copilot.knowledge, place).state == "here"

    document.write_text(f"An introduction.\n\n{KETTLE}", encoding="utf-8")
    copilot.knowledge.ingest(document)
    moved = look_up(copilot.knowledge, place)
    assert (moved.state, moved.words) == ("moved", place.quote)
    assert "An introduction" in moved.before

    document.write_text(KETTLE.replace("30", "12"), encoding="utf-8")
    copilot.knowledge.ingest(document)
    changed = look_up(copilot.knowledge, place)
    assert (changed.state, changed.words) == ("changed", place.quote)
    assert "Descale" in changed.after

    copilot.knowledge.remove(document)
    assert look_up(copilot.knowledge, place).state == "gone"
    app = page()
    next(button for button in app.button if button.key.startswith("cite-")).click().run()
    assert [warning.value for warning in app.warning] == [
        "The document is no longer among the sources. Shown is what was read."
    ]
    assert any("lasts 30 months.**]" in shown.value for shown in app.markdown)


def test_of_a_paged_source_the_page_is_shown(copilot, tmp_path):
    path = tmp_path / "manual.pdf"
    canvas = Canvas(str(path))
    for line in ("This is about pans.", SAID, "This is about lids."):
        canvas.drawString(72, 720, line)
        canvas.showPage()
    canvas.save()
    record = asked(copilot, path)
    place = cited_place(record, record.citations[0])
    preview = look_up(copilot.knowledge, place)
    assert (place.page, preview.state, preview.words) == (2, "here", place.quote)
    assert "pans" not in preview.before
    assert "lids" not in preview.after

    gone = Place(str(path), 9, 0, "A page that there is not.")
    assert look_up(copilot.knowledge, gone).state == "changed"


def test_of_a_long_source_only_what_stands_around_the_words_is_shown(copilot, tmp_path):
    path = tmp_path / "long.md"
    filler = "".join(f"Line {n} says nothing of interest.\n\n" for n in range(300))
    path.write_text(f"{filler}{SAID}\n\n{filler}", encoding="utf-8")
    record = asked(copilot, path)
    preview = look_up(copilot.knowledge, cited_place(record, record.citations[0]))
    assert preview.words == SAID
    assert preview.before.startswith("…")
    assert preview.after.endswith("…")
    assert len(preview.before) + len(preview.after) < 6000


def test_a_preview_keeps_the_lines_and_marks_all_of_them():
    preview = Preview("here", "first\n  in ", "the words\n\nover lines", "\n- x: http://h.example")
    assert preview_markdown(preview) == (
        "first\\\n\u00a0\u00a0in :yellow-background[**the words**]\n\n:yellow-background[**over lines**]\\\n"
        "&#45; x&#58; http:color[&#58;]//h.example"
    )


def test_a_long_passage_is_marked_without_being_bold():
    shown = preview_markdown(Preview("here", "", "word " * 100, "after"))
    assert shown == f":yellow-background[{'word ' * 99}word] after"


def test_an_answer_cannot_turn_its_marks_into_links():
    text = "The warranty lasts 30 months.\n\n[1]: http://h.example/p"
    citation = Citation(1, "/kettle.md", None, 0, 5, "x", 0.9, sentence_start=0, sentence_end=29)
    unsupported = (Unsupported(0, 29, text[:29]),)
    answer = Answer("t", "kitchen", "done", text, "quick", citations=(citation,), unsupported=unsupported)
    assert "h.example" not in body_markdown(answer)
    assert body_markdown(answer).count("&#91;") == 2


def test_nothing_is_drawn_where_nothing_was_read(copilot, page):
    copilot.ask("What is two and two?", thread="kitchen")
    assert not page().button


def test_what_a_passage_was_called_is_no_markup(copilot, page, document, tmp_path):
    hostile = tmp_path / ":material_home: ![x](h) **b**.md"
    hostile.write_text(KETTLE, encoding="utf-8")
    asked(copilot, hostile)
    app = page()
    (button,) = [button for button in app.button if button.key.startswith("cite-")]
    assert not {"![", "**", ":material_home:"} & {button.label[at : at + n] for at in range(99) for n in (2, 15)}
    button.click().run()
    assert not app.exception
