"""Subtitles: what is said, when and by whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from well_formed import assert_well_formed, sample

from tierwise.errors import InvalidInput
from tierwise.knowledge.reading.subtitles import read_subtitles

SAID = (
    "[00:00:01] Four score and seven years ago our fathers brought forth on this continent a new nation, conceived in "
    "liberty.\n\n[00:00:11] Now we are engaged in a great civil war, testing whether that nation can long endure.\n\n"
    "[00:01:02] We are met on a great battlefield of that war."
)


def read(text: str, name: str = "talk.vtt") -> str:
    document = read_subtitles(text.encode(), name)
    assert_well_formed(document)
    return document.pages[0].text


@pytest.mark.parametrize("name", ["talk.srt", "talk.vtt", "talk.ass"])
def test_what_ffmpeg_wrote(name: str) -> None:
    document = read_subtitles(sample(name), name)
    assert (document.kind, document.pages[0].text) == ("subtitles", SAID)


def test_speakers_are_named_and_formatting_is_left_out() -> None:
    text = (
        "WEBVTT - a talk\n\nSTYLE\n::cue { color: red }\n\nNOTE not said\n\nintro\n"
        "00:01.000 --> 00:02.000 align:start\n"
        "<v.loud Anna B>Hello <b>you</b> &amp; <c.red>me</c>,\n\n"
        "00:02.100 --> 00:03.000\n<v Anna B>all <00:02.500>well?\n\n"
        "00:03.100 --> 00:04.000\n<v Bob>Yes.\n"
    )
    assert read(text) == "[00:00:01] Anna B: Hello you & me, all well?\n\n[00:00:03] Bob: Yes."
    ass = sample("talk.ass").decode().replace("Default,,0", "Default,Lincoln,0")
    assert read(ass, "a.ass").startswith("[00:00:01] Lincoln: Four score")


def test_rolling_captions_are_said_once() -> None:
    cues = [("hello there", 1), ("hello there", 2), ("hello there my friends", 3), ("good night.", 4)]
    text = "\n\n".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{words}" for words, n in cues)
    assert read(text, "a.srt") == "[00:00:01] hello there my friends good night."


def test_hours_count_and_a_long_speech_keeps_its_times() -> None:
    cues = "".join(
        f"\n{n}\n01:{n // 60:02}:{n % 60:02},000 --> 01:{n // 60:02}:{n % 60:02},950\nword {n} and\n" for n in range(70)
    )
    paragraphs = read(cues, "a.srt").split("\n\n")
    assert paragraphs[0].startswith("[01:00:00] word 0 and") and paragraphs[-1].startswith("[01:00:59] word 59")
    assert all(len(paragraph) < 400 for paragraph in paragraphs)


@pytest.mark.parametrize(
    "text", ["no times here", "WEBVTT\n\nNOTE only\n", "1\n00:00:01,000 --> 00:00:02,000\n<i></i>\n"]
)
def test_a_file_without_words_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read(text)
    with pytest.raises(InvalidInput):
        read(text, "a.ass")


@given(
    st.lists(
        st.sampled_from(
            [
                *("WEBVTT\n\n", "00:01.000 --> 00:02.000\n", "00:00:01,000 --> 00:00:02,000\n"),
                *("99:99:99,999 --> 0:0\n", "\n", "1\n", "<v A>", "<i>", "{\\b1}", "text.", "&lt;", "é"),
                *("[Events]\n", "Format: Start, End, Text\n", "Dialogue: 0,0:00:01.00,0:00:02.00,a\n"),
                *("-->", "NOTE\n", "\\N"),
            ]
        ),
        max_size=25,
    ).map("".join),
    st.sampled_from(["a.srt", "a.vtt", "a.ass"]),
)
def test_any_text_is_read_or_refused(text: str, name: str) -> None:
    try:
        read(text, name)
    except InvalidInput:
        return
