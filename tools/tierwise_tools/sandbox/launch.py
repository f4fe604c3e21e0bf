"""Start a program in the sandbox, by one of the ways there are, and read what it left."""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import shutil
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tierwise_tools
from tierwise_tools.errors import ToolError
from tierwise_tools.sandbox.child import Ended, run_child
from tierwise_tools.sandbox.limits import Limits
from tierwise_tools.sandbox.removing import private_folder

Way = Literal["bubblewrap", "landlock"]
WAYS: tuple[Way, ...] = ("bubblewrap", "landlock")

_GRACE_S = 10.0
_INSIDE = "/tierwise-sandbox/kit"
_FOLDER = "/tierwise-sandbox/work"
_LIBRARIES = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib")
_SHARED = ("/etc/ld.so.cache", "/usr/share/zoneinfo")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")
_NOBODY = 65534
_START = "import sys; sys.path.insert(0, sys.argv[1]); from tierwise_tools.sandbox.inside.watch import main; main()"


@dataclass(frozen=True, slots=True)
class Left:
    """What a program left.

    Attributes:
        why: ``itself`` if it came to its end, or what it was ended for.
        code: its exit code; negative for a signal.
        out: what it printed.
        err: what stands on its standard error: warnings, or the error it ended with.
        files: the files it wrote and that are handed out, as ``(name, bytes)``.
        not_kept: those that are not, as ``(name, reason)``.
    """

    why: Literal["itself", "time", "cancelled", "output", "space"]
    code: int
    out: str
    err: str
    files: tuple[tuple[str, bytes], ...] = ()
    not_kept: tuple[tuple[str, str], ...] = ()


def run_in(
    way: Way, code: str, limits: Limits, *, suffixes: tuple[str, ...], cancelled: Callable[[], bool] = lambda: False
) -> Left:
    """Run a program in the sandbox; blocking.

    Args:
        way: how it is shut in.
        code: Python.
        limits: what it may use.
        suffixes: endings of the files that are handed out.
        cancelled: asked all the while; true ends it.

    Raises:
        ToolError: if the sandbox itself did not work.
    """
    with private_folder("tierwise-python-") as outer:
        folder = Path(outer) / "work"
        folder.mkdir(mode=0o700)
        Path(outer).chmod(0o711)  # to be passed by whom root becomes
        command, job = (_bubblewrap if way == "bubblewrap" else _landlock)(folder, limits)
        job |= {"code": code, "limits": limits.as_job(), "suffixes": suffixes}
        job |= {"packages": _packages(), "user": _user(), "tasks": _tasks(limits)}
        try:
            ended = run_child(
                command,
                given=json.dumps(job).encode(),
                env=_environment(job["folder"]),
                folder=outer,
                seconds=limits.seconds + _GRACE_S,
                cancelled=cancelled,
            )
        except OSError as error:
            raise ToolError(f"the sandbox cannot be started: {error.strerror}") from error
    return _read(ended)


def _bubblewrap(_: Path, limits: Limits) -> tuple[list[str], dict[str, Any]]:
    """Namespaces of its own for processes, network, files and names; files are bound read-only."""
    kit = Path(tierwise_tools.__file__).parent
    root = os.geteuid() == 0
    command = [shutil.which("bwrap") or "bwrap", "--die-with-parent", "--unshare-pid", "--unshare-net", "--unshare-ipc"]
    command += ["--unshare-uts", "--unshare-cgroup-try", "--hostname", "sandbox", "--cap-drop", "ALL"]
    # Root is changed within for a user who owns nothing; anybody else has no right to give away.
    command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if root else ["--unshare-user"]
    binds = {path: path for path in [*_existing((*_LIBRARIES, *_SHARED)), *_interpreter(), *_packages()]}
    binds[str(kit)] = f"{_INSIDE}/{kit.name}"
    for folder_above in sorted({str(above) for path in (*binds.values(), *_DEVICES) for above in Path(path).parents}):
        command += ["--perms", "0755", "--dir", folder_above]  # bubblewrap itself would close them to others
    for source, path in binds.items():
        link = source in _LIBRARIES and Path(source).is_symlink()
        command += ["--symlink", str(Path(source).readlink()), path] if link else ["--ro-bind", source, path]
    for path in _DEVICES:
        command += ["--dev-bind", path, path]
    command += ["--perms", "0777", "--size", str(limits.as_job()["space"]), "--tmpfs", _FOLDER, "--remount-ro", "/"]
    job = {"folder": _FOLDER, "kit": _INSIDE, "readable": [], "landlock": False}
    return [*command, "--chdir", _FOLDER, "--", *_python(_INSIDE)], job


