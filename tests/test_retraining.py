"""Retraining by the workflow's own commands, in clean clones: what one run keeps, the next one meets."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from checkouts import change, checkout, commit, run, runs, store, succeed
from conftest import PROJECT
from toy_pipeline import git, toy_pipeline, train
from workflows import GitHub

PULL = "refs/pull/7/merge"
pytestmark = pytest.mark.slow


def publish(project: Path) -> Path:
    """A toy repository as it would lie on GitHub: main is checked out, and its data is in the DVC remote within."""
    checkout(project)
    change(project, "train", epochs=2)
    change(project, "promote", limits={}, max_accuracy_loss=1.0, max_latency_ratio=100.0)  # so short a training
    with (project / "data.dvc").open("a") as file:
        file.write("  remote: embedded\n")
    succeed(project, "dvc push --quiet data.dvc")
    succeed(project, "git checkout HEAD~1 -- dvc.lock")  # of other data and parameters, as after any change
    commit(project)
    succeed(project, "git checkout --quiet -B main")  # a pull request is checked out on no branch
    return project


@pytest.fixture(scope="module")
def retrained(tmp_path_factory: pytest.TempPathFactory) -> tuple[GitHub, list[dict[str, Any]]]:
    """A repository retrained by hand, then by a push to main, then by a pull request: the jobs of each."""
    folder = tmp_path_factory.mktemp("github")
    origin = publish(folder / "origin")
    github, jobs = GitHub(origin, folder), []
    by_hand = {"recipe": "committed", "overrides": "train.dropout=0.3", "trials": 1, "promote": True}
    github.run("retrain.yml", "workflow_dispatch", inputs=by_hand)
    jobs.append(github.jobs)
    change(origin, "train", epochs=3)
    commit(origin)
    github.run("retrain.yml", "push")
    jobs.append(github.jobs)
    succeed(origin, "git checkout --quiet -b topic")
    change(origin, "evaluate", threshold=0.4)
    commit(origin)
    succeed(origin, "git checkout --quiet main")
    github.run("retrain.yml", "pull_request", ref=PULL)
    jobs.append(github.jobs)
    return github, jobs


def test_the_second_retraining_meets_the_champion_of_the_first(retrained: Any) -> None:
    _, (first, second, _) = retrained
    assert "nothing to restore" in first["train"].output
    assert "restored what main's last retraining kept" in second["train"].output
    (champion,) = store(first["promote"].workspace).search_model_versions()
    versions = {version.version: version for version in store(second["promote"].workspace).search_model_versions()}
    assert versions[champion.version].run_id == champion.run_id
    names = {run.info.run_id: run.info.run_name for run in runs(second["promote"].workspace)}
    assert names[champion.run_id].startswith("resnet8x4-32px-2ep-")
    assert any("-3ep-" in name for name in names.values())
    assert "Stage 'preprocess' is cached" in second["train"].output


def test_each_retraining_reports(retrained: Any) -> None:
    github, (first, second, pull) = retrained
    assert "| `train.dropout` | `0.2` |" in first["train"].summary()
    assert "Search for better parameters" in first["train"].steps
    assert "| `train.epochs` | `2` | `3` |" in second["train"].summary()
    assert "last retrained" not in second["train"].summary(), "the first one trained other parameters than that commit"
    for jobs in (first, second):
        verdict = (jobs["promote"].workspace / "outputs/promotion/verdict.md").read_text()
        assert verdict
        assert jobs["promote"].summary() == verdict
    comment = (github.folder / "comment-7.md").read_text()
    assert comment == pull["train"].summary()
    assert comment.startswith("## Accuracy ")
    assert re.search(r"Compared with `origin/main` \(`\w{7}`\) as it was last retrained\.", comment)
    assert comment.count("    line [") == 2, "main's learning curve, and that of the pull request"
    assert "**dvc.lock changed**: evaluate.threshold 0.5 -> 0.4" in comment
    assert "| `evaluate.threshold` | `0.5` | `0.4` |" in comment
    assert "rehearsed on a copy of the registry" in comment
    assert "Not run" not in comment


def test_a_pull_request_keeps_nothing_for_others(retrained: Any) -> None:
    github, (_, _, pull) = retrained
    assert list(pull) == ["train", "comment"]
    assert "Stage 'train' is cached" in pull["train"].output
    kept = {run: {path.name for path in (github.folder / f"artifacts/{run}").iterdir()} for run in (1, 2, 3)}
    everything = {"branch", "report", "results", "state", "verdict"}
    assert kept == {1: everything, 2: everything, 3: {"branch", "report", "results"}}
    assert (github.folder / "artifacts/3/report/plots/index.html").is_file()
    assert (github.folder / "artifacts/2/results/outputs/export/models").is_dir()
    before, after = (tree_size(github.folder / f"artifacts/{run}/state/.dvc") for run in (1, 2))
    assert after < 1.5 * before, "DVC's cache grows with each retraining"


def tree_size(folder: Path) -> int:
    """Bytes below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_remote_carries_results_from_one_clone_to_the_next(tmp_path: Path) -> None:
    project = toy_pipeline(tmp_path / "project")
    shutil.copytree(PROJECT / ".ci", project / ".ci")
    named = {"DVC_REMOTE_URL": str(tmp_path / "remote"), "DVC_REMOTE_OPTIONS": "verify=true jobs=2"}
    assert run(project, ".ci/remote").returncode != 0, "no URL, no remote"
    succeed(project, ".ci/remote", **named)
    assert "verify = true" in (project / ".dvc/config.local").read_text()
    assert git(project, "status", "--porcelain", ".dvc") == "", "the setting is this clone's alone"
    for url, words in (("https://host/x", "user|password"), ("s3://bucket/x", "access_key_id|secret_access_key")):
        login = {"DVC_REMOTE_URL": url, "DVC_REMOTE_USER": "me", "DVC_REMOTE_PASSWORD": "a b$c"}
        succeed(project, ".ci/remote", **login)
        found = re.findall(rf"(?:{words}) = (.*)", (project / ".dvc/config.local").read_text())
        assert found == ["me", "a b$c"]
    succeed(project, ".ci/remote", **named)
    train(project, epochs=5)
    succeed(project, ".ci/keep")
    assert not (project / ".dvc/cache").exists(), "the remote has it, and the state need not"
    assert succeed(project, "git stash list") == "", "noting the state leaves nothing behind but a ref"
    assert "epochs: 5" in git(project, "show", "refs/retrained:params.yaml")

    git(tmp_path, "clone", "--quiet", str(project), "other")
    other = tmp_path / "other"
    (other / "params.yaml").write_bytes((project / "params.yaml").read_bytes())
    shutil.copytree(PROJECT / ".ci", other / ".ci")
    succeed(other, ".ci/remote", **named)
    assert "Stage 'train' is cached" in succeed(other, "dvc repro --pull")
    assert (other / "dvc.lock").read_bytes() == (project / "dvc.lock").read_bytes()
