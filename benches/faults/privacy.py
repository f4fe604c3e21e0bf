"""What leaves the device under a lock: ``python -m benches.faults.privacy [--conversations N] [--seed N] [--alone]``.

Random conversations with locked and unlocked messages, threads, collections and the locked app, with failures,
escalations, tools, restarts and requests that are shown first; everything locked holds a canary, and every request that
reached the hosted tier (HTTP on loopback) is searched for them. Around it stands the network block, the kernel's for
the programs: with ``--alone``, or where it is permitted, each part runs in a network namespace that holds loopback and
nothing else. Exit code 1 if a canary left, anything beyond loopback was tried, or the same without locks lets none out.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benches.faults.privacy_plays import Told, add, play, random_moves
from tierwise.testing import LoopbackServer, ScriptedModel, block_network

_ALONE = ("unshare", "--net", "--map-root-user")
_LOOPBACK_UP = 'ip link set lo up && exec "$@"'


def conversations(count: int, seed: int, *, locks: bool = True) -> tuple[Told, list[str]]:
    """Play so many conversations.

    Args:
        count: how many.
        seed: of the first; the others follow.
        locks: whether any lock is in force.

    Returns:
        What came of them, and what was tried beyond loopback.
    """
    sums = Told()
    with block_network(loopback=True) as tried, LoopbackServer(ScriptedModel(["Unused."])) as server:
        for number in range(seed, seed + count):
            choose = random.Random(number)
            with tempfile.TemporaryDirectory() as folder:
                add(sums, play(Path(folder) / "home", server, random_moves(choose), choose, locks=locks))
            server.requests.clear()
    return sums, list(tried)


def alone() -> tuple[str, ...]:
    """What stands before a command to run it with loopback for its only network; empty where that is not permitted."""
    if any(shutil.which(name) is None for name in ("unshare", "ip", "sh")):
        return ()
    command = (*_ALONE, "sh", "-c", _LOOPBACK_UP, "sh")
    works = subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    return command if works else ()


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--alone", action="store_true", help="this program runs in a namespace of its own already")
    args = parser.parse_args()
    if not args.alone and (before := alone()):
        words = [f"--conversations={args.conversations}", f"--seed={args.seed}", "--alone"]
        return subprocess.run([*before, sys.executable, "-m", "benches.faults.privacy", *words], check=False).returncode

    started = time.perf_counter()
    locked, tried = conversations(args.conversations, args.seed)
    free, tried_free = conversations(max(10, args.conversations // 20), args.seed, locks=False)
    with block_network() as probe:
        held = probe.children
    print(f"held by              {'a network namespace and ' if args.alone else ''}the audit events; programs {held}")
    print(f"conversations        {locked.conversations} with {locked.turns} turns, {locked.locked} of them locked")
    print(f"requests that left   {locked.left}")
    print(f"canaries planted     {locked.canaries}")
    print(f"canaries that left   {len(locked.escaped)}")
    for canary, move in locked.escaped[:10]:
        print(f"    {canary} by: {move}")
    print(f"tried beyond         {len(tried) + len(tried_free)} {sorted({*tried, *tried_free})[:10] or ''}")
    print(f"the same, no locks   {len(free.escaped)} canaries left in {free.conversations} conversations")
    print(f"took                 {time.perf_counter() - started:.0f} s")
    missed = bool(locked.escaped or tried or tried_free) or not free.escaped or not locked.left
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
