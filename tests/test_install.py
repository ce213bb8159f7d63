"""The environment is made once, continued after an interruption, and made anew after a move."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from install import install


def write_lock(folder: Path, version: str) -> Path:
    """A lock file of one package, whose wheel lies beside it: nothing is downloaded."""
    wheel = folder / f"tiny-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", f"version = '{version}'\n")
        archive.writestr(
            f"tiny-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n"
        )
        archive.writestr(
            f"tiny-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"tiny-{version}.dist-info/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock = folder / "requirements.lock"
    lock.write_text(f"--no-index\n--find-links {folder}\ntiny=={version} --hash=sha256:{digest}\n")
    return lock


def installed_version(environment: Path) -> str:
    command = [environment / "bin/python", "-c", "import tiny; print(tiny.version)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.slow
def test_environment_follows_its_lock_and_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environment = tmp_path / "env"
    lock = write_lock(tmp_path, "1.0")
    install(environment, lock)
    assert list(environment.rglob("tiny.*.pyc")), "compiled once, not at each start of who may not write there"
    assert installed_version(environment) == "1.0"
    assert "installing requirements.lock into env/" in capsys.readouterr().out

    install(environment, lock)
    assert capsys.readouterr().out == ""

    write_lock(tmp_path, "2.0")
    install(environment, lock)
    assert installed_version(environment) == "2.0"

    lock.write_text(lock.read_text().replace("2.0", "3.0"))
    with pytest.raises(subprocess.CalledProcessError):
        install(environment, lock)
    write_lock(tmp_path, "2.0")
    capsys.readouterr()
    install(environment, lock)
    assert "installing" in capsys.readouterr().out, "half of another lock may be installed: look again"

    moved = environment.rename(tmp_path / "moved")
    install(moved, lock)
    assert subprocess.run([moved / "bin/pip", "--version"], capture_output=True, check=False).returncode == 0


def test_an_older_python_is_refused_with_one_line(tmp_path: Path) -> None:
    program = "import sys; sys.version_info = (3, 10, 0); sys.version = '3.10.0 (x)'; import install; install.main()"
    source = str(Path(__file__).parents[1] / "src")
    result = subprocess.run([sys.executable, "-c", program], cwd=source, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.strip() == (
        "error: Python 3.10.0 is not 3.11, 3.12 or 3.13; name one: make repro PYTHON=python3.11"
    )


def test_a_folder_that_is_no_environment_is_never_emptied(tmp_path: Path) -> None:
    precious = tmp_path / "home/letter.txt"
    precious.parent.mkdir()
    precious.write_text("mine")
    with pytest.raises(SystemExit, match="holds files"):
        install(tmp_path / "home", write_lock(tmp_path, "1.0"))
    assert precious.read_text() == "mine"
