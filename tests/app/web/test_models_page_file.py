"""The configuration file when tiers move, go and change: comments stay with what they are about."""

from __future__ import annotations

from pathlib import Path

import pytest

from tierwise.errors import ConfigError
from tierwise_app.config_file import ConfigFile
from tierwise_app.config_tools import set_approval
from tierwise_app.tier_changes import put_tier

FILE = """\
# Tiers are tried in this order, cheapest first. Keys stay in the environment.

# the first
[[tiers]]
name = "quick"
model = "llama:smollm2-135m"  # small

# the second
[[tiers]]
name = "mid"
model = "openai:m"
[tiers.limits]
total = 5

[[tiers]]
name = "deep"
model = "openai:x"
price = { input = 1.0, output = 2.0 }
reasoning = "low"

# what models may call
[tools]
enabled = ["clock"]
"""


@pytest.fixture
def file(tmp_path: Path) -> ConfigFile:
    (tmp_path / "tierwise.toml").write_text(FILE, encoding="utf-8")
    return ConfigFile(tmp_path / "tierwise.toml")


def test_a_tier_moves_with_its_comments_and_its_tables(file):
    file.move_tier("mid", -1)
    assert file.names() == ["mid", "quick", "deep"]
    text = file.text
    assert text.startswith("# Tiers are tried")
    order = ["# the second", '"mid"', "total = 5", "# the first", '"quick"', "# small", '"deep"', "# what models"]
    assert [text.index(word) for word in order] == sorted(text.index(word) for word in order)
    file.move_tier("mid", 1)
    assert file.text == FILE
    file.move_tier("deep", 1)
    file.move_tier("none", 1)
    assert file.diff == ""


def test_a_tier_goes_with_its_comments_and_no_others(file):
    file.drop_tier("quick")
    assert "# the first" not in file.text
    assert "# the second" in file.text
    file.drop_tier("deep")
    file.drop_tier("mid")
    assert file.text.endswith('# what models may call\n[tools]\nenabled = ["clock"]\n')
    assert "tiers]]" not in file.text


def test_what_cannot_be_told_apart_is_left_alone(tmp_path):
    path = tmp_path / "tierwise.toml"
    path.write_text("tiers.x = 1\n", encoding="utf-8")
    with pytest.raises(ConfigError):
        ConfigFile(path)
    path.write_text(FILE.replace('reasoning = "low"', 'reasoning = """\n[[tiers]]\n"""'), encoding="utf-8")
    file = ConfigFile(path)
    with pytest.raises(ConfigError, match="cannot be told apart"):
        file.move_tier("mid", 1)


def test_another_model_takes_along_what_was_said_of_the_one_before_and_keeps_what_is_said_again(file, tmp_path):
    price = {"input": 1.0, "output": 2.0}
    change = put_tier(file, {"name": "deep", "model": "openai:y", "price": price}, tmp_path)
    assert change.gone == ("reasoning",)
    changed = [line for line in file.diff.split("\n") if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert changed == ['-model = "openai:x"', '+model = "openai:y"', '-reasoning = "low"']


def test_when_a_tool_asks_is_written_and_taken_out_again(file):
    set_approval(file, "clock", "ask")
    assert file.document["tools"]["approval"] == {"clock": "ask"}
    set_approval(file, "clock", None)
    set_approval(file, "other", None)
    assert file.text == FILE
