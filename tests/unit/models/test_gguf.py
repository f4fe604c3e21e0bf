"""The header check believes nothing, says what is wrong, and never does anything else."""

from __future__ import annotations

import struct
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tierwise.errors import ModelFileError
from tierwise.models import locate, memory
from tierwise.models.gguf import GgufHeader, read_header
from tierwise.models.memory import check_memory, memory_need

STRING, ARRAY, UINT32 = 8, 9, 4


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key: str, value: object) -> bytes:
    if isinstance(value, str):
        return text(key) + struct.pack("<I", STRING) + text(value)
    if isinstance(value, int):
        return text(key) + struct.pack("<II", UINT32, value)
    assert isinstance(value, list)
    return text(key) + struct.pack("<IIQ", ARRAY, STRING, len(value)) + b"".join(map(text, value))


def tensor(name: str, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    shapes = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    return text(name) + shapes + struct.pack("<IQ", kind, offset)


GOOD = {
    "general.architecture": "llama",
    "llama.context_length": 512,
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.tokens": ["a", "b"],
}


def gguf(
    metadata: dict[str, object] | None = None,
    tensors: tuple[bytes, ...] = (tensor("w", (4, 2)),),
    *,
    version: int = 3,
    keys: int | None = None,
    data: int = 32,
) -> bytes:
    metadata = GOOD if metadata is None else metadata
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(metadata) if keys is None else keys)
    head += b"".join(entry(k, v) for k, v in metadata.items()) + b"".join(tensors)
    return head + bytes(-len(head) % 32) + bytes(data)


@pytest.fixture
def check(tmp_path: Path):  # type: ignore[no-untyped-def]
    def check(content: bytes) -> GgufHeader:
        path = tmp_path / "model.gguf"
        path.write_bytes(content)
        return read_header(path)

    return check


def test_a_good_header_is_read(check) -> None:  # type: ignore[no-untyped-def]
    header = check(gguf())
    assert header.architecture == "llama"
    assert header.context_length == 512
    assert header.weight_bytes == 32
    assert header.lengths == {"tokenizer.ggml.tokens": 2}


def test_the_embedded_model_passes() -> None:
    header = read_header(locate("smollm2-135m"))
    assert header.context_length == 8192
    assert header.number("attention.head_count_kv") == 3
    assert header.lengths["tokenizer.ggml.tokens"] == 49152


BAD = {
    "empty": (b"", "is empty"),
    "web page": (b"<!DOCTYPE html><title>404</title>", "web page"),
    "LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "git lfs pull"),
    "zip": (b"PK\x03\x04" + bytes(40), "archive"),
    "text": (b"hello world, I am no model", "is not a GGUF"),
    "big-endian": (b"GGUF\x00\x00\x00\x03" + bytes(16), "big-endian"),
    "version 99": (gguf(version=99), "version 99"),
    "version 0": (gguf(version=0), "version 0"),
    "fewer keys than it says": (gguf(keys=50, data=0), "is cut|claims|unknown"),
    "more keys than any file has": (gguf(keys=1 << 40), "claims"),
    "a key of 40 GiB": (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 40 << 30) + b"x", "claims"),
    "an array of 2^61 numbers": (
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("a") + struct.pack("<IIQ", ARRAY, UINT32, 1 << 61),
        "claims",
    ),
    "an array of arrays": (
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("a") + struct.pack("<IIQ", ARRAY, ARRAY, 3),
        "array of type 9",
    ),
    "an unknown kind of value": (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("a") + b"\x63\0\0\0", "unknown type"),
    "no tokenizer": (gguf({k: v for k, v in GOOD.items() if "tokenizer" not in k}), "no tokenizer"),
    "no architecture": (gguf({k: v for k, v in GOOD.items() if "arch" not in k}), "architecture"),
    "no context": (gguf({k: v for k, v in GOOD.items() if "context" not in k}), "context"),
    "alignment 3": (gguf({**GOOD, "general.alignment": 3}), "aligned to 3"),
    "dimension 0": (gguf(tensors=(tensor("w", (0, 4)),)), "impossible shape"),
    "dimension -1": (gguf(tensors=(tensor("w", ((1 << 64) - 1,)),)), "impossible shape"),
    "a size that runs over": (gguf(tensors=(tensor("w", (1 << 31, 1 << 31, 4)),)), "impossible shape"),
    "nine dimensions": (gguf(tensors=(tensor("w", (1,) * 9),)), "9 dimensions"),
    "unknown tensor type": (gguf(tensors=(tensor("w", (4,), kind=77),)), "unknown type 77"),
    "a tensor behind the end": (gguf(tensors=(tensor("w", (4,), offset=1 << 20),)), "is cut: 1,048,560 bytes"),
    "tensors on top of each other": (gguf(tensors=(tensor("a", (8,)), tensor("b", (8,)))), "on top of each other"),
    "cut": (gguf()[:-5], "is cut: 5 bytes are missing"),
    "a part of several": (gguf({**GOOD, "split.count": 3}), "one of 3 parts"),
    "no weights": (gguf(tensors=()), "no weights"),
}


