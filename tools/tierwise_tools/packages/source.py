"""A tool package as a source of tools: tried in another process, then imported here, each within a time."""

from __future__ import annotations

import asyncio
from dataclasses import KW_ONLY, dataclass
from difflib import get_close_matches
from pathlib import Path

from tierwise_tools.context import ToolContext
from tierwise_tools.errors import SourceError
from tierwise_tools.packages import known_good
from tierwise_tools.packages.listing import InstalledPackage, installed
from tierwise_tools.packages.loading import load
from tierwise_tools.packages.quiet import stdout_to_stderr
from tierwise_tools.packages.trial import took_too_long, try_import
from tierwise_tools.running import call_function
from tierwise_tools.toolset import Problem, Toolset

SECONDS = 5.0


@dataclass(frozen=True)
class PackageSource:
    """The tools of one installed package. Installed is not trusted: only a package that is named here is imported.

    Attributes:
        name: of its entry point.
        cache: folder for notes about packages that were found good; ``None`` tries the package at every opening.
        seconds: how long its import may take.
    """

    name: str
    _: KW_ONLY
    cache: Path | None = None
    seconds: float = SECONDS

    async def open(self) -> Toolset:
        """Its tools, and what had to be set aside: single tools, and other packages of the same name.

        Raises:
            SourceError: if it is not installed, fails, hangs or crashes at import, or gives no tool.
        """
        everything = await asyncio.to_thread(installed)
        packages = [package for package in everything if package.name == self.name]
        if not packages:
            raise self._missing(everything)
        first, *others = packages
        await self._try(first)
        return (await self._imported(first)).with_problems(
            Problem(
                self.name,
                f"{other.distribution} {other.version} offers tools under this name too and is left out: "
                f"{first.distribution} {first.version} comes first. Uninstall one of them.",
            )
            for other in others
        )

    async def aclose(self) -> None:
        """Does nothing: an imported package holds nothing that could be given back."""

    async def _try(self, package: InstalledPackage) -> None:
        now = None if self.cache is None else await asyncio.to_thread(known_good.stamp, package)
        if self.cache is None or now is None:
            await try_import(package, self.seconds)
        elif not await asyncio.to_thread(known_good.is_known, self.cache, package, now):
            await try_import(package, self.seconds)
            await asyncio.to_thread(known_good.remember, self.cache, package, now)

    async def _imported(self, package: InstalledPackage) -> Toolset:
        def work() -> Toolset:
            with stdout_to_stderr():
                return load(package)

        try:
            toolset: Toolset = await call_function(work, {}, context=ToolContext(), takes=None, seconds=self.seconds)
        except TimeoutError as error:
            raise package.refused(took_too_long(self.seconds)) from error
        return toolset

    def _missing(self, everything: list[InstalledPackage]) -> SourceError:
        names = sorted({package.name for package in everything})
        close = get_close_matches(self.name, names, n=1)
        fix = f"Did you mean {close[0]!r}?" if close else "Install it, or take it out of the enabled tools."
        return SourceError(f"No installed package offers tools under the name {self.name!r}.", fix=fix)
