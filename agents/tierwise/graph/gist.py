"""A turn in few words: its question, and what its answer said in the fewest sentences.

Extractive and deterministic. A small model that is asked for a summary takes ten seconds and more on a laptop, and
invents; here every word is one that was said.
"""

from __future__ import annotations

import re
from functools import lru_cache

from tierwise.record import stated_in
from tierwise.verify.sentences import split_sentences
from tierwise.words import content_words

_END = 2000  # characters of the beginning and of the end of a message that are read
_MARK = re.compile(r"[ \t]?\[\d{1,3}(?:\s*[,;]\s*\d{1,3})*\]")
_DECIDES = re.compile(
    r"\b(?:therefore|so|thus|in short|overall|recommend|suggest|best|decided?|agreed|must|never|always|yes|no)\b",
    re.IGNORECASE,
)
_TELLING = re.compile(r"\d|[_/\\@#`](?=\w)|(?<=[a-z,;:] )[A-Z]")
_EMPTY = re.compile(
    r"^(?:sure|of course|certainly|great question|good question|happy to help|you're welcome|i hope|let me know"
    r"|feel free|here (?:is|are)|here's|as an ai|is there anything|would you like|do you want|if you have any)\b",
    re.IGNORECASE,
)


def short_question(asked: str, longest: int) -> str:
    """A question in at most ``longest`` characters: what the user told of himself, then what he asked."""
    return _short_question(_ends(asked), longest)


def short_answer(asked: str, text: str, sentences: int, longest: int) -> str:
    """What an answer said, in at most so many of its sentences and ``longest`` characters; they stay in their order.

    The sentences are chosen that name most of what was asked for, with figures, names and decisions. Marks of citations
    are left out: what they count is not there any more.
    """
    return _short_answer(_ends(asked), _ends(text), sentences, longest)


@lru_cache(maxsize=1024)
def _short_question(asked: str, longest: int) -> str:
    line = " ".join(asked.split())
    if len(line) <= longest:
        return line
    said = [" ".join(asked[s.start : s.end].split()) for s in split_sentences(asked) if not s.code] or [line]
    questions = [one for one in said if one.endswith("?")]
    kept: list[str] = []
    for part in (*stated_in(asked), *questions[-1:], *(questions or said)[:1]):
        room = longest - sum(len(one) + 1 for one in kept)
        if part not in kept and (len(part) <= room or not kept):
            kept.append(_cut(part, room))
    return " ".join(sorted(kept, key=line.find))


@lru_cache(maxsize=1024)
def _short_answer(asked: str, text: str, sentences: int, longest: int) -> str:
    read = _MARK.sub("", text)
    line = " ".join(read.split())
    if len(line) <= longest:
        return line
    prose = [s for s in split_sentences(read) if not (s.code or s.heading)]
    if not prose:
        return _cut(line, longest)
    said = list(dict.fromkeys(" ".join(read[s.start : s.end].split()) for s in prose))
    said = [one for one in said if not (_EMPTY.match(one) or one.endswith((":", "?")))] or said
    wanted = set(content_words(asked))
    ranked = sorted(range(len(said)), key=lambda index: -_worth(said[index], index, wanted))
    kept: list[int] = []
    for index in ranked[:sentences]:
        if not kept or sum(len(said[i]) + 1 for i in (*kept, index)) <= longest:
            kept.append(index)
    return _cut(" ".join(said[index] for index in sorted(kept)), longest)


def _worth(sentence: str, index: int, wanted: set[str]) -> float:
    """How much of the answer a sentence tells: more if it stands first, and if it is not long."""
    shared = len(wanted & set(content_words(sentence)))
    telling = min(len(_TELLING.findall(sentence)), 3)
    worth = shared + 0.7 * telling + bool(_DECIDES.search(sentence)) + (1.5 if index == 0 else 0.0)
    return worth / (1 + len(sentence) / 400) - 0.02 * index


def _ends(text: str) -> str:
    """A text without the middle if it is long: a question about a long text stands before it or behind it."""
    return text if len(text) <= 2 * _END else f"{text[:_END]}\n{text[-_END:]}"


def _cut(text: str, longest: int) -> str:
    """A text that is not too long, cut between words where there are any."""
    if len(text) <= longest:
        return text
    head = text[: max(longest - 1, 0)]
    space = head.rfind(" ")
    return (head[:space] if space > longest // 2 else head).rstrip(" ,;:-") + "\u2026"
