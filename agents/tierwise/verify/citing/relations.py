"""Whether the words of a claim stand in the same relation as in its source.

The right words in another order are another sentence: "the daemon deletes the file" does not say that the file deletes
the daemon, and "adults pay 40 and children 20" not that adults pay 20. Sentences are compared as chunks, which end at
prepositions and punctuation: within a chunk the order counts, but "on Sundays at four" may become "at four on Sundays".
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Mapping, Sequence, Set
from typing import NamedTuple

from tierwise.verify.citing.items import BE, BREAKS, STOPS, Item, in_plain_order
from tierwise.verify.citing.kept import MODALS

_JOINTS = frozenset([",", ";", ":", "|", "and", "or", "but", "while", "whereas"]) | STOPS
_LIST = frozenset([",", "and", "or"])
_COPULA = frozenset(["is", "are", "was", "were", "be", ":", "="])
_ARTICLES = frozenset(["the", "a", "an"])
_CONDITION = frozenset(["if", "unless", "whether"])
_CONDITIONS_OF_CLAIM = _CONDITION | frozenset(["when", "whenever", "where", "that", "once", "with", "in"])
_CONDITION_END = frozenset([",", ";", ".", "!", "?", "then", ")"])
# What comes before one of these is not what comes behind it: "A if B" is not "B if A".
_TURNING_WORDS = "if unless because although before after than until so when"
_TURNING = frozenset(_TURNING_WORDS.split())
_PREPOSITIONS_WORDS = """
    in on at by for with within during since until after before to from between under over without into per
    above below against through across up down off out inside outside than because if unless although when so as
    that which
"""
_PREPOSITIONS = frozenset(_PREPOSITIONS_WORDS.split())
_MOVABLE = _PREPOSITIONS - _TURNING - {"as", "that", "which"}  # what they lead may stand anywhere in its part
_GOING_ON = _MOVABLE | _LIST
_FAR = 8  # words of a side remark between two neighbours of a claim
_NEAR = 4  # words that merely describe the second of them
_FLOATING = frozenset({"default", "maximum", "minimum"})
_PRONOUNS_WORDS = "it they he she this these that those its their his her"
_PRONOUNS = frozenset(_PRONOUNS_WORDS.split())
_LINKS_WORDS = "has have had : = ( \u2013 \u2014"
_LINKS = BE | frozenset(_LINKS_WORDS.split())  # by which a source may say that something is something
_DEMONSTRATIVES = frozenset(["this", "that", "these", "those"])
_SUBJECT = 3  # words that what a sentence is about may have
_CONFLICTS = (
    "from to", "from into", "before after", "with without", "above below", "over under", "in out", "on off",
    "since until", "up down", "for against", "inside outside",
)  # fmt: skip
_CONFLICTING = frozenset((one, other) for pair in _CONFLICTS for one, other in (pair.split(), pair.split()[::-1]))


class _Place(NamedTuple):
    """Where a word stands: in which part between joints, after which preposition, and whether it is only supposed."""

    part: int
    label: str
    supposed: bool


class _Way(NamedTuple):
    """A reading of the claim in the span so far."""

    at: int
    supposed: bool = False  # a part of it stands in an if-clause
    turned: bool = False  # two neighbours have changed places: "the size of the page", "the page size"
    moved: frozenset[tuple[str, str]] = frozenset()  # prepositions of the claim and of the span, where they differ
    used: frozenset[int] = frozenset()  # where words stand that the claim has more than once


def same_relation(claim: Sequence[Item], span: Sequence[Item]) -> bool:
    """Whether the words of the claim that the span has can be read in the span in the claim's relations."""
    mine, theirs = in_plain_order(claim), in_plain_order(span)
    here, there = _places(mine), _places(theirs)
    found: dict[str, list[int]] = defaultdict(list)
    for at, item in enumerate(theirs):
        if item.key:
            found[item.key].append(at)
    one_number = sum(item.number for item in mine) == 1  # numbers_belong tells what it belongs to
    floats = {item.key for item in mine if one_number and (item.number or item.key in _FLOATING)}
    mine, theirs = ([_floating(item, floats) for item in items] for items in (mine, theirs))
    wanted = [at for at, item in enumerate(mine) if item.key in found and not item.loose]
    floating = [at for at, item in enumerate(mine) if item.key in floats and item.key in found]
    if not wanted:
        return True
    first = next((at for at in wanted if not mine[at].moved), None)
    if first is not None and not _unreplaced_beginning(mine, theirs, there, first, found):
        return False
    if not one_number and any(item.moved and item.key not in found for item in mine):
        return False  # what the claim says of its subject is its own
    if _replaced_end(mine, wanted[-1], found) or _replaced_behind(mine, theirs, here, there):
        return False
    # "The balance is 40" may be said in many ways, "the server is a client" only by a word that links the two.
    if any(item.word in BE for item in mine) and not one_number and not any(item.word in _LINKS for item in theirs):
        return False
    repeated = {key for key, n in Counter(mine[at].key for at in wanted).items() if n > 1}
    ways = {_Way(-1)}
    for before, at in zip([None, *wanted], wanted, strict=False):
        ways = {
            step
            for way in ways
            for new in found[mine[at].key]
            if (step := _step(way, new, before, at, mine, theirs, here, there, repeated)) is not None
        }
    for at in floating:
        ways = {
            way._replace(moved=way.moved | {labels}) if labels[0] != labels[1] else way
            for way in ways
            for new in found[mine[at].key]
            if (labels := (here[at].label, there[new].label)) not in _CONFLICTING and labels[::-1] not in way.moved
        }
    conditional = any(item.word in _CONDITIONS_OF_CLAIM for item in claim)
    return any(conditional or not way.supposed for way in ways)


