"""What was invented is never cited, whatever words of the passages it is made of; what they say is."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from benches.invented_answers import INVENTED, is_new
from benches.true_answers import TRUE, Material, usable

from tierwise.models.minilm import MiniLM
from tierwise.types import Passage
from tierwise.verify.citing.support import Support, cite

DOCUMENTS = Path(__file__).parents[3] / "examples" / "documents"
SERVER = (
    "The server sends the client a list of files. The daemon deletes the lock file after 30 seconds. "
    "If the disk is full, the daemon stops and the log is closed. Adults pay 40 euros and children 20 euros. "
    "The cache is switched off by default. Use `--prune` to remove old entries from /var/cache/app. "
    "The tool converts Markdown to HTML. Logs must be kept for 90 days; they may be compressed. "
    "Not all users can read the archive. The writer locks the table before it changes the index."
)
CLOCK = "The tower clock was repaired in 1954 by Anna Berg. It strikes every hour. The bell weighs at most 300 kg."


DELETES = "The daemon deletes the lock file after 30 seconds."


def passage(text: str, name: str = "server", head: str | None = None, start: int = 0) -> Passage:
    return Passage(name, f"/docs/{name}.txt", "default", None, start, start + len(text), text, head=head)


def cited(sentence: str, *passages: Passage, question: str = "") -> Support:
    return cite(sentence, passages or (passage(SERVER), passage(CLOCK, "clock")), None, question=question)


@pytest.mark.parametrize(
    "sentence",
    [
        "The client sends the server a list of files.",
        "The daemon is deleted after 30 seconds.",
        "The lock file deletes the daemon.",
        "The daemon deletes the lock file after 30 minutes.",
        "The daemon deletes the log after 30 seconds.",
        "The disk is full.",
        "The daemon stops.",
        "Adults pay 20 euros.",
        "Children pay 40 euros.",
        "The cache is switched on by default.",
        "Use `--purge` to remove old entries from /var/cache/app.",
        "Use `--prune` to remove old entries from /var/cache/app/tmp.",
        "Use `--prune` to remove old entries.  They are kept for 90 days.",
        "The tool converts HTML to Markdown.",
        "Logs may be kept for 90 days.",
        "Logs must be kept for at least 90 days.",
        "All users can read the archive.",
        "Only users can read the archive.",
        "The writer locks the index before it changes the table.",
        "The writer locks the table after it changes the index.",
        "The daemon deletes the lock file after 30 seconds, and it sends a mail to the administrator.",
        "Because the disk is full, the daemon deletes the lock file after 30 seconds.",
        "Perhaps the daemon deletes the lock file after 40 seconds.",
        'The manual says: "the daemon keeps the lock file".',
        "The tower clock was repaired in 1954 by Karl Berg.",
        "The tower clock was repaired in 1964 by Anna Berg.",
        "The tower clock was not repaired in 1954.",
        "The bell weighs 300 g.",
        "The bell weighs more than 300 kg.",
        "The bell was repaired by Anna Berg in 1954.",
        "The server was repaired in 1954 by Anna Berg.",
        "Clock the by tower repaired in was 1954 Anna Berg.",
        "Servers should be cooled.",
        "A kilogram has 1000 grams.",
    ],
)
def test_an_invented_sentence_is_not_cited_and_is_named(sentence: str) -> None:
    found = cited(sentence)
    assert found.unsupported
    last = found.unsupported[-1]
    assert sentence[last.start : last.end] == last.text
    assert not [c for c in found.citations if c.sentence_start == last.start]


@pytest.mark.parametrize(
    ("sentence", "quote"),
    [
        ("A list of files is sent by the server to the client.", "The server sends the client a list of files."),
        ("The lock file is deleted by the daemon after 30 seconds.", DELETES),
        ("After thirty seconds, the daemon removes the lock file.", DELETES),
        ("According to the manual, the daemon stops if the disk is full.", "If the disk is full, the daemon stops"),
        ("Children pay 20 euros.", None),
        ("By default, the cache is switched off.", "The cache is switched off by default."),
        ("Anna Berg repaired the tower clock in 1954.", "The tower clock was repaired in 1954 by Anna Berg."),
        ("In 1954 the tower clock was repaired.", "The tower clock was repaired in 1954 by Anna Berg."),
        ("The tool converts Markdown to HTML.", "The tool converts Markdown to HTML."),
    ],
)
def test_what_a_passage_says_in_another_order_is_cited(sentence: str, quote: str | None) -> None:
    found = cited(sentence)
    if quote is None:  # in other words than we can be sure of: left without a citation, never with a wrong one
        assert not found.citations
    else:
        assert [c.quote.startswith(quote) for c in found.citations] == [True]
        assert not found.unsupported


def test_a_question_said_again_is_no_support() -> None:
    question = "How many seconds does the daemon wait before it mails the administrator?"
    assert not cited("The daemon waits 30 seconds before it mails the administrator.", question=question).citations
    assert not cited("30 seconds.", question="How much do children pay?").citations


def test_two_passages_support_one_half_each() -> None:
    sentence = f"{DELETES[:-1]}, and the tower clock was repaired in 1954 by Anna Berg."
    found = cited(sentence)
    assert [(c.n, c.passage_id) for c in found.citations] == [(1, "server"), (2, "clock")]
    assert {(c.sentence_start, c.sentence_end) for c in found.citations} == {(0, len(sentence))}
    assert found.supported_share == 1.0 and not found.unsupported
    half = cited("The daemon deletes the lock file after 30 seconds, and the tower clock was repaired in 1964.")
    assert not half.citations and len(half.unsupported) == 1
    pronoun = cited("The daemon deletes the lock file after 30 seconds, and it was repaired in 1954 by Anna Berg.")
    assert not pronoun.citations


@pytest.mark.parametrize(
    "text",
    [
        "I do not know.",
        "The documents do not say.",
        "The passages do not mention the price of the bell.",
        "There is no information about this in the documents.",
        "I could not find anything about opening hours in the documents.",
        "This is not stated in the passages.",
    ],
)
def test_a_refusal_is_neither_cited_nor_named(text: str) -> None:
    found = cited(text)
    assert not found.citations and not found.unsupported and found.supported_share is None


def test_a_claim_behind_a_refusal_is_a_claim() -> None:
    assert cited("I do not know, but the bell weighs 500 kg.").unsupported


FEES = "2022 | 35 | 10\n2023 | 40 | 12\nAdults | 7 | 1"


@pytest.mark.parametrize(
    ("sentence", "row"),
    [
        ("The fee in 2023 was 40.", "2023 | 40 | 12"),
        ("In 2022 the fee was 35.", "2022 | 35 | 10"),
        ("The discount in 2023 was 12.", "2023 | 40 | 12"),
        ("The fee in 2023 was 35.", None),
        ("The fee in 2023 was 12.", None),
        ("The fee in 40 was 2023.", None),
        ("The discount in 2023 was 40.", None),
        ("The fee in 2024 was 40.", None),
        ("The rent in 2023 was 40.", None),
        ("The fee was 40.", None),
    ],
)
def test_a_row_is_read_with_the_names_of_its_columns(sentence: str, row: str | None) -> None:
    inside = passage(FEES, "fees", head="Year | Fee | Discount", start=70)
    whole = passage("# Prices\n\n| Year | Fee | Discount |\n|---|---|---|\n" + FEES, "fees")
    for given in (inside, whole):
        found = cited(sentence, given)
        assert [c.quote for c in found.citations] == ([row] if row else [])
        for citation in found.citations:
            assert given.text[citation.start - given.start : citation.end - given.start] == citation.quote


def test_made_answers_over_real_documents() -> None:
    """Hundreds of sentences made by rule: none that was invented is cited, and most of the true ones are."""
    rng = random.Random(11)
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(DOCUMENTS.glob("*.[tm][xd]*"))}
    texts |= {"server": SERVER, "clock": CLOCK}
    given = []
    for name, text in texts.items():
        at = 0
        for block in text.split("\n\n"):
            given.append(passage(block, name, start=at))
            at += len(block) + 2
    lines = [(one, sentence) for one in given for sentence in usable(one)]
    assert len(lines) > 40
    wrong, good, made, true = [], 0, 0, 0
    for one, sentence in lines:
        beside = rng.sample(given, 3)
        elsewhere = [s for other, s in lines if other.source not in {p.source for p in (one, *beside)}] or ["No."]
        material = Material(sentence, one, (one, *beside), elsewhere, "How much do children pay?", rng)
        for kind, maker in INVENTED.items():
            text = maker(material)
            if text is not None and is_new(text, material):
                made += 1
                if cite(text, material.given, None).citations:
                    wrong.append((kind, text))
        for maker in TRUE.values():
            if (text := maker(material)) is not None:
                true += 1
                good += not cite(text, material.given, None).unsupported
    assert made > 400
    assert wrong == []
    assert good > 0.8 * true


SOCKET = "On Linux, sun_path is 108 bytes in size; see also BUGS, below. The length of a name is at most 63 characters."


@pytest.mark.parametrize(
    ("answer", "is_cited"),
    [
        ("The path of a local socket on Linux is 108 bytes in size.", True),
        ("The path of a local socket on Linux is 109 bytes in size.", False),
        ("The path of a local socket on Linux is never 108 bytes in size.", False),
        ("Every path of a local socket on Linux is 108 bytes in size.", False),
        ("The path of a local socket on Linux is 108 bytes in size, or 63 characters.", False),
    ],
)
def test_what_an_answer_says_beyond_its_question_is_what_needs_a_source(answer: str, is_cited: bool) -> None:
    passage = Passage("p", "/man/unix.7", "default", None, 0, len(SOCKET), SOCKET, title="unix(7): sockets")
    question = "How much room is there for the path of a local socket on Linux?"
    assert bool(cite(answer, [passage], MiniLM(), question=question).citations) is is_cited
