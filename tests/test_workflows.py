"""The workflows of GitHub Actions: what they may do, to whom, and that what they call is there."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import PROJECT
from workflows import evaluate, fill, load, truth

WORKFLOWS = sorted((PROJECT / ".github/workflows").glob("*.yml"))
RETRAIN = load(PROJECT / ".github/workflows/retrain.yml")
JOBS = [pytest.param(job, id=f"{path.stem}:{name}") for path in WORKFLOWS for name, job in load(path)["jobs"].items()]
MAY_WRITE = {("retrain", "train"): {"id-token"}, ("retrain", "comment"): {"pull-requests"}}
"""The jobs that need more than to read, and what they may write."""


def scripts(job: dict[str, Any]) -> Iterator[str]:
    """The shell texts of a job."""
    yield from (step["run"] for step in job["steps"] if "run" in step)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_to_a_commit_with_its_version(path: Path) -> None:
    lines = [line.strip().removeprefix("- ") for line in path.read_text().splitlines() if "uses:" in line]
    assert lines
    assert [line for line in lines if not re.fullmatch(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


def test_an_action_has_one_version_everywhere() -> None:
    used = {line for path in WORKFLOWS for line in re.findall(r"uses: (\S+@\S+ # \S+)", path.read_text())}
    assert len({line.partition("@")[0] for line in used}) == len(used)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_nothing_may_be_written_that_is_not_named_here(path: Path) -> None:
    workflow = load(path)
    assert "write" not in workflow["permissions"].values()
    for name, job in workflow["jobs"].items():
        permissions = job.get("permissions", workflow["permissions"])
        written = {scope for scope, right in permissions.items() if right == "write"}
        assert written == MAY_WRITE.get((path.stem, name), set())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_nothing_of_a_fork_runs_with_rights(path: Path) -> None:
    workflow = load(path)
    assert not set(workflow["on"]) & {"pull_request_target", "workflow_run", "issue_comment"}
    assert workflow["concurrency"]["group"]
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            if "actions/checkout@" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("job", JOBS)
def test_a_job_ends_and_runs_on_githubs_machines(job: dict[str, Any]) -> None:
    assert 0 < job["timeout-minutes"] <= 360
    assert job["runs-on"] == "ubuntu-24.04"


@pytest.mark.parametrize("job", JOBS)
def test_shell_texts_hold_no_expression_and_are_shell(job: dict[str, Any]) -> None:
    """What a title or an input says reaches a command through its environment, as a value and not as code."""
    for script in scripts(job):
        assert "${{" not in script
        subprocess.run(["bash", "-n", "-c", script], check=True)


@pytest.mark.parametrize("job", JOBS)
def test_secrets_reach_only_the_steps_that_need_them(job: dict[str, Any]) -> None:
    assert "secrets." not in json.dumps({key: value for key, value in job.items() if key != "steps"})


@pytest.mark.parametrize("job", JOBS)
def test_what_is_called_is_there(job: dict[str, Any]) -> None:
    makefile = (PROJECT / "Makefile").read_text()
    for script in scripts(job):
        for name in re.findall(r"(?:python |^ *)((?:src|\.ci)/[\w.]+)", script, flags=re.MULTILINE):
            assert (PROJECT / name).is_file()
        for targets in re.findall(r"^ *make ([a-z ]+)", script, flags=re.MULTILINE):
            assert all(f"\n{target}:" in makefile for target in targets.split())


def test_the_comments_job_runs_nothing_of_the_pull_request() -> None:
    used = [step["uses"].partition("@")[0] for step in RETRAIN["jobs"]["comment"]["steps"] if "uses" in step]
    assert used == ["actions/download-artifact"]


def test_recipes_and_pythons_are_the_projects() -> None:
    recipes = {path.stem for path in (PROJECT / "recipes").glob("*.yaml")}
    assert set(RETRAIN["on"]["workflow_dispatch"]["inputs"]["recipe"]["options"]) == {"committed", *recipes}
    jobs = load(PROJECT / ".github/workflows/ci.yml")["jobs"]
    checked = {
        step["with"]["python-version"] for step in jobs["check"]["steps"] if "setup-python" in step.get("uses", "")
    }
    pythons = checked | set(jobs["python"]["strategy"]["matrix"]["python"])
    low, high = re.findall(
        r"3\.(\d+)", tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["requires-python"]
    )
    assert pythons == {f"3.{minor}" for minor in range(int(low), int(high))}


def test_what_moves_the_model_retrains() -> None:
    paths = ["data.dvc", "params.yaml", "dvc.yaml", "src/**"]
    assert RETRAIN["on"]["push"] == {"branches": ["main"], "paths": paths}
    assert RETRAIN["on"]["pull_request"] == {"paths": paths}
    assert RETRAIN["on"]["schedule"]


def contexts(event: str, ref: str, fork: bool = False, **inputs: Any) -> dict[str, Any]:
    """What a condition sees."""
    head = {"repo": {"full_name": "stranger/realfake" if fork else "owner/realfake"}}
    event_payload = {"pull_request": {"head": head}} if event == "pull_request" else {}
    github = {"event_name": event, "ref": ref, "repository": "owner/realfake", "event": event_payload}
    return {"github": github, "inputs": inputs, "vars": {}, "secrets": {}}


MAIN, PULL = "refs/heads/main", "refs/pull/7/merge"


@pytest.mark.parametrize(
    ("seen", "jobs"),
    [
        (contexts("push", MAIN), {"train", "promote"}),
        (contexts("schedule", MAIN), {"train", "promote"}),
        (contexts("workflow_dispatch", MAIN, promote=True), {"train", "promote"}),
        (contexts("workflow_dispatch", MAIN, promote=False), {"train"}),
        (contexts("workflow_dispatch", "refs/heads/topic", promote=True), {"train"}),
        (contexts("pull_request", PULL), {"train", "comment"}),
        (contexts("pull_request", PULL, fork=True), {"comment"}),  # which needs train, and is skipped with it
    ],
)
def test_who_may_do_what(seen: dict[str, Any], jobs: set[str]) -> None:
    assert {name for name, job in RETRAIN["jobs"].items() if truth(evaluate(job.get("if", "always()"), seen))} == jobs
    assert RETRAIN["jobs"]["promote"]["needs"] == RETRAIN["jobs"]["comment"]["needs"] == "train"
    assert RETRAIN["jobs"]["promote"]["environment"] == "production"


def test_two_retrainings_of_main_do_not_cross() -> None:
    concurrency = RETRAIN["concurrency"]
    assert fill(concurrency["group"], contexts("push", MAIN)) == fill(concurrency["group"], contexts("schedule", MAIN))
    assert fill(concurrency["group"], contexts("push", MAIN)) != fill(concurrency["group"], contexts("x", PULL))
    assert not evaluate(concurrency["cancel-in-progress"], contexts("push", MAIN))
    assert evaluate(concurrency["cancel-in-progress"], contexts("pull_request", PULL))


def test_only_main_writes_to_the_shared_server() -> None:
    uri = RETRAIN["jobs"]["train"]["env"]["MLFLOW_TRACKING_URI"]
    shared = {"vars": {"MLFLOW_TRACKING_URI": "https://mlflow"}}
    assert fill(uri, contexts("push", MAIN) | shared) == "https://mlflow"
    assert fill(uri, contexts("pull_request", PULL) | shared) == ""
    assert fill(uri, contexts("push", MAIN)) == ""


def test_expressions_are_read_as_github_reads_them() -> None:
    seen = {"inputs": {"trials": None, "promote": False, "n": 3}, "vars": {"URL": "a && b"}}
    for expression, value in {
        "inputs.trials > 0": False,
        "inputs.n > 0": True,
        "!inputs.promote && vars.URL == 'a && b'": True,
        "vars.missing == ''": True,
        "inputs.promote != false || vars.missing": None,
        "${{ vars.URL != '' && '--yes' || '' }}": "--yes",
    }.items():
        assert evaluate(expression, seen) == value
    with pytest.raises(AssertionError, match="not understood"):
        evaluate("hashFiles('x')", seen)


def test_zizmor_finds_nothing_unsafe() -> None:
    finds_nothing([Path(sys.executable).with_name("zizmor"), "--offline", "--quiet"])


@pytest.mark.skipif(shutil.which("actionlint") is None, reason="actionlint is not on PATH (see CONTRIBUTING.md)")
def test_actionlint_finds_nothing() -> None:
    finds_nothing(["actionlint"])


def finds_nothing(linter: list[str | Path]) -> None:
    done = subprocess.run([*linter, *WORKFLOWS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
