"""How the tiers of a copilot are: which of them rest, how often may be retried, how long a turn may take."""

from tierwise.graph.health.breaker import Breaker, Rest
from tierwise.graph.health.deadline import Deadline
from tierwise.graph.health.tiers import Health
from tierwise.graph.health.waiting import leave_to_ask, leave_to_retry

__all__ = ["Breaker", "Deadline", "Health", "Rest", "leave_to_ask", "leave_to_retry"]
