"""Downloads from a server that drops, lies and stalls: the file is whole and the right one, or it is not there."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from model_source import Handler, Source, drop_at, serving, status

from tierwise.errors import (
    AuthError,
    InvalidInput,
    ModelFileError,
    ModelNotFound,
    ModelTimeout,
    ServerError,
    StoreBusy,
    StoreError,
    TierwiseError,
    Unreachable,
)
from tierwise.models import DownloadLimits, DownloadProgress, find_installed, pull, pull_url
from tierwise.models.store import card as cards
from tierwise.models.store.download_urls import checked_url, next_url
from tierwise.testing.tiny_gguf import write_tiny_phi3

VOCABULARY = Path(__file__).parents[2] / "data" / "phi3" / "ggml-vocab-phi-3.gguf"
QUICK = DownloadLimits(connect=60, idle=60, attempts=3, pause=0.01)
HALF = 3 << 20


@pytest.fixture(scope="module")
def model_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_tiny_phi3(tmp_path_factory.mktemp("gguf") / "tiny.gguf", VOCABULARY, follows={}).read_bytes()


@pytest.fixture
def source(model_bytes: bytes) -> Any:
    with serving(Source(model_bytes)) as running:
        yield running


@pytest.fixture
def in_catalogue(source: Source, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts the served file into the catalogue, with what is claimed about it."""

    def put(**claims: Any) -> None:
        known = replace(cards.card("phi-3-mini-4k"), **{"url": source.url, "size": None, "sha256": None, **claims})
        monkeypatch.setattr(cards, "_cards", lambda: {known.name: known})

    return put


def get(source: Source, **options: Any) -> Path:
    return pull_url(source.url, "tiny", **{"limits": QUICK, **options}).path


def endless(handler: Handler, head: bytes) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(head)
    while True:
        handler.wfile.write(b"\0" * (1 << 20))


def folder(home: Path) -> list[str]:
    return sorted(p.name for p in (home / "models").iterdir() if p.suffix != ".lock")


def test_a_download_is_whole_private_and_pinned(source: Source, own_home: Path) -> None:
    steps: list[DownloadProgress] = []

    path = get(source, progress=steps.append)

    assert path.read_bytes() == source.content
    assert path.stat().st_mode & 0o077 == 0
    assert folder(own_home) == ["tiny.gguf", "tiny.json"]
    model = find_installed("tiny")
    assert (model.sha256, model.vouched) == (hashlib.sha256(source.content).hexdigest(), "first download")
    assert (steps[-1].done, steps[-1].total) == (len(source.content), len(source.content))


def test_a_dropped_connection_goes_on_where_it_stopped(source: Source) -> None:
    source.faults = [drop_at(HALF), drop_at(HALF + 100_000)]

    path = get(source)

    assert path.read_bytes() == source.content
    assert source.asked == [None, f"bytes={HALF}-", f"bytes={HALF + 100_000}-"]


def test_a_later_run_goes_on_and_hashes_what_was_there(source: Source, own_home: Path) -> None:
    source.faults = [drop_at(HALF)] * 3
    with pytest.raises(Unreachable, match="Run the same command again"):
        get(source)
    assert folder(own_home) == ["tiny.gguf.part", "tiny.gguf.part.json"]

    digest = hashlib.sha256(source.content).hexdigest()
    assert get(source, sha256=digest.upper()).read_bytes() == source.content
    assert source.asked[-1] == f"bytes={HALF}-"


def test_a_part_that_was_tampered_with_is_found_out(source: Source, own_home: Path) -> None:
    source.faults = [drop_at(HALF)] * 3
    with pytest.raises(Unreachable):
        get(source)
    part = own_home / "models" / "tiny.gguf.part"
    part.write_bytes(part.read_bytes()[:-5] + b"other")

    with pytest.raises(ModelFileError, match="SHA-256"):
        get(source, sha256=hashlib.sha256(source.content).hexdigest())

    assert folder(own_home) == []


def test_without_ranges_it_begins_again(source: Source) -> None:
    source.ranges, source.faults = False, [drop_at(HALF)]
    assert get(source).read_bytes() == source.content
    assert source.asked == [None, f"bytes={HALF}-"]


def test_without_a_tag_nothing_is_joined(source: Source) -> None:
    source.etag, source.faults = None, [drop_at(HALF)]
    assert get(source).read_bytes() == source.content
    assert source.asked == [None, None]


def test_a_server_that_always_drops_is_given_up(source: Source) -> None:
    source.ranges, source.faults = False, [drop_at(HALF)] * 50
    with pytest.raises(Unreachable, match="3 attempts got no further"):
        get(source)
    assert len(source.asked) <= 5


