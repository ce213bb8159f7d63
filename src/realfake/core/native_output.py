"""Silence what native libraries print: TensorFlow writes hundreds of lines that no logging setting reaches."""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back all that this process prints, below Python too; it is shown after all when the block fails."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as held:
        try:
            os.dup2(held.fileno(), 1)
            os.dup2(held.fileno(), 2)
            yield
        except Exception:
            sys.stdout.flush()
            sys.stderr.flush()
            held.seek(0)
            os.write(saved[1], held.read())
            raise
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, descriptor in zip((1, 2), saved, strict=True):
                os.dup2(descriptor, number)
                os.close(descriptor)


def import_keras() -> None:
    """Import Keras and TensorFlow without their greetings."""
    with quiet(), hidden_modules(UNUSED):
        import keras

        keras.backend.backend()
        keras.ops.zeros(1)  # TensorFlow speaks up at its first operation


UNUSED = ("matplotlib", "pandas", "sklearn")
"""What Keras imports to take objects that nobody here gives it, where it is there: a third of the start-up."""


@contextmanager
def hidden_modules(modules: Sequence[str]) -> Iterator[None]:
    """Let imports of these modules fail as if they were not installed, but for those that are imported already."""
    absent = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None is how Python writes "cannot be imported"
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
