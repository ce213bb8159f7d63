"""Suppress what native libraries print: TensorFlow writes hundreds of lines that no logging setting controls."""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress everything that this process prints, native code included; print it after all if the block fails."""
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
    """Import Keras and TensorFlow without the messages that they print at start-up."""
    with quiet(), hidden_modules(UNUSED):
        import keras

        keras.backend.backend()
        keras.ops.zeros(1)  # TensorFlow prints its messages at the first operation


UNUSED = ("matplotlib", "pandas", "sklearn")
"""Optional packages that Keras imports when installed, though this project uses none of them with Keras.

Importing them takes a third of the start-up time.
"""


@contextmanager
def hidden_modules(modules: Sequence[str]) -> Iterator[None]:
    """Make imports of these modules fail as if they were not installed; modules already imported stay available."""
    absent = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None makes an import raise ImportError
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
