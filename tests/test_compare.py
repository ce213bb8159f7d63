"""The command that shows runs beside each other: its forms, and what it says without any."""

import json
import subprocess
import sys

from checkouts import environment
from conftest import PROJECT

from realfake.tracking.store import as_metrics, create_run, open_store


def compare(*arguments: str) -> str:
    command = [sys.executable, str(PROJECT / "src/compare.py"), *arguments]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_form_has_the_run(project):
    assert "no runs yet" in compare()
    with open_store("realfake") as client:
        run = create_run(client, "realfake", "toy", {"train.epochs": 3}, {})
        client.log_batch(run.run_id, metrics=as_metrics({"test/accuracy": 0.975}, step=0))
    assert "97.50%" in compare()
    assert json.loads(compare("--json"))[0]["run_id"] == run.run_id
    assert run.run_id in compare("--csv")
    assert compare("--limit", "0", "--json") == "[]\n"
