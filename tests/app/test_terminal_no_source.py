"""Sentences that nothing supports, on the terminal: marked, explained once, and in the JSON."""

from __future__ import annotations

TRUE = "The warranty of the kettle lasts 30 months."
INVENTED = "The kettle was designed in Oslo."
QUESTION = "How long is the warranty of the kettle?"


def test_a_sentence_that_no_passage_says_is_marked(cli, manual):
    cli.serve([f"{TRUE} {INVENTED}"], [f"{TRUE} {INVENTED}"])
    cli("ingest", manual)

    lines = cli("ask", QUESTION).out.splitlines()
    why = cli("why").out

    assert lines[0] == f"{TRUE} [1] {INVENTED} [no source]"
    assert [line for line in lines if line.startswith("  [no source]: ")] == [
        "  [no source]: no sentence of the passages could be matched to this"
    ]
    assert f"no source    {INVENTED}" in why


def test_json_names_the_sentence_and_its_place(cli, manual):
    cli.serve([f"{TRUE} {INVENTED}"], [f"{TRUE} {INVENTED}"])
    cli("ingest", manual)

    answer = cli("ask", QUESTION, "--json").json

    (sentence,) = answer["unsupported"]
    assert sentence["text"] == INVENTED
    assert answer["text"][sentence["start"] : sentence["end"]] == INVENTED
    (citation,) = answer["citations"]
    assert answer["text"][citation["sentence_start"] : citation["sentence_end"]] == TRUE


def test_nothing_is_marked_where_no_documents_were_used(cli):
    cli.serve(["Paris is the capital of France."], ["Paris is the capital of France."])

    shown = cli("ask", "What is the capital of France?")
    answer = cli("ask", "What is the capital of France?", "--json").json

    assert "no source" not in shown.out
    assert answer["unsupported"] == []
