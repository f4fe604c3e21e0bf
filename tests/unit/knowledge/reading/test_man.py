"""Manual pages as a reader sees them, of both macro packages and of the programs that write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from well_formed import assert_well_formed, blocks, said, sample, titles

from tierwise.errors import InvalidInput
from tierwise.knowledge.document import Document, Page
from tierwise.knowledge.reading.man import read_man

PIECES = st.sampled_from(
    [
        *(".TH A 1\n", ".SH NAME\n", ".SH\n", ".SS x\n", ".TP\n", ".IP \\(bu 2\n", ".IP\n", ".PP\n"),
        *(".RS\n", ".RE\n", ".nf\n", ".fi\n", "a b\n", "\n", ".B x\\c\n", ".BR a (1)\n", ".TS\n", "l l.\n"),
        *("a\tb\n", "T{\n", "T}\n", ".TE\n", ".if n \\{\\\n", ".\\}\n", ".el x\n", ".ie t y\n", ".de M\n"),
        *("..\n", ".M\n", ".ds a \\*a\\*a\n", "\\*a\n", ".ig\n", ".so x\n"),
        *("\\fB\\h'1'\\(em\\[u263a]\\N'65'\\o'ab'\n", ".nr x +1\n", "\\nx \\\\$1\n", ".Dd today\n"),
        *(".Dt B 8\n", ".Sh NAME\n", ".Bl -tag\n", ".Bl -column\n", ".It Fl a Ar b\n", ".It Xo\n", ".Xc\n"),
        *(".El\n", ".Bd -literal\n", ".Ed\n", ".Op Fl x Ns Ar y , .\n", ".Oo\n", ".Oc Ns x\n", ".Fo f\n"),
        *(".Fa a\n", ".Fc\n", ".Sm off\n", ".Rs\n", ".%A x\n", ".Re\n", "ü\\", "'br\n", '.\\"\n'),
    ]
)


def read(text: str) -> Document:
    document = read_man(text.encode(), "a.1")
    assert_well_formed(document)
    return document


def page_of(name: str) -> tuple[Document, Page]:
    document = read_man(sample(name), name)
    assert_well_formed(document)
    assert "\\f" not in document.pages[0].text and "\n." not in document.pages[0].text
    return document, document.pages[0]


def test_a_page_that_help2man_wrote() -> None:
    document, page = page_of("mkdir.1")
    assert document.title == "mkdir(1): make directories"
    assert (document.kind, titles(page)[:3]) == ("man", [(1, "NAME"), (1, "SYNOPSIS"), (1, "DESCRIPTION")])
    assert "mkdir [OPTION]... DIRECTORY..." in page.text
    option = next(block for block in page.blocks if block.head == "-m, --mode=MODE")
    assert option.kind == "record"
    assert said(page, option) == "-m, --mode=MODE\n    set file mode (as in chmod), not a=rwx - umask"


def test_a_page_of_openssh_in_mdoc() -> None:
    document, page = page_of("ssh-keyscan.1")
    assert document.title == "ssh-keyscan(1): gather SSH public keys from servers"
    assert "ssh-keyscan [-46cDHv] [-f file]" in page.text
    option = next(block for block in page.blocks if block.head == "-T timeout")
    assert "Set the timeout for connection attempts." in said(page, option)
    assert any("$ ssh-keyscan" in text for text in blocks(page, "code"))
    assert "David Mazieres <dm@lcs.mit.edu>" in page.text and "ssh(1), sshd(8)" in page.text


def test_a_page_that_docbook_wrote() -> None:
    document, page = page_of("systemd-escape.1")
    assert document.title == "systemd-escape(1): Escape strings for usage in systemd unit names"
    assert next(b for b in page.blocks if b.head == "--suffix=").kind == "record"
    assert any("systemd-escape" in text for text in blocks(page, "code"))


def test_a_page_that_pod2man_wrote() -> None:
    document, page = page_of("time-local.3perl")
    assert document.title == "Time::Local(3perl): Efficiently compute time from local and GMT time"
    assert any(text.lstrip().startswith("use Time::Local") for text in blocks(page, "code"))
    assert (2, '"timelocal_posix()" and "timegm_posix()"') in titles(page)


def test_a_table_of_man_pages() -> None:
    _, page = page_of("memmem.3")
    (table,) = (block for block in page.blocks if block.kind == "table")
    assert said(page, table).split("\n") == ["Interface | Attribute | Value", "memmem() | Thread safety | MT-Safe"]
    assert table.head == "Interface | Attribute | Value"
    assert "void *memmem(const void haystack[.haystacklen], size_t haystacklen," in page.text


def test_escapes_are_what_they_look_like() -> None:
    page = read(
        r".SH X"
        "\n"
        r"a\-b \fBbold\fP\f(CWx\f[R] \(em \[aq]q\[aq] \e \\ \(co\s-1S\s0 \[u263A] \N'65' \*(lqz\*(rq \:u\&"
        "\n"
    ).pages[0]
    assert page.text == "X\n\na-b boldx \u2014 'q' \\ \\ \u00a9S \u263a A \u201cz\u201d u"


def test_conditions_macros_and_strings_are_carried_out() -> None:
    text = r""".ds who world
.de Hi
Hello \\$1, \*[who]!
..
.ie t paper
.el screen
.if \n(.g \{\
new
.\}
.if t \{
never
.if n \{
nor this
.\}
.\}
.Hi "big one"
"""
    assert read(text).pages[0].text == "screen new Hello big one, world!"


def test_lists_hang_and_numbers_stand_before_their_words() -> None:
    text = ".SH X\n.TP\n.B \\-a\nfirst\n.RS\n.IP 1. 4\none\n.IP 2. 4\ntwo\n.RE\n"
    page = read(text + '.TP\n.BR \\-b ", " \\-\\-bee\nsecond\n.IP\nmore\n.PP\nend\n').pages[0]
    assert [(b.kind, b.head) for b in page.blocks] == [("record", "-a"), ("record", "-b, --bee")]
    assert said(page, page.blocks[0]) == "-a\n    first\n\n    1. one\n\n    2. two"
    assert said(page, page.blocks[1]).endswith("more") and page.text.endswith("\n\nend")


def test_a_page_that_only_points_to_another_says_so() -> None:
    with pytest.raises(InvalidInput, match=r"its text is in man3/printf\.3\. Bring in that page"):
        read_man(b".so man3/printf.3\n", "fprintf.3")
    assert "man1/x" in read(".TH A 1\n.SH X\nwords\n.so man1/x\n").warnings[0]


def test_macros_that_multiply_are_stopped() -> None:
    for text in (
        ".de a\n.a\n.a\nx\n..\n.a\n",
        ".ds a " + "x" * 5000 + "\n.ds b " + "\\*a" * 100 + "\n" + "\\*b\n" * 2000,
    ):
        with pytest.raises(InvalidInput, match="far more text"):
            read(text)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_page_has_its_parts_within_it(text: str) -> None:
    try:
        read(text)
    except InvalidInput:
        return


def test_long_lines_cost_no_more_than_their_length() -> None:
    for text in (
        ".B " + "a " * 50_000,
        ".Dd x\n.Op " + ". " * 50_000,
        "\\h'" * 50_000,
        ".if n " * 20_000,
        ".if " + "(" * 50_000,
        ".Dd\n.Ar " + "a " * 50_000,
    ):
        read(text + "\nx\n")
