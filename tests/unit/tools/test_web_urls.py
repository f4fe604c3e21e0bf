"""A URL is read in one way or refused, and only public addresses are public."""

# ruff: noqa: RUF001 -- characters that look like others are the point

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise_tools import ToolError
from tierwise_tools.web.addresses import is_public
from tierwise_tools.web.urls import join_url, read_url

NAT64 = IPv6Network("64:ff9b::/96")


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://example.org", "https://example.org/"),
        ("HTTPS://Example.ORG./a/b?c=d#e", "https://example.org/a/b?c=d"),
        ("http://example.org:80/", "http://example.org/"),
        ("http://example.org:8080?q=1", "http://example.org:8080/?q=1"),
        ("https://bücher.example/ü?ß", "https://xn--bcher-kva.example/%C3%BC?%C3%9F"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
        ("https://日本.example/%E6%97%A5", "https://xn--wgv71a.example/%E6%97%A5"),
        ("http://localhost.example.org/", "http://localhost.example.org/"),
        ("http://8.8.8.8/", "http://8.8.8.8/"),
        ("http://[2606:4700:4700:0:0:0:0:1111]:8080/", "http://[2606:4700:4700::1111]:8080/"),
        ("http://1.2.3.4.example/", "http://1.2.3.4.example/"),
        ("https://a.example/it's_(fine)!?x=[1]&y=a@b:c", "https://a.example/it's_(fine)!?x=[1]&y=a@b:c"),
        ("https://a_b.example/<x>", "https://a_b.example/%3Cx%3E"),
    ],
)
def test_plain_urls_are_read(url: str, same: str) -> None:
    assert str(read_url(url)) == same
    assert str(read_url(same)) == same


@pytest.mark.parametrize(
    "url",
    [
        *["", "example.org", "//example.org/", "/a", "ftp://example.org/", "gopher://x.example", "data:text/html,hi"],
        *["http:/example.org", "http:///example.org", "http:example.org", "view-source:http://example.org/"],
        *["unix:///run/x.sock", "HTTP+UNIX://%2Frun/x", "http://", "http://?", "http://#"],
        *["http://a@example.org/", "http://a:b@example.org/", "http://@example.org/", "http://a%40b@example.org/"],
        *["http://example.org\\@127.0.0.1/", "http:\\\\example.org/", "http://example.org\\.evil.example/"],
        *["http://exa mple.org/", "http://example.org/a b", " http://example.org/", "http://example.org/\n"],
        *["http://example.org/\r\nHost: x", "http://exam\tple.org/", "http://example.org/\u200b", "http://e\0x.org/"],
        *["http://example.org:/", "http://example.org:0/", "http://example.org:080/", "http://example.org:99999/"],
        *["http://example.org:80:80/", "http://example.org:8o/", "http://example.org:+80/", "http://example.org:８０/"],
        *["http://[::1/", "http://::1/", "http://[example.org]/", "http://[1.2.3.4]/", "http://[fe80::1%25eth0]/"],
        *["http://[::1]x/", "http://[v1.x]/", "http://[::ffff:1.2.3]/", "http://[]/"],
        *["http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/"],
        *["http://0/", "http://1.2.3/", "http://1.2.3.4.5/", "http://256.1.1.1/", "http://1.2.3.04/", "http://a.0x1/"],
        *["http://a.example.1/", "http://127.0.0.1../", "http://0x/"],
        *["http://１２７.0.0.1/", "http://127。0。0。1/", "http://127．0．0．1/", "http://①②⑦.⓪.⓪.①/", "http://ⓔxample.org/"],
        *["http://example。org/", "http://exam%70le.org/", "http://ex*mple.org/", "http://-a.example/", "http://a..example/"],
        *["http://.example/", "http://./", "http://" + "a" * 64 + ".example/", "http://" + "a." * 130 + "example/"],
        *["http://example.org/" + "a" * 2_000, "http://℀.example/", "http://a\u00adb.example/", "http://a\ud800.example/"],
    ],
    ids=ascii,
)  # fmt: skip
def test_whatever_could_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(ToolError):
        read_url(url)


@given(st.one_of(st.text(max_size=60), st.text("htps:/@.[]#?%\\0127xaf\u3002．", max_size=40).map("http://".__add__)))
def test_other_parsers_see_the_same_host_in_what_is_taken(text: str) -> None:
    try:
        target = read_url(text)
    except ToolError:
        return
    whole = str(target)
    assert whole.isascii()
    assert httpx2.URL(whole).raw_host.decode() == target.host
    assert urlsplit(whole).hostname == target.host
    assert urlsplit(whole).username is None
    assert str(read_url(whole)) == whole


def test_references_are_joined_and_read_as_strictly() -> None:
    base = read_url("https://example.org/a/b?c")
    assert str(join_url(base, "../d?e#f")) == "https://example.org/d?e"
    assert str(join_url(base, "//other.example/x")) == "https://other.example/x"
    for reference in (
        "\\\\127.0.0.1\\",
        "javascript:alert(1)",
        "//a@b.example/",
        "file:///etc/passwd",
        "/\tx",
        "//[x/",
    ):
        with pytest.raises(ToolError):
            join_url(base, reference)


@pytest.mark.parametrize(
    "address",
    [
        *["0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254"],
        *["168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1"],
        *["192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1"],
        *["239.255.255.250", "240.0.0.1", "255.255.255.255"],
        *["::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:93.184.215.14", "::ffff:0:127.0.0.1", "fe80::1"],
        *[
            "fe80::1%eth0",
            "2606:2800::1%1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "ff02::1",
            "ff0e::1",
        ],
        *["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:53aa:64c::80ff:fffe"],
        *["2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:5db8:d70e::1", "3fff::1"],
        *["3fff:fff::1", "4000::1", "5f00::1"],
    ],
)
def test_addresses_that_are_near_or_nobodys_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *["1.1.1.1", "8.8.8.8", "93.184.215.14", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1"],
        *["192.0.1.1", "198.17.255.255", "223.255.255.255", "2606:4700:4700::1111", "2a00:1450:4001::1"],
        *["2001:4860:4860::8888", "2003::1", "64:ff9b::808:808"],
    ],
)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_nothing_is_public_that_python_knows_to_be_not(address: IPv4Address | IPv6Address) -> None:
    if is_public(address) and address not in NAT64:
        assert address.is_global
        assert not (address.is_multicast or address.is_reserved)
