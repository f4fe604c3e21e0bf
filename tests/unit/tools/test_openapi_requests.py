"""From flat arguments to a request: nothing is lost on the way, and nothing leaves the base."""

from __future__ import annotations

import json
import posixpath
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openapi_documents import document_of

from tierwise_tools import SourceError, ToolError
from tierwise_tools.openapi import Operation
from tierwise_tools.openapi.base import BaseUrl, base_of
from tierwise_tools.openapi.building import build
from tierwise_tools.openapi.outline import outlines_of
from tierwise_tools.openapi.references import References, Unusable
from tierwise_tools.openapi.request import Request, make_request

BASE = BaseUrl.read("https://api.example.org:8443/v1/")


def operation_of(method: str, path: str, operation: dict[str, Any], **more: Any) -> Operation:
    references = References(document_of((method, path, operation), **more))
    (outline,), problems = outlines_of(references, "a")
    assert problems == ()
    return build(outline, references)


def query_of(schema: dict[str, Any], value: Any, **parameter: Any) -> str:
    described = {"name": "q", "in": "query", "schema": schema, **parameter}
    return urlsplit(make_request(operation_of("get", "/x", {"parameters": [described]}), {"q": value}, BASE).url).query


def body_of(media_type: str, schema: dict[str, Any], arguments: dict[str, Any], **holder: Any) -> Request:
    body = {"required": True, "content": {media_type: {"schema": schema, **holder}}}
    return make_request(operation_of("post", "/x", {"requestBody": body}), arguments, BASE)


def path_parameter(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, **more}


pieces = st.sampled_from([*"./\\%2eE5fF?#@:;&= \n\x00é\ud800", "..", "//", "%2e%2e", "%252e"])
hostile = st.lists(pieces, max_size=8).map("".join)


@given(hostile | st.text(), hostile | st.text())
@example("..", "x")
@example(".", ".")
@example("../../admin", "x")
@example("//evil.org", "x")
@example("x?admin=1#y", "x")
@example("%2e%2e%2fadmin", "x")
@example("..\\..", "x")
def test_a_path_value_stays_one_step_below_the_base(first: str, second: str) -> None:
    read = operation_of("get", "/files/{first}/{second}.txt", {})
    try:
        url = make_request(read, {"first": first, "second": second}, BASE).url
    except ToolError as error:
        assert "first" in str(error) or "second" in str(error) or "leave" in str(error) or "address" in str(error)
        return
    sent = httpx2.URL(url)
    assert (sent.scheme, sent.host, sent.port, sent.query, sent.fragment) == ("https", "api.example.org", 8443, b"", "")
    raw = sent.raw_path.decode()
    decoded = raw
    for _ in range(3):  # a proxy and a server may each decode and tidy
        assert posixpath.normpath(decoded).startswith("/v1/files/")
        decoded = unquote(decoded)
    assert raw.count("/") == 4
    assert unquote(raw.split("/")[3]) == first.replace("\ud800", "�") or any("\ud800" <= c <= "\udfff" for c in first)


names = st.text(min_size=1, max_size=8).filter(lambda text: text.isprintable())
values = st.text(max_size=12).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text))


@given(
    st.dictionaries(names, values, max_size=4),
    st.dictionaries(names, values, max_size=4),
    st.text("ab/?&= é", min_size=1),
)
@example({"id": "1", "ID": "2", "body_id": "3"}, {"id": "4", "Id": "5"}, "6")
def test_flat_arguments_come_back_out_of_the_request(query: dict[str, str], body: dict[str, str], id: str) -> None:
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in body}}
    operation = operation_of(
        "post",
        "/things/{id}",
        {
            "parameters": [path_parameter("id"), *({"name": n, "in": "query", "schema": {}} for n in query)],
            "requestBody": {"content": {"application/json": {"schema": schema}}} if body else None,
        },
    )
    given_to = {"path": {"id": id}, "query": query, "body": body}
    arguments = {field.name: given_to[field.place][field.wire] for field in operation.fields}
    assert set(arguments) == set(operation.parameters["properties"])
    assert len(arguments) == 1 + len(query) + len(body)
    request = make_request(operation, arguments, BASE)
    parts = urlsplit(request.url)
    assert unquote(parts.path) == f"/v1/things/{id}"
    assert dict(parse_qsl(parts.query, keep_blank_values=True)) == query
    assert (json.loads(request.content) if request.content else {}) == body


@pytest.mark.parametrize(
    ("value", "parameter", "query"),
    [
        ("a b&c", {}, "q=a%20b%26c"),
        (True, {}, "q=true"),
        (3.0, {}, "q=3"),
        (None, {}, ""),
        (["a", "b,c"], {}, "q=a&q=b%2Cc"),
        (["a", "b,c"], {"explode": False}, "q=a,b%2Cc"),
        (["a", "b"], {"style": "spaceDelimited", "explode": False}, "q=a%20b"),
        (["a", "b"], {"style": "pipeDelimited", "explode": False}, "q=a%7Cb"),
        ([], {}, ""),
        ({"a": 1, "b": "x"}, {}, "a=1&b=x"),
        ({"a": 1, "b": "x"}, {"explode": False}, "q=a,1,b,x"),
        ({"a": {"b": 1}, "c": [1, 2]}, {"style": "deepObject"}, "q%5Ba%5D%5Bb%5D=1&q%5Bc%5D=1&q%5Bc%5D=2"),
    ],
)
def test_query_values_are_written_in_their_style(value: Any, parameter: dict[str, Any], query: str) -> None:
    assert query_of({}, value, **parameter) == query


def test_a_parameter_may_be_json() -> None:
    described = {"name": "filter", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}}
    request = make_request(operation_of("get", "/x", {"parameters": [described]}), {"filter": {"a": [1]}}, BASE)
    assert request.url.endswith("/x?filter=%7B%22a%22%3A%5B1%5D%7D")


