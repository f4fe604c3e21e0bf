"""What the numbers of a draft say: are its sums right, does it use what the question gives?"""

from __future__ import annotations

import re

from tierwise.sums import check_sums

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_MOST = 20_000  # characters; beyond it a text is no reckoning


def reckoning_features(question: str, text: str) -> dict[str, float]:
    """Features of a draft about numbers; empty where neither it nor the question has any.

    Returns:
        ``sums_wrong``: sums that it writes out and that are wrong. ``numbers_used``: share of the question's numbers
        that it mentions, if the question has any. ``numbers_new``: different numbers that the question has not.
    """
    given, said = _numbers(question[:_MOST]), _numbers(text[:_MOST])
    if not given and not said:
        return {}
    _, wrong = check_sums(text[:_MOST])
    features = {"sums_wrong": float(wrong), "numbers_new": float(len(said - given))}
    if given:
        features["numbers_used"] = len(given & said) / len(given)
    return features


def _numbers(text: str) -> set[float]:
    return {float(found.replace(",", "")) for found in _NUMBER.findall(text)}
