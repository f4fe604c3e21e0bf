"""The file tools on a real folder: what they do, and that nothing leads out of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tierwise_tools import SourceError, ToolError
from tierwise_tools.files import file_tools
from tierwise_tools.toolset import AnyTool

SECRET = "not for anybody"
Tools = dict[str, AnyTool]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder, with a secret beside it."""
    (tmp_path / "secret.txt").write_text(SECRET)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.txt").write_text(SECRET)
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


@pytest.fixture
def tools(root: Path) -> Tools:
    return {tool.name: tool for tool in file_tools(root)}


async def read(tools: Tools, path: str, **more: int) -> str:
    return (await tools["read_file"].run({"path": path, **more})).text


async def write(tools: Tools, path: str, text: str, mode: str = "create") -> str:
    return (await tools["write_file"].run({"path": path, "text": text, "mode": mode})).text


async def listing(tools: Tools, **arguments: str) -> list[str]:
    return (await tools["list_files"].run(arguments)).text.splitlines()


def test_what_the_tools_say_of_themselves(tools: Tools) -> None:
    assert {name: tool.effects for name, tool in tools.items()} == {
        "read_file": ("read",), "list_files": ("read",), "write_file": ("write",),
    }  # fmt: skip
    assert not tools["write_file"].may_repeat  # what is added twice is there twice
    assert not tools["read_file"].trusted
    assert not tools["list_files"].trusted


async def test_a_file_is_written_read_extended_and_replaced(root: Path, tools: Tools) -> None:
    assert await write(tools, "new/deep/größe.txt", "one\n") == "4 bytes written to new/deep/größe.txt (create)"
    await write(tools, "new/deep/größe.txt", "two\n", "append")
    assert await read(tools, "new/x/../deep/größe.txt") == "one\ntwo"
    with pytest.raises(ToolError, match="exists already"):
        await write(tools, "new/deep/größe.txt", "gone")
    file = root / "new/deep/größe.txt"
    file.chmod(0o640)
    await write(tools, "new/deep/größe.txt", "three", "replace")
    assert file.read_text() == "three"
    assert file.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in file.parent.iterdir()] == ["größe.txt"]


async def test_what_is_made_is_for_its_owner_to_write(root: Path, tools: Tools) -> None:
    before = os.umask(0o027)
    try:
        await write(tools, "made/file.txt", "x")
        await write(tools, "made/other.txt", "x", "replace")
        await write(tools, "made/third.txt", "x", "append")
    finally:
        os.umask(before)
    assert {p.stat().st_mode & 0o777 for p in (root / "made").iterdir()} == {0o640}
    assert (root / "made").stat().st_mode & 0o777 == 0o750


async def test_a_long_file_is_read_in_windows(root: Path, tools: Tools) -> None:
    (root / "long.txt").write_text("".join(f"line {n}\n" for n in range(1_000)))
    first = await read(tools, "long.txt")
    assert first.startswith("line 0\n")
    assert first.endswith("line 199\n(lines 1 to 200 of 1,000; read on with start=200)")
    assert await read(tools, "long.txt", start=998) == "line 998\nline 999\n(lines 999 to 1,000 of 1,000)"
    with pytest.raises(ToolError, match="has only 1,000 lines"):
        await read(tools, "long.txt", start=1_000)
    with pytest.raises(ToolError, match="start must be"):
        await read(tools, "long.txt", start=-1)


async def test_all_of_a_file_can_be_read_by_what_each_window_says(root: Path, tools: Tools) -> None:
    lines = [f"{n} {'wide ' * (n % 300)}".strip() for n in range(400)]
    (root / "wide.txt").write_text("\n".join(lines))
    seen: list[str] = []
    while len(seen) < len(lines):
        text = await read(tools, "wide.txt", start=len(seen), lines=1_000)
        assert "(cut" not in text
        assert len(text) <= 8_000
        seen += [line for line in text.splitlines() if not line.startswith("(lines")]
    assert seen == lines


async def test_odd_contents(root: Path, tools: Tools) -> None:
    (root / "empty.txt").write_bytes(b"")
    (root / "marked.txt").write_bytes(b"\xef\xbb\xbfhi")
    (root / "picture.png").write_bytes(b"\x89PNG\r\n\xff\xfe")
    (root / "zeros.bin").write_bytes(bytes(10))
    (root / "one-line.json").write_text("x" * 20_000)
    with (root / "huge.txt").open("wb") as huge:
        huge.truncate(10_000_001)
    assert await read(tools, "empty.txt") == "(the file is empty)"
    assert await read(tools, "marked.txt") == "hi"
    assert "(this line is cut: 12,500 more characters)" in await read(tools, "one-line.json")
    for name, says in (("picture.png", "not UTF-8 text"), ("zeros.bin", "binary"), ("huge.txt", "larger than")):
        with pytest.raises(ToolError, match=says):
            await read(tools, name)
    with pytest.raises(ToolError, match="at most 1,000,000"):
        await write(tools, "big.txt", "x" * 1_000_001)
    with pytest.raises(ToolError, match="would get longer"):
        await write(tools, "huge.txt", "x", "append")
    assert not (root / "big.txt").exists()