def _floating(item: Item, floats: Set[str]) -> Item:
    return item._replace(loose=True) if item.key in floats else item


def _step(
    way: _Way,
    new: int,
    before: int | None,
    at: int,
    mine: Sequence[Item],
    theirs: Sequence[Item],
    here: Sequence[_Place],
    there: Sequence[_Place],
    repeated: Set[str],
) -> _Way | None:
    """The reading with the claim's word at ``at`` read as the span's word at ``new``; ``None`` if it cannot be."""
    labels = here[at].label, there[new].label
    if labels in _CONFLICTING or new in way.used or _conflict(_glue(mine, at), _glue(theirs, new)):
        return None
    # "The file is deleted" is "delete the file", not "the deleted is a file".
    governs = not _glue(mine, at) & (BE | MODALS.keys()) and any(item.key for item in mine[at + 1 :])
    if theirs[new].moved and not mine[at].moved and not governs:
        return None
    if labels[0] == "by" != labels[1] and mine[at].word:
        return None
    moved = way.moved if labels[0] == labels[1] else way.moved | {labels}
    if labels[::-1] in way.moved:
        return None  # one thing has come to stand behind the preposition of another, and the other way round
    turned = way.turned
    if before is not None:
        between = mine[before + 1 : at]
        present = {item.key for item in theirs}
        if any(item.key not in present and item.key and not item.loose for item in between):
            # Words of the claim's own may be added, but not put in the place of others.
            last = next((item for item in theirs[:new][::-1] if item.key and not item.loose), None)
            if any(item.key and not item.loose for item in theirs[way.at + 1 : new]):
                return None
            if last is not None and last.key not in {item.key for item in mine}:
                return None
        if not _follows(theirs, there, way.at, new, between):
            if turned or new > way.at or not _turned_round(theirs, way.at, new, between):
                return None
            turned = True
    used = way.used | {new} if mine[at].key in repeated else way.used
    return _Way(new, way.supposed or there[new].supposed, turned, moved, used)


def _unreplaced_beginning(
    claim: Sequence[Item],
    span: Sequence[Item],
    places: Sequence[_Place],
    first: int,
    found: Mapping[str, Sequence[int]],
) -> bool:
    """Whether a claim that begins with words of its own does not put them in the place of the span's subject."""
    if not any(item.key and not item.loose and item.key not in found for item in claim[:first]):
        return True
    if span[0].word == "there":
        return False
    for at in found[claim[first].key]:
        before = [item for item, place in zip(span[:at], places, strict=False) if place.part == places[at].part]
        if not any(item.weighs or item.moved for item in before):
            return True
    return False


def _replaced_behind(
    claim: Sequence[Item], span: Sequence[Item], here: Sequence[_Place], there: Sequence[_Place]
) -> bool:
    """Whether a word of the claim's own stands behind a preposition behind which the span has another one."""
    mine, theirs = ({item.key for item in items} for items in (claim, span))
    own = {here[n].label for n, item in enumerate(claim) if item.key and not item.loose and item.key not in theirs}
    return any(item.weighs and item.key not in mine and there[n].label in own - {""} for n, item in enumerate(span))


def _replaced_end(claim: Sequence[Item], last: int, present: Container[str]) -> bool:
    """Whether a claim ends with words of its own; what comes behind a preposition of its own is only added."""
    for at, item in enumerate(claim[last + 1 :], last + 1):
        if item.key and not item.loose and item.key not in present:
            return not _MOVABLE & {item.word for item in claim[last + 1 : at]}
    return False


def _glue(items: Sequence[Item], at: int) -> set[str]:
    """The function words between a word and the next one that has a key."""
    end = next((i for i in range(at + 1, len(items)) if items[i].key and not items[i].loose), len(items))
    return {item.word for item in items[at + 1 : end]}


