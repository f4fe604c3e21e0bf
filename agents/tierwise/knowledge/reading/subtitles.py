"""Subtitles: what is said, an utterance a paragraph, with the time at which it begins and who says it."""

from __future__ import annotations

import html
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tierwise.knowledge.document import Document, Page
from tierwise.knowledge.reading.plain import decode
from tierwise.knowledge.reading.problem import Unreadable, original_of

_PAUSE = 2_000  # milliseconds of silence after which something new is said
_MAX_UTTERANCE = 350  # characters: two or three sentences, so that a passage's times are near
_ENDS = re.compile(r"[.!?\u2026\u3002\uff01\uff1f][\"'\u201d\u2019)\]]*$")
_VOICE = re.compile(r"<v(?:\.[\w.]+)?[ \t]+([^>\n]{1,80})>")
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,200}>|<\d[\d:.]*>|\{\\[^{}\n]{0,200}\}")
_CUE_TIME = re.compile(r"(?:\d{1,4}:)?\d{2}:\d{2}\.\d{2,3}[ \t]+-->[ \t]")
_FORMATS = {"srt": "srt", "vtt": "vtt", "ass": "ass", "ssa": "ssa"}


@dataclass(frozen=True, slots=True)
class _Cue:
    start: int  # in milliseconds
    end: int
    speaker: str
    text: str


def read_subtitles(data: bytes, name: str) -> Document:
    """Read SubRip, WebVTT or SubStation Alpha; each utterance is ``[00:01:02] Name: words``.

    Lines that are shown one after the other are joined until a sentence, a speaker or a pause ends. Formatting is left
    out, and so are comments and what is shown twice.

    Raises:
        InvalidInput: if nothing is said in it, or it is not of these formats.
    """
    text, notes = decode(data)
    cues = list(_told_once(_cues(text, name.lower().rpartition(".")[2])))
    if not cues:
        raise Unreadable("It has no subtitles in it.", fix="Open it in a player to see what it is, or leave it out.")
    paragraphs = []
    for group in _utterances(cues):
        speaker = f"{group[0].speaker}: " if group[0].speaker else ""
        paragraphs.append(f"[{_clock(group[0].start)}] {speaker}{' '.join(cue.text for cue in group)}")
    page = Page(None, "\n\n".join(paragraphs))
    return Document(name, None, (page,), tuple(notes), kind="subtitles")


def _cues(text: str, ending: str) -> Iterator[_Cue]:
    import pysubs2

    if text.lstrip().startswith("WEBVTT"):
        text, ending = _bare_vtt(text), "vtt"
    try:
        # The tags of formatting are ours to take out: they say who speaks.
        options = {"keep_html_tags": True, "keep_unknown_html_tags": True} if ending in ("srt", "vtt") else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about fields of styles, which are of no use here
            file = pysubs2.SSAFile.from_string(text, format_=_FORMATS.get(ending), **options)
    except Exception as error:  # each of its formats fails in its own way
        raise Unreadable(
            "Its subtitles cannot be read.", fix="Convert it to .srt.", original=original_of(error)
        ) from error
    for event in sorted(file.events, key=lambda event: event.start):
        if event.is_comment or event.is_drawing:
            continue
        words = event.text.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
        voice = _VOICE.search(words)
        speaker = " ".join((voice[1] if voice else event.name).split())
        said = " ".join(html.unescape(_TAG.sub("", words)).split())
        if said:
            yield _Cue(event.start, event.end, html.unescape(speaker), said)


def _bare_vtt(text: str) -> str:
    """WebVTT's cues alone: without its notes, styles, regions and the names of cues, which would be taken for words."""
    blocks = []
    for block in re.split(r"\n[ \t]*\n+", text):
        lines = block.split("\n")
        timed = next((n for n, line in enumerate(lines[:3]) if _CUE_TIME.match(line)), None)
        if timed is not None:
            blocks.append("\n".join(lines[timed:]))
    return "WEBVTT\n\n" + "\n\n".join(blocks) + "\n"


def _told_once(cues: Iterable[_Cue]) -> Iterator[_Cue]:
    """Without what rolling captions show again: a cue that repeats the one before, or begins with it."""
    before = ""
    for cue in cues:
        shown = cue.text
        if before and shown.startswith(before) and (shown == before or shown[len(before)] == " "):
            words = shown[len(before) :].strip()
            if words:
                yield _Cue(cue.start, cue.end, cue.speaker, words)
        else:
            yield cue
        before = shown


def _utterances(cues: list[_Cue]) -> Iterator[list[_Cue]]:
    group: list[_Cue] = []
    length = 0
    for cue in cues:
        if group:
            last = group[-1]
            over = _ENDS.search(last.text) is not None or length + len(cue.text) > _MAX_UTTERANCE
            if over or cue.speaker != group[0].speaker or cue.start - last.end > _PAUSE:
                yield group
                group, length = [], 0
        group.append(cue)
        length += len(cue.text) + 1
    if group:
        yield group


def _clock(milliseconds: int) -> str:
    minutes, seconds = divmod(max(0, milliseconds) // 1000, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
