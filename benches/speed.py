"""How well the speed of a model is foretold from the memory's bandwidth, and the efficiency that fits best.

    python -m benches.speed [--threads N] [--rounds N] [--gguf PATH ...]

Prints, for each model, the estimate of ``tierwise doctor`` beside the measured speed with half of the window filled,
and the value of ``EFFICIENCY`` (``tierwise.models.device.profile``) that would be right on average.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import statistics
import tempfile
import time
from pathlib import Path

from tierwise.models import ChatRequest, Completed, Delta, LlamaModel, estimate, locate, profile
from tierwise.models.device.profile import EFFICIENCY
from tierwise.types import Message

WINDOW = 1024
TOKENS = 48
FILLER = "The quick brown fox jumps over the lazy dog, and the dog does not mind it at all. "  # 20 tokens


async def measured(path: Path, threads: int, rounds: int) -> float:
    """Median tokens a second after the first, with half of the window filled."""
    model = LlamaModel(path, context_window=WINDOW, threads=threads)
    asked = FILLER * (WINDOW // 2 // 20) + "What is a lighthouse, and who works there? Explain it at length."
    request = ChatRequest((Message("user", asked),), max_tokens=TOKENS)
    speeds = []
    for _ in range(rounds + 1):  # the first one loads the model and reads the prompt
        first, done = 0.0, None
        async for chunk in model.stream(request):
            if isinstance(chunk, Delta):
                first = first or time.perf_counter()
            elif isinstance(chunk, Completed):
                done = chunk
        assert done is not None
        if done.usage.completion_tokens > 1:
            speeds.append((done.usage.completion_tokens - 1) / (time.perf_counter() - first))
    await model.aclose()
    return statistics.median(speeds[1:])


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, help="default: as a model begins with here")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--gguf", type=Path, nargs="*", help="default: the embedded SmolLM2")
    args = parser.parse_args()
    if args.threads:
        os.environ["TIERWISE_THREADS"] = str(args.threads)
    ratios = []
    with tempfile.TemporaryDirectory() as home:
        for path in args.gguf or [locate("smollm2-135m")]:
            machine = profile(Path(home), fresh=True)
            foretold = estimate(path, machine, context=WINDOW).tokens_per_s
            real = asyncio.run(measured(path, machine.threads, args.rounds))
            assert foretold is not None and machine.bandwidth is not None
            ratios.append(real / foretold)
            print(
                f"{path.name:34} {machine.bandwidth / 1e9:5.1f} GB/s, {machine.threads} thread(s): foretold "
                f"{foretold:6.1f} tokens/s, measured {real:6.1f} ({ratios[-1]:.2f}x)",
                flush=True,
            )
    best = EFFICIENCY * math.exp(statistics.fmean(map(math.log, ratios)))
    worst = max(max(ratio, 1 / ratio) for ratio in ratios)
    print(f"efficiency {EFFICIENCY}; {best:.2f} would fit these best; the worst estimate is wrong by {worst:.2f}x")


if __name__ == "__main__":
    main()