def test_versions_are_never_joined_when_the_file_changes_between_parts(source: Source) -> None:
    def change_and_drop(handler: Handler) -> None:
        handler.send_file(upto=HALF)
        source.content, source.etag = source.content[:-4] + b"next", '"two"'

    source.faults = [change_and_drop]
    assert get(source).read_bytes() == source.content


def test_a_server_that_ignores_if_range_is_found_out(source: Source) -> None:
    def change_and_drop(handler: Handler) -> None:
        handler.send_file(upto=HALF)
        source.content, source.etag = source.content[:-4] + b"next", '"two"'

    def part_of_the_other_file(handler: Handler) -> None:
        rest = source.content[HALF:]
        span = f"bytes {HALF}-{len(source.content) - 1}/{len(source.content)}"
        handler.answer(206, rest, ETag='"two"', Content_Range=span)

    source.faults = [change_and_drop, part_of_the_other_file]
    assert get(source).read_bytes() == source.content
    assert source.asked[-1] is None


def test_another_place_than_asked_for_is_not_joined(source: Source) -> None:
    def from_elsewhere(handler: Handler) -> None:
        span = f"bytes {HALF + 5}-{len(source.content) - 1}/{len(source.content)}"
        handler.answer(206, source.content[HALF + 5 :], ETag='"one"', Content_Range=span)

    source.faults = [drop_at(HALF), from_elsewhere, status(416)]
    assert get(source, limits=replace(QUICK, attempts=4)).read_bytes() == source.content


def test_a_wrong_hash_is_refused_and_removed(in_catalogue: Any, own_home: Path) -> None:
    in_catalogue(sha256="0" * 64)
    with pytest.raises(ModelFileError, match="not the expected file"):
        pull("phi-3-mini-4k", limits=QUICK)
    assert folder(own_home) == []


def test_a_wrong_size_is_refused_before_it_is_fetched(in_catalogue: Any, source: Source, own_home: Path) -> None:
    in_catalogue(size=len(source.content) + 1)
    with pytest.raises(ModelFileError, match="bytes where"):
        pull("phi-3-mini-4k", limits=QUICK)
    assert folder(own_home) == []


def test_a_file_that_changed_at_the_source_is_not_taken(in_catalogue: Any, source: Source, own_home: Path) -> None:
    in_catalogue()
    first = pull("phi-3-mini-4k", limits=QUICK)
    before = first.path.read_bytes()
    assert pull("phi-3-mini-4k", limits=QUICK) == first
    assert len(source.asked) == 1

    source.content, source.etag = source.content[:-4] + b"next", '"two"'
    with pytest.raises(ModelFileError, match=r"at the source has changed since \d{4}-.*models rm phi-3-mini-4k"):
        pull("phi-3-mini-4k", again=True, limits=QUICK)

    assert first.path.read_bytes() == before
    assert folder(own_home) == ["phi-3-mini-4k.gguf", "phi-3-mini-4k.json"]


def test_a_file_put_there_by_hand_is_vouched_for_if_it_is_the_right_one(
    in_catalogue: Any, source: Source, own_home: Path
) -> None:
    path = own_home / "models" / "phi-3-mini-4k.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(source.content)
    in_catalogue(sha256=hashlib.sha256(source.content).hexdigest())
    assert pull("phi-3-mini-4k").vouched == "catalogue"

    path.with_suffix(".json").unlink()
    path.write_bytes(source.content[:-4] + b"evil")
    with pytest.raises(ModelFileError, match="--again"):
        pull("phi-3-mini-4k")
    assert source.asked == []
    assert pull("phi-3-mini-4k", again=True, limits=QUICK).path.read_bytes() == source.content


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<!DOCTYPE html><title>Sign in</title>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
        (b"PK\x03\x04", "archive"),
        (b"GGUF\x03\x00\x00\x00", "is cut"),
        (b"", "is empty"),
    ],
)
def test_what_is_no_model_never_becomes_one(source: Source, own_home: Path, body: bytes, says: str) -> None:
    source.content = body
    with pytest.raises(ModelFileError, match=says) as caught:
        get(source)
    assert ".part" not in str(caught.value)
    assert folder(own_home) == []


def test_a_web_page_is_refused_at_its_first_bytes(source: Source) -> None:
    source.faults = [lambda handler: endless(handler, b"<html>")]
    with pytest.raises(ModelFileError, match="web page"):
        get(source)


