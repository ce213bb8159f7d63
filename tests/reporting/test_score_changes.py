"""Scores have names and units that people know, and their changes are told in the same."""

from stage_files import evaluation_scores

from realfake.evaluation.results import EvaluationScores
from realfake.reporting.dvc_diff import Base
from realfake.reporting.score_changes import Score, change, named_scores, number, score_table

BASE = Base("main", "abcdef0" * 5)


def test_a_score_lies_in_an_interval_or_not() -> None:
    interval = Score(0.9, 0.8, 0.95)
    assert interval.holds(Score(0.8))
    assert not interval.holds(Score(0.96))
    assert not interval.holds(Score(None))
    assert not Score(0.9).holds(interval)


def test_scores_come_with_intervals_and_those_of_other_pictures_with_their_word() -> None:
    named = named_scores(evaluation_scores(accuracy=0.94, roc_auc=None))
    assert named["accuracy"] == Score(0.94, 0.92, 0.96)
    assert named["roc_auc"] == Score(None)
    assert named["cleaned accuracy"] == Score(0.94)
    assert named["damaged accuracy"] == Score(0.8)
    assert named["pictures"] == Score(1200)


def test_nothing_before_is_no_scores() -> None:
    assert set(named_scores(EvaluationScores.of_files({})).values()) == {Score(None)}


def test_shares_are_in_percent_and_counts_are_whole() -> None:
    assert [number("fake_recall", 0.9), number("damaged ece", 0.05), number("pictures", 1200)] == [
        "90.00%",
        "0.0500",
        "1,200",
    ]
    assert number("roc_auc", None) == "–"
    assert change("damaged accuracy", Score(0.9), Score(0.88)) == "-2.00 points"
    assert change("ece", Score(0.05), Score(0.04)) == "-0.0100"
    assert change("pictures", Score(1000), Score(1200)) == "+200"
    assert change("f1", Score(0.5), Score(0.5)) == "same"
    assert change("f1", Score(None), Score(0.5)) == "–"


def test_the_table_says_how_it_was_and_how_it_is() -> None:
    before, now = (named_scores(evaluation_scores(recall=value)) for value in (0.9, 0.95))
    text = score_table(BASE, ["recall", "damaged ece"], before, now)
    assert "| test score, 95 % interval | main | now | change |" in text
    assert "| REAL called REAL | 90.00% (88.00% to 92.00%) | 95.00% (93.00% to 97.00%) | +5.00 points |" in text
    assert "| calibration error, damaged pictures | 0.0500 | 0.0500 | same |" in text
    assert "main" not in score_table(None, ["recall"], before, now)
