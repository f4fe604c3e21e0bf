"""Values of the configuration file that hold for all turns: read, written, compared; comments stay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.config import load_settings
from tierwise.errors import InvalidInput
from tierwise_app.config_file import ConfigFile
from tierwise_app.config_values import Values, overriding, put_values, read_values, shows_before_sending

FILES = (
    "",
    '# top\ndial = "economy" # mine\n\n[tools]\nenabled = ["clock"]\n\n[[tiers]]\nname = "quick"\n'
    'model = "llama:smollm2-135m" # small\n',
    "budget = { day = 1.5 }\n",
    '[tools]\nroot = "."\n\n[budget]\nmonth = 3 # enough\n',
)
USD = st.none() | st.floats(0, 1e6)
VALUES = st.builds(
    Values,
    dial=st.sampled_from(("economy", "balanced", "quality")) | st.floats(0, 1),
    day=USD,
    month=USD,
    offline=st.booleans(),
    locked=st.booleans(),
    grounded=st.booleans(),
    passages=st.integers(1, 50),
    show_before_sending=st.sampled_from(("never", "first", "always")),
)


@pytest.mark.parametrize("text", FILES)
@given(first=VALUES, second=VALUES)
@hypothesis.settings(max_examples=25)
def test_what_is_put_in_is_in_force(
    text: str, first: Values, second: Values, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("config") / "tierwise.toml"
    path.write_text(text, encoding="utf-8")
    for values in (first, second):
        file = ConfigFile(path)
        put_values(file, values)
        file.write()
        assert read_values(ConfigFile(path)) == values
        settings = load_settings(path, env={})
        assert (settings.dial, settings.budget.day, settings.locked) == (values.dial, values.day, values.locked)
        assert shows_before_sending(settings) == values.show_before_sending
    for comment in ("# top", "# small"):
        assert (comment in text) == (comment in path.read_text(encoding="utf-8"))


def test_what_does_not_change_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "tierwise.toml"
    path.write_text(FILES[1], encoding="utf-8")
    file = ConfigFile(path)
    put_values(file, replace(read_values(file), passages=7))
    assert [line for line in file.diff.splitlines() if line[0] in "+-" and line[:3] not in ("+++", "---")] == [
        "+passages = 7"
    ]


@pytest.mark.parametrize(
    "values",
    [
        Values(dial="cheapest"),  # type: ignore[arg-type]
        Values(dial=1.5),
        Values(day=-1),
        Values(month=float("inf")),
        Values(day=float("nan")),
        Values(passages=0),
        Values(passages=51),
        Values(show_before_sending="sometimes"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_is_refused(values: Values, tmp_path: Path) -> None:
    file = ConfigFile(tmp_path / "tierwise.toml")
    with pytest.raises(InvalidInput):
        put_values(file, values)


def test_what_the_environment_overrides() -> None:
    env = {"TIERWISE_DIAL": "economy", "TIERWISE_LOCKED": "", "TIERWISE_BUDGET_DAY": "", "TIERWISE_HOME": "/x"}
    assert overriding(env) == {"dial": "TIERWISE_DIAL", "locked": "TIERWISE_LOCKED"}


def test_the_app_shows_what_leaves_once_a_thread_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "tierwise.toml"
    path.write_text("", encoding="utf-8")
    assert shows_before_sending(load_settings(path, env={})) == "first"
    path.write_text('show_before_sending = "never"\n', encoding="utf-8")
    assert shows_before_sending(load_settings(path, env={})) == "never"
