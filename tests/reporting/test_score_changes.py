"""Scores and their changes are shown with readable names and in the same units."""

from stage_files import evaluation_scores

from realfake.evaluation.results import EvaluationScores
from realfake.reporting.dvc_diff import Base
from realfake.reporting.score_changes import Score, format_change, format_score, named_scores, score_table

BASE = Base("main", "abcdef0" * 5)


def test_a_score_may_lie_in_the_interval_of_another() -> None:
    interval = Score(0.9, 0.8, 0.95)
    assert interval.holds(Score(0.8))
    assert not interval.holds(Score(0.96))
    assert not interval.holds(Score(None))
    assert not Score(0.9).holds(interval)


def test_scores_have_intervals_and_those_on_other_pictures_a_prefix() -> None:
    named = named_scores(evaluation_scores(accuracy=0.94, roc_auc=None))
    assert named["accuracy"] == Score(0.94, 0.92, 0.96)
    assert named["roc_auc"] == Score(None)
    assert named["cleaned accuracy"] == Score(0.94)
    assert named["damaged accuracy"] == Score(0.8)
    assert named["pictures"] == Score(1200)


def test_without_files_all_scores_are_unknown() -> None:
    assert set(named_scores(EvaluationScores.of_files({})).values()) == {Score(None)}


def test_some_scores_are_in_percent_and_counts_are_integers() -> None:
    assert [format_score("fake_recall", 0.9), format_score("damaged ece", 0.05), format_score("pictures", 1200)] == [
        "90.00%",
        "0.0500",
        "1,200",
    ]
    assert format_score("roc_auc", None) == "–"
    assert format_change("damaged accuracy", Score(0.9), Score(0.88)) == "-2.00 points"
    assert format_change("ece", Score(0.05), Score(0.04)) == "-0.0100"
    assert format_change("pictures", Score(1000), Score(1200)) == "+200"
    assert format_change("f1", Score(0.5), Score(0.5)) == "same"
    assert format_change("f1", Score(None), Score(0.5)) == "–"


def test_the_table_has_earlier_and_present_values() -> None:
    before, now = (named_scores(evaluation_scores(recall=value)) for value in (0.9, 0.95))
    text = score_table(BASE, ["recall", "damaged ece"], before, now)
    assert "| test score, 95 % interval | main | now | change |" in text
    assert "| recall of photographs | 90.00% (88.00% to 92.00%) | 95.00% (93.00% to 97.00%) | +5.00 points |" in text
    assert "| calibration error, damaged pictures | 0.0500 | 0.0500 | same |" in text
    assert "main" not in score_table(None, ["recall"], before, now)
