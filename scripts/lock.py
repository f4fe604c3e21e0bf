"""What a release installs: pinned with hashes, and looked at.

    python scripts/lock.py                make requirements/*.txt; versions that are there stay where they can
    python scripts/lock.py --upgrade      the same, with the newest versions
    python scripts/lock.py --audit        known vulnerabilities, and files that Python runs at every start

The tools for it (uv, pip-audit) live in an environment of their own, build/lock-tools.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import venv
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "requirements"
RELEASE, BUILD, WISHES = FOLDER / "release.txt", FOLDER / "build.txt", FOLDER / "build.in"
TOOLS = ROOT / "build" / "lock-tools"
VERSIONS = ("uv==0.13.9", "pip-audit==2.10.1")
PYTHON = "3.11"  # the oldest that is supported; one file serves it and all newer ones
# Wheels may leave a file in site-packages that Python runs at every start. These are known to, and were read.
KNOWN_STARTERS = {
    "setuptools": {"distutils-precedence.pth"},  # lets "import distutils" work
    "pywin32": {"pywin32.pth"},  # folders of its modules, on Windows
}
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", re.MULTILINE)


def main() -> int:
    """Do what was asked for; 1 if something was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upgrade", action="store_true")
    parser.add_argument("--audit", action="store_true")
    args = parser.parse_args()
    if args.audit:
        return max(starters(), advisories())
    lock(upgrade=args.upgrade)
    return 0


def lock(*, upgrade: bool) -> None:
    """Pin everything that ``tierwise[all]`` needs on any system, and what compiles the one package without wheels."""
    FOLDER.mkdir(exist_ok=True)
    for made_from, target, words in (
        (ROOT / "pyproject.toml", RELEASE, ["--extra", "all"]),
        (WISHES, BUILD, []),
    ):
        command = [
            *(str(_tool("uv")), "pip", "compile", str(made_from), *words, "--output-file", str(target)),
            *("--universal", "--python-version", PYTHON, "--generate-hashes", "--no-annotate", "--no-header"),
            *("--no-emit-index-url", "--no-emit-find-links", "--quiet"),
            *(["--upgrade"] if upgrade else []),
        ]
        subprocess.run(command, check=True)
        text = f"# Made by: make lock. Python {PYTHON} and newer, on any system.\n" + target.read_text(encoding="utf-8")
        target.write_text(text, encoding="utf-8")
        print(f"{target.relative_to(ROOT)}: {len(pins(text))} packages")


def pins(text: str) -> dict[str, set[str]]:
    """Versions by package, as names are compared; several where they depend on the system."""
    found: dict[str, set[str]] = {}
    for name, version in _PIN.findall(text):
        found.setdefault(_plain(name), set()).add(version)
    return found


def starters(folder: str | None = None) -> int:
    """Look for files that Python runs at every start among the packages of the lock that are installed.

    Args:
        folder: where they are; by default what this Python imports from.
    """
    wanted, bad, seen = pins(RELEASE.read_text(encoding="utf-8")), [], 0
    for found in distributions(**({} if folder is None else {"path": [folder]})):
        name = _plain(found.metadata["Name"])
        if name not in wanted:
            continue
        seen += 1
        files = {file.name for file in found.files or () if file.suffix == ".pth" and len(file.parts) == 1}
        bad += [f"{name} {found.version}: {file}" for file in sorted(files - KNOWN_STARTERS.get(name, set()))]
    for line in bad:
        print(f"runs at every start of Python, and is not known: {line}")
    print(f"starters: {seen} of {len(wanted)} locked packages are installed here, unknown files among them {len(bad)}")
    return int(bool(bad))


def advisories() -> int:
    """Ask for known vulnerabilities of what is locked; that nobody could be asked is said, and is no finding."""
    command = [str(_tool("pip-audit")), "--requirement", str(RELEASE), "--require-hashes", "--disable-pip"]
    words = ["--format", "json", "--progress-spinner", "off", "--timeout", "20"]
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
    try:
        found = json.loads(done.stdout)["dependencies"]
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        print(f"advisories: the service could not be asked, so NOTHING WAS CHECKED ({last[:200]})")
        return 0
    unknown = [one["name"] for one in found if "skip_reason" in one]
    bad = [(one, vulnerability) for one in found for vulnerability in one.get("vulns", ())]
    if len(unknown) == len(found):
        print(f"advisories: the service knows none of the {len(found)} packages here, so NOTHING WAS CHECKED")
        return 0
    for one, vulnerability in bad:
        fixed = ", ".join(vulnerability.get("fix_versions", ())) or "no version"
        print(f"vulnerable: {one['name']} {one['version']}: {vulnerability['id']}, mended in {fixed}")
    print(f"advisories: {len(found) - len(unknown)} packages checked, vulnerabilities {len(bad)}", end="")
    print(f"; not known to the service: {', '.join(unknown)}" if unknown else "")
    return int(bool(bad))


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _tool(name: str) -> Path:
    folder = TOOLS / ("Scripts" if os.name == "nt" else "bin")
    path = folder / (name + (".exe" if os.name == "nt" else ""))
    if not path.exists():
        venv.create(TOOLS, with_pip=True)
        subprocess.run([folder / "python", "-m", "pip", "install", "-qqq", *VERSIONS], check=True)
    return path


if __name__ == "__main__":
    sys.exit(main())
