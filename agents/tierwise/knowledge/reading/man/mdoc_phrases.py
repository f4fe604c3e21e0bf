"""Phrases that mdoc(7) has words of its own for."""

from __future__ import annotations

from collections.abc import Sequence

SYSTEMS = {
    "Ux": "UNIX",
    "Bx": "BSD",
    "Nx": "NetBSD",
    "Fx": "FreeBSD",
    "Ox": "OpenBSD",
    "Dx": "DragonFly",
    "Bsx": "BSD/OS",
}
SYSTEMS |= {"At": "AT&T UNIX"}
"""Operating systems by their macros."""


def ending(name: str, who: list[str]) -> str:
    """What is said of exit codes (``Ex``) and of return values (``Rv``) of these programs or functions."""
    functions = name == "Rv"
    names = listed([f"{word}()" for word in who] if functions else who)
    many = "s" if len(who) > 1 else ""
    one = "" if many else "s"
    if not functions:
        return f"The {names} {'utilities' if many else 'utility'} exit{one} 0 on success, and >0 if an error occurs."
    return (
        f"The {names} function{many} return{one} the value 0 if successful; otherwise the value -1 is returned and the "
        "global variable errno is set to indicate the error."
    )


def listed(names: Sequence[str]) -> str:
    """Names as they stand in a sentence: ``a``, ``a and b``, ``a, b, and c``."""
    if len(names) < 3:
        return " and ".join(names)
    return f"{', '.join(names[:-1])}, and {names[-1]}"


def standard(name: str) -> str:
    """How a standard is called: ``p1003.1-2008``, ``isoC-99``."""
    year = name.partition("-")[2]
    if name.startswith("p1003"):
        return f"IEEE Std {name[1:]} (\u201cPOSIX.{name[6:7] or '1'}\u201d)"
    if name.startswith("isoC"):
        return f"ISO/IEC 9899:{year}" if year else "ISO/IEC 9899"
    return {"ansiC": "ANSI X3.159-1989", "susv2": "SUSv2", "susv3": "SUSv3", "susv4": "SUSv4"}.get(name, name)
