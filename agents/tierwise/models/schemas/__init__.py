"""JSON Schemas that answers are held to: made fit to be kept, and kept.

``prepare`` runs before anything is decoded and refuses what cannot be kept; ``check`` runs on what a model wrote. Both
are pure and need nothing that is not installed with tierwise.
"""

from tierwise.models.schemas.check import bare, check, read, unwrapped, wrapped
from tierwise.models.schemas.prepare import prepare

__all__ = ["bare", "check", "prepare", "read", "unwrapped", "wrapped"]
