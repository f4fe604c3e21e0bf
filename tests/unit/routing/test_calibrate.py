"""Fitting a calibration to labelled questions whose truth is known because it was made up."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.errors import ConfigError, InvalidInput
from tierwise.fitting.logistic import Head
from tierwise.fitting.metrics import calibration_error, expected_error
from tierwise.routing.calibration.compressed import compress
from tierwise.routing.calibration.fit import LEAST, DraftFit, fit_drafts
from tierwise.routing.calibration.labelled import Labelled
from tierwise.routing.calibration.report import figures
from tierwise.routing.calibration.stages import FILE, Calibration, load_calibration, save_calibration

N = 240


def made(n: int = N, *, seed: int = 3, question_tells: bool = False, usd: float = 0.0) -> list[Labelled]:
    """Questions of which the draft's probabilities tell something and a second sample much; a self-check is noise."""
    draw = np.random.default_rng(seed)
    rows = []
    for n_row in range(n):
        hard = draw.normal()
        right = float(draw.random() < 1 / (1 + math.exp(2 * hard)))
        vector = draw.normal(size=12)
        if question_tells:
            vector[0] = 3 * (right - 0.5) + draw.normal()
        draft = {
            "logprob_mean": -0.6 - 0.2 * hard,
            "begun_logprob": -0.6 - 0.2 * hard + 0.1 * draw.normal(),
            "log_tokens": draw.normal(4, 0.3),
            "hedges": float(draw.integers(0, 3)),
            "self_yes": draw.random(),
            "agree_answer": right if draw.random() < 0.92 else 1 - right,
        }
        rows.append(
            Labelled(
                str(n_row),
                {"quick": right, "deep": float(draw.random() < 0.9)},
                {"log_words": draw.normal(2, 0.3), "digits": float(draw.integers(0, 4))},
                {"quick": draft},
                vector=tuple(map(float, vector)),
                usd={"deep": usd},
            )
        )
    return rows


def lean(row: Labelled) -> Labelled:
    """Fewer features, where the point is another one: each stage takes its time to fit."""
    return replace(row, drafts={"quick": {"logprob_mean": row.drafts["quick"]["logprob_mean"]}}, vector=())


@pytest.fixture(scope="module")
def fit() -> DraftFit:
    return fit_drafts(made(), "quick", ["deep"])


@pytest.fixture(scope="module")
def told() -> DraftFit:
    """Where the question alone tells."""
    return fit_drafts(made(question_tells=True), "quick", ["deep"])


def test_what_tells_is_found(fit: DraftFit) -> None:
    draft, sample = fit.stages.draft, fit.stages.looks["second_sample"]
    assert draft.auroc is not None and draft.auroc > 0.7
    assert sample.auroc is not None and sample.auroc > 0.9
    own = sample.heads["quick"]
    weights = dict(zip(own.names, own.weights, strict=True))
    assert weights["agree_answer"] > 0 and weights["logprob_mean"] > 0
    assert abs(weights["hedges"]) < weights["agree_answer"] / 3


def test_chances_come_true_as_often_as_they_say(fit: DraftFit) -> None:
    right = np.array([row.right["quick"] for row in fit.rows])
    for stage in ("draft", "second_sample"):
        p = fit.chances[stage]["quick"]
        assert p.mean() == pytest.approx(right.mean(), abs=0.03)
        assert calibration_error(p, right) <= expected_error(p, quantile=0.999)


def test_chances_were_said_by_heads_that_had_not_seen_the_question(fit: DraftFit) -> None:
    rows = made(80, seed=11)
    shuffled = np.random.default_rng(5).permutation([row.right["quick"] for row in rows])
    noise = [replace(row, right={**row.right, "quick": float(r)}) for row, r in zip(rows, shuffled, strict=True)]
    found = fit_drafts(noise, "quick", ["deep"]).stages.draft
    assert found.auroc is not None and found.auroc < 0.65
    assert found.brier > 0.2


def test_how_much_a_look_tells_is_known_and_one_that_tells_nothing_is_left_out(fit: DraftFit) -> None:
    assert fit.stages.looks["second_sample"].spread > 0.15
    assert fit.stages.draft.spread > 0.1
    # In these rows a self-check is noise: at most chance lends it a little.
    assert "self_check" not in fit.stages.looks or fit.stages.looks["self_check"].spread < 0.06


