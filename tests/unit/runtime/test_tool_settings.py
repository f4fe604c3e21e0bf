"""The [tools] section: what is wrong is named with its key, and nothing secret fits into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tierwise import ConfigError, Settings, load_settings
from tierwise.tool_settings import ToolLimits

WHOLE = """
[tools]
enabled = ["calculator", "weather"]
root = "reports"
shown = 3
[tools.approval]
weather = "free"
[tools.limits]
rounds = 2
usd = 0.5
[[tools.mcp]]
name = "wiki"
command = ["wiki-server", "--stdio"]
env = ["WIKI_TOKEN"]
effects = ["read", "network"]
[[tools.openapi]]
name = "shop"
path = "shop.yaml"
include = ["GET /pets/*"]
key_env = "SHOP_KEY"
"""


def read(text: str) -> Settings:
    path = Path("tierwise.toml")
    path.write_text(text)
    return load_settings(path)


def test_the_section_is_read() -> None:
    tools = read(WHOLE).tools
    assert tools.enabled == ("calculator", "weather")
    assert tools.root == Path("reports").absolute()
    assert tools.approval == {"weather": "free"}
    assert tools.limits == ToolLimits(rounds=2, usd=0.5)
    assert tools.mcp[0].effects == ("read", "network")
    assert tools.openapi[0].path == Path("shop.yaml").absolute()
    assert read("").tools.enabled == ("calculator", "clock", "search_knowledge")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tools = 3", "tools must be a section"),
        ("[tools]\nfoo = 1", "unknown key 'foo'"),
        ("[tools]\nenabled = 'x'", "enabled must be a list of texts"),
        ("[tools]\nshown = 0", "shown must be a whole number from 1"),
        ("[tools.approval]\nx = 'maybe'", "approval.x is 'maybe'"),
        ("[tools.limits]\nseconds = -1", "limits.seconds must be a number from 0"),
        ("[[tools.mcp]]\nname = 'a__b'\nurl = 'https://x.example'", "cannot be its name"),
        ("[[tools.mcp]]\nname = 'a'", "needs either command or url"),
        ("[[tools.mcp]]\nname = 'a'\nurl = 'ftp://x'", "has to begin with https"),
        ("[[tools.mcp]]\nname = 'a'\nurl = 'https://x.example'\ntoken = 'secret'", "A secret never goes into the file"),
        ("[[tools.mcp]]\nname = 'a'\ncommand = ['x']\neffects = ['fly']", "'fly' is no effect"),
        ("[[tools.openapi]]\nname = 'a'", "path must be a path"),
        ("[[tools.openapi]]\nname = 'a'\npath = 'x'\n[[tools.openapi]]\nname = 'A'\npath = 'y'", "two sources"),
    ],
)
def test_mistakes_are_named(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read(text)