async def test_listing_shows_what_can_be_read_and_counts_the_rest(root: Path, tools: Tools) -> None:
    for name in ("b.txt", "a.md", "sub/c.txt", "sub/deep/d.txt", ".env", ".git/config", "bad\nname.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("12345")
    (root / "link.txt").symlink_to(root / "b.txt")
    (root / "up").symlink_to(root.parent)
    os.link(root.parent / "secret.txt", root / "hard.txt")
    left_out = "(6 links, hidden or other entries that cannot be read are left out)"
    assert await listing(tools) == ["a.md (5 bytes)", "b.txt (5 bytes)", "sub/", left_out]
    assert await listing(tools, pattern="*.md") == ["a.md (5 bytes)", left_out]
    assert await listing(tools, pattern="**/*.txt") == [
        "b.txt (5 bytes)", "sub/c.txt (5 bytes)", "sub/deep/d.txt (5 bytes)", left_out,
    ]  # fmt: skip
    assert await listing(tools, path="sub", pattern="**/d*") == ["deep/d.txt (5 bytes)"]
    assert await listing(tools, path="sub/deep", pattern="z*") == ["(nothing that fits)"]
    for arguments in ({"path": "up"}, {"path": "../other"}, {"path": "b.txt"}, {"path": "sub", "pattern": "../*"}):
        with pytest.raises(ToolError):
            await listing(tools, **arguments)


async def test_a_folder_of_many_files_is_cut_with_a_word(root: Path, tools: Tools) -> None:
    for number in range(230):
        (root / f"{number}.txt").touch()
    assert (await listing(tools))[-1] == "(30 more that fit are not shown; use a narrower pattern)"


@pytest.mark.parametrize("kind", ["link", "chain", "dangling", "folder link", "hard link", "pipe", "socket", "folder"])
async def test_only_plain_files_are_touched(
    root: Path, tools: Tools, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, place, path = root.parent / "secret.txt", root / "it", "it"
    listener = socket.socket(socket.AF_UNIX)
    if kind == "link":
        place.symlink_to(secret)
    elif kind == "chain":
        (root / "next").symlink_to(secret)
        place.symlink_to("next")
    elif kind == "dangling":
        place.symlink_to(root.parent / "planted.txt")
    elif kind == "folder link":
        place.symlink_to(root.parent)
        path = "it/secret.txt"
    elif kind == "hard link":
        os.link(secret, place)
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "socket":
        monkeypatch.chdir(root)  # names of sockets must be short
        listener.bind("it")
    else:
        place.mkdir()
    with listener:
        with pytest.raises(ToolError) as caught:
            await read(tools, path)
        assert SECRET not in str(caught.value)
        for mode in ("create", "replace", "append"):
            with pytest.raises(ToolError):
                await write(tools, path, "planted", mode)
    assert secret.read_text() == SECRET
    assert sorted(p.name for p in root.parent.iterdir() if p.name not in ("home", "work")) == [
        "folder",
        "other",
        "secret.txt",
    ]


SWAPPER = """
import ctypes, os, sys
os.chdir(sys.argv[1])
swap = ctypes.CDLL(None, use_errno=True).renameat2
print(swap(-100, b"d", -100, b"link", 2), flush=True)
while True:
    swap(-100, b"d", -100, b"link", 2)
"""


@contextmanager
def swapped_without_end(folder: Path) -> Iterator[None]:
    """Another process swaps the folder ``d`` with a link that leads out, at once and again and again."""
    if sys.platform != "linux":
        pytest.skip("swapping two names at once is a matter of Linux")
    with subprocess.Popen([sys.executable, "-c", SWAPPER, str(folder)], stdout=subprocess.PIPE, text=True) as swapper:
        try:
            assert swapper.stdout is not None
            if swapper.stdout.readline().strip() != "0":
                pytest.skip("this file system cannot swap two names")
            yield
        finally:
            swapper.kill()


async def test_nothing_gets_out_while_a_folder_is_swapped_with_a_link(root: Path, tools: Tools) -> None:
    (root / "d").mkdir()
    (root / "d" / "x.txt").write_text("harmless")
    (root / "link").symlink_to(root.parent / "other")
    read_well = 0
    with swapped_without_end(root):
        for number in range(20_000):  # until the other process has put the folder back at least once
            if number >= 150 and read_well:
                break
            try:
                assert await read(tools, "d/x.txt") == "harmless"
                read_well += 1
            except ToolError as error:
                assert SECRET not in str(error)
            for path, mode in ((f"d/{number}", "create"), ("d/x.txt", "replace"), ("d/x.txt", "append")):
                try:
                    await write(tools, path, "harmless" if mode == "replace" else "", mode)
                except ToolError:
                    continue
            assert SECRET not in "".join(await listing(tools, pattern="**/*"))
    assert read_well
    assert [p.name for p in (root.parent / "other").iterdir()] == ["x.txt"]
    assert (root.parent / "other" / "x.txt").read_text() == SECRET


def test_a_folder_that_is_none_is_said_at_once(root: Path) -> None:
    for place in (root / "missing", root.parent / "secret.txt"):
        with pytest.raises(SourceError, match="Name a folder that exists"):
            file_tools(place)


def test_a_system_without_descriptors_of_folders_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "supports_dir_fd", set())
    with pytest.raises(SourceError, match="under WSL on Windows"):
        file_tools(root)


async def test_a_folder_that_went_away_is_no_crash(root: Path, tools: Tools) -> None:
    root.rmdir()
    with pytest.raises(ToolError, match="is gone"):
        await read(tools, "x.txt")
