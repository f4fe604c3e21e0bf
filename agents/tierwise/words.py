"""Words of a text, made comparable: for coverage of a question by passages and of a claim by its source.

Plain rules for English, harmless elsewhere: other alphabets are compared word by word, Chinese and Japanese by pairs of
characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")

_STOPWORDS = """
    a about above after again all also although am an and any anybody anyone anything are as at be became
    because become been before being below between both but by came can cannot come could did do does doing done
    down during each either else even ever every everyone everything for from further get gets getting give
    given gives go goes going got had has have having he her here hers herself him himself his how however i if
    in including into is it its itself just let lets like made make makes making many may me might mine more
    most much must my myself neither no nobody none nor not nothing now of off on once one ones only onto or
    other others ought our ours ourselves out over own per please rather really same shall she should since so
    some somebody someone something still such tell than that the their theirs them themselves then there
    therefore these they thing things this those though through thus to too toward under until unto up upon us
    use used uses using very via was we were what whatever when whenever where wherever whether which whichever
    while who whoever whom whose why will with within without would yes yet you your yours yourself yourselves
    according answer context document documents mentioned passage passages question source sources states stated
    says said
"""
STOPWORDS = frozenset(_STOPWORDS.split())

_IRREGULAR_FORMS = """
    began:begin begun:begin bought:buy brought:bring built:build children:child chose:choose chosen:choose
    fed:feed feet:foot fell:fall fallen:fall felt:feel found:find gave:give gone:go grew:grow grown:grow
    held:hold kept:keep knew:know known:know led:lead left:leave lost:lose meant:mean men:man met:meet
    mice:mouse paid:pay people:person ran:run rose:rise risen:rise sent:send shown:show slept:sleep sold:sell
    spent:spend spoke:speak stood:stand taught:teach took:take taken:take thought:think told:tell went:go
    women:woman won:win wrote:write written:write
"""
_IRREGULAR = dict(pair.split(":") for pair in _IRREGULAR_FORMS.split())
_VOWEL = re.compile(r"[aeiouy]")


def words(text: str) -> list[str]:
    """All words in lower case, in order; a run of Chinese or Japanese characters gives its overlapping pairs."""
    found: list[str] = []
    for match in _WORD.finditer(text):
        word = match[0]
        if _CJK.search(word):
            for piece in _CJK.findall(word):
                found.extend([piece] if len(piece) == 1 else [piece[i : i + 2] for i in range(len(piece) - 1)])
        else:
            found.append(word.lower().replace("\u2019", "'"))
    return found


def stem(word: str) -> str:
    """The common part of a word's forms: plural, past, ``-ing``, ``-ly``. The result need not be a word."""
    word = word.removesuffix("'s")
    if (irregular := _IRREGULAR.get(word)) is not None:
        return irregular
    if len(word) <= 3 or not word.isascii():
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif (word.endswith("es") and word[-3] in "sxz") or word.endswith(("ches", "shes")):
        word = word[:-2]
    elif word.endswith("s") and word[-2] not in "su":
        word = word[:-1]
    for suffix in ("ing", "ed"):
        base = word.removesuffix(suffix)
        if base != word and len(base) >= 3 and _VOWEL.search(base):
            word = base[:-1] if base[-1] == base[-2] and base[-1] not in "lsz" else base
            break
    if word.endswith("ly") and len(word) > 5:
        word = word[:-2]
    if word.endswith("y") and len(word) > 3:
        word = word[:-1] + "i"
    return word.removesuffix("e") if len(word) > 4 else word


def content_words(text: str) -> list[str]:
    """Stems of the words that carry meaning, in order, repeats kept; numbers are not words."""
    return [stem(word) for word in words(text) if word not in STOPWORDS and "'" not in word.removesuffix("'s")]


def coverage(wanted: Iterable[str], present: Iterable[str]) -> float | None:
    """Share of the different ``wanted`` stems that are ``present``, in [0, 1]; ``None`` if nothing is wanted."""
    need = set(wanted)
    return len(need & set(present)) / len(need) if need else None
