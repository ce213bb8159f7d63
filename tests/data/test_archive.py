"""Archives and folders in CIFAKE's layout: the pictures that are read, the names that are refused, the digests."""

import gzip
import hashlib
import io
import random
import tarfile
from collections import Counter
from pathlib import Path

import pytest
from archives import contents, write_folder, write_tar, write_zip
from conftest import CIFAKE

from realfake.core.errors import UserError
from realfake.data import archive
from realfake.data.archive import CIFAKE_DIGESTS, RawPicture, content_digest, find_archive, read_archive, write_archive

NOISE = random.Random(0).randbytes(30_000)
FILES = {
    "train/FAKE/0000.jpg": b"a" * 600,
    "train/REAL/0000 (2).jpg": b"b" * 512,
    "train/REAL/0000.jpg": b"c",
    "test/FAKE/é.jpg": b"",
    "test/REAL/0.jpg": NOISE,
    "test/REAL/1.jpg": b"e" * 1000,
}


@pytest.mark.parametrize("name", ["data.zip", "data.tar", "data.tar.gz", "DATA.TGZ"])
def test_archives_give_every_picture_in_stored_order(tmp_path: Path, name: str) -> None:
    write = write_zip if name.endswith("zip") else write_tar
    found = contents(write(tmp_path / name, FILES))
    assert found == FILES
    assert list(found) == list(FILES)


def test_a_folder_gives_every_picture(tmp_path: Path) -> None:
    assert contents(write_folder(tmp_path, FILES)) == FILES


def test_labels_follow_the_class_folder(tmp_path: Path) -> None:
    labels = {(picture.split, picture.label, picture.name) for picture in read_archive(write_folder(tmp_path, FILES))}
    assert ("train", 0, "0000.jpg") in labels
    assert ("test", 1, "1.jpg") in labels


@pytest.mark.parametrize("prefix", ["", "./", "cifake/", "a/b/c/", "train/"])
def test_folders_above_the_split_are_dropped(tmp_path: Path, prefix: str) -> None:
    assert contents(write_tar(tmp_path / "x.tar", {prefix + name: data for name, data in FILES.items()})) == FILES


def test_names_of_split_and_class_may_be_in_any_case(tmp_path: Path) -> None:
    files = {"Train/Real/A.JPG": b"1", "TEST\\fake\\b.jpg": b"2"}
    assert contents(write_zip(tmp_path / "x.zip", files)) == {"train/REAL/A.JPG": b"1", "test/FAKE/b.jpg": b"2"}


def test_system_files_are_skipped_and_files_outside_the_layout_are_reported(tmp_path: Path) -> None:
    system = {"__MACOSX/train/REAL/._0000.jpg": b"x", "train/REAL/.DS_Store": b"x", "train/FAKE/Thumbs.db": b"x"}
    ignored: list[str] = []
    files = FILES | system | {"README.md": b"x", "train/other/1.jpg": b"x"}
    assert contents(write_zip(tmp_path / "x.zip", files), ignored) == FILES
    assert ignored == ["README.md", "train/other/1.jpg"]


