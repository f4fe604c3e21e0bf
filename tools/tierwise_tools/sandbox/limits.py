"""What a program in the sandbox may use."""

from __future__ import annotations

from dataclasses import dataclass

MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may use; more ends the program.

    Attributes:
        seconds: of time by the clock.
        memory_mb: of address space.
        space_mb: of files in its folder, together; this also bounds each of them.
        output_kb: that it prints, on standard output and on standard error each.
        tasks: threads.
        kept_mb: of files that are handed out, together.
        kept_files: how many.
    """

    seconds: float = 20.0
    memory_mb: int = 1024
    space_mb: int = 50
    output_kb: int = 256
    tasks: int = 32
    kept_mb: int = 20
    kept_files: int = 20

    def as_job(self) -> dict[str, float]:
        """In bytes, by the names that the inside knows."""
        return {
            "seconds": self.seconds,
            "memory": self.memory_mb * MB,
            "file_bytes": self.space_mb * MB,
            "space": self.space_mb * MB,
            "output": self.output_kb << 10,
            "kept": self.kept_mb * MB,
            "kept_files": self.kept_files,
        }
