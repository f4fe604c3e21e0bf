"""Routing: features of a question, its assessment, and the choice of a tier."""

from tierwise.routing.choose import TierState, choose, escalation, resolve
from tierwise.routing.features import retrieval_features, surface_features
from tierwise.routing.rules import RuleRouter

__all__ = ["RuleRouter", "TierState", "choose", "escalation", "resolve", "retrieval_features", "surface_features"]
