"""A path means one place below the folder, or is refused with the reason."""

# ruff: noqa: RUF001 -- characters that look like others are the point

from __future__ import annotations

import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise_tools import ToolError
from tierwise_tools.files.paths import names_of


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("", ()),
        (".", ()),
        ("notes.txt", ("notes.txt",)),
        ("./a//b/./c.txt", ("a", "b", "c.txt")),
        ("x/../notes.txt", ("notes.txt",)),
        ("x/../y/../Zweck ½.txt", ("Zweck ½.txt",)),
        ("Anna's notes (final), v2 + R&D = 100%.txt", ("Anna's notes (final), v2 + R&D = 100%.txt",)),
        ("größe/日記 2024.txt", ("größe", "日記 2024.txt")),
        ("家族👨\u200d👩\u200d👧.png", ("家族👨\u200d👩\u200d👧.png",)),
        ("می\u200cخواهم.txt", ("می\u200cخواهم.txt",)),
        ("report%20final.txt", ("report%20final.txt",)),
        ("https%3A%2F%2Fexample.org%2Fa.html", ("https%3A%2F%2Fexample.org%2Fa.html",)),
        ("%e6%97%a5.txt", ("%e6%97%a5.txt",)),
        ("archive.tar.gz", ("archive.tar.gz",)),
        ("..data/wait...txt", ("..data", "wait...txt")),
        ("and so on….txt", ("and so on….txt",)),
        ("concert/console.log", ("concert", "console.log")),
        ("file~", ("file~",)),
        ("costs $5.txt", ("costs $5.txt",)),
        ("12:30 talk.txt", ("12:30 talk.txt",)),
    ],
)
def test_ordinary_paths_are_taken(path: str, names: tuple[str, ...]) -> None:
    assert names_of(path) == names


@pytest.mark.parametrize(
    "path",
    [
        *["..", "../x", "a/../..", "a/../../b", "./.././x", "a/b/../../../c"],
        *["/x", "//x", "/", "~", "~/x", "~root/x", "$HOME/x", "${PWD}/x", "$(pwd)", "%APPDATA%/x", "a/%TEMP%/x"],
        *["C:", "c:/x", "C:x", "a::$DATA", "a\\b", "..\\x", "\\\\host\\share", "nul", "NUL.txt", "x/Com1", "lpt9.log"],
        *["aux .c", "COM².txt", "conin$"],
        *["   ", "\t", "a\0b", "a\nb", "a\x7fb", "a\u202eb", "a\u200bb", "\ufeffa", "a\u2028b", "a\x85b", "a\ud800"],
        *["-n", "--version", "a;b", "a|b", "`id`", "a>b", "a<b", "a && b", "a" * 256, "日" * 90, "d/" * 600 + "x"],
        *[
            "．．/x",
            "‥/x",
            "․․/x",
            "x/。。/../．．",
            "／x",
            "a／..／x",
            "..∕x",
            "..⁄x",
            "∕etc",
            "...",
            "....//x",
            ". ./x",
        ],
        *["%2e%2e/x", "%2E./x", "..%2fx", "..%5cx", "%2fetc%2fpasswd", "%252e%252e%252fx", "%c0%ae%c0%ae/x", "%00"],
        *["..%c0%afx", "%u002e%u002e/x", "..%u2215x", "％2e％2e／x", "a%2f..%2f..%2fx", "%e0%80%ae./x", "%25%32%65./x"],
        *[".env", ".ssh/id_rsa", "a/.git/config", "\u200d.env", ".\u200d./x", "..\u200c", "\u200d"],
    ],
    ids=ascii,
)
def test_everything_that_could_mean_another_place_is_refused(path: str) -> None:
    with pytest.raises(ToolError) as caught:
        names_of(path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


PIECES = [
    *["..", ".", "/", "a", " ", "%2e", "%2f", "%5c", "%25", "．", "／", "∕", "\\", "\0"],
    *["~", "-", "…", "\u200d", "‥", "日"],
]


@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=12).map("".join)))
def test_what_is_taken_stays_inside_however_it_is_read(path: str) -> None:
    try:
        names = names_of(path)
    except ToolError:
        return
    for name in names:
        for reading in (name, unicodedata.normalize("NFKC", name), unquote(name), unquote(unquote(name))):
            assert reading not in ("", ".", "..")
            assert not reading.startswith(("/", "\\"))
            assert not {"..", "."} & set(reading.replace("\\", "/").split("/"))
        assert "/" not in name
        assert "\0" not in name
    assert names_of("/".join(names)) == names or names[0].startswith("-")
