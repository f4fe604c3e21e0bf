"""Verification: evidence in a draft, support by passages, and the verdict."""

from tierwise.verify.wording import asks_fact

__all__ = ["asks_fact"]
