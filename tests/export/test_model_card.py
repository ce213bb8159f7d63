"""The model card has the values of the run's files, and its Markdown is well-formed."""

import re
from dataclasses import replace

import pytest
from conftest import PROJECT
from stage_files import evaluation_scores, export_results, preparation_report, training_record

from realfake.core.json_files import read_json
from realfake.evaluation.results import ClassAccuracy, Condition
from realfake.export.model_card import RunFiles, model_card
from realfake.training.training_record import Calibration


@pytest.fixture(scope="module")
def sources() -> RunFiles:
    """Make the files of a run with two kinds of damage and two classes."""
    params = {"preprocess.size": 32, "train.weights": "none", "train.keep": "best", "train.mirror": False}
    return RunFiles(
        preparation_report({"train": 4320, "val": 480, "test": 1200}),
        training_record(params | {"train.augmentation.corruption": 0.3, "train.width": None}),
        evaluation_scores(accuracy=0.93, roc_auc=None),
        [Condition(*one, *[0.8] * 6) for one in (("clean", 0.0), ("jpeg", 40.0), ("noise", 0.1))],
        [ClassAccuracy("FAKE", 0.95, 0.9, 0.97), ClassAccuracy("cat", 0.5, None, None)],
        0.5,
        export_results(),
    )


@pytest.mark.slow
def test_export_writes_the_card_of_its_run_files(finished):
    outputs = finished / "outputs"
    read = RunFiles.read(*(outputs / name for name in ("prepared", "model", "evaluation", "export")))
    assert (outputs / "export/model_card.md").read_text() == model_card(read)


def test_the_card_has_scores_data_damage_and_formats(sources):
    card = model_card(sources)
    assert "| accuracy | 93.00% | 91.00% to 95.00% | 93.00% |" in card
    assert sources.training.data_digest in card
    for heading in ("What it is for", "Data", "Training", "On damaged pictures", "Limits", "Make it again"):
        assert f"## {heading}" in card
    for row in sources.conditions[1:]:
        assert f"| {row.kind} {row.severity:g} | {row.accuracy:.2%} |" in card
    assert "| onnx | 1.10 | 93.00% | 0.0000 |" in card
    assert not re.search(r"\bnan\b|None|\{|\}", card), "a value is missing or not formatted"


def test_all_rows_of_a_table_have_the_same_number_of_columns(sources):
    for block in model_card(sources).split("\n\n"):
        lines = block.strip().splitlines()
        if lines[0].startswith("|"):
            assert len({line.count("|") for line in lines}) == 1, block


def test_an_undefined_score_is_a_dash(sources):
    assert "| ROC-AUC | – | – to – | – |" in model_card(sources)
    assert "| cat | 50.00% | – to – |" in model_card(sources)


def test_the_card_mentions_test_time_augmentation_and_calibration(sources):
    assert "mirror image" not in model_card(sources)
    params = {**sources.training.params, "train.mirror": True}
    calibration = Calibration(0.5, 0.0, val_accuracy=0.9, val_loss=0.3, val_ece=0.01, val_ece_before=0.05)
    card = model_card(replace(sources, training=replace(sources.training, params=params, calibration=calibration)))
    assert "mirror image" in card
    assert "5.00% before, 1.00% after" in card


def test_the_shipped_card_has_the_accuracy_of_the_shipped_network():
    record = read_json(PROJECT / "models/cifake/record.json")
    card = (PROJECT / "models/cifake/README.md").read_text()
    assert f"| accuracy | {record['metrics']['accuracy']:.2%} |" in card
