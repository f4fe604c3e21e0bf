"""The answer proper in a draft, and whether two of them are the same."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.verify.final import Final, final_answer, same_answer
from tierwise.verify.values import letter_of, literal_of, number_of

# Texts made of what drafts are made of, so that the rules are met.
MARKS = ("Answer: ", "The answer is ", "#### ", "\\boxed{", "}", '{"answer": "', '"', "```\n", "= ", "**", "Question: ")
VALUES = (
    "(H)",
    "42",
    "$",
    "1,234.5",
    "%",
    "\\frac{1}{2}",
    "[1, ",
    "]",
    "'a\\",
    "'",
    "Paris ",
    "\\477",
    "{}",
    "\u00e9",
    "_",
)
PIECES = st.sampled_from((*MARKS, *VALUES, " and ", "not ", "\n", ". "))
DRAFTS = st.one_of(st.text(), st.lists(PIECES, max_size=14).map("".join))


def found(text: str) -> tuple[str, str, str] | None:
    final = final_answer(text)
    return None if final is None else (final.text, final.kind, final.source)


@pytest.mark.parametrize(
    ("text", "answer", "kind"),
    [
        ("Frances sells 20 cupcakes for $3 each = $60 left. Answer: 60", "60", "number"),
        ("Answer: 3 portraits and 5 selfies", "3 portraits and 5 selfies", "text"),
        ("**Answer:** 60", "60", "number"),
        ("**Answer: 60**", "60", "number"),
        ("*Answer*: $60.", "$60", "number"),
        ("### Final Answer\n\n60", "60", "number"),
        ("**Answer**\n60 dollars", "60", "number"),
        ("Final answer: **$1,234.50** per year.", "$1,234.50", "number"),
        ("So it is 42.\n#### 42\n", "42", "number"),
        (r"The answer is $\boxed{\frac{3}{4}}$.", r"\frac{3}{4}", "number"),
        (r"Thus \[ \boxed{\text{60 cm}} \]", r"\text{60 cm}", "number"),
        (r"Answer: \( 60 \)", "60", "number"),
        ("Answer: $60$", "60", "number"),
        (r"Answer: $\$60$", r"\$60", "number"),
        (r"Answer: 1\,234", r"1\,234", "number"),
        ("Answer: 20 * 3 = 60", "60", "number"),
        ("Answer: x = 5", "5", "number"),
        ("Answer: x = 5, y = 3", "x = 5, y = 3", "text"),
        ("Answer: 60 because 3 * 20 = 60", "60", "number"),
        ("Answer: About 60 miles", "60", "number"),
        ("The answer is 3 1/2 cups.", "3 1/2", "number"),
        ("Answer: 50%", "50%", "number"),
        ("Answer: 5x + 3", "5x + 3", "text"),
        ("Answer: Apollo 11", "Apollo 11", "text"),
        ("Answer: 3:30 pm", "3:30 pm", "text"),
        (r"Answer: 2\pi", r"2\pi", "text"),
        ("Answer: $60 and $70", "$60 and $70", "text"),
        ("The answer to the first part is 20. The answer is 7.", "7", "number"),
        ("Answer: 5\n\nQuestion: And now?\nAnswer: 9", "5", "number"),
        ("Answer: 5. The answer is derived from the rule that all numbers are equal.", "5", "number"),
        ("The answer is (H).", "(H)", "choice"),
        ("The correct answer is: B. Paris", "B", "choice"),
        ("It is not listed, but the closest option is (J) 82.", "(J)", "choice"),
        ("Answer: I", "I", "choice"),
        ("The answer is (B) and (D).", "(B) and (D)", "text"),
        ("Answer: J. K. Rowling", "J. K. Rowling", "text"),
        ("Answer: [1, 2, 3]", "[1, 2, 3]", "value"),
        ("Answer: `[1, 2]`, as the list is cut.", "[1, 2]", "value"),
        ("Answer:\n```python\n[1]\n```", "[1]", "value"),
        ("Answer: {}", "{}", "value"),
        ("Answer: 'a' and 'b'", "'a' and 'b'", "text"),
        ('{"reasoning": "It is 4.", "answer": 5}', "5", "number"),
        ('{"answer": [1, 2]}', "[1, 2]", "value"),
        ('```json\n{\n  "reasoning": "The answer is 4."\n  "answer": "18"\n}\n```', "18", "number"),
        ('{"answer": "7"}\n```\nShow it in `answer`, e.g. `"answer": "42"`\n{"answer": "___"}', "7", "number"),
        ('{"answer": "3*68 + 2*80 = 364"}', "364", "number"),
        ('{"answer": "say "hi" now"}', 'say "hi" now', "text"),
    ],
)
def test_a_stated_answer_is_found(text: str, answer: str, kind: str) -> None:
    assert found(text) == (answer, kind, "stated")


@pytest.mark.parametrize(
    ("text", "answer", "kind"),
    [
        ("(4, 6)", "(4, 6)", "value"),
        ("{}", "{}", "value"),
        ("True", "True", "value"),
        ("60", "60", "number"),
        ("H.", "H", "choice"),
        ("**H**", "H", "choice"),
        ("B) Paris", "B)", "choice"),
        ("```\n'\\n\\tz'\n```", "'\\n\\tz'", "value"),
        ("Paris.", "Paris", "text"),
        ("Yes, because the lid of the box is always closed at night by the guard.", "Yes", "text"),
        ("No: nobody has ever been seen there at any time of the day or the night.", "No", "text"),
    ],
)
def test_a_draft_that_is_all_answer(text: str, answer: str, kind: str) -> None:
    assert found(text) == (answer, kind, "whole")


@pytest.mark.parametrize(
    ("text", "answer", "kind"),
    [
        ("The value of the assertion is 20.", "20", "number"),
        ("She has 20 - 2 = 18 eggs. So she makes **$36** from 18 eggs each day.", "$36", "number"),
        ("3 boxes of 4 hold 3 * 4 = 12 eggs.", "12", "number"),
        ("Step 1: 20 eggs.\n\nTherefore, there are 560 bees in the hive.", "560", "number"),
        ("The output of the code is `['a']`.", "['a']", "value"),
        ("assert f(1) == [1, 2]", "[1, 2]", "value"),
        ("The list is made of one:\n```\n[1]\n```", "[1]", "value"),
        ("We compare the options.\n\n(C)", "(C)", "choice"),
    ],
)
def test_the_last_value_is_a_guess(text: str, answer: str, kind: str) -> None:
    assert found(text) == (answer, kind, "last")


ESSAY = (
    "The town grew around a mill. Its people came from the hills and built the first bridge in 1851. "
    "A fire took most of the houses. They were built again in stone, with money from the county and much help. "
) * 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        ESSAY,
        ESSAY + "The new bridge stands since 1932.",
        "I don't know.",
        "The passages do not mention 5 things.",
        "Answer: I do not know.",
        "```python\ndef f(x):\n    return x + 1\n```",
        "Do you want 5 or 6?",
    ],
)
def test_no_answer_proper(text: str) -> None:
    assert final_answer(text) is None


def test_escapes_of_json_are_read() -> None:
    final = final_answer('{"answer": "[\\"a\\"]"}')
    assert final is not None
    assert (final.text, final.meant, final.kind) == ('[\\"a\\"]', '["a"]', "value")


def same(one: str, other: str) -> bool | None:
    a, b = final_answer(one), final_answer(other)
    assert a is not None
    assert b is not None
    assert same_answer(a, b) == same_answer(b, a)
    return same_answer(a, b)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Answer: 1,234.0", "1234"),
        ("Answer: 50%", "50"),
        ("Answer: 3/4", r"\boxed{\frac{3}{4}}"),
        ("Answer: 0.75", "3/4"),
        ("Answer: 1.5e3", r"Answer: $1.5 \times 10^{3}$"),
        ("Answer: 2 million", "2,000,000"),
        ("Answer: -5", "Answer: \u22125"),
        ("Answer: twenty-four eggs", "24"),
        ("The answer is (H).", "H"),
        ("Answer: B", "Answer: B. Paris"),
        ("Answer: ['a','b']", 'Answer: ["a", "b"]'),
        ("Answer: {'a': 1, 'b': 2}", "Answer: {'b': 2, 'a': 1.0}"),
        ("Answer: [true, null]", "Answer: [True, None]"),
        ('{"answer": "seiq d"}', "Answer: 'seiq d'"),
        ("Answer: The kitchen.", "Answer: kitchen"),
        (r"Answer: $\dfrac{a}{b}$", "Answer: $a/b = a/b$".replace(" = a/b", "") + r"\,"),
    ],
)
def test_the_same_answer(one: str, other: str) -> None:
    assert same(one, other) is True


@pytest.mark.parametrize(
    ("one", "other", "outcome"),
    [
        ("Answer: 60", "Answer: 61", False),
        ("Answer: 50%", "Answer: $50", False),
        ("Answer: 0.5", "Answer: 50%", False),
        ("Answer: 1000000", "Answer: 1000001", False),
        ("The answer is (H).", "The answer is (I).", False),
        ("Answer: [1, 2]", "Answer: (1, 2)", False),
        ("Answer: [1]", "Answer: [True]", False),
        ("Answer: 'a '", "Answer: 'a'", False),
        ("Answer: Paris", "Answer: Lyon", False),
        ("Answer: Yes", "Answer: No", False),
        ("Answer: 60", "Answer: a lot", None),
        ("Answer: 8", "Answer: 3 portraits and 5 selfies", None),
        ("The answer is (H).", "Answer: 60", None),
    ],
)
def test_another_answer(one: str, other: str, outcome: bool | None) -> None:
    assert same(one, other) is outcome


@given(DRAFTS)
def test_the_span_is_in_the_text(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        final = final_answer(text)
    if final is not None:
        assert 0 <= final.start <= final.end <= len(text)
        assert text[final.start : final.end] == final.text
        assert same_answer(final, final) is True


@given(DRAFTS, DRAFTS)
def test_sameness_is_symmetric(one: str, other: str) -> None:
    a, b = final_answer(one), final_answer(other)
    if a is not None and b is not None:
        assert same_answer(a, b) == same_answer(b, a)


@given(st.text(alphabet="\\'\"ux0478Nab[](){},:.-+\n\0 /eE%$", max_size=30))
def test_reading_never_raises(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        literal_of(text)
        number_of(text)
        letter_of(text)


LITERALS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.tuples(inner, inner), st.dictionaries(st.text(), inner)),
    max_leaves=8,
)


@given(LITERALS)
def test_literals_are_read_as_python_reads_them(value: object) -> None:
    assert literal_of(repr(value)) == (value,)


@pytest.mark.parametrize(
    "text", ["[" * 5000, "1" * 30_000, "{[]: 1}", "1 if 2 else 3", "f(1)", "--1", "007", "[1", "1]"]
)
def test_what_is_no_literal(text: str) -> None:
    assert literal_of(text) is None


def test_a_final_is_frozen() -> None:
    with pytest.raises(AttributeError):
        Final(0, 1, "a", "text").text = "b"  # type: ignore[misc]