def test_a_look_that_was_never_had_is_not_there() -> None:
    def without(row: Labelled) -> Labelled:
        drafts = {"quick": {k: v for k, v in row.drafts["quick"].items() if k != "agree_answer"}}
        return replace(row, drafts=drafts, vector=())

    stages = fit_drafts([without(row) for row in made(80)], "quick", ["deep"]).stages
    assert "second_sample" not in stages.looks
    assert stages.asked is None  # no vectors, and the wording says nothing


def test_a_prediction_from_the_question_is_used_only_where_it_has_proven_itself(fit: DraftFit, told: DraftFit) -> None:
    assert fit.stages.asked is None
    assert told.stages.asked is not None
    assert told.stages.asked.auroc is not None and told.stages.asked.auroc > 0.8
    assert figures(told, "quick")["prediction"] is True
    assert figures(fit, "quick")["prediction"] is False
    # It is used on the vector itself, whose directions the user never sees.
    names = told.stages.asked.heads["quick"].names
    assert {f"v{n}" for n in range(12)} <= set(names)
    assert not any(name.startswith("direction") for name in names)
    p = [
        told.stages.asked.heads["quick"].p({**row.asked, **{f"v{n}": x for n, x in enumerate(row.vector)}})
        for row in told.rows
    ]
    assert np.corrcoef(p, told.chances["asked"]["quick"])[0, 1] > 0.95


def test_the_beginning_of_a_draft_is_known_too(fit: DraftFit) -> None:
    begun = fit.stages.begun
    assert begun is not None and begun.auroc is not None and begun.auroc > 0.65
    assert 0 < fit.stages.begun_left < 1
    assert begun.heads["quick"].names == ("begun_logprob",)


def test_gains_are_kept_for_the_dial(fit: DraftFit) -> None:
    assert len(fit.stages.gains) == N
    assert list(fit.stages.gains) == sorted(fit.stages.gains)
    assert all(-1 <= gain <= 1 for gain in fit.stages.gains)


def test_figures_hold_against_never_and_always(fit: DraftFit) -> None:
    told = figures(fit, "quick")
    assert json.loads(json.dumps(told))["n"] == N
    assert told["weak"] < told["strong"]
    assert told["apgr"] > 0.6
    for wish in ("0.1", "0.3", "0.5"):
        assert told["dial"][wish]["share"] == pytest.approx(float(wish), abs=1.5 / N)
    qualities = [told["dial"][word]["quality"] for word in ("economy", "balanced", "quality")]
    assert told["weak"] < qualities[0] <= qualities[1] + 0.02


def test_between_tiers_that_are_equally_good_there_is_no_gap_to_recover(fit: DraftFit, tmp_path: Path) -> None:
    rows = tuple(replace(row, right={**row.right, "deep": row.right["quick"]}) for row in fit.rows)
    told = figures(replace(fit, rows=rows), "quick")
    assert math.isnan(told["apgr"]) and all(map(math.isnan, told["apgr_interval"]))
    save_calibration(tmp_path, replace(calibration(fit), figures={"quick": told}))
    read = load_calibration(tmp_path)
    assert read is not None and read.figures["quick"]["apgr"] is None


def test_a_draft_that_fails_plainly_goes_up_and_teaches_the_heads_nothing() -> None:
    rows = made(100)
    failed = [
        replace(row, failed=frozenset({"quick"}), right={**row.right, "quick": 0.0}, drafts={"quick": {}})
        for row in made(20, seed=9)
    ]
    fit = fit_drafts([*rows, *failed], "quick", ["deep"])
    assert fit.gains["draft"][-20:] == pytest.approx(1.0)
    assert fit.chances["draft"]["quick"][:100].mean() == pytest.approx(
        np.mean([row.right["quick"] for row in rows]), abs=0.05
    )


def test_what_a_call_costs_is_counted_in_calls_of_the_largest() -> None:
    rows = [
        replace(lean(row), right={**row.right, "mid": row.right["deep"]}, usd={"mid": 0.001, "deep": 0.004})
        for row in made(60)
    ]
    assert fit_drafts(rows, "quick", ["mid", "deep"]).stages.effort == pytest.approx({"mid": 0.25, "deep": 1.0})
    free = [replace(row, usd={}) for row in rows]
    assert fit_drafts(free, "quick", ["mid", "deep"]).stages.effort == {"mid": 0.5, "deep": 1.0}


