"""A model is linked to its run by the digest of its bytes."""

import pytest

from realfake.core.errors import UserError
from realfake.core.json_files import write_json
from realfake.tracking.run_link import RunLink, current_run_id, find_run_link, link_file


def test_the_link_depends_on_the_models_bytes(project):
    model = project / "outputs/model"
    model.mkdir(parents=True)
    (model / "model.keras").write_bytes(b"one")
    assert find_run_link(model) is None
    write_json(link_file(model), {"run_id": "1", "name": "a", "experiment": "e"})
    assert find_run_link(model) == RunLink("1", "a", "e")
    (model / "model.keras").write_bytes(b"another")
    assert find_run_link(model) is None


def test_without_a_known_run_the_error_names_the_ways_out(project):
    model = project / "outputs/model"
    assert find_run_link(model) is None, "there is no model"
    with pytest.raises(UserError, match=r"outputs/model .*`dvc repro`.* --run ID"):
        current_run_id(project)
    model.mkdir(parents=True)
    (model / "model.keras").write_bytes(b"one")
    write_json(link_file(model), {"run_id": "1", "name": "a", "experiment": "e"})
    assert current_run_id(project) == "1"


def test_a_damaged_link_file_is_a_one_line_error(project):
    file = project / "link.json"
    file.write_text('{"run_id": "1"}')
    with pytest.raises(UserError, match=r"link\.json is damaged .*`rm .*link\.json; dvc repro -f train`"):
        RunLink.read(file)
