"""Data files entry by entry, bounded whatever they hold."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from well_formed import assert_well_formed, said, sample

from tierwise.errors import InvalidInput
from tierwise.knowledge.document import Document
from tierwise.knowledge.reading import values
from tierwise.knowledge.reading.data import read_data

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=12), inner, max_size=6),
    max_leaves=40,
)


def read(text: str, name: str) -> Document:
    document = read_data(text.encode(), name)
    assert_well_formed(document)
    assert document.kind == "data"
    return document


def heads(document: Document) -> list[tuple[str | None, str]]:
    page = document.pages[0]
    return [(block.head, said(page, block)) for block in page.blocks]


def test_minified_json_of_jq_is_laid_out_with_a_record_an_element() -> None:
    document = read_data(sample("iso_3166-3.min.json"), "iso/iso_3166-3.min.json")
    text = document.pages[0].text
    assert document.title == "iso_3166-3.min.json"
    assert json.loads(text) == json.loads(sample("iso_3166-3.min.json"))
    assert max(map(len, text.splitlines())) < 300
    assert len(document.pages[0].blocks) == 31
    head, record = next((h, r) for h, r in heads(document) if "Burma" in r)
    assert head == "3166-3[3]" and "BUMM" in record
    assert_well_formed(document)


def test_json_that_people_can_read_stays_as_it_is() -> None:
    text = '{\n  "name": "x",  // why\n  "paths": {"/users": {"get": 1}},\n  "list": [1, 2],\n}\n'
    document = read(text, "a.json")
    assert document.pages[0].text == text and document.warnings == ()
    assert heads(document) == [
        ("name", '"name": "x"'),
        ("paths", '"paths": {"/users": {"get": 1}}'),
        ("list", '"list": [1, 2]'),
    ]


def test_large_entries_are_taken_apart_under_their_path() -> None:
    text = json.dumps({"paths": {f"/p{n}": {"get": {"text": "word " * 60}} for n in range(9)}}, indent=1)
    assert [head for head, _ in heads(read(text, "api.json"))][:2] == ["paths > /p0", "paths > /p1"]


def test_letters_in_escapes_can_be_found() -> None:
    document = read('{"caf\\u00e9": ["\\u65e5\\u672c", "a\\\\u0041", "\\ud83d\\ude00", "\\ud800"]}', "a.json")
    assert (
        document.pages[0].text == '{\n  "café": [\n    "日本",\n    "a\\\\u0041",\n    "😀",\n    "\\ud800"\n  ]\n}\n'
    )


def test_lines_of_json_are_records() -> None:
    assert heads(read('{"a": 1}\n\n{"b": {"c": 2}}\n', "log.jsonl")) == [
        ("[0]", '{"a": 1}'),
        ("[1]", '{"b": {"c": 2}}'),
    ]


def test_yaml_of_a_perl_module_with_aliases() -> None:
    document = read_data(sample("distroprefs.yml"), "distroprefs.yml")
    assert document.pages[0].text == sample("distroprefs.yml").decode()
    assert ("mapping > goto", "goto:\n    type: text") in heads(document)
    assert_well_formed(document)


def test_toml_by_table() -> None:
    document = read_data(sample("idna.toml"), "idna.toml")
    assert ("tool.ruff", "[tool.ruff]\nline-length = 127") in heads(document)
    tricky = 'title = "a [b]"\n[one] # [two]\nx = """\n[three]\n"""\n[[four]]\n'
    assert [head for head, _ in heads(read(tricky, "a.toml"))] == [None, "one", "four"]


@pytest.mark.parametrize(
    "text", ["{'a': 1}", '{"a": 1', '{"a" 1}', '{"a": 1}}', "[1 2]", '{"a": "b', "{]", '{"a":,}', "[,]", "/*", "@"]
)
def test_what_is_not_json_is_read_as_text_and_said(text: str) -> None:
    document = read(text, "a.json")
    assert document.pages[0].text == text
    assert "not valid JSON" in document.warnings[0]


def test_templates_are_not_yaml_and_bad_toml_is_text() -> None:
    assert "not valid YAML" in read("{{ if }}: [\n", "a.yaml").warnings[0]
    assert "not valid TOML" in read("a = \n", "a.toml").warnings[0]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[" * 100_000, "a.json"),
        ('{"a":' * 100_000, "a.json"),
        ("- " * 50_000, "a.yaml"),
        ("{a: " * 50_000, "a.yaml"),
        ("[" * 50_000, "a.yml"),
    ],
)
def test_nesting_without_reason_is_refused(text: str, name: str) -> None:
    with pytest.raises(InvalidInput, match="nested more than 100 levels"):
        read(text, name)


def test_an_alias_bomb_is_just_its_own_text() -> None:
    text = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert read(text, "a.yaml").pages[0].text == text


def test_tags_are_never_obeyed() -> None:
    text = "!!python/object/apply:os.system ['touch x']\n"
    assert read(text, "a.yaml").pages[0].text == text


def test_xml_is_text_and_its_entities_stay() -> None:
    text = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<a>&x;</a>\n'
    assert read(text, "a.xml").pages[0].text == text


def test_more_values_than_memory_allows_are_read_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("json_marks", "yaml_marks"):
        monkeypatch.setattr(f"tierwise.knowledge.reading.{module}.MOST_VALUES", 50)
    assert values.MOST_VALUES > 50
    assert "so many values" in read(json.dumps(list(range(60))), "a.json").warnings[0]
    assert "so many values" in read("- 1\n" * 60, "a.yaml").warnings[0]
    # What is too small to be taken apart counts as one.
    assert read(json.dumps([{"a": 1, "b": [2, 3]}] * 40), "a.json").warnings == ()
    assert read("- {a: 1, b: [2, 3]}\n" * 40, "a.yaml").warnings == ()


@given(JSON, st.sampled_from([None, 1]), st.booleans())
def test_laid_out_json_says_the_same(value: object, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    if "\\ud" in text:
        return
    document = read(text, "a.json")
    assert document.warnings == ()
    assert json.loads(document.pages[0].text) == value


@given(
    st.text(alphabet="{}[]:,\"\\ \nab1-#&*!|>=.'é", max_size=60),
    st.sampled_from(["a.json", "a.jsonl", "a.yaml", "a.toml"]),
)
def test_any_text_is_read_or_refused(text: str, name: str) -> None:
    try:
        read(text, name)
    except InvalidInput:
        return
