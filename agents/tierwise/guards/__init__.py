"""Guards: size, untrusted text and the lock."""

from tierwise.guards.lock import locks
from tierwise.guards.size import check_question, whole_characters
from tierwise.guards.untrusted import fence, neutralise

__all__ = ["check_question", "fence", "locks", "neutralise", "whole_characters"]
