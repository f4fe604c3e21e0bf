"""Hard facts: what must not be altered between a source and a claim."""

from __future__ import annotations

import pytest

from tierwise.verify.citing.facts import contradiction, facts_of


@pytest.mark.parametrize(
    ("claim", "span"),
    [
        ("It lasts 24 months.", "The term is twenty-four months."),
        ("It costs 1200 euros.", "The price is \u20ac1,200."),
        ("It costs $1,200.50.", "1200.5 dollars are due."),
        ("It opens at 7 pm.", "Open from 19:00."),
        ("Delivery on March 12, 2024.", "Delivered 2024-03-12."),
        ("The party is on 3rd June.", "On 3 June there is a party."),
        ("It needs 4GB.", "At least 4 GB of memory."),
        ("Error E-12 appeared.", "Fault code E12."),
        ("Two million people came.", "There were 2 million visitors."),
        ("Petra's rule.", "Petra made the rule."),
        ("Dogs are not allowed.", "No dogs allowed."),
        ("Damage is not covered.", "Damage is excluded."),
        ("It takes no more than 5 days.", "It takes at most 5 days."),
    ],
)
def test_the_same_fact_in_other_words_does_not_contradict(claim: str, span: str) -> None:
    assert contradiction(facts_of(claim), facts_of(span)) is None


@pytest.mark.parametrize(
    ("claim", "span", "kind"),
    [
        ("It lasts 36 months.", "It lasts 24 months.", "number"),
        ("It lasts 24 weeks.", "It lasts 24 months.", "number"),
        ("It costs 1.3 billion dollars.", "It costs 1.3 million dollars.", "number"),
        ("It opens at 7 am.", "It opens at 19:00.", "date"),
        ("The meeting is on Monday.", "The meeting is on Tuesday.", "date"),
        ("It happened on 3 May.", "It happened on 3 June.", "date"),
        ("Fault E31 means low flow.", "Fault E12 means low flow.", "date"),
        ("The chair was Anna Berg.", "The chair was Olaf Berg.", "name"),
        ("Press Ctrl+F to search.", "Press the Shift key to search.", "name"),
        ("Dogs are allowed.", "Dogs are not allowed.", "negation"),
        ("Dogs are not allowed.", "Dogs are allowed.", "negation"),
        ("Pets are allowed without consent.", "Pets are not allowed without consent.", "negation"),
        ("SQLite is not an embedded engine.", "SQLite is an embedded engine. SQLite has no server.", "negation"),
        ("Both files are not just as large.", "Both files are just as large.", "negation"),
        ("The minimum is 5 days.", "The maximum is 5 days.", "strength"),
        ("The tenant pays.", "The landlord pays.", "opposite"),
        ("The cap is red.", "The cap is blue.", "opposite"),
    ],
)
def test_an_altered_fact_contradicts(claim: str, span: str, kind: str) -> None:
    assert contradiction(facts_of(claim), facts_of(span)) == kind


def test_what_the_title_says_need_not_be_said_again() -> None:
    claim, span = facts_of("The HP-6 by Norvik uses R290."), facts_of("The refrigerant is R290.")
    assert contradiction(claim, span) is not None
    assert contradiction(claim, span, context=facts_of("Norvik HP-6 heat pump")) is None


def test_a_name_from_the_question_is_forgiven_only_where_the_span_names_nobody_else() -> None:
    asked = facts_of("When did Oskar open the meeting?")
    claim = facts_of("The meeting was opened by Oskar at 19:05.")
    assert contradiction(claim, facts_of("The meeting was opened at 19:05."), asked=asked) is None
    assert contradiction(claim, facts_of("It was opened by Anna Lind at 19:05."), asked=asked) == "name"
