"""Which installed distributions offer tools, from their metadata alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions

from tierwise_tools.errors import SourceError

GROUP = "tierwise.tools"


@dataclass(frozen=True, slots=True)
class InstalledPackage:
    """One entry point of the group ``tierwise.tools``, or of another one.

    Attributes:
        name: of the entry point; what configuration calls the package.
        distribution: that brought it.
        version: of the distribution, or empty.
        target: where its tools are, as ``module:attribute``.
    """

    name: str
    distribution: str
    version: str
    target: str

    def refused(self, why: str) -> SourceError:
        """The error that says this package is set aside; ``why`` goes on from its name."""
        return SourceError(
            f"The tool package {self.name!r} ({f'{self.distribution} {self.version}'.strip()}) {why}.",
            fix=f"Update {self.distribution}, or take {self.name!r} out of the enabled tools.",
        )


def installed(group: str = GROUP) -> list[InstalledPackage]:
    """Every tool package there is, enabled or not; nothing of any of them is imported.

    Two distributions may offer the same name: both are listed. A distribution that is found twice counts once, as
    Python imports the first. One whose metadata cannot be read offers nothing.

    Args:
        group: of entry points; another one lists what is no tool.
    """
    found: dict[str, list[InstalledPackage]] = {}
    for distribution in distributions():
        if offers := _offers(distribution, group):
            found.setdefault(re.sub(r"[-_.]+", "-", offers[0].distribution).casefold(), offers)
    # Sorted, because the order of a folder is chance, and of two packages with one name the first is the one loaded.
    return sorted(
        (package for offers in found.values() for package in offers),
        key=lambda package: (package.name, package.distribution),
    )


def _offers(distribution: Distribution, group: str) -> list[InstalledPackage]:
    try:
        entries = [entry for entry in distribution.entry_points if entry.group == group]
        if not entries:
            return []
        name, version = distribution.metadata["Name"], distribution.metadata["Version"]
    except Exception:  # broken metadata of one must not hide the others
        return []
    return [InstalledPackage(entry.name, str(name or "unnamed"), str(version or ""), entry.value) for entry in entries]
