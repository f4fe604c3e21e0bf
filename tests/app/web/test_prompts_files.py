"""Prompts as files: nothing is lost on the way in and out, whoever wrote them."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.errors import InvalidInput, UnknownName
from tierwise_app.prompts import (
    Prompt,
    Shelf,
    Variable,
    all_tags,
    export_zip,
    fill,
    find_prompt,
    import_files,
    missing,
    read_text,
    rest_of,
    search,
    slug,
    suggested,
    suggestions,
    write_text,
)
from tierwise_app.prompts import shelf as shelf_module

NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)
WORDS = st.text(max_size=40)
KEYS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,10}", fullmatch=True)
TIMES = st.none() | st.datetimes(min_value=datetime(1990, 1, 1), timezones=st.just(UTC))
TEXTS = st.lists(st.sampled_from(("---", "{{a}}", "title: x", "\n", "\r\n", "#", " ")) | st.text(max_size=20)).map(
    "".join
)
YAML = st.none() | st.booleans() | st.integers() | st.text(alphabet="ab:-#'\"\n {}[]é", max_size=12)
PROMPTS = st.builds(
    Prompt,
    name=NAMES,
    title=WORDS,
    text=TEXTS.map(lambda text: f"x{text}"),
    description=WORDS,
    tags=st.lists(WORDS, max_size=3).map(tuple),
    described=st.lists(st.builds(Variable, KEYS, WORDS, TEXTS), max_size=3, unique_by=lambda v: v.name).map(tuple),
    created=TIMES,
    updated=TIMES,
    other=st.dictionaries(
        KEYS.filter(lambda key: key not in ("title", "description", "tags", "variables", "created", "updated")),
        YAML | st.lists(YAML, max_size=2) | st.dictionaries(KEYS, YAML, max_size=2),
        max_size=2,
    ),
)


@given(PROMPTS)
def test_what_is_written_is_read(prompt: Prompt) -> None:
    assert read_text(prompt.name, write_text(prompt)) == prompt
    assert write_text(prompt).encode()  # a file can hold it


@given(st.text() | st.text(alphabet="-\n:[]{}!&*abc '\"").map(lambda text: f"---\n{text}\n---\nx"))
def test_any_file_is_a_prompt_or_says_what_is_wrong(text: str) -> None:
    try:
        read_text("any", text)
    except InvalidInput as error:
        assert str(error).endswith(".")


def test_a_file_written_by_hand() -> None:
    prompt = read_text(
        "by-hand",
        "\ufeff---\r\ntitle: 2026\r\ntags: Work, letters, work\r\nvariables:\r\n  who: Who gets it\r\nauthor: Ada\r\n"
        "likes: 2\r\ncreated: 2026-11-27\r\n---\r\n\r\nWrite to {{ who }} about {{what}}, {{who}}.\r\n",
    )
    assert (prompt.title, prompt.tags, prompt.other) == ("2026", ("work", "letters"), {"author": "Ada", "likes": 2})
    assert prompt.variables == (Variable("who", "Who gets it"), Variable("what"))
    assert prompt.created == datetime(2026, 11, 27, tzinfo=UTC)
    assert read_text("just-text", "Do it.\n") == Prompt("just-text", "Just text", "Do it.")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("---\ntitle: a\n\nText", "has no end"),
        ("---\ntitle: [a\n---\nText", "not valid YAML"),
        ("---\ntitle: a\ntitle: b\n---\nText", "one thing twice"),
        ("---\na: &a [b]\nc: *a\n---\nText", "another part of itself"),
        ("---\na: " + "[" * 2000 + "\n---\nText", "nested too deep"),
        ("---\nx: !!python/object/apply:os.system ['true']\n---\nText", "not valid YAML"),
        ("---\n- a\n---\nText", "not a list of names"),
        ("---\ntitle: {a: b}\n---\nText", "title is not a text"),
        ("---\nvariables:\n  a: {defualt: x}\n---\nText", "defualt"),
        ("---\nvariables:\n  1a: x\n---\nText", "1a"),
        ("---\ncreated: soon\n---\nText", "created is no time"),
        ("---\ntitle: a\n---\n", "has no text"),
        (f"---\ntitle: {'a' * 60_000}\n---\nText", "longer than 50,000"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_text("broken", text)


def test_filling() -> None:
    prompt = Prompt(
        "translate", "Translate", "Into {{language}}:\n{{text}}", described=(Variable("language", default="English"),)
    )
    assert missing(prompt, {}) == (Variable("text"),)
    assert missing(prompt, {}, "Guten Tag") == ()
    assert fill(prompt, {}, "Guten Tag") == "Into English:\nGuten Tag"
    assert fill(prompt, {"text": "{{language}}", "language": "French"}, "Be brief.") == (
        "Into French:\n{{language}}\n\nBe brief."
    )
    with pytest.raises(InvalidInput, match="needs text"):
        fill(prompt, {"text": "  "})
    assert fill(Prompt("plain", "", "Do it."), {}, "Now.") == "Do it.\n\nNow."


def test_a_message_that_calls_a_prompt(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.save(Prompt("tidy", "Tidy", "Tidy this: {{notes}}"))
    own = find_prompt(tmp_path, "/Tidy  milk,\neggs ")
    assert own is not None and fill(own, {}, rest_of("/Tidy  milk,\neggs ")) == "Tidy this: milk,\neggs"
    assert find_prompt(tmp_path, "/summarise") == suggested()[0]
    shelf.save(Prompt("summarise", "Mine", "Mine"))
    assert find_prompt(tmp_path, "/summarise x").title == "Mine"  # type: ignore[union-attr]
    for text in ("tidy", "/etc/passwd", "/ tidy", "/nothing-of-that-name", "see /tidy", ""):
        assert find_prompt(tmp_path, text) is None
    assert rest_of("see /tidy") == "see /tidy"


def test_the_shelf(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    assert shelf.read() == ([], [])
    first = shelf.save(Prompt("b", "Beta", "x"), mark="", now=datetime(2026, 1, 1, tzinfo=UTC))
    assert (shelf.folder / "b.md").stat().st_mode & 0o077 == 0
    (shelf.folder / "a.md").write_text("---\ntitle: [\n---\nkept", encoding="utf-8")
    (shelf.folder / "By Hand.md").write_text("x", encoding="utf-8")
    (shelf.folder / "latin.md").write_bytes(b"caf\xe9")
    (shelf.folder / ".hidden.md").write_text("x", encoding="utf-8")
    prompts, broken = shelf.read()
    assert prompts == [first] and shelf.get("a") is None
    assert [(b.path.name, b.text) for b in broken] == [
        ("By Hand.md", "x"),
        ("a.md", "---\ntitle: [\n---\nkept"),
        ("latin.md", ""),
    ]
    assert "by-hand.md" in broken[0].problem and "UTF-8" in broken[2].problem

    (shelf.folder / "b.md").write_text("Now by hand, and longer.", encoding="utf-8")
    assert shelf.get("b").text == "Now by hand, and longer."  # type: ignore[union-attr]
    with pytest.raises(InvalidInput, match="already"):
        shelf.save(Prompt("b", "New", "x"), mark="")
    mark = shelf.mark("b")
    (shelf.folder / "b.md").write_text("Again by hand.", encoding="utf-8")
    for change in (lambda: shelf.save(first, mark=mark), lambda: shelf.rename("b", Prompt("c", "C", "x"), mark=mark)):
        with pytest.raises(InvalidInput, match="somebody else"):
            change()
    assert shelf.get("b").text == "Again by hand."  # type: ignore[union-attr]

    shelf.rename("b", Prompt("c", "C", "x"), mark=shelf.mark("b"))
    assert (shelf.has("b"), shelf.has("c"), shelf.free_name("C")) == (False, True, "c-2")
    with pytest.raises(InvalidInput):
        shelf.save_text("a", "---\ntitle: [\n---\nstill broken")
    assert "kept" in (shelf.folder / "a.md").read_text(encoding="utf-8")
    long = Prompt("long", "Long", "{{a}}", described=(Variable("a", default="x" * 60_000),))
    with pytest.raises(InvalidInput, match="longer than"):
        shelf.save(long)
    assert not shelf.has("long")
    shelf.save_text("a", "Mended.")
    shelf.discard("latin.md")
    shelf.delete("c")
    assert [prompt.name for prompt in shelf.read()[0]] == ["a"]
    for gone in ("c", "../secret", "/etc/passwd"):
        with pytest.raises(UnknownName):
            shelf.delete(gone)
        assert shelf.get(gone) is None


def test_searching(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.save(Prompt("old", "Old", "Write to the landlord", tags=("Letters",)), now=datetime(2026, 1, 1, tzinfo=UTC))
    shelf.save(Prompt("new", "New", "x", description="For Work", tags=("work",)), now=datetime(2026, 2, 1, tzinfo=UTC))
    own, _ = shelf.read()
    assert [p.name for p in search(own, "LANDLORD write")] == ["old"]
    assert [p.name for p in search(own, "work")] == [p.name for p in search(own, "/new")] == ["new"]
    assert search(own, "", ["work", "letters"]) == []
    assert all_tags(own) == ["letters", "work"]
    assert [p.name for p in suggestions(tmp_path, 3)] == ["new", "old", suggested()[0].name]


def test_suggested_prompts_are_fit_to_be_offered() -> None:
    files = {path.stem for path in (Path(shelf_module.__file__).parent / "suggested").iterdir()}
    assert {prompt.name for prompt in suggested()} == files
    for prompt in suggested():
        assert prompt.description and prompt.tags and not prompt.other
        assert {v.name for v in prompt.described} == {v.name for v in prompt.variables}
        assert all(variable.description for variable in prompt.variables)
        values = {variable.name: f"<{variable.name}>" for variable in prompt.variables}
        assert all(value in fill(prompt, values) for value in values.values())


def test_in_and_out_in_a_zip(tmp_path: Path) -> None:
    here, there = Shelf(tmp_path / "here"), Shelf(tmp_path / "there")
    for n in range(3):
        here.save(Prompt(f"p{n}", f"Prompt {n}", f"Do {n} with {{{{it}}}}."))
    packed = export_zip(here.read()[0])
    assert [i.outcome for i in import_files(there, [("all.zip", packed)])] == ["added"] * 3
    assert there.read() == here.read() or there.read()[0] == here.read()[0]
    assert {i.outcome for i in import_files(there, [("all.zip", packed)])} == {"skipped"}


def test_importing_says_what_became_of_each_file(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.save(Prompt("tidy", "Tidy", "Mine"))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("../../../outside.md", "Outside")
        packed.writestr("__MACOSX/x.md", "no")
        packed.writestr("folder/large.md", "x" * 400_001)
        packed.writestr("readme.txt", "no")
    files = [
        ("Tidy.md", b"Theirs"),
        ("bad.md", b"---\ntitle: [\n---\nx"),
        ("latin.md", b"\xe9"),
        ("more.zip", buffer.getvalue()),
        ("no.zip", b"PK"),
    ]
    found = import_files(shelf, files)
    assert [(i.file, i.outcome, i.name) for i in found] == [
        ("Tidy.md", "added", "tidy-2"),
        ("bad.md", "failed", ""),
        ("latin.md", "failed", ""),
        ("outside.md", "added", "outside"),
        ("large.md", "failed", ""),
        ("no.zip", "failed", ""),
    ]
    assert sorted(path.name for path in tmp_path.rglob("*.md")) == ["outside.md", "tidy-2.md", "tidy.md"]
    assert import_files(shelf, files[:1], "skip")[0].outcome == "skipped"
    assert shelf.get("tidy").text == "Mine"  # type: ignore[union-attr]
    assert import_files(shelf, files[:1], "replace")[0].outcome == "replaced"
    assert shelf.get("tidy").text == "Theirs"  # type: ignore[union-attr]


def test_names_from_titles() -> None:
    assert [slug(title) for title in ("Tidy my notes!", "Ärger über Öl", "--", "日本")] == [
        "tidy-my-notes",
        "arger-uber-ol",
        "prompt",
        "prompt",
    ]