def test_a_file_cut_by_a_server_that_hides_its_length_is_refused(source: Source, own_home: Path) -> None:
    source.content, source.length = source.content[:HALF], False
    with pytest.raises(ModelFileError, match="bytes are missing"):
        get(source)
    assert folder(own_home) == []


def test_an_endless_body_ends(source: Source, own_home: Path) -> None:
    source.faults = [lambda handler: endless(handler, b"GGUF")]
    with pytest.raises(ModelFileError, match="more than any model"):
        get(source, limits=replace(QUICK, largest=100 << 20))
    assert folder(own_home) == []


@pytest.mark.parametrize("drip", [b"", b"x"])
def test_a_standstill_is_given_up(source: Source, drip: bytes) -> None:
    over = threading.Event()

    def stall(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        handler.wfile.write(b"GGUF")
        while not over.wait(0.05):
            handler.wfile.write(drip)
            handler.wfile.flush()

    source.faults = [stall] * 2
    try:
        with pytest.raises(ModelTimeout):
            get(source, limits=replace(QUICK, idle=0.2, attempts=2))
    finally:
        over.set()


def test_redirects_are_followed_but_not_in_circles(source: Source) -> None:
    source.faults = [status(302, Location="/elsewhere"), status(307, Location="../files/again")]
    assert get(source).read_bytes() == source.content

    source.faults = [status(302, Location=source.url)] * 20
    with pytest.raises(ServerError, match="in circles"):
        pull_url(source.url, "circle", limits=QUICK)


def test_no_way_leads_from_protected_to_unprotected() -> None:
    assert next_url("https://a.example/x", "https://b.example/y?k=1") == "https://b.example/y?k=1"
    assert next_url("http://127.0.0.1:1/x", "http://localhost:2/y") == "http://localhost:2/y"
    for before, location in [
        ("https://a.example/x", "http://a.example/x"),
        ("https://a.example/x", "http://127.0.0.1/x"),
        ("http://127.0.0.1:1/x", "http://a.example/x"),
        ("https://a.example/x", "file:///etc/passwd"),
        ("https://a.example/x", ""),
    ]:
        with pytest.raises(ServerError):
            next_url(before, location)


@pytest.mark.parametrize(
    "url",
    ["http://a.example/x.gguf", "ftp://a.example/x", "file:///x.gguf", "a.example/x", "https://me:secret@a.example/x"],
)
def test_only_https_is_fetched(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked_url(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "error", "says"),
    [(404, ModelNotFound, "does not have"), (401, AuthError, "models add PATH"), (418, ServerError, "418")],
)
def test_a_refusal_is_said_once(source: Source, code: int, error: type[TierwiseError], says: str) -> None:
    source.faults = [status(code)]
    with pytest.raises(error, match=says):
        get(source)
    assert len(source.asked) == 1


def test_a_file_in_an_encoding_is_not_taken(source: Source) -> None:
    source.faults = [status(200, b"GGUF", Content_Encoding="gzip")]
    with pytest.raises(ServerError, match="gzip"):
        get(source)


def test_a_busy_server_is_asked_again(source: Source) -> None:
    source.faults = [status(503), status(429, Retry_After="0")]
    assert get(source).read_bytes() == source.content


def test_a_server_that_is_not_there_is_said_at_once(model_bytes: bytes) -> None:
    with serving(Source(model_bytes)) as gone:
        pass
    steps: list[DownloadProgress] = []
    with pytest.raises(Unreachable, match="cannot be reached"):
        get(gone, progress=steps.append)
    assert [step for step in steps if "again" in step.note] == []


def test_a_server_that_comes_back_is_waited_for(source: Source) -> None:
    source.faults = [drop_at(HALF), lambda handler: handler.connection.close(), drop_at(HALF + 10)]
    assert get(source, limits=replace(QUICK, attempts=4)).read_bytes() == source.content


def test_a_full_disk_is_said_before_anything_is_written(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10**12, 10**12 - 1000, 1000))
    with pytest.raises(StoreError, match="1,000 bytes free"):
        get(source)


def test_two_at_once_take_turns(source: Source) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def held(handler: Handler) -> None:
        asked.set()
        go_on.wait(60)
        handler.send_file()

    source.faults = [held]
    first = threading.Thread(target=get, args=(source,))
    first.start()
    try:
        assert asked.wait(60)
        with pytest.raises(StoreBusy, match="Another process"):
            get(source)
    finally:
        go_on.set()
        first.join(60)
    assert find_installed("tiny").path.read_bytes() == source.content


