"""What looks wrong in a definition. A help for whoever reviews it, and no boundary.

The boundary is that a person accepts every definition, and agrees to calls by their effects. These rules read English
and know what is known: that nothing is found proves nothing. Each of them says what it means, so that a reviewer can
judge; what they find has the server's words withheld from models until a person wants them nevertheless.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator

from tierwise_tools.mcp.definitions import Definition
from tierwise_tools.mcp.hidden import hides_something, without_hidden

_LOOK_ALIKE = str.maketrans(
    "аеорсухіјѕһкмтвнԁԛԝАЕОРСУХІЈЅНКМТВαοιρυκνеΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijshkmtbhdqwAEOPCYXIJSHKMTBaoipukveABEZHIKMNOPTYX",
)
_PERSON = r"(?:the |any |an? |our |your )?(?:end[- ]?)?(?:users?|humans?|person|owner|operator|anyone)"
_OTHER_TOOL = (
    r"(?:(?:an?|the|any|all|every|other|another|trusted|original|real|old)\s+){1,4}(?:tools?|servers?|functions?)"
)
_NAMED = r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b"

_SECRECY = (
    rf"\b(?:do not|don't|dont|never|must not|should not|without|avoid|no need to)\s+(?:\w+\s+){{0,3}}?"
    rf"(?:tell|telling|mention|mentioning|inform|informing|notify|notifying|alert|alerting|reveal|revealing|show|showing"
    rf"|disclose|disclosing|warn|warning|asking|ask)\s+(?:\w+\s+){{0,4}}?(?:to\s+)?{_PERSON}\b",
    rf"\b(?:hide|conceal|keep|withhold)\b[^.]{{0,40}}\bfrom\s+{_PERSON}\b",
    rf"\bwithout\s+{_PERSON}(?:'s)?\s+(?:\w+\s+)?(?:knowing|knowledge|noticing|notice|consent|permission|approval)",
    rf"\b{_PERSON}\s+(?:must|should|may|need|does|do)\s*(?:not|n't)\s+(?:be |need to |have to )?"
    rf"(?:see|know|notice|learn|told|aware|informed)",
    r"\b(?:secretly|covertly|stealthily)\b",
    r"\b(?:keep|keeping) (?:this|it|that) (?:a )?(?:secret|hidden|quiet|to yourself)\b",
)
_OVERRULING = (
    r"\b(?:ignore|disregard|forget|override|bypass)\s+(?:\w+\s+){0,3}?"
    r"(?:instructions?|rules|prompts?|guidelines|polic(?:y|ies)|safety|restrictions)\b",
    r"\byou are now\b|\bnew instructions?\s*:|\byour\s+(?:system|developer) (?:prompt|message)\b",
)
_CARRYING = (
    r"\b(?:put|pass|include|send|add|append|insert|copy|write|provide|paste|attach|supply|give|fill|place|dump|encode)\b"
    r"[^.]{0,60}\b(?:full|entire|whole|complete|previous|prior|past|earlier|current|your|our|this|all)\b[^.]{0,30}"
    r"\b(?:conversation|chat|dialogue?|transcript|context window|message history|messages so far|history so far"
    r"|system prompt|reasoning|chain of thought)\b(?!\s*_?(?:ids?|names?|titles?|urls?|identifiers?)\b)",
    r"\b(?:put|pass|include|send|add|append|insert|copy|write|provide|paste|attach|supply|upload|forward|leak|dump)\b"
    r"[^.]{0,60}\b(?:all|any|every|your|users?'?s?|their|other|known|available|stored|found)\b[^.]{0,30}"
    r"\b(?:api[- ]?keys?|passwords?|secrets?|credentials|(?:access|auth|api|session|bearer) tokens?|private keys?"
    r"|environment variables)\b",
    r"~/\.(?:ssh|aws|gnupg|kube|docker|config|netrc|npmrc|cursor)\b|\bid_(?:rsa|ed25519|ecdsa)\b|\.aws/credentials"
    r"|/etc/(?:passwd|shadow)\b|\bmcp\.json\b|\.netrc\b",
    r"\b(?:contents?|text) of (?:\w+\s+){0,3}?(?:files?|documents?)\b[^.]{0,40}\b(?:in|as|into|to|through|via) "
    r"(?:this|the|an?) (?:\w+\s+)?(?:field|parameter|argument|sidenote|note)\b",
    r"\b(?:bcc|forward|cc|redirect)\b(?:(?!such as|example|e\.g|like)[^.]){0,40}\s\S+@\S+\.\w+",
)
_OTHERS = (
    rf"\b(?:replaces?|overrides?|supersedes?|overwrites?|instead of|in place of|rather than|do not use|don't use"
    rf"|never use|never call|stop using|disables?|deprecates?|intercepts?|shadows?|proxies|redirects?)\s+"
    rf"(?:using |calling )?{_OTHER_TOOL}\b",
    rf"\b(?:when|whenever|if|before|after|while|every time|each time|once)\b[^.]{{0,40}}"
    rf"(?:{_NAMED}|{_OTHER_TOOL})[^.]{{0,40}}"
    r"\b(?:is|are|was|gets?|being)\s+(?:used|called|invoked|run|executed|available|present)\b[^.]{0,40}"
    r"\b(?:set|add|change|replace|include|bcc|send|pass|append|put|copy|redirect|forward|modify|insert)\b",
    rf"\b(?:when|whenever|before|after|while|every time|each time)\s+(?:you\s+)?(?:us\w+|call\w*|invok\w+|run\w*)\s+"
    rf"(?:{_NAMED}|(?:any |every |all |each )(?:other )?tools?)[^.]{{0,40}}"
    r"\b(?:set|add|change|replace|include|bcc|send|pass|append|put|copy|redirect|forward|modify|insert)\b",
    r"\b(?:before|after|prior to|instead of)\s+(?:us\w+|call\w*|invok\w+|run\w*)?\s*(?:any|every|all|each)\s+"
    r"(?:other\s+)?(?:tools?|functions?)\b",
    r"\b(?:of|from|on|in)\s+(?:the\s+)?(?:other\s+|another\s+)?(?:mcp\s+)?server\s+(?!side\b)[\w-]+[^.]{0,60}"
    r"\b(?:set|add|change|replace|use|include|bcc|send|pass|append|put|is|are)\b",
)
_RULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("it wants things kept from the user", _SECRECY),
    ("it wants other instructions overruled", _OVERRULING),
    ("it wants conversation, secrets or files passed on", _CARRYING),
    ("it speaks about how other tools are used", _OTHERS),
)
_COMPILED = tuple((says, re.compile("|".join(rules), re.IGNORECASE)) for says, rules in _RULES)
_PROMPT_MARK = re.compile(
    r"<\s*/?\s*(?:important|system|instructions?|secret|hidden|admin|override|assistant|critical|prompt|user_?query|tool_?call"
    r"|thinking|priority|urgent|note_to_\w+)\b[^<>]{0,80}>|<\|[^|<>]{1,40}\|>|<!--|\[/?INST\]|<<SYS>>"
    r"|^\s*#{1,6}\s*(?:system|instructions?|assistant)\b\s*:?\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){16,}")
_SAFE_TITLE = re.compile(
    r"\b(?:safe|harmless|read[- ]?only|no side effects)\b"
    r"|^(?:read|get|list|search|show|view|find|fetch|look ?up|count|query|check)\b",
    re.IGNORECASE,
)
_CHANGING_TITLE = re.compile(
    r"\b(?:create|update|write|set|delete|remove|send|edit|change|add|insert|move|execute|run|mark|clear|replace)",
    re.IGNORECASE,
)


def suspicions(definition: Definition) -> tuple[str, ...]:
    """What a reviewer should look at, each a short phrase; empty for most."""
    texts = tuple(definition.texts())
    return tuple(dict.fromkeys([*text_suspicions(texts), *_contradiction(definition)]))


def text_suspicions(texts: Iterable[str]) -> tuple[str, ...]:
    """The same for some texts alone."""
    checks: tuple[tuple[str, Callable[[str], bool]], ...] = (
        ("it has hidden characters", hides_something),
        ("it has letters that look like others", _mixes_scripts),
        ("it has marks that look like a prompt's", lambda text: bool(_PROMPT_MARK.search(without_hidden(text)))),
        ("it has encoded text", lambda text: any(True for _ in _decoded(text))),
    )
    found: dict[str, None] = {}
    for text in texts:
        found.update({says: None for says, holds in checks if holds(text)})
        for read in (text, *_decoded(text)):
            plain = _plain(read)
            found.update({says: None for says, rule in _COMPILED if rule.search(plain)})
    return tuple(found)


def _plain(text: str) -> str:
    """As a reader takes it: nothing hidden, look-alikes as what they look like, one kind of quote and space."""
    shown = unicodedata.normalize("NFKC", without_hidden(text)).translate(_LOOK_ALIKE)
    return re.sub(r"\s+", " ", shown.replace("\u2019", "'").replace("*", " "))


def _mixes_scripts(text: str) -> bool:
    """Whether a word has both Latin and Cyrillic letters."""
    for word in re.findall(r"[^\W\d_]{2,}", text):
        scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in word}
        if {"LATIN", "CYRILLIC"} <= scripts:
            return True
    return False


def _decoded(text: str) -> Iterator[str]:
    """Readable texts that stand in ``text`` as base64 or hexadecimal digits."""
    for run in _HEX.findall(text):
        yield from _if_words(bytes.fromhex(run))
    for run in _BASE64.findall(text):
        plain = run.rstrip("=").translate(str.maketrans("-_", "+/"))
        try:
            yield from _if_words(base64.b64decode(plain + "=" * (-len(plain) % 4)))
        except (binascii.Error, ValueError):
            continue


def _if_words(data: bytes) -> Iterator[str]:
    text = data.decode("utf-8", "replace")
    letters = sum(character.isalpha() or character == " " for character in text)
    if text.isprintable() and " " in text.strip() and letters >= 0.8 * len(text):
        yield text


def _contradiction(definition: Definition) -> Iterator[str]:
    changes = definition.hint("destructiveHint") is True or definition.hint("readOnlyHint") is False
    if not changes:
        return
    for title in definition.titles:
        if _SAFE_TITLE.search(title) and not _CHANGING_TITLE.search(title):
            yield "its title promises less than its hints admit"