def test_links_are_never_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    folder = write_folder(tmp_path / "folder", FILES)
    (folder / "train/REAL/link.jpg").symlink_to(secret)
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.add(folder, "x")
    for source in (folder, tmp_path / "x.tar"):
        ignored: list[str] = []
        assert contents(source, ignored) == FILES
        assert [Path(name).name for name in ignored] == ["link.jpg"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../train/REAL/1.jpg", "outside the archive"),
        ("/train/REAL/1.jpg", "outside the archive"),
        ("C:\\train\\REAL\\1.jpg", "outside the archive"),
        ("train/REAL/1\n.jpg", "control characters"),
        ("train/REAL/holiday/1.jpg", "below REAL/"),
        ("copy/train/REAL/1.jpg", "one data set"),
        ("train/real/0000.jpg", "twice"),
    ],
)
def test_unsafe_and_ambiguous_names_are_refused(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        contents(write_tar(tmp_path / "x.tar.gz", FILES | {name: b"x"}))
    assert "x.tar.gz" in str(error.value)


def test_a_source_without_pictures_is_an_error_that_names_the_layout(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train\|test/REAL\|FAKE.*real/1.jpg"):
        contents(write_zip(tmp_path / "x.zip", {"real/1.jpg": b"x"}))
    with pytest.raises(UserError, match="empty"):
        contents(write_tar(tmp_path / "empty.tar", {}))


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_BYTES", 999)
    with pytest.raises(UserError, match=r"test/REAL/0\.jpg has 30,000 bytes"):
        contents(write_zip(tmp_path / "x.zip", FILES))


def test_the_only_archive_is_found(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").touch()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "cifake.tar.gz").touch()
    assert find_archive(tmp_path) == tmp_path / "cifake.tar.gz"


def test_a_data_folder_with_train_and_test_is_its_own_source(tmp_path: Path) -> None:
    assert find_archive(write_folder(tmp_path, FILES)) == tmp_path


def test_no_archive_or_several_are_refused(tmp_path: Path) -> None:
    for data in (tmp_path, tmp_path / "absent"):
        with pytest.raises(UserError, match=r"make data.*dvc pull data\.dvc.*--sample"):
            find_archive(data)
    (tmp_path / "a.zip").touch()
    write_folder(tmp_path, FILES)
    with pytest.raises(UserError, match=r"a\.zip, train/ and test/"):
        find_archive(tmp_path)


def test_a_written_archive_has_the_same_files_and_the_same_bytes_every_time(tmp_path: Path) -> None:
    pictures = sorted(read_archive(write_folder(tmp_path / "source", FILES)), key=lambda picture: picture.path)
    for name in ("a.tar.gz", "b.tar.gz"):
        write_archive(tmp_path / name, pictures)
    packed = (tmp_path / "a.tar.gz").read_bytes()
    assert packed == (tmp_path / "b.tar.gz").read_bytes()
    assert contents(tmp_path / "a.tar.gz") == FILES
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed))) as tar:
        assert tar.getnames() == sorted(FILES, key=str.encode)
        assert {(m.mtime, m.uid, m.gid, m.uname, m.mode) for m in tar} == {(0, 0, 0, "", 0o644)}


def test_writing_unsorted_pictures_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sort"):
        write_archive(
            tmp_path / "x.tar.gz", [RawPicture("train", 1, "1.jpg", b""), RawPicture("train", 0, "1.jpg", b"")]
        )
    assert not list(tmp_path.iterdir())


def test_the_content_digest_is_that_of_sha256sum_lines_sorted_by_path() -> None:
    entries = [("train/REAL/é.jpg", "0" * 64), ("train/REAL/z.jpg", "f" * 64), ("test/FAKE/1 (2).jpg", "a" * 64)]
    lines = f"{'a' * 64}  test/FAKE/1 (2).jpg\n{'f' * 64}  train/REAL/z.jpg\n{'0' * 64}  train/REAL/é.jpg\n"
    assert content_digest(entries) == hashlib.sha256(lines.encode()).hexdigest()


@pytest.mark.slow
@pytest.mark.skipif(not CIFAKE.exists(), reason="needs shared/cifake")
def test_cifake_train_has_the_digest_of_the_authors_release() -> None:
    digests: dict[str, str] = {}
    counts: Counter[tuple[str, int]] = Counter()
    for picture in read_archive(CIFAKE):
        counts[picture.split, picture.label] += 1
        if picture.split == "train":
            digests[picture.path] = hashlib.sha256(picture.data).hexdigest()
    assert counts == {("train", 0): 50_000, ("train", 1): 50_000, ("test", 0): 1000, ("test", 1): 1000}
    assert CIFAKE_DIGESTS[content_digest(digests.items())] == "train of the authors' release of CIFAKE"
