"""Zip files that are attacks are told from ordinary ones before anything is unpacked."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.knowledge.reading.problem import Unreadable
from tierwise.knowledge.reading.zips import MAX_ENTRIES, check_zip


def packed(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as opened:
        for name, data in files:
            opened.writestr(name, data)
    return buffer.getvalue()


@given(
    st.dictionaries(st.text("abc/.", min_size=1), st.binary(max_size=300), max_size=5),
    st.booleans(),
    st.binary(max_size=9),
)
def test_an_ordinary_file_gives_its_names(files: dict[str, bytes], deflated: bool, before: bytes) -> None:
    data = packed(*files.items(), method=zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED)
    assert check_zip(data) == frozenset(files)


def test_a_sheet_that_packs_well_is_no_attack() -> None:
    row = b"<row><c><v>%d</v></c><c><v>0</v></c></row>"
    rows = b"".join(row % n for n in range(400_000))
    assert check_zip(packed(("xl/worksheets/sheet1.xml", rows))) == {"xl/worksheets/sheet1.xml"}


def test_bombs_are_refused_by_what_they_say() -> None:
    with pytest.raises(Unreadable, match="times its size"):
        check_zip(packed(("word/document.xml", bytes(30_000_000))))
    with pytest.raises(Unreadable, match=r"3,000 MB, and 200 MB is the limit"):
        check_zip(lying(packed(("word/document.xml", b"words")), 3_000_000_000))
    with pytest.raises(Unreadable, match="more than 10,000 parts"):
        check_zip(packed(*((str(n), b"") for n in range(MAX_ENTRIES + 1))))


def lying(data: bytes, size: int) -> bytes:
    """The same zip file, whose directory says that its only entry unpacks to ``size``."""
    at = data.index(b"PK\1\2")
    return data[: at + 24] + struct.pack("<I", size) + data[at + 28 :]


@pytest.mark.parametrize("size", [10, 29_999_999, 30_000_001])
def test_and_by_what_they_do_not_say(size: int) -> None:
    with pytest.raises(Unreadable, match=r"not as large as it says|times its size"):
        check_zip(lying(packed(("word/document.xml", bytes(30_000_000))), size))


def test_entries_that_share_their_data_are_refused() -> None:
    data = packed(("a.xml", b"words " * 1000))
    at, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    entry = data[at:end]
    count = 9
    tail = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(entry) * count, at, 0)
    with pytest.raises(Unreadable, match="share their data"):
        check_zip(data[:at] + entry * count + tail)


def test_encrypted_cut_and_strange_files_are_refused() -> None:
    data = packed(("a.xml", b"words " * 1000))
    at = data.index(b"PK\1\2")
    with pytest.raises(Unreadable, match="encrypted"):
        check_zip(data[: at + 8] + b"\1" + data[at + 9 :])
    with pytest.raises(Unreadable, match="damaged"):
        check_zip(data[: len(data) // 2])
    with pytest.raises(Unreadable, match="compressed in a way"):
        check_zip(packed(("a.xml", b"words"), method=zipfile.ZIP_LZMA))


@given(st.data())
def test_any_damage_is_a_sentence(data: st.DataObject) -> None:
    whole = bytearray(packed(("a.xml", b"words " * 50), ("b/c.xml", b"\1\2\3" * 30)))
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=6)):
        whole[place] = data.draw(st.integers(0, 255))
    try:
        check_zip(bytes(whole))
    except Unreadable as error:
        assert error.fix
