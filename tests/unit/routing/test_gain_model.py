from __future__ import annotations

import io
import json

import numpy as np
import pytest
from results import HEADER, WordVectors, answers, rows, write

from tierwise.errors import InvalidInput
from tierwise.routing import GainModel, Prompts, read_table, train_gain_model


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return read_table(write(tmp_path_factory.mktemp("t") / "made.csv", HEADER, rows(120)))


@pytest.fixture(scope="module")
def model(table) -> GainModel:
    return train_gain_model([table], WordVectors(), dict(answers(rows(120))))


@pytest.fixture
def saved(model, tmp_path):
    path = tmp_path / "model"
    assert model.save(path) == path.stat().st_size < 2_000_000
    return path


def test_a_file_gives_back_the_model(model, saved, table):
    again = GainModel.load(saved)
    judged = table.with_responses(dict(answers(rows(120))))
    for asked in (table, judged):
        ours, theirs = model.score(asked, WordVectors()), again.score(asked, WordVectors())
        assert ours.gain == pytest.approx(theirs.gain, abs=1e-4)
        assert (ours.known == theirs.known).mean() > 0.97
    assert again.figures == json.loads(json.dumps(model.figures))


def test_one_question_is_scored_like_a_file(model, table):
    vectors = WordVectors().embed(table.prompts[:5])
    whole = model.score(table, WordVectors()).gain
    for i in range(5):
        found = model.predict(table.prompts[i], vectors[i])
        assert float(found.gain[0]) == pytest.approx(float(whole[i]))
        assert found.known[0] == model.knows(table.prompts[i], vectors[i])
    said = answers(rows(120))[0][1]
    with_answer = model.predict(table.prompts[0], vectors[0], said, WordVectors().embed([said])[0])
    judged = model.score(table.with_responses({table.ids[0]: said}), WordVectors())
    assert float(with_answer.gain[0]) == pytest.approx(float(judged.gain[0]))
    assert judged.gain[1:] == pytest.approx(whole[1:])


def test_another_kind_of_question_gets_the_prior(model):
    odd = "def f(x):\n    return [y for y in x if y]\n\nassert f([1, 0]) == ??\nA. [1]\nB. []\nC. None\nD. an error"
    found = model.score(Prompts("odd", ("o",), (odd,)), WordVectors())
    assert not found.known[0]
    assert float(found.gain[0]) == pytest.approx(model.question.prior)
    assert not model.knows(odd, WordVectors().embed([odd])[0])


def test_vectors_of_another_embedder_are_refused(model, table):
    class Other(WordVectors):
        identity = "other/1"

    with pytest.raises(InvalidInput, match="reads vectors of words/16, and these are of other/1"):
        model.score(table, Other())


def test_answers_need_a_model_that_has_seen_some(table):
    plain = train_gain_model([table], WordVectors())
    with pytest.raises(InvalidInput, match="trained without answers"):
        plain.score(table.with_responses({table.ids[0]: "x"}), WordVectors())


def changed(path, **values):
    """The same file with other values in its description."""
    with np.load(path) as file:
        arrays = dict(file)
    meta = json.loads(arrays.pop("meta").tobytes()) | values
    made = io.BytesIO()
    np.savez(made, meta=np.frombuffer(json.dumps(meta).encode(), np.uint8), **arrays)
    path.write_bytes(made.getvalue())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"format": 99}, "format 99, and this version of tierwise reads format 1"),
        ({"kind": "soup"}, "no model of tierwise"),
        ({"question": {}}, "damaged"),
        ({"question": None}, "damaged"),
        ({"figures": 3}, "damaged"),
    ],
)
def test_a_foreign_description_is_refused(saved, values, words):
    changed(saved, **values)
    with pytest.raises(InvalidInput, match=words):
        GainModel.load(saved)


def test_a_model_of_other_features_is_refused_when_it_is_used(saved, table):
    with np.load(saved) as file:
        names = json.loads(file["meta"].tobytes())["question"]
    changed(saved, question=names | {"names": ["other", *names["names"][1:]]})
    with pytest.raises(InvalidInput, match="other features"):
        GainModel.load(saved).score(table, WordVectors())


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04junk", b"\x93NUMPY junk", b"\x80\x04K\x01."])
def test_what_is_no_model_is_refused(tmp_path, content):
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(InvalidInput, match="no model of tierwise"):
        GainModel.load(tmp_path / "m")


def test_a_cut_file_is_refused(saved):
    saved.write_bytes(saved.read_bytes()[:-2000])
    with pytest.raises(InvalidInput, match="damaged"):
        GainModel.load(saved)
    with pytest.raises(InvalidInput, match="cannot be read"):
        GainModel.load(saved.with_name("none"))


def test_a_place_that_cannot_be_written_is_named(model, tmp_path):
    with pytest.raises(InvalidInput, match="cannot be written"):
        model.save(tmp_path / "no" / "model")
