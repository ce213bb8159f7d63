"""`src/promote.py` promotes, verifies, serves and rolls back after a whole pipeline, with real servers and kills."""

import json
import os
import re
import sqlite3
import subprocess
import urllib.request
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
import yaml
from checkouts import change, clone, commit, environment, run, start, store, succeed, wait_for
from servers import PASSWORD, free_port, mlflow_server, postgresql, scoring_server

pytestmark = pytest.mark.slow

PROMOTE = "python src/promote.py"


@pytest.fixture
def gated(copied: Path, monkeypatch) -> Path:
    """A clone whose pipeline has run, with limits that its small network passes."""
    monkeypatch.setenv("HOME", str(copied.parent / "home"))
    gate = {"limits": {"test/accuracy": {"min": 0.4}}, "max_accuracy_loss": 0.5, "max_latency_ratio": 50.0}
    change(copied, "promote", **gate)
    commit(copied)
    return copied


def aliases(project: Path) -> dict[str, int]:
    """Return the version number of each alias of the registered model."""
    model = store(project).get_registered_model("realfake")
    return {name: int(version) for name, version in model.aliases.items()}


def served(address: str, pictures: np.ndarray) -> list[float]:
    """Return P(REAL) of pictures from a scoring server."""
    body = json.dumps({"instances": pictures.tolist()}).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return [row[0] for row in json.load(answer)["predictions"]]


def recorded(project: Path, count: int) -> list[float]:
    """Return P(REAL) of the first test pictures as evaluate recorded it."""
    rows = (project / "outputs/evaluation/predictions.csv").read_text().splitlines()[1 : count + 1]
    return [float(row.rpartition(",")[2]) for row in rows]


def check_http_client(project: Path, server: str) -> None:
    """Check that the HTTP client gives the same results as the script, and one-line errors."""
    (project / "text.jpg").write_text("text")
    pictures = "imgs/fake imgs/real text.jpg"
    client = run(project, f"python src/localpredict/http_client.py {pictures} --server {server}")
    file = run(project, f"python src/localpredict/inference_script.py {pictures} --no-plot")
    assert (client.returncode, file.returncode) == (1, 1)
    assert client.stderr == file.stderr == "error: text.jpg: not a picture that Pillow can read\n"
    labels = [[line.split()[1] for line in done.stdout.splitlines()] for done in (client, file)]
    assert len(labels[0]) == 24
    assert sum(one == other for one, other in zip(*labels, strict=True)) >= 22, "int8 differs near the threshold"
    unreachable = run(
        project, f"python src/localpredict/http_client.py imgs/fake/5.jpg --server http://127.0.0.1:{free_port()}"
    )
    assert unreachable.returncode == 1
    assert "mlflow models serve" in unreachable.stderr
    small = run(project, f"python src/localpredict/http_client.py imgs/fake/5.jpg --image-size 64 --server {server}")
    assert small.returncode == 1
    assert "refuses" in small.stderr


def first_pictures(project: Path, count: int) -> np.ndarray:
    return np.load(project / "outputs/prepared/test_pictures.npy")[:count].astype(np.float32) / 255


def test_a_champion_is_promoted_verified_served_trained_from_and_rolled_back(gated):
    printed = succeed(gated, PROMOTE)
    assert "promoted: version 1 of realfake" in printed
    assert "not gated  accuracy against champion" in printed
    assert "version 1: verified" in succeed(gated, f"{PROMOTE} --verify")

    with scoring_server(
        gated, "models:/realfake@champion", MLFLOW_TRACKING_URI=f"sqlite:///{gated}/mlflow.db"
    ) as address:
        assert served(address, first_pictures(gated, 5)) == pytest.approx(recorded(gated, 5), abs=1e-5)
        check_http_client(gated, address.removesuffix("/invocations"))

    succeed(gated, "python src/use.py --weights models:/realfake@champion")
    params = yaml.safe_load((gated / "params.yaml").read_text())["train"]
    trained = (gated / "outputs/model/model.keras").read_bytes()
    assert params["weights"] == "weights/realfake-1.keras"
    assert (gated / params["weights"]).read_bytes() == trained
    change(gated, "train", epochs=1)
    succeed(gated, "dvc repro")
    printed = succeed(gated, f"{PROMOTE} --run {training_names(gated)[0]}")
    assert "promoted: version 2 of realfake" in printed
    assert re.search(r"passed +latency against champion", printed)
    assert aliases(gated) == {"champion": 2, "previous": 1}
    assert "version 1 again" in succeed(gated, f"{PROMOTE} --rollback")
    history = succeed(gated, f"{PROMOTE} --history").splitlines()
    assert [re.search(r"version \d \w+( back)?", line)[0] for line in history[1:]] == [
        "version 1 promoted",
        "version 2 promoted",
        "version 1 rolled back",
    ]


def training_names(project: Path) -> list[str]:
    """Return the names of the training runs, newest first."""
    client = store(project)
    experiment_id = client.get_experiment_by_name("realfake").experiment_id
    return [found.info.run_name for found in client.search_runs([experiment_id], "tags.model_logged = 'true'")]


