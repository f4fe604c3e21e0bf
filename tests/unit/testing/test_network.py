"""The network block sees whatever tries to leave: in this process by any reference, in programs in any language."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tierwise.testing import NetworkBlocked, block_network

KEPT = socket.socket.connect, socket.getaddrinfo, socket.socket.connect_ex
AWAY = "192.0.2.1"  # kept for documentation (RFC 5737): nobody is there


@pytest.fixture
def listening() -> Iterator[int]:
    """A port of this machine that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def udp() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


async def by_a_loop() -> None:
    with socket.socket() as plain:
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, (AWAY, 80))


async def by_streams() -> None:
    await asyncio.open_connection(AWAY, 80)


WAYS: dict[str, Callable[[], Any]] = {
    "connect": lambda: socket.create_connection((AWAY, 80), 1),
    "a kept reference": lambda: KEPT[0](socket.socket(), (AWAY, 80)),
    "connect_ex": lambda: KEPT[2](socket.socket(), (AWAY, 80)),
    "sendto": lambda: udp().sendto(b"x", (AWAY, 9)),
    "sendmsg": lambda: udp().sendmsg([b"x"], [], 0, (AWAY, 9)),
    "IPv6": lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80)),
    "a loop": lambda: asyncio.run(by_a_loop()),
    "streams": lambda: asyncio.run(by_streams()),
    "a name": lambda: KEPT[1]("example.invalid", 80),
    "an old way to a name": lambda: socket.gethostbyname("example.invalid"),
    "a name from an address": lambda: socket.gethostbyaddr(AWAY),
    "the name server of this machine": lambda: udp().connect(("127.0.0.53", 53)),
    "a program without a net": lambda: os.system("true"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("loopback", [True, False])
def test_it_is_refused_and_told(way: str, loopback: bool) -> None:
    with block_network(loopback=loopback) as tried, pytest.raises(NetworkBlocked):
        WAYS[way]()
    assert len(tried) == 1
    assert tried.loopback == []


def test_this_machine_is_let_through_and_counted_if_it_may(listening: int) -> None:
    with block_network(loopback=True) as tried:
        socket.create_connection(("127.0.0.1", listening)).close()
        socket.create_connection(("localhost", listening)).close()
    assert tried == []
    assert tried.loopback[-1] == f"127.0.0.1:{listening}"
    with block_network() as tried, pytest.raises(NetworkBlocked):
        socket.create_connection(("127.0.0.1", listening))
    assert (tried, tried.loopback) == (["127.0.0.1"], [])


def test_what_stays_in_the_kernel_is_free() -> None:
    with block_network() as tried:
        one, other = socket.socketpair()
        with one, other:
            one.sendall(b"x")
            assert other.recv(1) == b"x"
        with socket.create_server(("127.0.0.1", 0)):  # a server may be opened; nobody can come
            pass
    assert tried == []


def test_afterwards_everything_is_free(listening: int) -> None:
    with block_network():
        pass
    socket.create_connection(("127.0.0.1", listening)).close()


def test_blocks_within_each_other_both_hold(listening: int) -> None:
    with block_network(loopback=True) as outer, block_network() as inner, pytest.raises(NetworkBlocked):
        socket.create_connection(("127.0.0.1", listening))
    assert (list(outer), list(inner)) == ([], ["127.0.0.1"])


PROGRAM = """
import socket, subprocess, sys
def one(go):
    try:
        go()
        print("out")
    except OSError as error:
        print(type(error).__name__, getattr(error, "errno", ""))
one(lambda: socket.create_connection(("192.0.2.1", 80), 2))
one(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.2", 9)))
one(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendmsg([b"x"], [], 0, ("2001:db8::3", 9)))
one(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2))
subprocess.run([sys.executable, "-c", "import socket; socket.socket().connect_ex(('192.0.2.4', 80))"])
a, b = socket.socketpair()
socket.send_fds(a, [b"x"], [0])
print(socket.recv_fds(b, 1, 1)[0])
"""


def held() -> bool:
    with block_network() as tried:
        return tried.children == "held"


here = pytest.mark.skipif(not held(), reason="this kernel cannot hold programs")


@here
@pytest.mark.parametrize("loopback", [True, False])
def test_programs_and_theirs_are_held_by_the_kernel(listening: int, loopback: bool) -> None:
    command = [sys.executable, "-c", PROGRAM, str(listening)]
    with block_network(loopback=loopback) as tried:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = done.stdout.splitlines()
    assert said[:3] == ["OSError 101"] * 3  # the network is unreachable
    assert said[3] == ("out" if loopback else "OSError 101")
    assert said[4] == "b'x'"  # what is no address is not touched
    assert tried[:3] == ["192.0.2.1", "192.0.2.2", "2001:db8::3"]
    assert tried[-1] == "192.0.2.4"
    assert tried.loopback == ([f"127.0.0.1:{listening}"] if loopback else [])


@here
def test_a_program_that_is_no_python_is_held() -> None:
    with block_network() as tried:
        done = subprocess.run(["bash", "-c", "echo x >/dev/tcp/192.0.2.5/80"], capture_output=True, text=True)
    assert done.returncode
    assert tried == ["192.0.2.5"]


@here
def test_a_program_of_a_loop_and_of_multiprocessing_is_held() -> None:
    code = "import socket; socket.socket().connect_ex(('192.0.2.6', 80))"

    async def run() -> int:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
        return await process.wait()

    with block_network() as tried:
        assert asyncio.run(run()) == 0
        process = multiprocessing.get_context("spawn").Process(target=connect, args=("192.0.2.7",))
        process.start()
        process.join(120)
    assert tried == ["192.0.2.6", "192.0.2.7"]
    assert process.exitcode == 0


def connect(address: str) -> None:
    with socket.socket() as plain:
        plain.connect_ex((address, 80))


@here
def test_a_name_is_not_looked_up_by_a_program() -> None:
    with block_network(loopback=True) as tried:
        done = subprocess.run(["getent", "ahosts", "tierwise.example"], capture_output=True)
    assert done.returncode
    assert tried or not name_servers()


def name_servers() -> bool:
    return "nameserver" in Path("/etc/resolv.conf").read_text(encoding="utf-8")


@here
def test_a_program_that_cannot_be_started_fails_as_ever(tmp_path: Any) -> None:
    with block_network() as tried:
        with pytest.raises(FileNotFoundError):
            subprocess.run([tmp_path / "none"])
        assert subprocess.run(["false"]).returncode == 1
    assert tried == []


@here
def test_a_program_that_outlives_the_block_is_free_again(listening: int) -> None:
    code = "import socket, sys; sys.stdin.read(); socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5)"
    with block_network() as tried:
        process = subprocess.Popen([sys.executable, "-c", code, str(listening)], stdin=subprocess.PIPE)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert tried == []