@pytest.mark.parametrize(("content", "says"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_is_said(check, content: bytes, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ModelFileError, match=says) as caught:
        check(content)
    assert "model.gguf" in str(caught.value)
    assert caught.value.fix


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_header(tmp_path)


def _only_model_file_errors(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    tracemalloc.start()
    started = time.monotonic()
    try:
        read_header(path)
    except ModelFileError as error:
        assert str(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2_000_000 + 4 * len(content)
    assert time.monotonic() - started < 30  # a bound, not a speed: it may not loop over a claimed length


_FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_FUZZ
@given(noise=st.binary(max_size=400))
def test_random_bytes_behind_the_magic(tmp_path: Path, noise: bytes) -> None:
    _only_model_file_errors(tmp_path / "f.gguf", b"GGUF" + noise)


@_FUZZ
@given(noise=st.binary(max_size=200), keys=st.integers(0, 5), tensors=st.integers(0, 5))
def test_random_bytes_behind_a_plausible_head(tmp_path: Path, noise: bytes, keys: int, tensors: int) -> None:
    _only_model_file_errors(tmp_path / "f.gguf", b"GGUF" + struct.pack("<IQQ", 3, tensors, keys) + noise)


@_FUZZ
@given(at=st.integers(0, len(gguf()) - 1), value=st.integers(0, 255), cut=st.integers(0, len(gguf())))
def test_a_damaged_good_file(tmp_path: Path, at: int, value: int, cut: int) -> None:
    content = bytearray(gguf())
    content[at] = value
    _only_model_file_errors(tmp_path / "f.gguf", bytes(content[: len(content) - cut]))


def test_a_sparse_file_larger_than_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.gguf"
    path.write_bytes(gguf())
    with path.open("r+b") as file:
        file.truncate(1 << 42)
    with pytest.raises(ModelFileError, match="does not fit into memory"):
        check_memory(read_header(path), 512, name="huge")


def test_the_estimate_of_memory_grows_with_the_window() -> None:
    header = read_header(locate("smollm2-135m"))
    small, large = memory_need(header, 1024), memory_need(header, 8192)
    assert small.weights == large.weights > 90_000_000
    # 30 layers x 3 heads x (64 + 64) values x 2 bytes
    assert large.context == 30 * 3 * 128 * 2 * 8192 == 8 * small.context


def test_the_fix_names_a_window_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    header = read_header(locate("smollm2-135m"))
    need = memory_need(header, 8192)
    monkeypatch.setattr(memory, "available_memory", lambda: need.total + (256 << 20) - need.context // 2)
    with pytest.raises(ModelFileError, match=r"context_window = 4_?096") as caught:
        check_memory(header, 8192, name="llama:smollm2-135m")
    assert "GB" in str(caught.value)
    check_memory(header, 4096, name="llama:smollm2-135m")