def _conflict(mine: Set[str], theirs: Set[str]) -> bool:
    return any((one, other) in _CONFLICTING for one in mine for other in theirs - mine)


def _places(items: Sequence[Item]) -> list[_Place]:
    found: list[_Place] = []
    part, label, supposed = 0, "", False
    for at, item in enumerate(items):
        if item.word in _CONDITION:
            supposed = True
        elif item.word in _CONDITION_END:
            supposed = False
        if item.word in _JOINTS:
            # "on Sundays and at night" is one part, as is ", or through the website".
            going_on = item.word in _LIST and at + 1 < len(items) and items[at + 1].word in _GOING_ON
            part, label = part + (not going_on), ""
        elif item.word in _PREPOSITIONS:
            label = item.word
        found.append(_Place(part, label, supposed))
    return found


def _follows(span: Sequence[Item], places: Sequence[_Place], old: int, new: int, between: Sequence[Item]) -> bool:
    """Whether a claim may go from the word at ``old`` of the span to that at ``new``, with ``between`` in the claim."""
    if new == old:
        return False
    if any(item.word in _MOVABLE for item in between) and places[old].part == places[new].part:
        return True
    low, high = min(old, new), max(old, new)
    left_out = _without_remarks(span[low + 1 : high])
    skipped = [item for item in left_out if item.weighs]
    if new < old:
        return _reordered(span, old, new, between)
    if (stop := next((at for at in range(low + 1, high) if span[at].word in STOPS), None)) is not None:
        begins = not any(item.weighs for item in span[stop:new])
        return (begins and any(item.word in _JOINTS for item in between)) or (
            places[new].part == places[stop + 1].part and _leans(span, old, stop)
        )
    if not skipped:
        return True
    units = {span[at].unit for at in (old, new) if span[at].number}
    if any(item.number and item.unit in units for item in skipped):
        return False
    if left_out[0].word in _LIST and len(skipped) <= 2 and not any(item.number for item in skipped):
        return True
    joints = [at for at, item in enumerate(left_out) if item.word in _JOINTS]
    if joints:
        return not any(item.weighs for item in left_out[joints[-1] :])
    chunks = [at for at, item in enumerate(left_out) if item.word in _PREPOSITIONS or item.word in BREAKS]
    if chunks and left_out[chunks[0]].word not in _MOVABLE - {"to"}:
        return False  # a clause of its own begins there
    if chunks:  # what comes after "old" may be told of it; what came between would be another object
        return len(skipped) <= _FAR and not any(item.weighs for item in left_out[: chunks[0]])
    return len(skipped) <= _NEAR


def _without_remarks(items: Sequence[Item]) -> Sequence[Item]:
    """The items without what stands in round brackets among them."""
    found: list[Item] = []
    opened: list[int] = []
    for item in items:
        if item.word == "(":
            opened.append(len(found))
        found.append(item)
        if item.word == ")" and opened:
            del found[opened.pop() :]
    return found


def _leans(span: Sequence[Item], old: int, stop: int) -> bool:
    """Whether the sentence after a full stop is about what the one before it begins with, which ends at ``old``."""
    start = next((at + 1 for at in range(stop - 1, -1, -1) if span[at].word in STOPS), 0)
    first, *more = [*span[stop + 1 : stop + 3], Item(".")]
    told = first.word in _DEMONSTRATIVES and bool(more[0].key)  # "this option" says itself what it is about
    return first.word in _PRONOUNS and not told and sum(item.weighs for item in span[start : old + 1]) <= _SUBJECT


def _reordered(span: Sequence[Item], old: int, new: int, between: Sequence[Item]) -> bool:
    """Whether two neighbours of a claim that stand the other way round in the span say the same all the same."""
    left_out = span[new + 1 : old]
    mine, theirs = ({item.word for item in items} for items in (between, left_out))
    if span[old].number != span[new].number:
        # "60 is the default" and "the default is 60", "420 seats" and "seats 420"
        return (
            not any(item.weighs for item in left_out)
            and mine <= _COPULA | _ARTICLES
            and theirs <= _COPULA | _ARTICLES | {"(", "of", "to"}
        )
    if mine & _LIST and mine <= _LIST | _ARTICLES | {"either", "both"}:
        return all(item.key or item.word in _LIST or item.word in _ARTICLES for item in left_out)
    return False


def _turned_round(span: Sequence[Item], old: int, new: int, between: Sequence[Item]) -> bool:
    """Whether "the size of the page" is "the page size"; "the page of the size" is not."""
    mine, theirs = ([item.word for item in items] for items in (between, span[new + 1 : old]))
    return (not mine or not theirs) and "of" in mine + theirs and set(mine + theirs) <= _ARTICLES | {"of"}
