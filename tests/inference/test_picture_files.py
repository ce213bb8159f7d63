"""Files and folders of a command line are found and read; unusable ones print an error line."""

from realfake.data.images import decode
from realfake.inference.picture_files import find_pictures, read_pictures


def test_folders_give_their_pictures_in_order(tmp_path):
    for name in ("b/2.PNG", "b/1.jpg", "b/notes.txt", "a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    *found, problem = find_pictures([tmp_path / "a.jpg", tmp_path / "b", tmp_path / "empty"])
    assert [path.name for path in found] == ["a.jpg", "1.jpg", "2.PNG"]
    assert f"{tmp_path}/empty" in str(problem)


def test_an_unusable_file_prints_a_line_and_the_others_are_read(tmp_path, capsys):
    from conftest import PROJECT

    good = PROJECT / "imgs/fake/5.jpg"
    (tmp_path / "text.jpg").write_text("text")
    (tmp_path / "empty").mkdir()
    paths = [tmp_path / "none.jpg", good, tmp_path / "text.jpg", tmp_path / "empty"]
    missing, found, text, empty = read_pictures(paths, decode)
    assert (missing, text, empty) == (None, None, None)
    path, picture = found
    assert path == good
    assert picture.size == decode(good.read_bytes()).size
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"error: {tmp_path}/none.jpg: No such file or directory"
    assert lines[1].startswith(f"error: {tmp_path}/text.jpg: ")
    assert lines[2].startswith(f"error: {tmp_path}/empty ")
