"""The note that ties a model's bytes to its run."""

import pytest

from realfake.core.errors import UserError
from realfake.core.json_files import write_json
from realfake.tracking.run_link import RunLink, note_of, run_id_here, run_of


def test_the_note_goes_by_the_models_bytes(project):
    model = project / "outputs/model"
    model.mkdir(parents=True)
    (model / "model.keras").write_bytes(b"one")
    assert run_of(model) is None
    write_json(note_of(model), {"run_id": "1", "name": "a", "experiment": "e"})
    assert run_of(model) == RunLink("1", "a", "e")
    (model / "model.keras").write_bytes(b"another")
    assert run_of(model) is None


def test_a_checkout_whose_model_has_no_known_run_says_how_to_make_one(project):
    model = project / "outputs/model"
    assert run_of(model) is None, "there is no model"
    with pytest.raises(UserError, match="no run is known that made outputs/model; `dvc repro` makes one"):
        run_id_here(project)
    model.mkdir(parents=True)
    (model / "model.keras").write_bytes(b"one")
    write_json(note_of(model), {"run_id": "1", "name": "a", "experiment": "e"})
    assert run_id_here(project) == "1"


def test_a_damaged_note_is_one_line(project):
    note = project / "note.json"
    note.write_text('{"run_id": "1"}')
    with pytest.raises(UserError, match=r"note\.json is damaged \(name: .*\); `rm .*note\.json; dvc repro -f train`"):
        RunLink.read(note)
