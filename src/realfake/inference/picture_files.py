"""Picture files that a command line names: found in folders, read one by one, with an error line for each bad one."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from realfake.core.errors import UserError, one_line

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".avif"}
"""What counts as a picture in a folder; a file that is named is tried whatever its name."""

Content = TypeVar("Content")


def picture_files(paths: Sequence[Path]) -> Iterator[Path | UserError]:
    """Files as they are named, and the pictures in folders, sorted; what is neither is an error in its place."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        yield from found
        if not found:
            yield UserError(f"{path} holds no pictures; expected files that end in .jpg, .png, .webp, ...")


def read_each(paths: Sequence[Path], read: Callable[[bytes], Content]) -> Iterator[tuple[Path, Content] | None]:
    """Read picture files; one that cannot be used prints its error line and gives None.

    Args:
        paths: files, and folders of them; see `picture_files`.
        read: makes something of a file's bytes, and raises UserError where they cannot be used.
    """
    for path in picture_files(paths):
        try:
            if isinstance(path, UserError):
                raise path
            yield path, read(path.read_bytes())
        except (UserError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else one_line(error)
            print(f"error: {'' if isinstance(path, UserError) else f'{path}: '}{reason}", file=sys.stderr)
            yield None
