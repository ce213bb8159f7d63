"""The note that ties a model's bytes to its run."""

from realfake.core.json_files import write_json
from realfake.tracking.run_link import RunLink, note_of, run_of


def test_the_note_goes_by_the_models_bytes(project):
    model = project / "outputs/model"
    model.mkdir(parents=True)
    (model / "model.keras").write_bytes(b"one")
    assert run_of(model) is None
    write_json(note_of(model), {"run_id": "1", "name": "a", "experiment": "e"})
    assert run_of(model) == RunLink("1", "a", "e")
    (model / "model.keras").write_bytes(b"another")
    assert run_of(model) is None