# -- what cannot be fitted ---------------------------------------------------------------------------------------------


def test_too_few_questions_are_refused_with_both_figures() -> None:
    with pytest.raises(InvalidInput, match=rf"There are 12 usable questions .* at least {LEAST} are needed"):
        fit_drafts(made(12), "quick", ["deep"])


def test_questions_whose_outcome_is_not_known_do_not_count() -> None:
    unknown = [replace(row, right={"quick": 1.0}) for row in made(60)]
    nan = [replace(row, right={"quick": math.nan, "deep": 1.0}) for row in made(60)]
    other = [replace(row, drafts={"mid": {}}) for row in made(60)]
    with pytest.raises(InvalidInput, match="There are 0 usable questions"):
        fit_drafts([*unknown, *nan, *other], "quick", ["deep"])


@pytest.mark.parametrize(("right", "how"), [(1.0, "right"), (0.0, "wrong")])
def test_a_tier_with_one_outcome_only_teaches_nothing(right: float, how: str) -> None:
    rows = [replace(row, right={**row.right, "quick": right}) for row in made(60)]
    with pytest.raises(InvalidInput, match=f"quick was {how} on 60 of 60 questions, so there is nothing to learn"):
        fit_drafts(rows, "quick", ["deep"])


def test_wrong_ones_that_all_fail_plainly_leave_nothing_to_tell_apart() -> None:
    rows = [row if row.right["quick"] else replace(row, failed=frozenset({"quick"})) for row in made(120)]
    with pytest.raises(InvalidInput, match="nothing to learn"):
        fit_drafts(rows, "quick", ["deep"])


def test_a_larger_tier_that_is_always_right_is_no_hindrance() -> None:
    rows = [replace(lean(row), right={**row.right, "deep": 1.0}) for row in made(60)]
    stages = fit_drafts(rows, "quick", ["deep"]).stages
    assert stages.draft.heads["deep"].p({"logprob_mean": -0.6}) > 0.95


def test_soft_labels_are_taken_as_shares() -> None:
    rows = [replace(row, right={**row.right, "quick": 0.15 + 0.7 * row.right["quick"]}, vector=()) for row in made(120)]
    fit = fit_drafts(rows, "quick", ["deep"])
    assert fit.stages.looks["second_sample"].auroc is not None
    p = fit.chances["second_sample"]["quick"]
    assert p.mean() == pytest.approx(np.mean([row.right["quick"] for row in rows]), abs=0.03)
    assert p.min() > 0.03 and p.max() < 0.93


def test_what_is_no_number_counts_as_not_measured() -> None:
    rows, bad = made(80, question_tells=True), (math.nan, math.inf, -math.inf)
    spoiled = [
        replace(
            row,
            asked={**row.asked, "digits": bad[n % 3]},
            drafts={"quick": {**row.drafts["quick"], "logprob_mean": bad[n % 3], "hedges": bad[n % 3]}},
            vector=(bad[n % 3], *row.vector[1:]),
        )
        if n % 4 == 0
        else row
        for n, row in enumerate(rows)
    ]
    fit = fit_drafts(spoiled, "quick", ["deep"])
    for chances in fit.chances.values():
        for p in chances.values():
            assert np.isfinite(p).all()
    assert all(map(math.isfinite, fit.stages.gains))
    own = fit.stages.draft.heads["quick"]
    for value in bad:
        assert own.p({"logprob_mean": value, "hedges": 1.0}) == own.p({"hedges": 1.0})
    assert dict(zip(own.names, own.weights, strict=True))["logprob_mean"] > 0


# -- keeping it --------------------------------------------------------------------------------------------------------


def calibration(fit: DraftFit) -> Calibration:
    return Calibration(
        id="abc",
        created=1.5,
        questions=len(fit.rows),
        source="test",
        models={"quick": "llama:a", "deep": "openai:b"},
        encoder="minilm",
        prompt="p1",
        drafts={"quick": fit.stages},
        figures={"quick": figures(fit, "quick")},
    )


