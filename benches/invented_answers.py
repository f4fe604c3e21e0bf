"""Sentences that no passage says, made by rule of one that does: for measuring what is cited.

Each maker takes a sentence of a passage and gives an invented one, or ``None`` where it does not lend itself to that.
"""

from __future__ import annotations

import re

from benches.invented_texts import OPPOSITES, PLAUSIBLE, TRUTHS
from benches.true_answers import NUMBER, WORD, Maker, Material, usable
from tierwise.words import STOPWORDS

_OPTION = re.compile(r"(?<![\w-])--?[a-z][\w-]*")
_PATH = re.compile(r"/(?:[a-z][\w.-]*/)*[a-z][\w.-]*[a-z0-9]")
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]{2,}\b")
_UNIT_WORDS = "bytes seconds minutes hours days weeks months years pages characters bits kilobytes megabytes levels"
_UNITS = _UNIT_WORDS.split()
_MONTHS_WORDS = "January February March April May June July August September October November December"
_MONTHS = _MONTHS_WORDS.split()
_AUXILIARY = re.compile(r"\b(is|are|was|were|can|will|must|should|may|does|do|has|have)\b")


def number_changed(m: Material) -> str | None:
    found = list(NUMBER.finditer(m.sentence))
    if not found:
        return None
    match = m.rng.choice(found)
    value = match[0]
    new = value
    while new == value:
        at = m.rng.choice([i for i, c in enumerate(value) if c.isdigit()])
        new = value[:at] + str(m.rng.randint(1, 9)) + value[at + 1 :]
    return m.sentence[: match.start()] + new + m.sentence[match.end() :]


def unit_changed(m: Material) -> str | None:
    match = re.search(rf"(\d|\b(?:two|three|four|five|six|seven|eight|nine|ten) )\s?({'|'.join(_UNITS)})\b", m.sentence)
    if match is None:
        return None
    new = m.rng.choice([unit for unit in _UNITS if unit not in m.sentence])
    return m.sentence[: match.start(2)] + new + m.sentence[match.end(2) :]


def date_changed(m: Material) -> str | None:
    if match := re.search(r"\b(?:19|20)\d\d\b", m.sentence):
        return (
            m.sentence[: match.start()] + str(int(match[0]) + m.rng.choice((-3, -1, 1, 2))) + m.sentence[match.end() :]
        )
    if match := re.search(rf"\b({'|'.join(_MONTHS)})\b(?= \d)", m.sentence):
        return m.sentence.replace(match[0], m.rng.choice([x for x in _MONTHS if x != match[0]]), 1)
    return None


def name_changed(m: Material) -> str | None:
    found = [x for x in _NAME.finditer(m.sentence) if x[0] not in _MONTHS]
    names = {x for s in m.elsewhere for x in _NAME.findall(s)}
    names -= {x[0] for x in found} | set(re.findall(r"\w+", m.passage.text))
    if not found or not names:
        return None
    match = m.rng.choice(found)
    return m.sentence[: match.start()] + m.rng.choice(sorted(names)) + m.sentence[match.end() :]


def option_changed(m: Material) -> str | None:
    found = list(_OPTION.finditer(m.sentence))
    options = sorted(
        {x for p in m.given for x in _OPTION.findall(p.text)} - {x[0] for x in found} | {"--force-all", "-Q"}
    )
    if not found:
        return None
    match = m.rng.choice(found)
    return m.sentence[: match.start()] + m.rng.choice(options) + m.sentence[match.end() :]


def path_changed(m: Material) -> str | None:
    match = _PATH.search(m.sentence)
    if match is None:
        return None
    head, _, last = match[0].rpartition("/")
    new = m.rng.choice((f"{head}/{last}.d", f"/var{match[0]}", f"{head}/default", f"{head}/{last}-local"))
    return m.sentence[: match.start()] + new + m.sentence[match.end() :]


def negated(m: Material) -> str | None:
    if re.search(r"\b(?:not|no|never|cannot|none|neither|without)\b|n't\b", m.sentence):
        return (
            re.sub(r"\bcannot\b", "can", re.sub(r" (?:not|never)\b", "", m.sentence)) if " not " in m.sentence else None
        )
    match = _AUXILIARY.search(m.sentence)
    if match is None or re.match(r"(?:If|When|Unless)\b", m.sentence):
        return None
    word = m.rng.choice(("not", "never"))
    return f"{m.sentence[: match.end()]} {word}{m.sentence[match.end() :]}"


