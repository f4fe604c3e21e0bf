"""Bytes to text: encodings are recognised, guesses are said, and what is no text is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.errors import InvalidInput
from tierwise.knowledge.reading.plain import decode, read_plain

SAMPLES = Path(__file__).parents[3] / "data" / "documents"
GERMAN = "Die Größe der Tür beträgt zwei Meter. Ärger über Öl.\n"
RUSSIAN = "Привет, как дела? Это письмо написано по-русски, и его можно прочитать.\n"  # noqa: RUF001
POLISH = "Wszystkie dzieci są nasze. Proszę państwa, dziękuję bardzo za przyjście na spotkanie w Łodzi.\n" * 10
JAPANESE = "これは日本語の文章です。文字コードを確認します。\n"


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\ufeff\0"), min_size=1))
def test_utf8_is_itself(text: str) -> None:
    if sum(c < " " or c == "\x7f" for c in text) <= 2:
        assert decode(text.encode()) == (text, [])
    assert decode(text.encode("utf-8-sig"))[0] == text


@given(
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\ufeff\0"), min_size=1),
    st.sampled_from(["utf-16", "utf-32"]),
)
def test_a_mark_says_what_it_is(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == (text, [])


@pytest.mark.parametrize(
    ("text", "encoding", "named"),
    [
        ("“Größe” … 5 €", "cp1252", "Windows-1252"),
        (GERMAN * 50, "latin-1", "Windows-1252"),
        ("name;ort\nMüller;Köln\nJosé;Malmö\n", "latin-1", "Windows-1252"),
        ("price 5 £ each", "latin-1", "Windows-1252"),
        (RUSSIAN, "cp1251", "Windows-1251"),
        (RUSSIAN, "koi8-r", "KOI8-R"),
        (POLISH, "cp1250", "Windows-1250"),
        (JAPANESE, "shift_jis", "CP932"),
        (JAPANESE, "euc-jp", "EUC-JP"),
        (GERMAN, "utf-16-le", "UTF-16-LE"),
        (GERMAN, "utf-16-be", "UTF-16-BE"),
    ],
)
def test_an_encoding_that_is_guessed_is_said(text: str, encoding: str, named: str) -> None:
    read, (warning,) = decode(text.encode(encoding))
    assert read == text
    assert named in warning


def test_a_real_list_of_authors_in_latin_1() -> None:
    text, (warning,) = decode((SAMPLES / "AUTHORS.ed").read_bytes())
    assert "by François Pinard." in text
    assert "Windows-1252" in warning


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"ok \xff\xfe\x80 ok", "ok \ufffd\ufffd\ufffd ok"),
        ((GERMAN * 20).encode() + b"\xff\xc3 broken", GERMAN * 20 + "\ufffd\ufffd broken"),
        ("größe".encode("utf-16")[:-1], "größ\ufffd"),
    ],
)
def test_what_is_not_valid_is_marked_and_counted(data: bytes, text: str) -> None:
    read, (warning,) = decode(data)
    assert read == text
    assert "\ufffd" in warning


def test_what_a_document_declares_is_believed_unless_it_is_utf8() -> None:
    assert decode("Žižka".encode("iso-8859-2"), declared="iso-8859-2") == ("Žižka", [])
    assert decode("Žižka".encode(), declared="iso-8859-1") == ("Žižka", [])
    assert decode("“x”".encode("cp1252"), declared="ISO-8859-1") == ("“x”", [])
    assert decode(JAPANESE.encode("iso-2022-jp"), declared="iso-2022-jp") == (JAPANESE, [])


@pytest.mark.parametrize("charset", ["undefined", "punycode", "unicode_escape", "utf-7", "rot13", "no such thing"])
def test_what_is_no_charset_is_not_used(charset: str) -> None:
    assert decode(b"plain \\ud800 +2AA- words", declared=charset) == ("plain \\ud800 +2AA- words", [])


@pytest.mark.parametrize(
    "data", [bytes(range(256)) * 10, b"PK\x03\x04\xff\xfe\x01\x02\x05\x06" * 99, b"ab\0\0\0\0cd" * 9]
)
def test_binary_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="binary"):
        read_plain(data, "a.txt")


def test_a_few_control_characters_do_not_make_it_binary() -> None:
    assert decode(b"# \x1b]0;owned\x07 title\x1b[2J")[0].startswith("# ")
    assert decode(b"x" * 1000 + b"\0")[0] == "x" * 1000 + "\0"
