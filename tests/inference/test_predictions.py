"""Answers for many files, by the detector that ships; tests/test_localpredict.py runs the command."""

import pytest
from conftest import PROJECT
from PIL import Image

from realfake.inference.detector import SHIPPED, Detector
from realfake.inference.predictions import DRAWN, answer_all, as_json, draw


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(PROJECT / SHIPPED)


def test_answers_come_with_lines_and_errors_are_counted(detector, tmp_path, capsys):
    (tmp_path / "text.jpg").write_text("text")
    answers, failed = answer_all(detector, [PROJECT / "imgs/fake", tmp_path], silent=False)
    assert failed == 1
    assert [line.partition(": ")[0] for line in capsys.readouterr().out.splitlines()] == [str(p) for p, _ in answers]
    path, answer = answers[0]
    told = as_json(path, answer, detector)
    assert (told["picture"], told["label"]) == (str(path), answer.label)
    assert told["confidence"] == pytest.approx(answer.confidence, abs=1e-6)
    answer_all(detector, [path], silent=True)
    assert capsys.readouterr().out == ""


def test_the_first_answers_are_drawn_and_the_others_take_no_memory(detector, tmp_path):
    answers, _ = answer_all(detector, [PROJECT / "imgs"] * 2, silent=True)
    assert len(answers) > DRAWN
    assert all(bool(answer.given.size) == (place < DRAWN) for place, (_, answer) in enumerate(answers))
    assert draw(answers, detector, tmp_path / "many.png") == f"the first {DRAWN} of {len(answers)} pictures"
    assert draw(answers[:1], detector, tmp_path / "one.png") == "figure"
    with Image.open(tmp_path / "many.png") as many, Image.open(tmp_path / "one.png") as one:
        assert many.height > one.height
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many.png", "one.png"]
