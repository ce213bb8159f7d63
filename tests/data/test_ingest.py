"""Pictures are checked before they become the project's data; a source that fails the check changes nothing."""

from pathlib import Path

import pytest
from archives import contents, write_zip
from fetching import jpeg, pictures, plain, state  # noqa: F401 - a fixture

from realfake.core.errors import UserError
from realfake.data import ingest


def test_unreadable_pictures_stop_or_are_left_out(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = {"train/REAL/note.txt": b"hello", "test/FAKE/half.jpg": jpeg(1, 8)[:200]}
    source = write_zip(tmp_path / "a.zip", pictures() | bad | {"README.md": b"read me"})
    before = state(plain)
    with pytest.raises(UserError, match=r"2 of 14 pictures .*half\.jpg: damaged.*note\.txt: not a picture"):
        ingest.ingest(source, plain, skip_unreadable=False)
    assert state(plain) == before
    installed: dict[str, bytes] = {}
    monkeypatch.setattr(
        ingest, "install_data", lambda root, folder: installed.update(contents(folder / ingest.ARCHIVE))
    )
    ingest.ingest(source, plain, skip_unreadable=True)
    assert installed == pictures()
    output = capsys.readouterr().out
    assert "left out: 2 of 14 pictures" in output
    assert "left out: 1 files outside" in output


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"real/1.jpg": b""}, "no picture at train"),
        ({name: data for name, data in pictures().items() if "test/REAL" not in name}, "no pictures in test/REAL"),
    ],
)
def test_a_wrong_layout_changes_nothing(plain: Path, tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    before = state(plain)
    with pytest.raises(UserError, match=message):
        ingest.ingest(write_zip(tmp_path / "a.zip", files), plain, skip_unreadable=False)
    assert state(plain) == before
    assert not list((plain / ".cache/fetch").iterdir())
