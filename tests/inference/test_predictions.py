"""Many files are classified, printed and drawn; tests/test_localpredict.py runs the command."""

import pytest
from conftest import PROJECT
from PIL import Image

from realfake.inference.detector import SHIPPED, Detector
from realfake.inference.predictions import DRAWN, as_record, classify_files, write_figure


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(PROJECT / SHIPPED)


def test_each_picture_has_a_line_and_errors_are_counted(detector, tmp_path, capsys):
    (tmp_path / "text.jpg").write_text("text")
    results, failed = classify_files(detector, [PROJECT / "imgs/fake", tmp_path], silent=False)
    assert failed == 1
    assert [line.partition(": ")[0] for line in capsys.readouterr().out.splitlines()] == [str(p) for p, _ in results]
    path, result = results[0]
    record = as_record(path, result, detector)
    assert (record["picture"], record["label"]) == (str(path), result.label)
    assert record["confidence"] == pytest.approx(result.confidence, abs=1e-6)
    classify_files(detector, [path], silent=True)
    assert capsys.readouterr().out == ""


def test_the_first_results_are_drawn_and_the_others_keep_no_pixels(detector, tmp_path):
    results, _ = classify_files(detector, [PROJECT / "imgs"] * 2, silent=True)
    assert len(results) > DRAWN
    assert all(bool(result.thumbnail.size) == (place < DRAWN) for place, (_, result) in enumerate(results))
    assert f"{DRAWN} of {len(results)}" in write_figure(results, detector, tmp_path / "many.png")
    assert f"{DRAWN} of" not in write_figure(results[:1], detector, tmp_path / "one.png")
    with Image.open(tmp_path / "many.png") as many, Image.open(tmp_path / "one.png") as one:
        assert many.height > one.height
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many.png", "one.png"]