@pytest.mark.parametrize(
    "name", ["../evil", "a/b", "a\\b", ".hidden", "UPPER", "x.gguf", "x.part", "", "x" * 65, "a\nb"]
)
def test_a_name_cannot_leave_the_folder(source: Source, name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be named"):
        pull_url(source.url, name, limits=QUICK)
    assert source.asked == []


def test_a_file_changed_after_it_came_is_not_used(source: Source) -> None:
    from tierwise.config import Tier
    from tierwise.models import open_model

    path = get(source)
    tier = Tier("quick", "llama:tiny")
    assert open_model(tier).capabilities.context_window == 512
    path.write_bytes(source.content[:-4] + b"evil")

    with pytest.raises(ModelFileError, match="SHA-256 differs"):
        _ = open_model(tier).capabilities
    with pytest.raises(ModelFileError, match="was changed after it came"):
        find_installed("tiny").check()


@pytest.mark.parametrize(("skill", "offered"), [("none", "none"), ("weak", "prompted"), ("good", "prompted")])
def test_a_model_is_given_tools_only_if_its_card_says_that_it_can(in_catalogue: Any, skill: str, offered: str) -> None:
    from tierwise.config import Tier
    from tierwise.models import open_model

    in_catalogue(tools=skill)
    pull("phi-3-mini-4k", limits=QUICK)
    assert open_model(Tier("quick", "llama:phi-3-mini-4k")).capabilities.tools == offered


def test_the_pin_says_where_it_came_from(source: Source, own_home: Path) -> None:
    get(source)
    pin = json.loads((own_home / "models" / "tiny.json").read_text())
    assert pin["url"] == source.url
    assert pin["size"] == len(source.content)


def test_a_page_in_place_of_the_rest_does_not_cost_what_is_here(source: Source, own_home: Path) -> None:
    page = status(200, b"<html>Sign in to this network</html>", Content_Type="text/html")
    source.faults = [drop_at(HALF), page, page, page]
    with pytest.raises(ServerError, match="bytes are kept"):
        get(source)
    assert get(source).read_bytes() == source.content
    assert source.asked[-1] == f"bytes={HALF}-"


def test_a_part_asked_for_by_date_need_not_repeat_the_date(source: Source) -> None:
    date = "Mon, 02 Nov 2026 10:00:00 GMT"

    def whole_but_cut(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(source.content)))
        handler.send_header("Last-Modified", date)
        handler.end_headers()
        handler.wfile.write(source.content[:HALF])

    def rest(handler: Handler) -> None:
        assert handler.headers["If-Range"] == date
        span = f"bytes {HALF}-{len(source.content) - 1}/{len(source.content)}"
        handler.answer(206, source.content[HALF:], Content_Range=span)

    source.faults = [whole_but_cut, rest]
    assert get(source).read_bytes() == source.content
    assert len(source.asked) == 2


def test_a_part_of_a_file_of_another_length_is_not_joined(source: Source) -> None:
    def longer(handler: Handler) -> None:
        span = f"bytes {HALF}-{len(source.content)}/{len(source.content) + 1}"
        handler.answer(206, source.content[HALF:] + b"x", ETag='"one"', Content_Range=span)

    source.faults = [drop_at(HALF), longer]
    assert get(source).read_bytes() == source.content
    assert source.asked[-1] is None


@pytest.mark.parametrize(
    "fault",
    [
        status(503, Retry_After="²"),
        status(503, Retry_After="9" * 400),
        status(206, b"GGUF", Content_Range=f"bytes 0-3/{'9' * 5000}"),
        status(206, b"GGUF", Content_Range="bytes 9-3/1"),
    ],
)
def test_figures_that_are_none_do_not_confuse_it(source: Source, fault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tierwise.models.store.downloads._LONGEST_PAUSE", 0.01)
    source.faults = [fault]
    assert get(source).read_bytes() == source.content


@pytest.mark.parametrize("text", ["", "zzz", "[]", '{"sha256": 5, "size": "x", "modified_ns": null, "date": []}'])
def test_a_pin_that_is_none_vouches_for_nothing(source: Source, own_home: Path, text: str) -> None:
    get(source)
    (own_home / "models" / "tiny.json").write_text(text)
    assert find_installed("tiny").vouched == "nobody"


def test_a_damaged_file_says_how_it_is_brought_again(source: Source) -> None:
    path = get(source)
    path.write_bytes(source.content[:-4] + b"evil")
    with pytest.raises(ModelFileError, match=f"models rm tiny, then: tierwise models add {source.url} --name tiny"):
        find_installed("tiny").check()
