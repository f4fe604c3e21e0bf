"""The same requests to every backend there is: what each of them keeps of what tierwise relies on."""

from tierwise_app.backends.checks import CHECKS, Check
from tierwise_app.backends.find import Backend, find_backends, named_backend
from tierwise_app.backends.run import Finding, Report, examine

__all__ = ["CHECKS", "Backend", "Check", "Finding", "Report", "examine", "find_backends", "named_backend"]