def _content(sentence: str) -> list[re.Match[str]]:
    return [
        w
        for w in WORD.finditer(sentence)
        if w[0].lower() not in STOPWORDS and len(w[0]) > 3 and not w[0].endswith("ly")
    ]


def words_swapped(m: Material) -> str | None:
    found = _content(m.sentence)
    pairs = [
        (a, b)
        for i, a in enumerate(found)
        for b in found[i + 1 :]
        if a[0].lower() != b[0].lower()
        and not re.search(r"\b(?:and|or|than|as well as)\b|,|/", m.sentence[a.start() : b.end()])
        and re.search(
            r"\b(?:is|are|was|were|can|will|must|should|may|has|have|to|from|of|in|by|for)\b|s ",
            m.sentence[a.end() : b.start()],
        )
        and len(m.sentence[a.end() : b.start()].split()) >= 2
    ]
    if not pairs:
        return None
    a, b = m.rng.choice(pairs)
    s = m.sentence
    first = b[0].capitalize() if a.start() == 0 else b[0]
    second = a[0][0].lower() + a[0][1:] if a.start() == 0 else a[0]
    return s[: a.start()] + first + s[a.end() : b.start()] + second + s[b.end() :]


def word_replaced(m: Material) -> str | None:
    """One word gives way to another word of the same passage with the same ending."""
    found = _content(m.sentence)
    mine = {w[0].lower() for w in found}
    others = {w[0].lower() for w in _content(m.passage.text)} - mine
    if not found:
        return None
    match = m.rng.choice(found)
    alike = sorted(w for w in others if w[-2:] == match[0][-2:] and w[:4] != match[0][:4].lower())
    if not alike:
        return None
    return m.sentence[: match.start()] + m.rng.choice(alike) + m.sentence[match.end() :]


def of_another_document(m: Material) -> str | None:
    return m.rng.choice(m.elsewhere)


def _nouns(m: Material) -> list[str]:
    words = re.findall(r"\b(?:the|a|an|this|each) ([a-z]{4,})\b", m.passage.text)
    found = sorted({w for w in words if w not in STOPWORDS and not w.endswith(("ly", "ed", "ing"))})
    m.rng.shuffle(found)
    return found


def plausible(m: Material) -> str | None:
    nouns = _nouns(m)
    return m.rng.choice(PLAUSIBLE).format(*nouns) if len(nouns) >= 2 else None


def _invention(m: Material) -> str | None:
    for maker in m.rng.sample((number_changed, word_replaced, words_swapped, plausible), 4):
        if made := maker(m):
            return made
    return None


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]


def wrong_relation(m: Material) -> str | None:
    """What one sentence says of its subject, said of the subject of another."""
    others = [s for s in usable(m.passage) if s != m.sentence]
    mine = _AUXILIARY.search(m.sentence)
    for other in m.rng.sample(others, len(others)):
        theirs = _AUXILIARY.search(other)
        if mine and theirs and 1 <= len(other[: theirs.start()].split()) <= 8 and "," not in other[: theirs.start()]:
            subject = other[: theirs.start()]
            if not re.match(r"(?:The|An?|Each|Every) (?!.*\bthat\b)", subject) or subject in m.sentence:
                continue
            return subject + m.sentence[mine.start() :]
    return None


def numbers_exchanged(m: Material) -> str | None:
    found = list(NUMBER.finditer(m.sentence))
    others = [n for s in usable(m.passage) for n in NUMBER.findall(s) if n not in {x[0] for x in found}]
    if found and others:
        match = m.rng.choice(found)
        return m.sentence[: match.start()] + m.rng.choice(others) + m.sentence[match.end() :]
    if len(found) >= 2 and found[0][0] != found[1][0] and not set(_MONTHS) & set(m.sentence.split()):
        a, b = found[:2]
        s = m.sentence
        return s[: a.start()] + b[0] + s[a.end() : b.start()] + a[0] + s[b.end() :]
    return None


def half_invented(m: Material) -> str | None:
    made = plausible(m)
    if made is None:
        return None
    return m.rng.choice(
        (
            f"{m.sentence[:-1]}, and {_lower(made)}",
            f"{made[:-1]}, and {_lower(m.sentence)}",
            f"{m.sentence[:-1]}, because {_lower(made)}",
            f"{m.sentence[:-1]}, which is why {_lower(made)}",
        )
    )


