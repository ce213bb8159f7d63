"""The options of a sweep are checked before it starts; tests/test_tune.py runs whole sweeps."""

from pathlib import Path

import pytest

from realfake.core.errors import UserError
from realfake.sweep.orchestration import Request, study_name


def test_the_last_study_is_continued_and_a_new_one_has_the_next_number(project: Path) -> None:
    sweeps = project / ".cache/sweeps"
    assert study_name(None, new=False) == "sweep-1"
    for name in ("sweep-2", "sweep-10", "named"):
        (sweeps / name).mkdir(parents=True)
    (sweeps / "last").write_text("sweep-2")
    assert study_name(None, new=False) == "sweep-2"
    assert study_name("named", new=False) == "named"
    assert study_name(None, new=True) == "sweep-11"


def test_a_study_name_that_could_leave_the_folder_is_refused(project: Path) -> None:
    for name in ("../elsewhere", "a/b", "", "."):
        with pytest.raises(UserError, match="letters, digits"):
            study_name(name, new=False)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"trials": 0}, "--trials is 0"),
        ({"jobs": 0}, "--jobs is 0"),
        ({"cpus": -1}, "--cpus is -1"),
        ({"gpus": -0.5}, "--gpus is -0.5"),
        ({"new": True, "study": "s"}, "--new .* --study"),
        ({"storage": "postgresql://host/name"}, "--storage needs --study"),
        ({"ray": "host:6379", "storage": "sqlite:///file", "study": "s"}, "--ray needs a database"),
        ({"ray": "host:6379", "storage": "postgresql+psycopg://host/name", "study": "s"}, "MLflow server"),
    ],
)
def test_invalid_and_contradictory_options_are_refused(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, object], expected: str
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(UserError, match=expected):
        Request(**{"trials": 3, **values}).check()


def test_a_cluster_with_a_database_and_an_mlflow_server_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://host:5000")
    Request(3, storage="postgresql+psycopg://host/name", study="s", ray="host:6379").check()
