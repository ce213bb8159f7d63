"""The table of trials is read as it was written, including failed and running trials."""

import pytest
from sweeping import tune_params

from realfake.core.errors import UserError
from realfake.sweep.study import Sweep
from realfake.sweep.trial_table import COLUMNS, TRIALS_FILE, read_trials, trial_rows, write_trials
from realfake.sweep.trials import suggest

NAMES = list(tune_params().space)


@pytest.fixture
def study(project):
    """A study with a completed, a failed and a running trial."""
    sweep = Sweep(None, "sweep-1")
    sweep.begin(tune_params(), {"data": "d"})
    for number in range(3):
        trial = sweep.study.ask()
        suggest(trial, tune_params().space)
        trial.report(0.75, 1)
        trial.set_user_attr("memory_mb", 512)
        trial.set_user_attr("mlflow_run", "a" * 32)
        if number == 0:
            sweep.study.tell(trial, 0.75)
        elif number == 1:
            sweep.fail(number, 'said "no", and ended')
    return sweep.study


def test_a_table_is_read_as_it_was_written(study, tmp_path):
    write_trials(study, NAMES, tmp_path)
    header = (tmp_path / TRIALS_FILE).read_text().splitlines()[0]
    assert header == ",".join((*COLUMNS, *NAMES))
    read = read_trials(tmp_path, NAMES)
    assert [row.state for row in read] == ["complete", "fail", "running"]
    for written, row in zip(trial_rows(study, NAMES), read, strict=True):
        same = ("trial", "value", "epochs", "seconds", "epoch_seconds", "memory_mb", "reason", "mlflow_run")
        assert [getattr(row, name) for name in same] == [getattr(written, name) for name in same]
        assert row.params == {name: str(value) for name, value in written.params.items()}


def test_a_table_with_other_parameters_is_a_one_line_error(study, tmp_path):
    write_trials(study, NAMES, tmp_path)
    with pytest.raises(UserError, match=r"trials\.csv is damaged.*python src/tune\.py"):
        read_trials(tmp_path, [*NAMES, "epochs"])
