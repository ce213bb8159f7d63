"""A study has one parent run, which every worker finds; the runs of dead workers are closed."""

from sweeping import tune_params

from realfake.sweep.mlflow_runs import sweep_runs
from realfake.sweep.study import Sweep
from realfake.sweep.trials import suggest

CODE = {"git_commit": "c" * 40, "git_dirty": "false"}


def begin_sweep(tune) -> Sweep:
    sweep = Sweep(None, "sweep-1")
    sweep.begin(tune, {"data": "d"})
    return sweep


def test_the_parent_is_created_once_and_again_after_it_was_deleted(project):
    tune = tune_params()
    with sweep_runs("realfake", begin_sweep(tune), {"tune.metric": "val_loss"}, "d" * 64, CODE) as first:
        parent = first.parent
    with sweep_runs("realfake", begin_sweep(tune), {}, "d" * 64, CODE) as second:
        assert second.parent == parent
        client = second.client
        assert client.get_run(parent).data.params == {"tune.metric": "val_loss"}
        client.delete_run(parent)
    with sweep_runs("realfake", begin_sweep(tune), {}, "d" * 64, CODE) as third:
        assert third.parent != parent


def test_runs_of_trials_whose_workers_died_are_closed(project, train_params):
    tune = tune_params()
    sweep = begin_sweep(tune)
    with sweep_runs("realfake", sweep, {}, "d" * 64, CODE) as runs:
        trial = sweep.study.ask()
        run = runs.begin_trial(trial, train_params, suggest(trial, tune.space))
        runs.log_epoch(run, {"epoch": 1, "val_accuracy": 0.5})
        runs.close_lost(sweep)
        assert runs.client.get_run(run).info.status == "RUNNING", "its trial still runs"
        sweep.fail(trial.number, "its worker ended before it did")
        runs.close_lost(sweep)
        closed = runs.client.get_run(run)
    assert (closed.info.status, closed.data.tags["trial_state"]) == ("KILLED", "interrupted")
    assert closed.data.metrics["val_accuracy"] == 0.5
    assert closed.data.tags["git_commit"] == CODE["git_commit"], "a node of a cluster has no git repository"


def test_only_the_network_of_the_best_trial_is_kept(project, train_params, tmp_path):
    """The networks that other machines logged in the meantime are deleted when the study is finished."""
    tune = tune_params()
    sweep = begin_sweep(tune)
    file = tmp_path / "model.keras"
    file.write_bytes(b"a network")
    with sweep_runs("realfake", sweep, {}, "d" * 64, CODE) as runs:
        run_ids = []
        for value in (0.5, 0.7, 0.6):
            trial = sweep.study.ask()
            run_ids.append(runs.begin_trial(trial, train_params, suggest(trial, tune.space)))
            sweep.study.tell(trial, value)

        def with_network() -> list[int]:
            return [number for number, run in enumerate(run_ids) if runs.client.list_artifacts(run, "model")]

        runs.keep_model(run_ids[0], file)
        runs.keep_model(run_ids[1], file)
        running_elsewhere = sweep.study.ask()
        run_ids.append(runs.begin_trial(running_elsewhere, train_params, suggest(running_elsewhere, tune.space)))
        runs.keep_model(run_ids[3], file)
        runs.keep_only_best(sweep)
        assert with_network() == [1, 3], "a running trial logs its network before its value"
        sweep.study.tell(running_elsewhere, 0.6)
        (tmp_path / "results").mkdir()
        runs.finish({"best": 0.7}, sweep, {"dropout": 0.1}, tmp_path / "results")
        assert with_network() == [1]
        parent = runs.client.get_run(runs.parent)
    assert (parent.data.tags["best_run"], parent.data.tags["best.dropout"]) == (run_ids[1], "0.1")
    assert parent.info.status == "FINISHED"


def test_the_parent_run_of_a_study_without_running_trials_is_closed(project):
    sweep = begin_sweep(tune_params())
    with sweep_runs("realfake", sweep, {}, "d" * 64, CODE) as runs:
        assert runs.client.get_run(runs.parent).info.status == "RUNNING"
        trial = sweep.study.ask()
        runs.close_lost(sweep)
        assert runs.client.get_run(runs.parent).info.status == "RUNNING", "another terminal runs a trial"
        sweep.fail(trial.number, "interrupted")
        runs.close_lost(sweep)
        assert runs.client.get_run(runs.parent).info.status == "KILLED"
