"""The card says what the run's files say, for any run, and reads as Markdown."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import PROJECT

from realfake.core.json_files import read_json
from realfake.evaluation.results import CountedScores
from realfake.export.model_card import Sources, model_card
from realfake.metrics.scores import SCORES


@pytest.fixture(scope="module")
def sources(finished: Path) -> Sources:
    outputs = finished / "outputs"
    return Sources.read(*(outputs / name for name in ("prepared", "model", "evaluation", "export")))


@pytest.mark.slow
def test_export_writes_the_card_of_its_run(finished, sources):
    assert (finished / "outputs/export/model_card.md").read_text() == model_card(sources)


@pytest.mark.slow
def test_it_holds_what_a_reader_must_know(finished, sources):
    card = model_card(sources)
    assert f"| accuracy | {sources.scores.test.accuracy:.2%} |" in card
    assert sources.training.data_digest in card
    for heading in ("What it is for", "Data", "Training", "On damaged pictures", "Limits", "Make it again"):
        assert f"## {heading}" in card
    for row in sources.conditions[1:]:
        assert f"| {row.kind} {row.severity:g} | {row.accuracy:.2%} |" in card
    assert not re.search(r"\bnan\b|None|\{|\}", card), "a value without words"


@pytest.mark.slow
def test_every_table_is_whole(sources):
    for block in model_card(sources).split("\n\n"):
        lines = block.strip().splitlines()
        if lines[0].startswith("|"):
            assert len({line.count("|") for line in lines}) == 1, block


@pytest.mark.slow
def test_a_figure_that_is_undefined_is_a_dash(sources):
    nothing = CountedScores(**dict.fromkeys(SCORES), pictures=0)
    assert "| – |" in model_card(replace(sources, scores=replace(sources.scores, cleaned=nothing)))


@pytest.mark.slow
def test_it_says_when_a_network_asks_twice(sources):
    params = {**sources.training.params, "train.mirror": True}
    assert "mirror image" not in model_card(sources)
    assert "mean over a picture and its mirror image" in model_card(
        replace(sources, training=replace(sources.training, params=params))
    )


def test_the_shipped_card_is_of_the_shipped_network():
    record = read_json(PROJECT / "models/cifake/record.json")
    card = (PROJECT / "models/cifake/README.md").read_text()
    assert f"| accuracy | {record['metrics']['accuracy']:.2%} |" in card
