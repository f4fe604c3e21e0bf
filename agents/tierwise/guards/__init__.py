"""Guards: size, untrusted text and the lock."""

from tierwise.guards.approval import Ruling, Standing, refusal_of, rule
from tierwise.guards.lock import locks
from tierwise.guards.size import check_question
from tierwise.guards.untrusted import fence, neutralise, told
from tierwise_tools.text import whole_characters

__all__ = [
    "Ruling",
    "Standing",
    "check_question",
    "fence",
    "locks",
    "neutralise",
    "refusal_of",
    "rule",
    "told",
    "whole_characters",
]
