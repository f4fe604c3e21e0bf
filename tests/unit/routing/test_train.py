from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from results import HEADER, WordVectors, answers, rows, write

from tierwise.errors import InvalidInput
from tierwise.fitting.metrics import curve
from tierwise.routing import GainModel, Table, read_table, train_gain_model
from tierwise.routing.recorded.question_features import question_features
from tierwise.routing.recorded.response_features import response_features
from tierwise.sums import check_sums


def table(tmp_path, n=120, seed=1, name="made") -> Table:
    return read_table(write(tmp_path / f"{name}.csv", HEADER, rows(n, seed, name)))


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> GainModel:
    made = table(tmp_path_factory.mktemp("t"))
    lines = rows(120)
    return train_gain_model([made], WordVectors(), dict(answers(lines)))


def test_it_learns_which_questions_are_worth_a_call(trained, tmp_path):
    fresh = table(tmp_path, seed=2)
    found = trained.score(fresh, WordVectors())
    assert curve(found.gain, fresh.weak, fresh.strong).apgr > 0.7
    assert found.known.mean() > 0.9
    assert float(found.gain.mean()) == pytest.approx(float(fresh.gain.mean()), abs=0.15)
    assert found.weak[::2].mean() > 0.6 > 0.4 > found.weak[1::2].mean()


def test_an_answer_tells_more(trained, tmp_path):
    fresh = table(tmp_path, seed=2)
    judged = fresh.with_responses(dict(answers(rows(120, 2))))
    alone = curve(trained.score(fresh, WordVectors()).gain, fresh.weak, fresh.strong).apgr
    assert curve(trained.score(judged, WordVectors()).gain, fresh.weak, fresh.strong).apgr > alone


def test_figures_say_how_good_it_is_on_rows_it_has_not_seen(trained):
    figures = trained.figures["question"]
    assert figures["rows"] == 120
    assert 0.6 < figures["apgr"] <= 1.5
    assert set(figures["tables"]) == {"made"}
    assert trained.figures["answered"]["auroc"] > figures["auroc"]


def test_chance_stays_chance(tmp_path):
    made = table(tmp_path, n=300)
    mixed = np.random.default_rng(4).permutation(len(made))
    figures = train_gain_model([replace(made, weak=made.weak[mixed], strong=made.strong[mixed])], WordVectors()).figures
    assert figures["question"]["auroc"] == pytest.approx(0.5, abs=0.13)


def test_repeated_questions_do_not_flatter(tmp_path):
    rng = np.random.default_rng(0)
    prompts = [f"Tell me about {rng.integers(10**9)} and {rng.integers(10**9)}" for _ in range(60)]
    weak = rng.integers(0, 2, 60).astype(float)
    thrice = Table(
        "t", tuple(map(str, range(180))), tuple(prompts * 3), weak=np.tile(weak, 3), strong=np.ones(180), responses=()
    )
    assert train_gain_model([thrice], WordVectors()).figures["question"]["auroc"] < 0.75


def test_several_tables_make_one_model_and_answers_may_cover_a_part(tmp_path):
    one, two = table(tmp_path), table(tmp_path, 80, 5, "other")
    model = train_gain_model([one, two], WordVectors(), dict(answers(rows(120))))
    assert set(model.figures["question"]["tables"]) == {"made", "other"}
    assert model.figures["answered"]["rows"] == 120


def test_progress_reaches_its_end(tmp_path):
    told: dict[str, tuple[int, int]] = {}
    train_gain_model([table(tmp_path)], WordVectors(), None, lambda what, n, of: told.update({what: (n, of)}))
    assert told and all(done == total for done, total in told.values())


def altered(made: Table, weak: float, strong: float) -> Table:
    return replace(made, weak=np.full(len(made), weak), strong=np.full(len(made), strong))


def test_what_teaches_nothing_is_refused(tmp_path):
    made = table(tmp_path)
    few = table(tmp_path, 10, 1, "few")
    cases = [
        ([few], "10 rows"),
        ([], "No table"),
        ([made, made], "is in made and in made"),
        ([altered(made, 1.0, 1.0)], "never better"),
        ([altered(made, 0.0, 1.0)], "better in every row"),
        ([replace(made, weak=np.ones(120), strong=np.where(np.arange(120) < 0, 0.0, 1.0))], "never better"),
        ([replace(made, weak=np.where(np.arange(120) < 2, 0.0, 1.0), strong=np.ones(120))], "in only 2 rows"),
    ]
    for tables, words in cases:
        with pytest.raises(InvalidInput, match=words) as found:
            train_gain_model(tables, WordVectors())
        assert found.value.fix
    with pytest.raises(InvalidInput, match="the ids differ"):
        train_gain_model([made], WordVectors(), {"nobody": "x"})


# -- features ----------------------------------------------------------------------------------------------------------

ODD = [
    "",
    " ",
    "?",
    "A. 1\nB. 2",
    "x" * 5000,
    "1,,2..3 -- 4",
    "\u0000\ud7ff\u4e2d\u6587",
    "def f(x):\n    return '\\'",
    "9" * 400,
]


@pytest.mark.parametrize("text", ODD)
def test_features_are_finite_and_always_the_same(text):
    asked, answered = question_features(text), response_features(text, text)
    assert list(asked) == list(question_features("What is one?"))
    assert list(answered) == list(response_features("What?", "This."))
    assert np.isfinite([*asked.values(), *answered.values()]).all()


def test_options_are_counted_only_where_there_are_some():
    assert question_features("Which?\nA. one\nB. two\nC. 3")["options"] == pytest.approx(np.log1p(3))
    assert question_features("I. saw\nU. there")["options"] == 0.0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3 * 60 = 180", (1, 0)),
        ("3 sprints * 60 meters = 190 meters", (1, 1)),
        ("$80,000 + $50,000 = $130,000.", (1, 0)),
        ("(9 - 4) / 2 = 2.5", (1, 0)),
        ("150 % * 80,000 = 120,000", (1, 0)),
        ("10 / 3 = 3.33", (1, 0)),
        ("x = 4", (0, 0)),
        ("5 / 0 = 1", (0, 0)),
        ("the total = many", (0, 0)),
    ],
)
def test_sums_are_done_again(text, found):
    assert check_sums(text) == found


def test_an_answer_that_ends_badly_shows():
    good = response_features("What?\nA. one\nB. two", "It is two. The answer is (B).")
    bad = response_features("What?\nA. one\nB. two", "It may be so. It may be so. It may be so. However, it may")
    assert (good["chose"], bad["chose"], bad["options_unmet"]) == (1.0, 0.0, 1.0)
    assert bad["cut"] > good["cut"]
    assert bad["repeated_words"] > good["repeated_words"]
    assert bad["hedges"] > good["hedges"]
    assert response_features("?", '```json\n{"answer": "4"}\n```')["json_valid"] == 1.0
    assert response_features("?", '```json\n{"answer": "4"')["json_valid"] == 0.0
