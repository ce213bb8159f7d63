"""Which files a command line names, and what is said of those that cannot be used."""

from realfake.data.images import decode
from realfake.inference.picture_files import picture_files, read_each


def test_folders_give_their_pictures_in_order(tmp_path):
    for name in ("b/2.PNG", "b/1.jpg", "b/notes.txt", "a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    *found, problem = picture_files([tmp_path / "a.jpg", tmp_path / "b", tmp_path / "empty"])
    assert [path.name for path in found] == ["a.jpg", "1.jpg", "2.PNG"]
    assert "empty holds no pictures" in str(problem)


def test_a_file_that_cannot_be_used_is_a_line_and_the_others_are_read(tmp_path, capsys):
    from conftest import PROJECT

    good = PROJECT / "imgs/fake/5.jpg"
    (tmp_path / "text.jpg").write_text("text")
    (tmp_path / "empty").mkdir()
    paths = [tmp_path / "none.jpg", good, tmp_path / "text.jpg", tmp_path / "empty"]
    missing, found, text, empty = read_each(paths, decode)
    assert (missing, text, empty) == (None, None, None)
    path, picture = found
    assert path == good
    assert picture.size == decode(good.read_bytes()).size
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"error: {tmp_path}/none.jpg: No such file or directory"
    assert lines[1] == f"error: {tmp_path}/text.jpg: not a picture that Pillow can read"
    assert lines[2].startswith(f"error: {tmp_path}/empty holds no pictures")
