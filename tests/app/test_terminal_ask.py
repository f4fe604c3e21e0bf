"""``tierwise ask`` for people: what is shown, what is replaced, what is kept."""

from __future__ import annotations

import signal

import pytest
from waiting import until, written

from tierwise.testing import Fault, Step
from tierwise_app.live import rows_of

REFUSAL = "I'm sorry, but I cannot answer that question."


def test_a_pipe_gets_only_the_final_text_and_what_follows_it(cli, manual):
    cli.serve([REFUSAL], ["The warranty of the kettle lasts 30 months."])
    cli("ingest", manual)

    ran = cli("ask", "How long is the warranty of the kettle?")

    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0] == "The warranty of the kettle lasts 30 months. [1]"
    assert lines[1].startswith("  [1] kettle.md: “")
    assert lines[2].startswith("[deep] why:")
    assert REFUSAL not in ran.out


def test_a_question_on_stdin(cli):
    (server,) = cli.serve(["Paris."])

    assert cli("ask", "-", stdin="What is the capital\nof France?\n").code == 0

    assert "What is the capital\nof France?" in server.requests[0]["messages"][-1]["content"]


def test_escalation_keeps_the_draft_in_the_record_and_why_shows_it(cli):
    cli.serve([REFUSAL], ["Paris."])

    answer = cli("ask", "What is the capital of France?", "--json").json
    shown = cli("why").out

    assert [a["outcome"] for a in answer["attempts"]] == ["discarded", "accepted"]
    assert answer["attempts"][0]["text"] == REFUSAL
    assert (answer["text"], answer["tier"]) == ("Paris.", "deep")
    assert answer["cost_usd"] > 0
    assert f"its draft: {REFUSAL}" in shown
    assert "quick tried first, deep answered" in shown
    assert "sent to 127.0.0.1" in shown


@pytest.mark.parametrize("flag", ["--lock", "--offline"])
def test_lock_and_offline_never_open_a_connection(cli, flag):
    cli.serve([REFUSAL], ["Paris."])
    _, deep = cli.serve([REFUSAL], ["Paris."])

    answer = cli("ask", "What is the capital of France?", flag, "--json").json

    assert answer["status"] == "done"
    assert answer["tier"] == "quick"
    assert deep.connections == 0
    assert "would_escalate" in [n["code"] for n in answer["notices"]]


@pytest.mark.parametrize("flag", ["--lock", "--offline"])
def test_asking_a_hosted_tier_under_a_lock_is_blocked(cli, flag):
    _, deep = cli.serve(["Paris."], ["Paris."])

    ran = cli("ask", "What is the capital of France?", "--tier", "deep", flag)
    as_json = cli("ask", "What is the capital of France?", "--tier", "deep", flag, "--json")

    assert (ran.code, as_json.code) == (4, 4)
    assert ran.out == ""
    assert ran.err.startswith("blocked: ")
    assert as_json.json["status"] == "blocked"
    assert deep.connections == 0


def test_a_failed_turn_is_one_sentence_and_exit_code_1(cli):
    (server,) = cli.serve(["Paris."])
    server.faults += [Fault(401, '{"error": {"message": "bad key"}}')] * 4

    ran = cli("ask", "What is the capital of France?")
    server.faults[:] = [Fault(401, '{"error": {"message": "bad key"}}')] * 4
    as_json = cli("ask", "What is the capital of France?", "--json")

    assert (ran.code, as_json.code) == (1, 1)
    assert ran.out == ""
    assert ran.err.startswith("error: ")
    assert "Traceback" not in ran.err
    assert as_json.json["status"] == "failed"


def test_control_characters_of_a_model_never_reach_the_terminal(cli):
    cli.serve(["Paris\x1b]0;owned\x07 is \x1b[2Jthe capital."])

    ran = cli("ask", "What is the capital of France?")

    assert "\x1b" not in ran.out
    assert "\x07" not in ran.out
    assert "\x1b" not in cli("why").out


def test_ctrl_c_stops_the_answer_and_keeps_what_was_written(cli):
    (server,) = cli.serve([Step("word " * 2000, delay=0.2)])

    with cli.start("ask", "Tell me a long story.", "--thread", "story", "--json") as process:
        until(lambda: server.requests)
        until(lambda: written(cli.home, "story").startswith("word word"))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert '"status": "stopped"' in out
    assert "Traceback" not in err
    (turn,) = cli("threads", "show", "story", "--json").json
    assert turn["status"] == "stopped"
    assert turn["text"].startswith("word word")


def test_a_reader_that_leaves_early_is_no_crash(cli):
    cli.serve(["word " * 500])

    with cli.start("ask", "Talk.") as process:
        assert process.stdout is not None
        process.stdout.close()
        _, err = "", process.stderr.read() if process.stderr else ""
        process.wait(timeout=60)

    assert "Traceback" not in err
    assert "Exception ignored" not in err


def test_on_a_terminal_a_replaced_draft_is_marked_and_never_spliced(cli):
    cli.serve([REFUSAL], ["Paris is the capital."])

    screen = cli.terminal("ask", "What is the capital of France?").out

    assert "draft by quick, replaced:" in screen
    assert screen.index(REFUSAL) < screen.index("draft by quick, replaced:") < screen.index("Paris is the capital.")
    struck = screen[screen.rindex(REFUSAL) - 12 : screen.rindex(REFUSAL)]
    assert "\x1b[" in struck
    assert "9m" in struck


def test_without_colour_the_words_alone_say_it(cli):
    cli.serve([REFUSAL], ["Paris is the capital."])
    cli.env |= {"TERM": "dumb", "NO_COLOR": "1"}

    screen = cli.terminal("ask", "What is the capital of France?").out

    assert "\x1b" not in screen
    assert "draft by quick, replaced:" in screen


def test_rows_on_the_screen():
    assert rows_of("", 80) == 1
    assert rows_of("a\nb\n", 80) == 3
    assert rows_of("x" * 81, 80) == 2
    assert rows_of("漢" * 41, 80) == 2
