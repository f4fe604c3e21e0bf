"""The SDK's front door: copilots, synchronous and asynchronous."""

from tierwise.runtime.async_copilot import AsyncCopilot
from tierwise.runtime.copilot import Copilot

__all__ = ["AsyncCopilot", "Copilot"]