def _landlock(folder: Path, _: Limits) -> tuple[list[str], dict[str, Any]]:
    """The process gives up by itself what it does not need; files outside can be seen to be there, but not opened."""
    kit = str(Path(tierwise_tools.__file__).parent.parent)
    readable = [*_LIBRARIES, *_SHARED, *_DEVICES, *_interpreter()]
    return _python(kit), {"folder": str(folder), "kit": kit, "readable": readable, "landlock": True}


def _python(kit: str) -> list[str]:
    return [_executable(), "-I", "-S", "-B", "-X", "utf8", "-c", _START, kit]


def _executable() -> str:
    """The interpreter itself; in a virtual environment ``sys.executable`` only points to it."""
    return str(Path(getattr(sys, "_base_executable", None) or sys.executable).resolve())


def _interpreter() -> list[str]:
    """Where the interpreter lies: its program, its library, and what is linked to it."""
    base = {"base": sys.base_prefix, "platbase": sys.base_exec_prefix}
    paths = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib", vars=base), f"{sys.base_prefix}/lib"]
    # It looks for its library from where it really lies.
    return [_executable(), *dict.fromkeys(str(Path(path).resolve()) for path in _existing(paths))]


def _packages() -> list[str]:
    """Where installed packages lie; those that programs are told of may lie apart."""
    found = (importlib.util.find_spec(name) for name in ("numpy", "matplotlib"))
    apart = (str(Path(spec.origin).parent.parent) for spec in found if spec is not None and spec.origin)
    return _existing(dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *apart)))


def _existing(paths: Any) -> list[str]:
    return [path for path in paths if path and Path(path).exists()]


def _environment(folder: str) -> dict[str, str]:
    """All that the program sees of an environment."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    temporary = dict.fromkeys(("TMPDIR", "MPLCONFIGDIR"), f"{folder}/.tmp")
    return {
        "HOME": folder,
        "LANG": "C.UTF-8",
        "PATH": "",
        "MALLOC_ARENA_MAX": "2",
        "MPLBACKEND": "agg",
        **one_thread,
        **temporary,
    }


def _user() -> int | None:
    """The user that root becomes: a number that nobody has, where such numbers are known."""
    if os.geteuid() != 0:
        return None
    mapped = Path("/proc/self/uid_map").read_text(encoding="ascii").split()
    everything = mapped[:2] == ["0", "0"] and int(mapped[2]) > 1 << 31
    return (1 << 30) + secrets.randbelow(1 << 30) if everything else _NOBODY


def _tasks(limits: Limits) -> int:
    """How many threads the user of the program may have: the kernel counts those that run already."""
    if os.geteuid() == 0:
        return limits.tasks + 2
    return limits.tasks + sum(map(_threads, Path("/proc").glob("[0-9]*")))


def _threads(process: Path) -> int:
    try:
        return sum(1 for _ in (process / "task").iterdir()) if process.stat().st_uid == os.getuid() else 0
    except OSError:  # it ended
        return 0


def _read(ended: Ended) -> Left:
    if ended.why == "cancelled":
        return Left("cancelled", ended.code, "", "")
    head, line, rest = ended.out.partition(b"\n")
    if ended.err or not line:
        told = ended.err.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise ToolError(f"the sandbox did not work: {told or f'it ended with {ended.code}'}")
    told_head = json.loads(head)
    pieces = []
    for length in (told_head["out"], told_head["err"], *(length for _, length in told_head["files"])):
        pieces.append(rest[:length])
        rest = rest[length:]
    out, err = (piece.decode("utf-8", "replace") for piece in pieces[:2])
    names = [name for name, _ in told_head["files"]]
    left = tuple((name, reason) for name, reason in told_head["left"])
    return Left(told_head["why"], told_head["code"], out, err, tuple(zip(names, pieces[2:], strict=True)), left)
