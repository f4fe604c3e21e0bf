"""Words by which a draft says that it does not answer."""

from __future__ import annotations

import re

_NOUNS = "passages?|documents?|texts?|context|sources?|information"
_VERBS = "mention|say|state|contain|provide|specify|include|give|answer|have|describe|tell|indicate"
_REFUSAL = re.compile(
    # I do not know, I'm not sure, we have no information, I am sorry
    r"\b(?:i|we) (?:do not|don't|did not|didn't) (?:\w+ ){0,2}?"
    r"(?:know|have (?:access|any|the|enough|information|data)|find|see|understand)\b"
    r"|\b(?:i|we) (?:cannot|can't|can not|could not|couldn't) (?:\w+ ){0,2}?"
    r"(?:answer|find|provide|help|assist|determine|tell|say|confirm|see|access|comply)\b"
    r"|\b(?:i am|i'm|we are|we're) (?:not sure|not certain|unable|not able|sorry|afraid|just an? ai|only an? ai)\b"
    r"|\b(?:i|we) have no (?:\w+ )?(?:information|idea|data|access|knowledge|details)\b|\bas an ai\b"
    r"|\bunable to (?:answer|find|determine|provide)\b"
    # it is not stated in the passages, the text does not say
    r"|\b(?:not|isn't|aren't|nothing|no \w+) (?:is |are |was |explicitly )?"
    r"(?:stated|mentioned|specified|given|provided|included|found|contained|available|described|listed)\b"
    rf"[^.]{{0,40}}?\b(?:{_NOUNS})\b"
    rf"|\b(?:{_NOUNS})\b[^.]{{0,25}}?\b(?:do not|does not|did not|don't|doesn't|didn't) (?:\w+ )?(?:{_VERBS})\b"
    r"|\bthere is no (?:information|mention|data)\b"
    r"|\b(?:more|further|additional) (?:information|context) (?:is|would be) needed\b"
    r"|\bit is (?:unclear|unknown|not clear|not known|not possible to)\b",
    re.IGNORECASE,
)
_GOES_ON = re.compile(r"[,;:\u2014]?\s(?:but|however|yet|though)\b(?:\W*\w+){3}", re.IGNORECASE)
_HEDGE = re.compile(
    r"\b(?:maybe|perhaps|possibly|probably|might be|could be|may be|i think|i believe|i guess|not sure|unclear|"
    r"it seems|it appears|presumably|likely)\b",
    re.IGNORECASE,
)
_TALK = re.compile(
    r"(?:sure|certainly|of course|great question|hello|hi|thanks?|thank you|you're welcome|i hope|let me know|"
    r"feel free|here (?:is|are)|if you have|please let)\b[^.]{0,60}[.!]?$",
    re.IGNORECASE,
)


def refusal(text: str) -> str | None:
    """The words by which the text declines to answer, or ``None``."""
    match = _REFUSAL.search(text.replace("\u2019", "'"))
    return " ".join(match[0].split()) if match else None


def hedges(text: str) -> int:
    """How many words of doubt the text has."""
    return len(_HEDGE.findall(text))


def is_hedge(sentence: str) -> bool:
    """The sentence declines or is mere talk, so it claims nothing that a source could support.

    What follows on a "but" is a claim all the same: "I do not know, but it costs 50 euros".
    """
    match = _REFUSAL.search(sentence.replace("\u2019", "'"))
    if match is not None and _GOES_ON.search(sentence, match.end()):
        return False
    return match is not None or _TALK.match(sentence) is not None