def test_what_is_saved_is_read_back_as_it_was(fit: DraftFit, told: DraftFit, tmp_path: Path) -> None:
    assert load_calibration(tmp_path) is None
    for one in (fit, told):
        path = save_calibration(tmp_path, calibration(one))
        assert path.stat().st_mode & 0o777 == 0o600
        read = load_calibration(tmp_path)
        assert read is not None
        assert read.drafts == calibration(one).drafts
        assert replace(read, figures={}) == replace(calibration(one), figures={})
        assert json.loads(json.dumps(read.figures)) == json.loads(json.dumps(calibration(one).figures))
    assert [p.name for p in tmp_path.glob("calib*")] == [FILE]


def test_figures_that_are_not_known_are_null(fit: DraftFit, tmp_path: Path) -> None:
    save_calibration(tmp_path, replace(calibration(fit), figures={"quick": {"apgr": math.nan, "curve": [math.inf]}}))
    assert "NaN" not in (tmp_path / FILE).read_text() and "Infinity" not in (tmp_path / FILE).read_text()
    read = load_calibration(tmp_path)
    assert read is not None and read.figures == {"quick": {"apgr": None, "curve": [None]}}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is damaged"),
        ('{"version": 1, "id"', "is damaged"),
        ('{"version": 1}', "is damaged"),
        ('{"version": 1, "id": 3}', "is damaged"),
        ("[]", "another version"),
        ('{"version": 99}', "another version"),
        ("{}", "another version"),
    ],
)
def test_a_file_that_cannot_be_used_says_what_to_do(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(ConfigError, match=rf"{says}.*tierwise router calibrate"):
        load_calibration(tmp_path)


def test_bytes_that_are_no_text_and_broken_numbers_are_damage(fit: DraftFit, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="damaged"):
        load_calibration(tmp_path)
    save_calibration(tmp_path, calibration(fit))
    data = json.loads((tmp_path / FILE).read_text())
    data["drafts"]["quick"]["draft"]["heads"]["quick"]["scales"][0] = 0.0
    (tmp_path / FILE).write_text(json.dumps(data))
    with pytest.raises(ConfigError, match="damaged"):
        load_calibration(tmp_path)


def test_it_says_what_it_was_made_for(fit: DraftFit) -> None:
    known = calibration(fit)
    models = {"quick": "llama:a", "deep": "openai:b"}
    assert known.mismatch(models, "minilm", "p1") is None
    assert (
        known.mismatch({**models, "deep": "openai:c"}, "minilm", "p1") == "it was made for quick=llama:a, deep=openai:b"
    )
    assert "embedder minilm" in (known.mismatch(models, "other", "p1") or "")
    assert "system text" in (known.mismatch(models, "minilm", "p2") or "")


# -- directions --------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(2, 40), st.integers(2, 30), st.booleans())
def test_a_head_on_directions_and_on_the_vector_itself_say_the_same(
    seed: int, rows: int, dimension: int, missing: bool
) -> None:
    draw = np.random.default_rng(seed)
    vectors = [tuple(map(float, draw.normal(size=dimension))) for _ in range(rows)]
    if missing:
        vectors.append(())
    packed = compress(vectors)
    assert len(packed.rows) == len(vectors)
    names = ("log_words", *packed.names)
    k = len(names)
    head = Head(
        names,
        (2.0, *(0.0 for _ in packed.names)),
        tuple(map(float, draw.uniform(0.1, 2, k))),
        tuple(map(float, draw.normal(size=k))),
        float(draw.normal()),
    )
    wide = packed.spread_out(head)
    for vector, row in zip(vectors, packed.rows, strict=True):
        small = head.logit({"log_words": 2.7, **row})
        large = wide.logit({"log_words": 2.7, **{f"v{n}": x for n, x in enumerate(vector)}})
        assert large == pytest.approx(small, abs=1e-9)


def test_a_few_questions_give_a_few_directions() -> None:
    draw = np.random.default_rng(0)
    vectors = [tuple(map(float, draw.normal(size=50))) for _ in range(40)]
    assert len(compress(vectors).names) == 10
    assert compress([]).names == compress([()]).names == compress(vectors[:1]).names == ()
    assert compress([(), vectors[0]]).rows == ({}, {})
