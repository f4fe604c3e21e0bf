"""The page of prompts, and prompts in the chat: on real files, without a browser."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from page_texts import texts
from streamlit.testing.v1 import AppTest

from tierwise import Copilot, Tier
from tierwise.config import Settings
from tierwise.testing import ScriptedModel
from tierwise_app.prompts import Prompt, Shelf, Variable
from tierwise_app.web.desk import Desk
from tierwise_app.web.prompts.dialogs import Opened

Open = Callable[..., AppTest]
The = Callable[[], Desk]
LETTER = Prompt(
    "letter",
    "A *letter* to [x](http://evil.example)",
    "Write to {{who}} about {{matter}}.",
    description="For ![pixel](http://evil.example/p.png) landlords",
    tags=("letters", "home"),
    described=(Variable("who", "Who gets it", "the landlord"), Variable("matter", "What it is about")),
)


@pytest.fixture
def shelf(own_home: Path) -> Shelf:
    return Shelf(own_home)


def test_an_empty_shelf_says_what_to_do_and_shows_the_suggested_ones(open_alone: Open) -> None:
    app = open_alone("prompts")
    assert not app.exception
    assert "Summarise a text" in texts(app)
    app.get_by_key("prompts-which").set_value("yours").run()
    assert "You have no prompts yet" in texts(app)


def test_prompts_are_listed_searched_and_shown_as_plain_text(open_alone: Open, shelf: Shelf) -> None:
    shelf.save(LETTER)
    shelf.save(Prompt("other", "Other", "x", tags=("work",)))
    app = open_alone("prompts")
    shown = texts(app)
    assert "](http" not in shown and "**/letter**" in shown and "Other" in shown
    app.text_input(key="prompts-query").set_value("landlords LETTER").run()
    assert "Other" not in texts(app) and "/letter" in texts(app)
    app.text_input(key="prompts-query").set_value("").run()
    app.get_by_key("prompts-tags-yours").set_value(["work"]).run()
    assert "Other" in texts(app) and "/letter" not in texts(app)
    app.text_input(key="prompts-query").set_value("nothing of that kind").run()
    assert "No prompt holds" in texts(app)


def test_files_changed_by_hand_appear_and_broken_ones_lose_nothing(open_alone: Open, shelf: Shelf) -> None:
    app = open_alone("prompts")
    shelf.folder.mkdir(parents=True)
    (shelf.folder / "by-hand.md").write_text("Do it by hand.", encoding="utf-8")
    (shelf.folder / "bad.md").write_text("---\ntitle: [\n---\nPrecious text", encoding="utf-8")
    app.run()
    app.get_by_key("prompts-which").set_value("yours").run()
    assert "By hand" in texts(app) and "Precious text" in texts(app) and "not valid YAML" in texts(app)
    app.button(key="mend-bad.md").click().run()
    app.text_area(key="mend-text-bad").set_value("---\ntitle: [\n---\nStill wrong").run()
    app.button(key="prompts-mend-save").click().run()
    assert any("not valid YAML" in error.value for error in app.error)
    assert "Precious text" in (shelf.folder / "bad.md").read_text(encoding="utf-8")
    app.text_area(key="mend-text-bad").set_value("---\ntitle: Mended\n---\nPrecious text").run()
    app.button(key="prompts-mend-save").click().run()
    assert shelf.get("bad") == Prompt("bad", "Mended", "Precious text")
    assert not app.warning and not app.error and not app.exception


def test_writing_a_prompt(open_alone: Open, shelf: Shelf) -> None:
    shelf.save(Prompt("taken", "Taken", "x"))
    app = open_alone("prompts")
    app.button(key="prompts-new").click().run()
    app.text_input(key="edit-title").set_value("Taken")
    app.text_area(key="edit-text").set_value("Sort {{mails}}.").run()
    app.text_input(key="edit-about--mails").set_value("The mails")
    app.button(key="edit-save").click().run()
    assert "already a prompt" in app.error[0].value
    assert app.text_area(key="edit-text").value == "Sort {{mails}}."  # nothing that was typed is lost
    app.text_input(key="edit-name").set_value("sort-mails").run()
    app.button(key="edit-save").click().run()
    saved = shelf.get("sort-mails")
    assert saved is not None and saved.variables == (Variable("mails", "The mails"),) and saved.created
    assert not app.error and not app.exception


def test_editing_renaming_and_deleting(open_alone: Open, shelf: Shelf) -> None:
    first = shelf.save(Prompt("old", "Old", "x {{a}}", described=(Variable("a", "An a"),), other={"author": "Ada"}))
    app = open_alone("prompts")
    app.button(key="edit-old").click().run()
    assert app.text_input(key="edit-about-old-a").value == "An a"
    app.text_input(key="edit-name").set_value("/new").run()
    app.button(key="edit-save").click().run()
    saved = shelf.get("new")
    assert saved is not None and saved.other == {"author": "Ada"} and saved.created == first.created
    assert not shelf.has("old")

    app.button(key="edit-new").click().run()
    (shelf.folder / "new.md").write_text("By somebody else.", encoding="utf-8")
    app.text_area(key="edit-text").set_value("Mine").run()
    app.button(key="edit-save").click().run()
    assert "somebody else" in app.error[0].value
    assert shelf.get("new").text == "By somebody else."  # type: ignore[union-attr]
    app.button(key="prompts-cancel").click().run()

    app.button(key="delete-new").click().run()
    assert shelf.has("new")  # it asks first
    app.button(key="prompts-delete-yes").click().run()
    assert not shelf.has("new") and "You have no prompts yet" in texts(app)


def test_a_dialog_about_a_prompt_that_is_gone(open_alone: Open, shelf: Shelf) -> None:
    app = open_alone("prompts")
    app.session_state["prompts-open"] = Opened("delete", "../../etc/passwd")
    app.run()
    assert not app.exception and [toast.value for toast in app.toast] == ["This prompt is not there any more."]
    assert "prompts-open" not in app.session_state


def test_copying_a_suggested_one(open_alone: Open, shelf: Shelf) -> None:
    app = open_alone("prompts")
    app.button(key="copy-translate").click().run()
    app.button(key="copy-translate").click().run()
    assert [prompt.name for prompt in shelf.read()[0]] == ["translate", "translate-2"]


def test_importing(open_alone: Open, shelf: Shelf) -> None:
    shelf.save(Prompt("tidy", "Tidy", "Mine"))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("folder/packed.md", "Packed")
    app = open_alone("prompts")
    app.button(key="prompts-import").click().run()
    app.button(key="prompts-take").click().run()
    assert "Choose one or several files" in app.error[0].value
    app.file_uploader(key="prompts-files").upload("tidy.md", b"Theirs").upload("all.zip", buffer.getvalue())
    app.file_uploader(key="prompts-files").upload("bad.md", b"---\n[\n---\nx")
    app.get_by_key("prompts-clash").set_value("replace").run()
    app.button(key="prompts-take").click().run()
    shown = texts(app)
    assert "replaced tidy" in shown and "added as packed" in shown and "not taken" in shown
    assert shelf.get("tidy").text == "Theirs"  # type: ignore[union-attr]
    app.button(key="prompts-cancel").click().run()
    assert not app.file_uploader and not app.exception


def test_using_one_leaves_its_text_in_the_chats_input(open_app: Open, shelf: Shelf) -> None:
    shelf.save(LETTER)
    app = open_app("prompts")
    app.button(key="use-yours-letter").click().run()
    assert app.text_area(key="fill-letter-who").value == "the landlord"
    app.text_area(key="fill-letter-who").set_value("my aunt")
    app.text_area(key="fill-letter-matter").set_value("{{who}} and the roof")
    app.button(key="fill-go-letter").click().run()
    assert not app.exception
    assert app.chat_input(key="chat-input").value == "Write to my aunt about {{who}} and the roof."


def copilot(home: Path) -> Copilot:
    model = ScriptedModel(["It is done."], name="quick", repeat=True, on_device=True)
    return Copilot(settings=Settings(home=home, tiers=(Tier("quick", model),)))


def test_a_message_that_begins_with_a_prompts_name(open_app: Open, shelf: Shelf, own_home: Path, the_desk: The) -> None:
    shelf.save(LETTER)
    with copilot(own_home) as own:
        app = open_app(copilot=own)
        app.chat_input(key="chat-input").set_value("/letter the roof").run()
        settle(app, the_desk())
        app.chat_input(key="chat-input").set_value("/letter").run()
        assert app.text_area(key="fill-letter-who").value == "the landlord"
        app.button(key="fill-go-letter").click().run()
        assert len(own.record.records()) == 1  # nothing is asked while something is missing
        app.chat_input(key="chat-input").set_value("/letter").run()
        app.text_area(key="fill-letter-matter").set_value("the boiler")
        app.button(key="fill-go-letter").click().run()
        settle(app, the_desk())
        assert not app.exception
        asked = [turn.asked for turn in own.record.turns(app_thread(app))]
    assert asked == ["Write to the landlord about the roof.", "Write to the landlord about the boiler."]


def test_chips_of_an_empty_chat(open_app: Open, shelf: Shelf, own_home: Path, the_desk: The) -> None:
    shelf.save(Prompt("plain", "Plain", "Do it plainly."))
    with copilot(own_home) as own:
        app = open_app(copilot=own)
        app.button(key="chip-summarise").click().run()
        assert app.text_area(key="fill-summarise-points").value == "5"
        app.button(key="chip-plain").click().run()
        settle(app, the_desk())
        assert not app.exception
        assert [turn.asked for turn in own.record.records()] == ["Do it plainly."]


def settle(app: AppTest, desk: Desk) -> None:
    """Let the turn come to its end, as the page's own polling would."""
    turn = desk.turn(app_thread(app))
    assert turn is not None
    turn.wait(60)
    app.run()


def app_thread(app: AppTest) -> str:
    thread = app.query_params["thread"]
    return thread[0] if isinstance(thread, list) else thread
