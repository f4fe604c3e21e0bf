"""A server that is not ours and has its own ways: llama-cpp-python's, on the embedded model."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from benches.ports import free_port

from tierwise.models import locate


@contextmanager
def llama_cpp_server(window: int) -> Iterator[str]:
    """Run it; the value is the address of its API.

    Args:
        window: tokens of its context.
    """
    port = free_port()
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(locate("smollm2-135m")), "--n_ctx", str(window)]
    options = ["--port", str(port), "--n_threads", "1", "--interrupt_requests", "False"]
    process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=1):
                    break
            except OSError:
                assert process.poll() is None and time.monotonic() < until, "llama_cpp.server did not start"
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(timeout=60)
