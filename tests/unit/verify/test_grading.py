"""Is a draft right: by a gold answer, or by a larger tier's answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tierwise.errors import InvalidInput, Unreachable
from tierwise.verify.grading import HOWS, agrees, check_gold, grade


@pytest.mark.parametrize(
    ("text", "gold"),
    [
        ("20 cupcakes = $60 left. Answer: 60", "60"),
        ('```json\n{"reasoning": "9 * 2", "answer": "$18.00"}\n```', "18"),
        (r"So \boxed{\frac{3}{4}}.", "0.75"),
        ("The answer is (H).", "H"),
        ("The answer is (H).", "(H)"),
        ('{"answer": "{1: None, 2: None}"}', "{1: None, 2: None}"),
        ('{"answer": "hbtofdeiequ"}', "'hbtofdeiequ'"),
        ('{"answer": "\\"\\""}', "''"),
        ("```\n'\\n\\tz'\n```", "'\\n\\tz'"),
        ("The value of the assertion is 20.", "20"),
        ("True", "True"),
        ("The capital of France is Paris.", "Paris"),
        ("The trail is not short. It was opened by Anna Berg in May 1932.", "Anna Berg, 1932"),
        ("Neil Armstrong stepped onto it in 1969.", "Neil Armstrong"),
        ("Answer: in the kitchen of the house", "the kitchen"),
        ("It lasts twenty-four months.", "24 months"),
        ("Yes, dogs may come along when they are on a lead.", "yes"),
        ("Dogs are not allowed in the park.", "dogs are not allowed"),
    ],
)
def test_right(text: str, gold: str) -> None:
    assert grade(text, gold)


@pytest.mark.parametrize(
    ("text", "gold"),
    [
        ("Answer: 61", "60"),
        ("Answer: a lot", "60"),
        ("I do not know.", "60"),
        ("The answer is (I).", "H"),
        ("Answer: [1, 2]", "(1, 2)"),
        ('{"answer": "58, 92, 21"}', "[58, 92, 21]"),
        ("The capital of France is not Paris.", "Paris"),
        ("Paris is old and large. Answer: Lyon", "Paris"),
        ("Is it Paris?", "Paris"),
        ("I do not know whether it is Paris.", "Paris"),
        ("It was opened by Olaf Berg in 1932.", "Anna Berg"),
        ("It lasts 36 months.", "24 months"),
        ("No, dogs must stay outside at all times of the day.", "yes"),
        ("Dogs are allowed in the park.", "dogs are not allowed"),
        ("", "Paris"),
    ],
)
def test_wrong(text: str, gold: str) -> None:
    assert not grade(text, gold)


def test_the_other_ways() -> None:
    assert grade("Answer: 60 km", "60.0", "number")
    assert not grade("Answer: kilometres", "60", "number")
    assert grade("Answer: b) Paris", "B", "choice") is False  # a bare small letter is a word
    assert grade("The answer is (b).", "b", "choice")
    assert grade(" Paris\n", "Paris", "exact")
    assert grade("Answer: Paris.", "Paris", "exact")
    assert not grade("paris", "Paris", "exact")
    assert grade("The  capital\nis PARIS today", "capital is paris", "contains")
    assert not grade("We start here", "art", "contains")
    assert grade("It is 1,200 euros", r"1[,.]?200\b", "regex")
    assert not grade("It is 12,000 euros", r"\b1[,.]?200\b", "regex")


@pytest.mark.parametrize(
    ("gold", "how", "named"),
    [
        ("60", "clever", "auto, number"),
        ("  ", "auto", "empty"),
        ("many", "number", "no number"),
        ("both", "choice", "no option"),
        ("(", "regex", "no regular expression"),
    ],
)
def test_what_cannot_be_graded_is_refused(gold: str, how: str, named: str) -> None:
    with pytest.raises(InvalidInput, match=named) as caught:
        grade("60", gold, how)
    assert caught.value.fix


def test_without_gold_only_the_way_is_checked() -> None:
    check_gold(None, "regex")
    with pytest.raises(InvalidInput):
        check_gold(None, "clever")


LITERALS = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.tuples(inner, inner), st.dictionaries(st.text(), inner)),
    max_leaves=6,
)


@given(
    st.one_of(
        st.integers().map(str),
        st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
        st.sampled_from("ABCDEFGHIJ"),
        LITERALS.map(repr),
    )
)
def test_the_gold_itself_is_right(gold: str) -> None:
    assert grade(gold, gold)
    assert grade(f"Answer: {gold}", gold)


@given(
    st.text(),
    st.text(min_size=1).filter(lambda gold: bool(gold.strip())),
    st.sampled_from(("auto", "exact", "contains")),
)
def test_grading_never_raises(text: str, gold: str, how: str) -> None:
    assert grade(text, gold, how) in (True, False)
    assert how in HOWS


class Embedder:
    """Every text is the same, or the server is down."""

    identity, dimension = "test", 2

    def __init__(self, *, down: bool = False) -> None:
        self.down = down

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.down:
            raise Unreachable("The embeddings server does not answer.")
        return np.tile(np.array([1.0, 0.0], np.float32), (len(texts), 1))


@pytest.mark.parametrize(
    ("one", "other", "label"),
    [
        ("She pays $60.", "3 * 20 = 60. Answer: 60", 1.0),
        ("Answer: 61", "Answer: 60", 0.0),
        ("The answer is (H).", "H", 1.0),
        ("Yes.", "No, that is not so; the lid has to stay shut all of the time.", 0.0),
        ("Paris", "The capital of France is Paris.", 1.0),
        ("I don't know.", "It is Paris.", 0.0),
        ("It is Paris.", "I am sorry, I cannot answer that.", 0.0),
        ("I don't know.", "I am sorry, I cannot answer that.", 1.0),
    ],
)
def test_agreement_that_is_settled(one: str, other: str, label: float) -> None:
    assert agrees(one, other) == agrees(other, one) == label


REFERENCE = (
    "The bridge was opened by Anna Berg on 3 May, and since then the town has grown with its trade along the river."
)


def test_agreement_of_sentences_is_soft_and_in_order() -> None:
    close = agrees(
        "Anna Berg opened the bridge on 3 May, and the town grew with the trade along the river since then.", REFERENCE
    )
    other_name = agrees(
        "The bridge was opened by Olaf Lind on 7 June, and the town has grown with trade on the river.", REFERENCE
    )
    far = agrees(
        "Lanterns burn for forty hours when the oil is clean, so keep it in a closed can in the cellar.", REFERENCE
    )
    assert 1.0 >= close > other_name > far
    assert far < 0.1
    allowed = "Dogs are allowed in the gardens behind the old town hall."
    assert agrees(allowed, allowed.replace("allowed", "not allowed")) <= 0.25


def test_an_embedder_helps_where_words_differ_and_may_fail() -> None:
    one, other = (
        "Cars have to be left outside of the old town at any time of the day.",
        "Vehicles may enter nowhere, as everybody walks there.",
    )
    plain = agrees(one, other)
    assert agrees(one, other, Embedder()) > plain
    assert agrees(one, other, Embedder(down=True)) == plain


@given(st.text(), st.text())
def test_agreement_is_in_range(one: str, other: str) -> None:
    assert 0.0 <= agrees(one, other) <= 1.0
    assert agrees(one, one) == 1.0
