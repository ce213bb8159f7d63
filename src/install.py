"""Install the packages of requirements.lock into an environment: `python3.11 src/install.py [FOLDER]`, default .venv.

An up-to-date environment is left as it is; an interrupted or outdated installation is continued; of two calls at once
one waits for the other. Uses the standard library only, since it runs before anything is installed.
"""

from __future__ import annotations  # so that an older Python gets as far as the message about its version

import argparse
import fcntl
import hashlib
import importlib.util
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = Path(__file__).parents[1] / "requirements.lock"
PIP = ["-m", "pip", "-qq", "--disable-pip-version-check", "--no-input"]
"""Arguments of Python that start pip: quiet, without questions."""


def install(folder: Path, lock: Path = LOCK) -> None:
    """Bring an environment to the state of a lock file.

    Args:
        folder: the environment; created if it is missing, and again if it was moved or its Python is gone.
        lock: requirements with hashes, as pip reads them.

    Raises:
        subprocess.CalledProcessError: pip failed; it has printed why.
        SystemExit: `folder` holds files but no environment.
    """
    folder = folder.resolve()
    interpreter, stamp = folder / "bin/python", folder / "installed.txt"
    wanted = f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {folder}\n"
    with _locked(folder.parent):
        if interpreter.exists() and stamp.is_file() and stamp.read_text() == wanted:
            return
        if not (folder / "pyvenv.cfg").is_file() and folder.is_dir() and any(folder.iterdir()):
            sys.exit(f"error: {folder} holds files but no environment; name another folder with VENV, or empty it")
        print(f"installing {lock.name} into {folder.name}/ (up to 4 GB and 5 minutes, once per lock) ...", flush=True)
        stamp.unlink(missing_ok=True)  # from here on the environment is neither the old nor the new one
        venv.EnvBuilder(clear=not _lies_where_made(folder), with_pip=True, symlinks=True).create(folder)
        subprocess.run([interpreter, *PIP, "install", "--no-compile", "--require-hashes", "-r", lock], check=True)
        _compile(interpreter)
        stamp.write_text(wanted)


def _compile(interpreter: Path) -> None:
    """Compile all packages on all cores; pip would do so on one core."""
    packages = sysconfig.get_path("purelib", "venv", {"base": str(interpreter.parents[1])})
    command = [str(interpreter), "-m", "compileall", "-qq", "-j", "0", packages]
    subprocess.run(command, check=False)  # some packages hold templates that are not Python; pip skips them too


def _lies_where_made(folder: Path) -> bool:
    """Whether the environment's scripts, which name their interpreter by its full path, still find it."""
    activate = folder / "bin/activate"
    return (folder / "bin/python").exists() and activate.is_file() and str(folder) in activate.read_text()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock the folder itself; the operating system releases the lock when this process ends, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def main() -> None:
    """Read the command line, check the interpreter, and install; every failure is one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(".venv"), help="the environment (default .venv)")
    arguments = parser.parse_args()
    if not (3, 11) <= sys.version_info < (3, 14):
        sys.exit(
            f"error: Python {sys.version.split()[0]} is not 3.11, 3.12 or 3.13; name one: make repro PYTHON=python3.11"
        )
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit("error: this Python cannot create environments; install its venv package (apt-get: python3-venv)")
    try:
        install(arguments.folder)
    except (subprocess.CalledProcessError, OSError) as error:
        sys.exit(f"error: the installation failed ({error}); the same command continues it")
    except KeyboardInterrupt:
        sys.exit("\ninterrupted; the same command continues the installation")


if __name__ == "__main__":
    main()