def test_headers_and_cookies() -> None:
    described = [
        {"name": "X-Ids", "in": "header", "schema": {"type": "array"}},
        {"name": "lang", "in": "cookie", "schema": {}},
        {"name": "Host", "in": "header", "schema": {}, "required": True},
        {"name": "accept", "in": "header", "schema": {}},
    ]
    operation = operation_of("get", "/x", {"parameters": described})
    assert [field.name for field in operation.fields] == ["X-Ids", "lang"]
    request = make_request(operation, {"X-Ids": [1, 2], "lang": "a;b"}, BASE)
    assert request.headers == {"X-Ids": "1,2", "Cookie": "lang=a%3Bb"}
    with pytest.raises(ToolError, match="X-Ids goes into a header"):
        make_request(operation, {"X-Ids": ["1\r\nX-Evil: 1"]}, BASE)


OBJECT = {"type": "object", "properties": {"a": {}, "b": {"type": "array"}, "c": {"type": "object"}}}


def test_bodies_are_written_as_their_type_wants() -> None:
    arguments = {"a": "x y", "b": [1, 2], "c": {"d": True}}
    assert json.loads(body_of("application/vnd.api+json", OBJECT, arguments).content or b"") == arguments
    form = body_of("application/x-www-form-urlencoded", OBJECT, arguments)
    assert form.content == b"a=x%20y&b=1&b=2&c=%7B%22d%22%3Atrue%7D"
    assert form.headers == {"Content-Type": "application/x-www-form-urlencoded"}
    deep = body_of(
        "application/x-www-form-urlencoded", OBJECT, arguments, encoding={"c": {"style": "deepObject", "explode": True}}
    )
    assert (deep.content or b"").endswith(b"c%5Bd%5D=true")
    assert body_of("text/plain", {"type": "string"}, {"body": "größe"}).content == "größe".encode()
    assert body_of("application/json", {"type": "array"}, {"body": [1]}).content == b"[1]"
    assert body_of("application/json", {"type": "object", "properties": {"a": {}}}, {}).content == b"{}"


def test_an_optional_body_may_be_left_out_but_not_half_given() -> None:
    loose = {"content": {"application/json": {"schema": OBJECT}}}
    operation = operation_of("post", "/x", {"requestBody": loose})
    assert make_request(operation, {}, BASE).content is None
    strict = {"content": {"application/json": {"schema": {**OBJECT, "required": ["a"]}}}}
    operation = operation_of("post", "/x", {"requestBody": strict})
    assert list(operation.parameters["properties"]) == ["body"] and "required" not in operation.parameters
    assert make_request(operation, {"body": {"a": 1}}, BASE).content == b'{"a":1}'


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("https://api.example.org:8443/v1", True),
        ("https://api.example.org:8443/v1/pets?x=/../y", True),
        ("https://API.example.org:8443/v1/pets", True),
        ("https://api.example.org:8443/v10", False),
        ("https://api.example.org:8443/v1/../admin", False),
        ("https://api.example.org:8443/v1/%2e%2e/admin", False),
        ("https://api.example.org:8443/v1/..%2fadmin", False),
        ("https://api.example.org:8443/v1/%252e%252e%252fadmin", False),
        ("https://api.example.org:8443/v1/..%5cadmin", False),
        ("https://api.example.org/v1/pets", False),
        ("http://api.example.org:8443/v1/pets", False),
        ("https://user@api.example.org:8443/v1/pets", False),
        ("https://api.example.org:8443@evil.org/v1/pets", False),
        ("https://api.example.org.evil.org:8443/v1/pets", False),
    ],
)
def test_what_is_below_the_base(url: str, inside: bool) -> None:
    assert BASE.holds(httpx2.URL(url)) is inside


def test_the_base_is_given_or_the_first_server() -> None:
    server = {
        "url": "https://{region}.example.org/{v}/",
        "variables": {"region": {"default": "{v}"}, "v": {"default": 2}},
    }
    assert str(base_of({"servers": [{"url": "https://a.org/v1/"}]}, None, "a")) == "https://a.org/v1"
    assert str(base_of({"servers": [server]}, "http://127.0.0.1:8000", "a")) == "http://127.0.0.1:8000"
    server["variables"]["region"]["default"] = "eu"  # type: ignore[index]
    assert str(base_of({"servers": [server]}, None, "a")) == "https://eu.example.org/2"


@pytest.mark.parametrize(
    "servers",
    [
        [],
        None,
        [{"url": "/api/v3"}],
        [{"url": "https://{region}.example.org"}],
        [{"url": "https://{a}.org", "variables": {"a": {"default": "{b}"}, "b": {"default": "x"}}}],
        [{"url": "ftp://example.org"}],
        [{"url": "https://user:password@example.org"}],
        [{"url": "https://example.org/a/%2e%2e/b"}],
        [{"url": "https:///x"}],
    ],
)
def test_a_document_without_a_usable_server_says_what_to_set(servers: Any) -> None:
    with pytest.raises(SourceError, match="Set base_url for shop"):
        base_of({"servers": servers}, None, "shop")


@pytest.mark.parametrize(
    "path", ["pets", "//evil.org/x", "/a/../b", "/a?b=c", "/a#b", "/a\\b", "/%2e%2e/x", "/a b", "/{}"]
)
def test_paths_that_are_none_are_left_out(path: str) -> None:
    with pytest.raises(Unusable):
        operation_of("get", path, {})


def test_an_operation_on_another_server_is_left_out() -> None:
    with pytest.raises(Unusable, match=r"server of its own, https://uploads\.example\.org"):
        operation_of("get", "/x", {"servers": [{"url": "https://uploads.example.org"}]})
