"""The report of a prepared folder is read back as it was written; a damaged one is a one-line error."""

import json

import pytest
from stage_files import preparation_report

from realfake.core.errors import UserError
from realfake.data.preparation_report import REPORT_FILE, PreparationReport, RemovedPictures


def test_a_report_is_read_back_and_its_fields_are_those_of_the_file(tmp_path):
    removed = {"unusable": RemovedPictures(1, ("train/FAKE/a.jpg: tiny",))}
    report = preparation_report({"train": 64, "test": 32}, removed=removed)
    report.write(tmp_path)
    assert PreparationReport.read(tmp_path) == report
    assert list(json.loads((tmp_path / REPORT_FILE).read_text())) == [
        *("digest", "params", "pictures", "real_share", "groups"),
        *("test_leaked", "test_duplicates", "removed"),
    ]


def test_a_missing_or_incomplete_report_is_a_one_line_error(tmp_path):
    with pytest.raises(UserError, match=rf"{REPORT_FILE} is missing.*`dvc repro preprocess`"):
        PreparationReport.read(tmp_path)
    preparation_report({"test": 32}).write(tmp_path)
    values = json.loads((tmp_path / REPORT_FILE).read_text())
    (tmp_path / REPORT_FILE).write_text(json.dumps({name: value for name, value in values.items() if name != "digest"}))
    with pytest.raises(UserError, match=rf"{REPORT_FILE} is damaged.*digest.*`dvc repro preprocess`"):
        PreparationReport.read(tmp_path)


def test_the_summary_counts_the_pictures_and_those_that_were_removed():
    removed = {"unusable": RemovedPictures(1200, ("a",)), "duplicate in train": RemovedPictures(0, ())}
    lines = list(preparation_report({"train": 4000, "test": 32}, test_leaked=3, removed=removed).summary(1.25))
    assert "4,032 pictures of 32 px" in lines[0]
    assert lines[1].split() == ["train", "FAKE", "2,000", "REAL", "2,000"]
    assert "unusable: 1,200" in lines[3]
    assert "3 test pictures" in lines[4]
    assert len(lines) == 5
