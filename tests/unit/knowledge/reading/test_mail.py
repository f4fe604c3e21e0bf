"""Mail: headers, words, quotations; attachments are named, damage is survived."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st
from well_formed import assert_well_formed, said, sample

from tierwise.errors import InvalidInput
from tierwise.knowledge.document import Document
from tierwise.knowledge.reading.mail import read_mail


def read(data: bytes) -> Document:
    document = read_mail(data, "a.eml")
    assert_well_formed(document)
    return document


def test_a_patch_that_git_wrote() -> None:
    document = read(sample("patch.eml"))
    text = document.pages[0].text
    assert (document.kind, document.title, document.date) == ("mail", "[PATCH] Add the first file", 1709629200.0)
    assert text.startswith("From: Anna Größe <anna@example.org>\nDate: Tue, 05 Mar 2024 10:00:00 +0100\nSubject: ")
    assert "It holds one letter.\n---\n a | 1 +" in text


def test_attachments_are_named_with_the_way_out() -> None:
    for name, attached in (("swaks.eml", "plan.html"), ("mpack.eml", "plan.txt")):
        document = read(sample(name))
        assert document.pages[0].text.endswith("\n\nPlease find the plan attached.\n")
        assert document.warnings == (
            f"Its attachments are not read with it: {attached}. Save them as files and bring those in.",
        )


def test_html_is_read_where_there_is_nothing_else() -> None:
    text = read(sample("swaks-html.eml")).pages[0].text
    assert "We meet on Friday at the café." in text and "<b>" not in text


def test_plain_text_is_preferred_to_html() -> None:
    message = EmailMessage()
    message["Subject"], message["From"] = "Größe", "a@b.example"
    message.set_content("plain words ü")
    message.add_alternative("<p>html words</p>", subtype="html")
    document = read(message.as_bytes())
    assert document.title == "Größe"
    assert document.pages[0].text.endswith("\n\nplain words ü\n") and document.warnings == () and document.date is None


def test_patches_are_read_and_signatures_and_invitations_are_not() -> None:
    message = EmailMessage()
    message["Subject"] = "x"
    message.set_content("See below.")
    message.add_attachment("+new line", subtype="x-patch", disposition="inline")
    message.add_attachment("BEGIN:VCALENDAR", subtype="calendar", filename="invite.ics")
    message.add_attachment(b"-----BEGIN PGP", maintype="application", subtype="pgp-signature")
    document = read(message.as_bytes())
    assert document.pages[0].text == "Subject: x\n\nSee below.\n\n+new line\n"
    assert "invite.ics" in document.warnings[0] and "pgp" not in document.warnings[0]


def test_a_quoted_reply_is_a_block_that_says_who_is_quoted() -> None:
    page = read(b"Subject: Re: x\n\nYes.\n\nOn Monday Bob wrote:\n> Shall we?\n>\n> At ten?\n\nAnna\n> again\n").pages[
        0
    ]
    assert [(b.kind, b.head, said(page, b)) for b in page.blocks] == [
        ("record", "On Monday Bob wrote:", "> Shall we?\n>\n> At ten?"),
        ("record", None, "> again"),
    ]


@pytest.mark.parametrize("charset", ["iso-8859-1", "no-such-thing", "utf-7", "", "hex", "\xff"])
def test_bad_charsets_are_survived(charset: str) -> None:
    head = f"Subject: x\nContent-Type: text/plain; charset={charset}\n\n".encode("latin-1")
    assert "Größe" in read(head + "Die Größe des Hauses ist groß, schöne Grüße".encode("latin-1")).pages[0].text


def test_encrypted_mail_says_so() -> None:
    for kind in ("multipart/encrypted; boundary=b", "application/pkcs7-mime; smime-type=enveloped-data"):
        with pytest.raises(InvalidInput, match="encrypted"):
            read(f"Subject: x\nContent-Type: {kind}\n\n--b\n\nx\n--b--\n".encode())


def test_what_is_no_message_is_refused() -> None:
    with pytest.raises(InvalidInput, match="none of a message's headers"):
        read(b"just some words\n")


def test_parts_in_parts_without_end_are_bounded() -> None:
    deep = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(1500))
    many = b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 5_000
    for data in (b"Subject: x\n" + deep, many):
        try:
            read(data)
        except InvalidInput as error:
            assert "damaged" in str(error)


@given(
    st.lists(
        st.sampled_from(
            [
                *(b"From: a\n", b"From: =?x?q?=00?=\n", b"To: <@[,;:\n", b"Subject: =?utf-8?b?/w==?=\n"),
                *(b"Date: 99 Foo\n", b"Date: Mon, 1 Jan 0000 00:00:00\n"),
                *(b"Content-Type: multipart/mixed; boundary=b\n", b"Content-Type: text/html\n"),
                *(b"Content-Type: text/plain; charset*=utf-9''x\n", b"Content-Type: ;\n"),
                *(b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: x\n"),
                *(b"Content-Disposition: attachment; filename*0=a\n", b"\n", b"--b\n", b"--b--\n"),
                *(b"> q\n", b"words\n", b"\xff\xfe\n", b"PGI+\n", b" folded\n", b"\x00"),
            ]
        ),
        max_size=20,
    ).map(b"".join)
)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read(b"Subject: x\n" + data)
    except InvalidInput:
        return
