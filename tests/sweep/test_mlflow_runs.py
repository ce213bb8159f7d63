"""One parent run a study, found again by whoever joins; the runs of dead workers are closed."""

from sweeping import tune_params

from realfake.sweep.mlflow_runs import sweep_runs
from realfake.sweep.study import Sweep
from realfake.sweep.trials import suggest

CODE = {"git_commit": "c" * 40, "git_dirty": "false"}


def begun(tune) -> Sweep:
    sweep = Sweep(None, "sweep-1")
    sweep.begin(tune, {"data": "d"})
    return sweep


def test_the_parent_is_made_once_and_made_again_when_it_is_gone(project):
    tune = tune_params()
    with sweep_runs("realfake", begun(tune), {"tune.metric": "val_loss"}, "d" * 64, CODE) as first:
        parent = first.parent
    with sweep_runs("realfake", begun(tune), {}, "d" * 64, CODE) as second:
        assert second.parent == parent
        client = second.client
        assert client.get_run(parent).data.params == {"tune.metric": "val_loss"}
        client.delete_run(parent)
    with sweep_runs("realfake", begun(tune), {}, "d" * 64, CODE) as third:
        assert third.parent != parent


def test_runs_of_trials_whose_workers_died_are_closed(project, train_params):
    tune = tune_params()
    sweep = begun(tune)
    with sweep_runs("realfake", sweep, {}, "d" * 64, CODE) as runs:
        trial = sweep.study.ask()
        run = runs.begin(trial, train_params, suggest(trial, tune.space))
        runs.epoch(run, {"epoch": 1, "val_accuracy": 0.5})
        runs.bury(sweep)
        assert runs.client.get_run(run).info.status == "RUNNING", "its trial still runs"
        sweep.fail(trial.number, "its worker ended before it did")
        runs.bury(sweep)
        closed = runs.client.get_run(run)
    assert (closed.info.status, closed.data.tags["trial_state"]) == ("KILLED", "interrupted")
    assert closed.data.metrics["val_accuracy"] == 0.5
    assert closed.data.tags["git_commit"] == CODE["git_commit"], "a node of a cluster has no git"


def test_one_network_is_kept_and_it_is_the_best_ones(project, train_params, tmp_path):
    """Whoever ends the study removes what two machines kept at once."""
    tune = tune_params()
    sweep = begun(tune)
    file = tmp_path / "model.keras"
    file.write_bytes(b"a network")
    with sweep_runs("realfake", sweep, {}, "d" * 64, CODE) as runs:
        made = []
        for value in (0.5, 0.7, 0.6):
            trial = sweep.study.ask()
            made.append(runs.begin(trial, train_params, suggest(trial, tune.space)))
            sweep.study.tell(trial, value)

        def keepers() -> list[int]:
            return [place for place, run in enumerate(made) if runs.client.list_artifacts(run, "model")]

        runs.keep_model(made[0], file)
        runs.keep_model(made[1], file)
        begun_elsewhere = sweep.study.ask()
        made.append(runs.begin(begun_elsewhere, train_params, suggest(begun_elsewhere, tune.space)))
        runs.keep_model(made[3], file)
        runs.keep_only_best(sweep)
        assert keepers() == [1, 3], "another machine keeps its own before it tells what it is worth"
        sweep.study.tell(begun_elsewhere, 0.6)
        (tmp_path / "found").mkdir()
        runs.finish({"best": 0.7}, sweep, {"dropout": 0.1}, tmp_path / "found")
        assert keepers() == [1]
        parent = runs.client.get_run(runs.parent)
    assert (parent.data.tags["best_run"], parent.data.tags["best.dropout"]) == (made[1], "0.1")
    assert parent.info.status == "FINISHED"


def test_a_study_that_nobody_works_on_is_not_running(project):
    sweep = begun(tune_params())
    with sweep_runs("realfake", sweep, {}, "d" * 64, CODE) as runs:
        assert runs.client.get_run(runs.parent).info.status == "RUNNING"
        trial = sweep.study.ask()
        runs.bury(sweep)
        assert runs.client.get_run(runs.parent).info.status == "RUNNING", "another terminal works"
        sweep.fail(trial.number, "interrupted")
        runs.bury(sweep)
        assert runs.client.get_run(runs.parent).info.status == "KILLED"
