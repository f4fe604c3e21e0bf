"""Does a message lean on what was said before? "commit it" does, "What is the capital of France?" does not.

Plain rules for English, with the commonest short questions of a few neighbours; in any other language a message is
taken to stand by itself, and its vector may still say that it goes on. In doubt a message stands by itself: taking it
for a follow-up costs a call of a larger tier, missing it costs one more draft of the smallest.
"""

from __future__ import annotations

import re

from tierwise.words import STOPWORDS, stem, words

_LONGEST = 14  # words; who writes more says what is meant
_MOST_CHARACTERS = 200
_FEW = 2  # words of its own beside one that points back

# Words that change or question an answer that is there: no subject of their own.
_TURNS = """
    add again alternative another apply bit brief briefer bullet change check clarify clear clearer comment commit
    continue correct deep deeper deploy detail difference different differently easier elaborate else example expand
    explain faster fix formal format full improve informal instead json less line list longer markdown mean merge more
    next other paragraph phrase point polite precise proceed proof prove push quite redo refactor rename repeat rephrase
    rerun retry revert reword rewrite right round run sentence short shorten shorter simple simpler simplify sound
    specific step sum summarise summarize sure table term test translate true try undo version way wrong better best
    yaml xml csv former latter last previous
    danish dutch english finnish french german greek italian japanese latin norwegian polish portuguese russian
    spanish swedish chinese korean arabic hindi turkish python rust java javascript typescript
"""
_TURN = frozenset(stem(word) for word in _TURNS.split())
_COUNTS = "one two three four five six seven eight nine ten first second third"
_NUMBERS = frozenset(_COUNTS.split())
# Orders that need something at hand: "fix the bug", "run the tests".
_ORDER_WORDS = """
    add apply change clarify commit continue delete deploy elaborate expand fix improve merge proceed push redo refactor
    remove rename rephrase rerun retry revert reword rewrite run shorten simplify undo
"""
_ORDERS = frozenset(_ORDER_WORDS.split())
_POLITE = re.compile(
    r"^(?:(?:ok|okay|hm+|well|please|pls|thanks?(?: you)?(?: (?:so|very) much)?|great|good|perfect|nice|cool|right|"
    r"sorry|hi|hello|hey|alright|(?:can|could|would|will) you)\b[\s,.!:;-]*)+"
    r"|(?:[\s,]*\b(?:please|pls|thanks|thank you)\b)+(?=[\s.!?]*$)",
    re.IGNORECASE,
)
_PRAISE = re.compile(
    r"\bthanks?(?: you)?\b.*\bfor\b|^(?:that|this|it)(?:'s| is| was) (?:\w+ )?"
    r"(?:amazing|awesome|cool|excellent|good|great|helpful|lovely|nice|perfect|wonderful)\b",
    re.IGNORECASE,
)
_SUM = re.compile(r"\d\s*[-+*/^=<>%\u00d7\u00f7]\s*\d")
_OWN_MATTER = frozenset('{}[]=`"\u201c\n')  # code, or a text to be worked on
_WHOLE_MESSAGES = """
    yes|no|yep|nope|so|and|then|go on|go ahead|keep going|do so|do both|really|seriously|how come|come again|says who|
    stop|ditto|warum|wieso|weshalb|weiter|mach weiter|nochmal|noch einmal|und jetzt|und dann|und|ja|nein|ja bitte|
    pourquoi|encore|continuez|et alors|et maintenant|oui|non|por qué|otra vez|continúa|sigue|y ahora|sí|
    perché|ancora|ancora una volta|e adesso|e ora|sì
"""
_WHOLE = frozenset(message.strip() for message in _WHOLE_MESSAGES.split("|"))
_BARE = re.compile(
    r"(?:but |and |so |then )?(?:why|how|what|who|where|when|which)(?: (?:not|so|then|now|one|ones|else))?"
)
_ASKS = re.compile(
    r"\b(?:who|whom|whose|what|which|when|where|why|how)\b|^(?:is|are|was|were|do|does|did|can|could|has)\b"
)
_JOINED = re.compile(r"(?:and|but|or|so|(?:what|how) about|what if|(?:the )?same(?: \w+)? for|ditto for)\b ?")
_MOVED_ON = re.compile(r"(?:also|then|now|next|instead)\b ?|.* instead$")
_PHRASE = re.compile(r"(?:in|as|with|without|for|to|into|of|from) ")

