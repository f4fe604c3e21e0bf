"""``tierwise chat`` through a pipe: the same commands as at the prompt."""

from __future__ import annotations

import signal

from waiting import until, written

from tierwise.testing import Step

REFUSAL = "I'm sorry, but I cannot answer that question."


def test_a_conversation_goes_on_in_one_thread(cli):
    (server,) = cli.serve(["Paris.", "Madrid."])

    ran = cli("chat", stdin="What is the capital of France?\nAnd of Spain?\n/quit\nnever asked\n")

    assert ran.code == 0
    assert ran.out.index("Paris.") < ran.out.index("Madrid.")
    assert ran.out.count("[quick] why:") == 2
    assert len(server.requests) == 2
    (thread,) = cli("threads", "list", "--json").json
    assert thread["turns"] == 2


def test_lock_keeps_the_thread_on_the_device_also_later(cli):
    _, deep = cli.serve([REFUSAL], ["Paris."])

    ran = cli("chat", "--thread", "secret", stdin="/lock\nWhat is the capital of France?\n")
    later = cli("ask", "And of Spain?", "--thread", "secret", "--json").json

    assert "locked: nothing leaves this device" in ran.out
    assert deep.connections == 0
    assert later["tier"] == "quick"
    assert cli("threads", "list", "--json").json[0]["locked"]


def test_tier_and_why(cli):
    _, deep = cli.serve(["Paris."], ["Madrid."])

    ran = cli("chat", stdin="/tier huge\n/tier deep\nWhat is the capital of Spain?\n/why\n")

    assert "There is no tier 'huge'" in ran.err
    assert "[deep] why:" in ran.out
    assert "tier deep, dial balanced" in ran.out
    assert len(deep.requests) == 1


def test_the_other_commands(cli, manual):
    cli.serve(["Paris."])
    cli("ingest", manual)

    typed = ["/help", "/dial luxury", "/dial quality", "/search warranty", "/thread new", "/thread other", "/bogus"]
    ran = cli("chat", stdin="\n".join([*typed, "Hello there?", "/thread"]))

    assert ran.code == 0
    assert "/search QUERY" in ran.out
    assert "The dial has no 'luxury'" in ran.err
    assert "dial: quality" in ran.out
    assert "kettle.md" in ran.out
    assert "There is no command /bogus" in ran.err
    assert "* other  Hello there?" in ran.out


def test_an_error_does_not_end_the_chat(cli):
    cli.serve(["Paris."])

    ran = cli("chat", "--collection", "nowhere", stdin="/why\nWhat is the capital of France?\n/help\n")

    assert ran.code == 0
    assert "Nothing has been asked yet" in ran.err
    assert "nowhere" in ran.err
    assert "/quit" in ran.out


def test_ctrl_c_stops_the_answer_but_not_the_program(cli):
    import subprocess

    (server,) = cli.serve([Step("word " * 2000, delay=0.2), "Madrid."])

    with cli.start("chat", "--thread", "story", stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write("Tell me a long story.\n")
        process.stdin.flush()
        until(lambda: server.requests)
        until(lambda: written(cli.home, "story"))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate("What is the capital of Spain?\n", timeout=60)

    assert process.returncode == 0
    assert "stopped; what was written is kept" in err
    assert "Madrid." in out
