"""What holding an answer to a JSON Schema costs, beside writing freely and beside llama.cpp's own grammar.

    python -m benches.constrained [--threads N] [--rounds N] [--gguf PATH]

The same prompt and about the same number of tokens on every side. Tokens that the schema leaves no choice about are
computed several in one step, so they are shown apart.

Bar: <= 1.15x writing freely, per token, on a 1.5B model.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from pathlib import Path
from typing import Any

from benches.local import Heard, Local
from tierwise.models import locate
from tierwise.models.device.probe import usable_cores
from tierwise.models.local.answer import Generation
from tierwise.models.schemas import prepare
from tierwise.models.schemas.grammars import json_grammar

ASK = (
    "<|im_start|>user\nInvent a person with name, age, hobbies and a short biography. Answer as JSON.<|im_end|>\n"
    "<|im_start|>assistant\n"
)
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 40},
        "age": {"type": "integer", "minimum": 0, "maximum": 120},
        "hobbies": {"type": "array", "items": {"type": "string", "maxLength": 24}, "minItems": 2, "maxItems": 4},
        "biography": {"type": "string", "minLength": 80, "maxLength": 200},
    },
    "required": ["name", "age", "hobbies", "biography"],
    "additionalProperties": False,
}
MOST = 120


def bindings(llama: Any, prompt: list[int]) -> float:
    """Seconds a token of the binding under llama.cpp's own grammar."""
    import llama_cpp

    llama.reset()
    grammar = llama_cpp.LlamaGrammar.from_json_schema(json.dumps(SCHEMA), verbose=False)
    started, count = 0.0, 0
    for token in llama.generate(prompt, temp=0.0, repeat_penalty=1.0, grammar=grammar):
        started = started or time.perf_counter()
        if llama_cpp.llama_vocab_is_eog(llama_cpp.llama_model_get_vocab(llama.model), token) or count == MOST:
            break
        count += 1
    return (time.perf_counter() - started) / max(1, count)


def measure(path: Path, threads: int, rounds: int) -> None:
    """All sides in turns."""
    from llama_cpp import Llama

    model = Local(path, threads=threads)
    prompt = model.tokens(ASK, special=True)
    grammar = json_grammar(prepare(SCHEMA))
    llama = Llama(str(path), n_ctx=1024, n_threads=threads, n_threads_batch=threads, verbose=False)
    started = time.perf_counter()
    held = model.ask(prompt, Generation(max_tokens=MOST, lookup=False), grammar=grammar)
    first = time.perf_counter() - started
    assert held.outcome is not None
    length = held.outcome.completion_tokens
    sides: dict[str, list[float]] = {"freely": [], "held": [], "held, chosen": [], "llama.cpp": []}
    for _ in range(rounds):
        free = model.ask(prompt, Generation(max_tokens=length, lookup=False))
        held = model.ask(prompt, Generation(max_tokens=MOST, lookup=False), grammar=grammar)
        sides["freely"].append(free.seconds_a_token)
        sides["held"].append(held.seconds_a_token)
        sides["held, chosen"].append(per_chosen(held))
        sides["llama.cpp"].append(bindings(llama, prompt))
    llama.close()
    assert held.outcome is not None
    tokens, forced = held.outcome.completion_tokens, held.outcome.forced
    print(f"Held to a schema, {threads} thread(s), {tokens} tokens, {forced} without a choice, median of {rounds}")
    medians = {name: statistics.median(times) for name, times in sides.items()}
    for name, what in (
        ("freely", ""),
        ("held", "(bar: 1.15x)"),
        ("held, chosen", "as if tokens without a choice did not count"),
        ("llama.cpp", "the binding's own grammar"),
    ):
        print(f"  {name:13}{medians[name] * 1e3:8.2f} ms a token  {medians[name] / medians['freely']:.2f}x  {what}")
    name = json.loads(held.text)["name"]
    print(f"  first answer with a schema: {first:.2f} s, the vocabulary is prepared once ({name!r})")


def per_chosen(held: Heard) -> float:
    """As if the tokens without a choice had cost nothing and counted for nothing: the most a mask can be blamed for."""
    assert held.outcome is not None
    return (held.ended - held.begun) / (held.outcome.completion_tokens - held.outcome.forced)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=int(os.environ.get("TIERWISE_THREADS") or usable_cores()))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--gguf", type=Path, help="default: the embedded SmolLM2")
    args = parser.parse_args()
    measure(args.gguf or locate("smollm2-135m"), args.threads, args.rounds)


if __name__ == "__main__":
    main()