def hedged(m: Material) -> str | None:
    made = _invention(m)
    return (
        None
        if made is None
        else f"{m.rng.choice(('It seems that', 'Probably', 'It is likely that', 'Perhaps'))} {_lower(made)}"
    )


def quoted(m: Material) -> str | None:
    made = _invention(m)
    return None if made is None else f'{m.rng.choice(("The manual says:", "As the text puts it,"))} "{made}"'


def with_mark(m: Material) -> str | None:
    made = _invention(m)
    return None if made is None else f"{made[:-1]} [{m.rng.randint(1, len(m.given))}]."


def shuffled(m: Material) -> str | None:
    words = m.sentence[:-1].split()
    once = list(words)
    while sum(a == b for a, b in zip(words, once, strict=True)) > len(words) // 3:
        m.rng.shuffle(once)
    once[0] = once[0].capitalize()
    return " ".join(once) + "."


def of_passage_words(m: Material) -> str | None:
    words = [w[0].lower() for w in _content(m.passage.text)]
    if len(words) < 12:
        return None
    a, b, c, d = m.rng.sample(words, 4)
    return m.rng.choice(
        (f"The {a} {b} is the {c} of the {d}.", f"A {a} can {b} the {c} {d}.", f"The {a} is {b} by {c} and {d}.")
    )


def of_question(m: Material) -> str | None:
    if not m.question:
        return None
    said = re.sub(
        r"^(?:how (?:many|much|long|big|large|do i|can i|may)|what(?:'s| is| does)?|which|where|when|who|why)\s+", "",
        m.question.rstrip("?. "), flags=re.IGNORECASE,
    )  # fmt: skip
    end = m.rng.choice(
        ("", f" is {m.rng.randint(13, 99)}", f" takes {m.rng.randint(13, 99)} seconds", " works out of the box")
    )
    return f"{said[0].upper()}{said[1:]}{end}."


_LIGHT_WORDS = "the a an this that these those it they there such its their"
_LIGHT = frozenset(_LIGHT_WORDS.split())


def general_truth(m: Material) -> str | None:
    return m.rng.choice(TRUTHS)


def opposite(m: Material) -> str | None:
    pairs = dict(pair.split(":") for pair in OPPOSITES.split())
    # "Must not" and "may not" forbid alike.
    found = [w for w in WORD.finditer(m.sentence) if w[0] in pairs and not m.sentence.startswith(" not", w.end())]
    if not found:
        return None
    match = m.rng.choice(found)
    return m.sentence[: match.start()] + pairs[match[0]] + m.sentence[match.end() :]


def strengthened(m: Material) -> str | None:
    match = _AUXILIARY.search(m.sentence)
    if match is None or re.search(r"\b(?:only|always|all|every|each|any|never|no)\b", m.sentence):
        return None
    word = m.rng.choice(("always", "only", "exclusively"))
    return f"{m.sentence[: match.end()]} {word}{m.sentence[match.end() :]}"


def is_new(made: str, m: Material) -> bool:
    """Whether an "invented" sentence has not come out as one of the passages' own, but for an article or a pronoun."""
    mine = _telling(made)
    return not any(f" {' '.join(mine)} " in f" {' '.join(_telling(p.text))} " for p in m.given)


def _telling(text: str) -> list[str]:
    return [re.sub("s$", "", w) for w in re.findall(r"[\w-]+", text.lower()) if w not in _LIGHT]


INVENTED: dict[str, Maker] = {
    "number": number_changed,
    "unit": unit_changed,
    "date": date_changed,
    "name": name_changed,
    "option": option_changed,
    "path": path_changed,
    "negation": negated,
    "words swapped": words_swapped,
    "word replaced": word_replaced,
    "another document": of_another_document,
    "plausible": plausible,
    "wrong relation": wrong_relation,
    "numbers exchanged": numbers_exchanged,
    "half invented": half_invented,
    "hedged": hedged,
    "quoted": quoted,
    "with a mark": with_mark,
    "shuffled": shuffled,
    "passage's words": of_passage_words,
    "question": of_question,
    "general truth": general_truth,
    "opposite": opposite,
    "strengthened": strengthened,
}