def test_a_refusal_has_exit_code_3_and_an_error_has_1(gated):
    change(gated, "promote", limits={"test/accuracy": {"min": 0.6}, "test/brier": {"max": 0.0}})
    refused = run(gated, PROMOTE)
    assert refused.returncode == 3
    assert "refused    test/brier" in refused.stdout
    assert (gated / "outputs/promotion/verdict.md").read_text().startswith("**refused**: version 1 of realfake")
    done = run(gated, f"{PROMOTE} --verify champion")
    assert done.returncode == 1
    assert re.fullmatch(r"error: .*no version champion.*\n", done.stderr)
    succeed(gated, "git checkout --quiet params.yaml")
    (version,) = store(gated).search_model_versions()
    store(gated).log_metric(version.run_id, "test/accuracy", 0.123)
    done = run(gated, f"{PROMOTE} --verify 1")
    assert done.returncode == 3
    assert re.search(r"DIFFERS +test/accuracy +recorded 0.123", done.stdout)
    assert "version 1: NOT verified" in done.stdout
    change(gated, "train", weights="models:/realfake@challenger")
    done = run(gated, "python src/train.py")
    assert "python src/use.py --weights models:/realfake@challenger" in done.stderr


def test_the_printed_commands_reproduce_a_version_in_a_new_clone(gated):
    """The version has uncommitted changes: a comment in a module of train, and another number of epochs."""
    module = gated / "src/realfake/models/resnet.py"
    module.write_text(module.read_text() + "# a change that is in no commit\n")
    change(gated, "train", epochs=2)
    succeed(gated, "dvc repro")
    succeed(gated, f"{PROMOTE} --trained")
    lines = succeed(gated, f"{PROMOTE} --lineage").splitlines()
    trained = (gated / "outputs/model/model.keras").read_bytes()
    lock = (gated / "dvc.lock").read_text()
    succeed(gated, "git stash --quiet")

    other = clone(gated, gated.parent / "other")
    succeed(other, f"dvc cache dir --local {gated}/.dvc/cache")
    script = "\n".join(["set -e", *lines])
    variables = environment(HOME=os.environ["HOME"])
    done = subprocess.run(["bash", "-c", script], cwd=other, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (other / "outputs/model/model.keras").read_bytes() == trained
    assert (other / "dvc.lock").read_text() == lock
    assert "a change that is in no commit" in (other / "src/realfake/models/resnet.py").read_text()
    assert "Stage 'train' didn't change, skipping" in done.stdout, "the network is restored from DVC's cache"
    assert not run(other, "dvc status --quiet").returncode


def is_changing(project: Path) -> bool:
    """Return whether a change of the registry is in progress."""
    query = (
        "SELECT count(*) FROM runs JOIN experiments USING (experiment_id) "
        "WHERE status = 'RUNNING' AND experiments.name = 'realfake-promotions'"
    )
    with closing(sqlite3.connect(project / "mlflow.db", timeout=30)) as connection:
        return bool(connection.execute(query).fetchone()[0])


def test_a_killed_promotion_is_settled_by_the_next_of_two_concurrent_ones(gated):
    process = start(gated, PROMOTE, gated / "promote.log")
    wait_for(lambda: is_changing(gated), process)
    process.kill()
    process.wait()
    two = [start(gated, PROMOTE, gated / f"promote-{number}.log") for number in range(2)]
    assert [process.wait() for process in two] == [0, 0]
    outputs = [(gated / f"promote-{number}.log").read_text() for number in range(2)]
    assert sum("an interrupted change" in output for output in outputs) == 1
    assert sum("is the champion already" in output for output in outputs) == 1, "the second one waits for the first"
    assert aliases(gated) == {"champion": 1}
    assert "unfinished" not in succeed(gated, f"{PROMOTE} --history")


def test_promotion_and_serving_on_a_server_with_a_password_and_postgresql(gated, tmp_path):
    with postgresql() as database, mlflow_server(tmp_path / "server", database, password=True) as address:
        named = f"http://admin:{quote(PASSWORD)}@{address.removeprefix('http://')}"
        variables = {"MLFLOW_TRACKING_URI": named}
        for_serving = {
            "MLFLOW_TRACKING_URI": address,
            "MLFLOW_TRACKING_USERNAME": "admin",
            "MLFLOW_TRACKING_PASSWORD": PASSWORD,
        }
        done = run(gated, f"{PROMOTE} --history", MLFLOW_TRACKING_URI=address, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
        assert "401" in done.stderr or "401" in done.stdout, "the server refuses requests without a password"
        succeed(gated, "dvc repro -f evaluate export", **variables)  # rebuilds the run on this server
        assert "promoted: version 1 of realfake" in succeed(gated, PROMOTE, **variables)
        assert "is version 1" in succeed(gated, "python src/use.py --weights models:/realfake@champion", **variables)
        lines = succeed(gated, f"{PROMOTE} --lineage", **variables)
        assert f"export MLFLOW_TRACKING_URI={address}\n" in lines
        assert quote(PASSWORD) not in lines
        with scoring_server(gated, "models:/realfake@champion", **for_serving) as scoring:
            assert served(scoring, first_pictures(gated, 3)) == pytest.approx(recorded(gated, 3), abs=1e-5)
