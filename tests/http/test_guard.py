"""What no request passes: names that are not ours, foreign pages, paths with two readings, bodies made to harm."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_http import raw, request
from serving import Server, serving

from tierwise.serve_settings import ServeSettings
from tierwise_app.serve.guard.places import Places, is_loopback, path_is_plain

JSON = {"Content_Type": "application/json"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    serve = ServeSettings(hosts=("copilot.example",), origins=("https://page.example",), body_mb=0.1, document_mb=0.1)
    with serving(serve=serve) as server:
        yield server


def error(body: bytes) -> str:
    code: str = json.loads(body)["error"]["code"]
    return code


# -- who it is for, and who asks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1234", "127.0.0.1", "127.0.0.1:8411", "[::1]:80", "copilot.example:443"]
)
def test_names_of_the_server_are_let_in(server: Server, host: str) -> None:
    assert raw(server.url, request("/healthz", host=host))[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "attacker.example",
        "localhost.attacker.example",
        "127.0.0.1.attacker.example",
        "localhost.",
        "user@localhost",
        "localhost:99999",
        "localhost:",
        "localhost:80:80",
        "0.0.0.0",
        "[::ffff:127.0.0.1]",
        "localhost, attacker.example",
        "127.1",
        "2130706433",
    ],
)
def test_a_name_that_leads_here_is_not_enough(server: Server, host: str) -> None:
    status, _, body = raw(server.url, request("/healthz", host=host))
    assert (status, error(body)) == (421, "wrong_host")


def test_two_hosts_and_none_are_refused(server: Server) -> None:
    two = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: attacker.example\r\n\r\n"
    assert raw(server.url, two)[0] == 400
    assert raw(server.url, b"GET /healthz HTTP/1.0\r\n\r\n")[0] == 421


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://attacker.example",
        "http://localhost:3000",
        "https://page.example.attacker.example",
        "http://page.example",
        "https://page.example:8443",
        "file://",
        "",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_foreign_pages_may_not_ask(server: Server, origin: str, method: str) -> None:
    asked = {"Access_Control_Request_Method": "POST"} if method == "OPTIONS" else {}
    status, headers, body = raw(server.url, request("/healthz", method=method, Origin=origin, **asked))
    assert (status, error(body)) == (403, "wrong_origin")
    assert "access-control-allow-origin" not in headers


def test_a_page_that_was_named_may_ask(server: Server) -> None:
    page = "https://page.example"
    wished = {
        "Access_Control_Request_Method": "POST",
        "Access_Control_Request_Headers": "authorization,x-tierwise-thread",
    }
    status, headers, _ = raw(server.url, request("/v1/turns", method="OPTIONS", Origin=page, **wished))
    assert status == 204
    assert headers["access-control-allow-origin"] == page
    assert headers["access-control-allow-headers"] == "authorization,x-tierwise-thread"
    status, headers, _ = raw(server.url, request("/healthz", Origin=page))
    assert (status, headers["access-control-allow-origin"], headers["vary"]) == (200, page, "Origin")
    assert raw(server.url, request("/healthz", Origin="http://127.0.0.1"))[0] == 200  # its own


def test_addresses_of_this_machine() -> None:
    places = Places("0.0.0.0", (), ())
    assert places.host_is_ours(["192.168.1.5:8411"], "192.168.1.5")
    assert places.host_is_ours(["192.168.1.5"], "::ffff:192.168.1.5")
    assert places.host_is_ours(["[fd00::5]:8411"], "fd00::5")
    assert not places.host_is_ours(["192.168.1.6"], "192.168.1.5")
    assert [is_loopback(host) for host in ("localhost", "127.9.9.9", "::1", "[::1]")] == [True] * 4
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "", "example.org", "192.168.1.5")] == [False] * 5


# -- paths -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "//healthz",
        "/healthz/",
        "/v1//turns",
        "/%68ealthz",
        "/v1/turns%2Fabc",
        "/v1/turns/%2e%2e/threads",
        "/v1/../healthz",
        "/v1/turns/%5cabc",
        "/v1/turns/%00",
        "/v1/turns/%zz",
        "/v1/turns/%ff",
        "/v1/turns/%0d%0aX:1",
        "http://localhost/healthz",
        "/HEALTHZ",
    ],
)
def test_a_path_has_one_reading(server: Server, path: str) -> None:
    status, headers, _ = raw(server.url, request(path))
    assert status == 404
    assert "location" not in headers


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=20))
def test_what_is_encoded_as_it_should_be_is_let_in(text: str) -> None:
    from urllib.parse import quote, unquote_to_bytes

    raw_path = f"/v1/turns/{quote(text, safe='')}".encode()
    plain = path_is_plain(raw_path)
    control = any(ord(char) < 32 or char in "/\\\x7f" for char in text) or text in (".", "..")
    assert plain == (not control)
    assert not plain or unquote_to_bytes(raw_path).decode() == f"/v1/turns/{text}"


# -- bodies ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "nested"),
        (b"[" * 65 + b"]" * 65, "nested"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "nested"),
        (b'{"a": NaN}', "number"),
        (b'{"a": -Infinity}', "number"),
        (b'{"a": 1e999}', "number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "number"),
        (b'{"a": 9223372036854775808}', "number"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b'{"a": "\\ud800"}', "UTF-8"),
        (b'{"\\udfff": 1}', "UTF-8"),
        ("\ufeff{}".encode(), "not JSON"),
        ('{"a": 1}'.encode("utf-16"), "UTF-8"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_harmful_json_is_refused(server: Server, body: bytes, says: str) -> None:
    status, _, answer = raw(server.url, request("/v1/none", method="POST", body=body, **JSON))
    assert (status, error(answer)) == (400, "invalid_json")
    assert says in json.loads(answer)["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [b"[" * 64 + b"]" * 64, b'{"a": "\\ud83d\\ude00"}', b'{"a": 1, "a": 2}', b'"' + b"[" * 5000 + b'"', b"[1,2]"],
)
def test_usual_json_is_let_in(server: Server, body: bytes) -> None:
    assert raw(server.url, request("/v1/none", method="POST", body=body, **JSON))[0] == 404  # of the route


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
def test_what_a_form_can_send_is_refused(server: Server, kind: str) -> None:
    asked = request("/v1/chat/completions", method="POST", body=b'{"model": "auto"}', Content_Type=kind)
    status, _, body = raw(server.url, asked)
    assert (status, error(body)) == (415, "unsupported_media_type")


def test_packed_bodies_are_refused(server: Server) -> None:
    asked = request("/v1/none", method="POST", body=b"\x1f\x8b", Content_Encoding="gzip", **JSON)
    status, _, body = raw(server.url, asked)
    assert (status, error(body)) == (415, "unsupported_encoding")


def test_large_bodies_are_refused_before_they_are_read(server: Server) -> None:
    head = request("/v1/none", method="POST", Content_Length="200000000", **JSON)
    status, _, body = raw(server.url, head)
    assert (status, error(body)) == (413, "too_large")


def test_large_bodies_are_refused_while_they_are_read(server: Server) -> None:
    head = request("/v1/none", method="POST", Transfer_Encoding="chunked", **JSON)
    piece = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    status, _, body = raw(server.url, head, more=piece * 8)
    assert (status, error(body)) == (413, "too_large")


def test_two_lengths_are_refused(server: Server) -> None:
    both = request("/v1/none", method="POST", Content_Length="2", Transfer_Encoding="chunked", **JSON)
    assert raw(server.url, both + b"2\r\n{}\r\n0\r\n\r\n")[0] == 400
    twice = request("/v1/none", method="POST", Content_Length="2", content_length="3", **JSON)
    assert raw(server.url, twice + b"{}")[0] == 400


def test_a_body_that_does_not_come_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tierwise_app.serve.guard.bodies._SECONDS", 0.1)
    head = request("/v1/none", method="POST", Content_Length="10", **JSON)
    status, _, body = raw(server.url, head + b"{")
    assert (status, error(body)) == (408, "too_slow")


def test_a_request_that_is_never_finished_is_cut(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tierwise_app.serve.guard.connection._SECONDS", 0.1)
    assert raw(server.url, b"GET /healthz HTTP/1.1\r\nHost: local") == (0, {}, b"")


@pytest.mark.parametrize(
    "junk", [b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nX y: z\r\n\r\n"]
)
def test_what_is_not_http_gets_an_error_of_ours(server: Server, junk: bytes) -> None:
    status, headers, body = raw(server.url, junk)
    assert (status, error(body)) == (400, "invalid_request")
    assert headers["x-request-id"].startswith("req-")


@pytest.mark.parametrize("chunked", [False, True])
def test_documents_have_a_limit_of_their_own(server: Server, chunked: bool) -> None:
    start = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
    form = {"Content_Type": "multipart/form-data; boundary=x"}
    if not chunked:
        asked = request("/v1/knowledge/sources", method="POST", Content_Length="200000000", **form)
    else:
        pieces = [start, *[b"word " * 4000] * 10]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        asked = request("/v1/knowledge/sources", method="POST", Transfer_Encoding="chunked", **form) + body
    status, _, body = raw(server.url, asked)
    assert (status, error(body)) == (413, "too_large")


# -- every response ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/healthz", "/v1/none", "//x", "/openapi.json"])
def test_every_response_is_named_and_kept_nowhere(server: Server, path: str) -> None:
    _, headers, _ = raw(server.url, request(path, X_Request_Id="mine-1"))
    assert headers["x-request-id"] == "mine-1"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "server" not in headers
    _, headers, _ = raw(server.url, request(path, X_Request_Id="a b\tc"))
    assert headers["x-request-id"].startswith("req-")


@pytest.mark.parametrize(("method", "status"), [("POST", 405), ("TRACE", 405), ("PUT", 405), ("BREW", 405)])
def test_other_methods_are_refused_in_the_same_form(server: Server, method: str, status: int) -> None:
    found, headers, body = raw(server.url, request("/readyz", method=method))
    assert (found, error(body)) == (status, "method_not_allowed")
    assert headers["allow"]


def test_an_upgrade_is_not_made(server: Server) -> None:
    asked = request(
        "/healthz", Connection="Upgrade", Upgrade="websocket", Sec_WebSocket_Version="13", Sec_WebSocket_Key="eA=="
    )
    assert raw(server.url, asked)[0] == 200


def test_the_unexpected_is_said_without_what_it_was(caplog: pytest.LogCaptureFixture) -> None:
    with serving() as server:

        @server.app.get("/v1/broken")
        async def broken() -> None:
            raise RuntimeError("the question was: my secret plan")

        answer = server.client.get("/v1/broken", headers={"X-Request-Id": "mine-2"})
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal"
    assert "mine-2" in answer.json()["error"]["message"]
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "RuntimeError" in said
    assert "secret plan" not in said + answer.text
