"""Find the picture files that a command line names and read them, with an error line for each unusable one."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from realfake.core.errors import UserError, one_line

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".avif"}
"""Suffixes of pictures in folders; a file that is named itself is read whatever its suffix."""

Content = TypeVar("Content")
"""What is made of a picture file."""


def find_pictures(paths: Sequence[Path]) -> Iterator[Path | UserError]:
    """Yield the named files, and the pictures in named folders, sorted; for a folder without pictures an error."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        yield from found
        if not found:
            yield UserError(f"{path} holds no pictures; expected files that end in .jpg, .png, .webp, ...")


def read_pictures(paths: Sequence[Path], read: Callable[[bytes], Content]) -> Iterator[tuple[Path, Content] | None]:
    """Read picture files; for an unusable one, print an error line and yield None.

    Args:
        paths: files and folders, as `find_pictures` takes them.
        read: converts the bytes of a file; raises UserError if they cannot be used.
    """
    for path in find_pictures(paths):
        try:
            if isinstance(path, UserError):
                raise path
            yield path, read(path.read_bytes())
        except (UserError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else one_line(error)
            print(f"error: {'' if isinstance(path, UserError) else f'{path}: '}{reason}", file=sys.stderr)
            yield None