# "the second one", "the latter", "the other two"
_PICK = re.compile(
    r"\bthe (?:first|second|third|last|next|other|previous|former|latter|latest|same)"
    r"(?: (?:one|ones|two|three|way|part|step|point|paragraph|sentence|answer|example|files?|line|option|question))?"
    r"(?=$| (?:or|and|in|for|with|as|to|of|way|again|now|too|then|here|but|is|are|was)\b)"
)
_EQUAL = re.compile(r"\b(?:are|is|was|were|be|looks?)\b.*\bthe same$")
_PRONOUN = re.compile(r"\b(?:it|its|he|him|his|she|her|hers|they|them|their|theirs|those|these)\b")
# "it" that stands for nothing: the weather, the clock, "is it safe to ..."
EMPTY_IT = re.compile(
    r"\b(?:what|which) (?:time|day|date|year|month) is it\b|\b(?:does|will|did) it (?:rain|snow)\b"
    r"|\bit(?:'s| is| was| be|) ?(?:raining|snowing|cold|hot|warm|dark|windy|sunny|late|early)\b"
    r"|\b(?:is|was|are|isn't) it (?:[\w'-]+ ){1,2}(?:to|that|if|for)\b"
    r"|\bit (?:is|was|'s) (?:[\w'-]+ ){1,2}(?:to|that)\b"
    r"|\b(?:does|did|will|would|is) it (?:take|cost|like|mean|matter)\b.* to\b"
)
_BEHIND_THAT = """
    again all and any as at back better but by can could did didn't does doesn't down for from has in instead into is
    longer more further now on or out shorter should so still then to too up was will with without would
"""
_THINGS = """
    answer approach case claim code draft email error example figure formula function idea letter line list mail number
    one paragraph part plan point poem question reason result sentence step summary table text two version way word
"""
_PREDICATES = """
    apply change correct enough follow happen help make matter mean necessary ok possible right true work wrong
"""
_THAT = re.compile(
    # as an object or alone, "do that again"; before a piece of an answer, "translate that sentence"
    rf"\b(?:that|this)(?:$| (?:{'|'.join(_BEHIND_THAT.split())})\b| (?:{'|'.join(_THINGS.split())})s?\b)"
    # as a subject: "does that work", "that's wrong"
    r"|\b(?:is|was|does|did|do|will|would|can|could|should|are|has|have|isn't|wasn't|doesn't) (?:that|this) "
    rf"(?:{'|'.join(_PREDICATES.split())})\b|^(?:no )?(?:that's|this is)\b"
)
_RELATIVE = re.compile(r"\b(?:a|an|the|any|some|every|which|what|is) (?:[\w'-]+ )?[\w'-]+ (?:that|this) ")
_END = re.compile(r"\b(?:(?:do|did|does|think|say|said) so|then|there)$")


def leans_back(message: str) -> bool:
    """Whether only what was said before tells what the message means."""
    if len(message) > _MOST_CHARACTERS:
        return False
    if not _OWN_MATTER.isdisjoint(message.strip()) or _SUM.search(message) or _PRAISE.search(message):
        return False
    if " ".join(words(message)) in _WHOLE:
        return True
    found = words(_POLITE.sub("", message.strip()))
    text = " ".join(found)
    if not found or len(found) > _LONGEST:
        return False
    if text in _WHOLE or _BARE.fullmatch(text):
        return True
    turning = [word for word in found if stem(word) in _TURN]
    own = [w for w in found if not (w in STOPWORDS or w in turning or w in _NUMBERS or "'" in w)]
    if _points_back(text):
        return len(own) <= _FEW
    if joined := _JOINED.match(text):
        return len(own) <= (1 if _ASKS.search(text[joined.end() :]) else _FEW)
    if not own:
        return bool(turning) or _PHRASE.match(text) is not None
    if _MOVED_ON.match(text):
        return len(own) <= 1
    if found[0] in _ORDERS:
        return len(own) <= 1 and not any(char.isdigit() for char in message)
    return _PHRASE.match(text) is not None and not _ASKS.search(text) and len(found) <= 4 and len(own) <= 1


def _points_back(text: str) -> bool:
    """Whether a word stands for something that was said before."""
    if _PICK.search(text) and not _EQUAL.search(text):
        return True
    if _PRONOUN.search(text) and not EMPTY_IT.search(text):
        return True
    if _THAT.search(text) and not _RELATIVE.search(text):
        return True
    return _END.search(text) is not None and _ASKS.search(text) is not None
