"""A page as a person sees it, whatever its markup does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise_tools.web.body import decoded
from tierwise_tools.web.markup import read_page


def text_of(markup: str) -> str:
    return read_page(markup).text


def test_a_page_is_laid_out_as_text() -> None:
    page = read_page(
        "<!DOCTYPE html><html><head><title> Bread &amp;\n butter </title><base href='/shop/'></head><body>"
        "<h1>Our <i>bread</i></h1>\n<p>Fresh <b>every</b>day.<br>Really.<ul><li>rye<li>oat</ul>"
        "<table><tr><th>kind<th>price<tr><td>rye<td>2 &euro;</table><pre>a\n  b</pre>"
        "<p>See <a href='list?a=1&amp;b=2'>the <em>list</em></a>.</body></html>"
    )
    assert page.title == "Bread & butter"
    assert page.base == "/shop/"
    assert page.text == (
        "# Our bread\n\nFresh everyday.\nReally.\n\n- rye\n- oat\n\nkind | price\nrye | 2 €\n\na\n  b\n\nSee the list."
    )
    (link,) = page.links
    assert (link.words, link.reference) == ("the list", "list?a=1&b=2")


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>if (a < b) { x = '<p>no</p>' }</script>",
        "<SCRIPT type=x>no</ScRiPt >",
        "<style>p::after { content: '</p>no' }</style>",
        "<!-- no --><!-- <p>no</p> -->",
        "<template><p>no</p></template>",
        "<noscript>no</noscript>",
        "<svg><text>no</text><svg></svg>no</svg>",
        "<p hidden>no</p>",
        "<div hidden><div>no</div>no</div>",
        "<div style='color: red; DISPLAY : none'>no</div>",
        '<span style="visibility:hidden">no</span>',
        "<span style=opacity:0>no</span>",
        "<span style='font-size:0px'>no</span>",
        "<span aria-hidden=true>no</span>",
        "<span aria-hidden='TRUE'>no<!-- </span> --></span>",
        "<iframe src=x>no</iframe>",
        "<textarea>no</textarea>",
        "<input type=hidden value=no>",
        "<img alt=no src=x>",
        "<a title='>no'></a>",
        "<?php no ?>",
        "<![CDATA[no]]>",
        "<meta http-equiv=refresh content='0;url=http://no/'>",
    ],
)
def test_what_nobody_sees_is_left_out(hidden: str) -> None:
    assert text_of(f"<p>before</p>{hidden}<p>after</p>") == "before\n\nafter"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("a < b and c > d", "a < b and c > d"),
        ('<p title="it\'s" class=a">one</p>', "one"),
        ('<p data-x="a>b">one</p>', "one"),
        ("<p>one<p hidden>two<p>three", "one\n\nthree"),
        ("<svg/>after", "after"),
        ("<body style='opacity:0'>shown later</body>", "shown later"),
        ("<p style='opacity:0.9'>half</p>", "half"),
        ("&#" + "9" * 5_000 + ";", "&#" + "9" * 5_000 + ";"),
        ("one<a href='x", "one"),
        ("one<!-- two", "one"),
        ("one<script>two", "one"),
        ("</p></nonsense></>one", "one"),
        ("", ""),
    ],
)
def test_bad_markup_is_read_as_a_browser_would(markup: str, text: str) -> None:
    assert text_of(markup) == text


def test_the_main_part_is_taken_if_there_is_one() -> None:
    words = "word " * 60
    page = read_page(f"<nav><a href=/n>menu</a></nav><main>{words}<a href=/m>more</a></main><footer>end</footer>")
    assert page.text == f"{words}more"
    assert [link.reference for link in page.links] == ["/m"]
    assert text_of("<nav>menu</nav><main>short</main>") == "menu\n\nshort"


@pytest.mark.parametrize(
    "piece",
    [
        *[
            "<a ",
            "<a x=",
            '<a href="',
            "<a '",
            "<!--",
            "<!",
            "<![CDATA[",
            "<?",
            "</",
            "</a ",
            "&",
            "&#",
            "<div>",
            "<a>",
        ],
        *["<p>", "<script>", "<title>", "<div hidden>", "<li hidden>", '<a ">', '<a "> "', "<a href=x>y<b>", "<main>"],
        *["<a   =   ", "<x/", "<a =' "],
    ],
)
@pytest.mark.parametrize("end", ["", ">", '">', "-->"])
def test_hostile_markup_takes_no_longer_than_any_other(piece: str, end: str) -> None:
    read_page(piece * 20_000 + end)  # the parser of the standard library takes minutes for some of these


@given(
    st.lists(
        st.sampled_from(["<", ">", "/", "a", "p", "!", "-", '"', "'", "=", " ", "&", "hidden", "script", "é"])
    ).map("".join)
)
def test_any_markup_is_read(markup: str) -> None:
    page = read_page(markup)
    assert all(0 <= link.start <= len(page.text) + len(markup) for link in page.links)


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("größe".encode(), None, "größe"),
        ("größe".encode("latin-1"), "ISO-8859-1", "größe"),
        ("größe".encode("utf-16"), None, "größe"),
        ("\ufeffgröße".encode(), "ascii", "größe"),
        ("日本".encode("shift_jis"), "Shift_JIS", "日本"),
        ('<meta charset="windows-1251">привет'.encode("cp1251"), None, '<meta charset="windows-1251">привет'),
        (b"a\xffb", None, "a\ufffdb"),
        (b"a\r\n\x1b[2Jb\0", None, "a\n[2Jb"),
        (b"abc", "rot13", "abc"),
        (b"abc", "idna", "abc"),
        (b"abc", "cp99999", "abc"),
    ],
)
def test_text_is_decoded_as_declared(data: bytes, charset: str | None, text: str) -> None:
    assert decoded(data, charset) == text
