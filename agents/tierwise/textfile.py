"""Text files that a user gives us, plain or gzipped."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from tierwise.errors import InvalidInput


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, with or without a byte order mark; unpacked if it is gzipped, whatever its name.

    Raises:
        InvalidInput: if it is not there, cannot be read, is damaged or is not text.
    """
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b" or path.name.endswith(".gz"):
            data = gzip.decompress(data)
        return data.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise InvalidInput(f"{path} does not exist.", fix="Check the path.") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InvalidInput(f"{path} is no gzip file, or it is cut short or damaged.", fix="Copy it again.") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 text.", fix="Save it in UTF-8.") from error
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.", fix="Check the path.") from error
