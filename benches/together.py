"""Several users of one local model: their answers together beside one after the other, and guessing from the prompt.

    python -m benches.together [--threads N] [--rounds N] [--gguf PATH]

No bar: what is switched on must gain here.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

from benches.local import Heard, Local
from tierwise.models import locate
from tierwise.models.device.probe import usable_cores
from tierwise.models.local.answer import Generation
from tierwise.models.local.model import PARALLEL

ANSWER = 48
USERS = (1, 2, 4, 8)
QUESTIONS = ("the sea", "a mountain railway", "the price of copper", "bread", "chess", "winter", "a lighthouse", "bees")
PASSAGES = (
    "The heat pump in the cellar was installed on 14 March 2019 by the firm Albers and Sons. It must be serviced every "
    "eighteen months by a certified technician, who writes the pressure into the blue book beside the door.",
    "Members who leave the club before the end of June get half of the yearly fee of 240 euros back, provided that the "
    "boat is taken out of the water and the key to the shed has been handed to the harbour master in person.",
    "Release 4.2 drops support for the old configuration format. Run the migration command once on every machine "
    "before the update, and keep a copy of the former file, because the command overwrites it without asking.",
)


def chat(question: str) -> str:
    """A prompt in the format that the three models of the bench share."""
    return f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"


def all_at_once(model: Local, users: int) -> tuple[float, list[Heard]]:
    """Seconds until everyone has an answer."""
    prompts = [model.tokens(chat(f"Write about {QUESTIONS[n]}."), special=True) for n in range(users)]
    how = Generation(max_tokens=ANSWER, lookup=False)
    started = time.perf_counter()
    heard = [model.submit(prompt, how, thread=str(n))[1] for n, prompt in enumerate(prompts)]
    model.finish()
    return time.perf_counter() - started, heard


def users(path: Path, threads: int, rounds: int) -> None:
    """Together and one after the other, in turns."""
    together = Local(path, context=4096, threads=threads, parallel=PARALLEL)
    single = Local(path, context=4096, threads=threads)
    print(
        f"{PARALLEL} answers in a batch beside one at a time, {threads} thread(s), {ANSWER} tokens, median of {rounds}"
    )
    for count in USERS:
        batched, queued = [], []
        first_batched, first_queued = [], []
        for _ in range(rounds):
            for model, times, firsts in ((together, batched, first_batched), (single, queued, first_queued)):
                started = time.perf_counter()
                seconds, heard = all_at_once(model, count)
                times.append(sum(told.outcome.completion_tokens for told in heard if told.outcome) / seconds)
                firsts.append(max(told.first - started for told in heard))
        ours, theirs = statistics.median(batched), statistics.median(queued)
        wait, waited = statistics.median(first_batched), statistics.median(first_queued)
        print(
            f"  {count} at once: {ours:6.1f} tokens/s in all, all have begun after {wait:5.2f} s;"
            f" one after the other {theirs:6.1f}, {waited:5.2f} s   {ours / theirs:.2f}x"
        )


def guessing(path: Path, threads: int, rounds: int) -> None:
    """Answers that quote, and answers that do not, with and without guessing."""
    model = Local(path, context=2048, threads=threads)
    quoting = [chat(f"Passage: {text}\n\nRepeat the passage word for word.") for text in PASSAGES]
    asking = [chat(f"Passage: {text}\n\nWhat must one do, and when?") for text in PASSAGES]
    free = [chat(f"Write about {topic}.") for topic in QUESTIONS[:3]]
    print(f"Guessing from the prompt, {threads} thread(s), median of {rounds} rounds")
    for what, prompts in (
        ("repeating a passage", quoting),
        ("answering from one", asking),
        ("without a passage", free),
    ):
        with_, without, kept, guessed = [], [], 0, 0
        for _ in range(rounds):
            sums = {True: 0.0, False: 0.0}
            for prompt in prompts:
                tokens = model.tokens(prompt, special=True)
                for lookup in (True, False):
                    heard = model.ask(tokens, Generation(max_tokens=ANSWER, lookup=lookup))
                    sums[lookup] += heard.seconds_a_token
                    if lookup and heard.outcome:
                        kept, guessed = kept + heard.outcome.kept, guessed + heard.outcome.guessed
            with_.append(sums[True] / len(prompts))
            without.append(sums[False] / len(prompts))
        ours, plain = statistics.median(with_), statistics.median(without)
        share = f"{kept} of {guessed} guesses right" if guessed else "nothing guessed"
        print(f"  {what:20} {ours * 1e3:6.1f} ms a token, without {plain * 1e3:6.1f}   {plain / ours:.2f}x ({share})")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=int(os.environ.get("TIERWISE_THREADS") or usable_cores()))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gguf", type=Path, help="default: the embedded SmolLM2")
    args = parser.parse_args()
    path = args.gguf or locate("smollm2-135m")
    users(path, args.threads, args.rounds)
    guessing(path, args.threads, args.rounds)


if __name__ == "__main__":
    main()
