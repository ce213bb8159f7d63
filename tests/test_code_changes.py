"""What an edit of the code runs again: the stages that it can change, and no others."""

import json
import re

import pytest
from checkouts import epochs, succeed

pytestmark = pytest.mark.slow


def stale(project) -> set[str]:
    """The stages that DVC would run because of their own dependencies."""
    status = json.loads(succeed(project, "dvc status --json"))
    return {stage for stage in status if not stage.endswith(".dvc")}


def test_an_edit_in_the_closure_makes_exactly_the_right_stages_stale(copied):
    assert stale(copied) == set()
    corruption = copied / "src/realfake/data/corruption.py"
    before = corruption.read_text()
    corruption.write_text(before + "\nFURTHER = 1\n")
    assert stale(copied) == {"train", "evaluate"}
    corruption.write_text(before)
    errors = copied / "src/realfake/core/errors.py"
    errors.write_text(errors.read_text() + "\nFURTHER = 1\n")
    assert stale(copied) == set()
    json_files = copied / "src/realfake/core/json_files.py"
    json_files.write_text(json_files.read_text() + "\nFURTHER = 1\n")
    assert stale(copied) == {"preprocess", "train", "evaluate", "export"}


def test_an_edited_docstring_trains_nothing_anew(copied):
    """DVC compares bytes and runs the stage; the stage finds its finished checkpoint, keyed by what the code does."""
    images = copied / "src/realfake/data/images.py"
    images.write_text(re.sub(r'\A"""', '"""More words. ', images.read_text()))
    said = succeed(copied, "dvc repro train")
    assert "Running stage 'train'" in said
    assert not epochs(said)
