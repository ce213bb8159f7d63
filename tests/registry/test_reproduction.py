"""The printed commands reproduce a version from what its run has recorded."""

import subprocess

from checkouts import first_commit, git
from registered import trained

from realfake.registry import reproduction
from realfake.registry.trained_run import read_trained_run
from realfake.tracking import lineage
from realfake.tracking.store import open_store


def test_a_run_records_uncommitted_changes_and_the_commands_apply_them(project, prepared, capsys, monkeypatch):
    first_commit(project)
    with open_store("realfake") as client:
        run_id = trained(client, prepared, "one", params={"train.epochs": "3"})
        (project / "src/code.py").write_text("two\n")
        (project / "dvc.lock").write_text("schema: '2.0'\n")
        lineage.record(client, run_id)
        lineage.record_lock(client, run_id)
        kept = {entry.path for entry in client.list_artifacts(run_id, "lineage")}
        assert kept == {f"lineage/{name}" for name in ("params.yaml", "changes.patch", "dvc.lock")}
        found = read_trained_run(client, client.get_run(run_id))
        text = "\n".join(reproduction.describe(client, found, "toy version 1", "models:/toy/1"))
        assert "python src/use.py --weights models:/toy/1\n" in text
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=project, capture_output=True, text=True, check=True)
        assert f"git checkout {head.stdout}git apply .cache/lineage/changes.patch\n" in text
        assert "cp .cache/lineage/params.yaml .cache/lineage/dvc.lock .\n" in text
        assert "#   train.epochs 3\n" in text
        git(project, "commit", "--quiet", "--all", "--message", "second")
        lineage.record(client, run_id)  # as a later stage does
        text = "\n".join(
            reproduction.describe(client, read_trained_run(client, client.get_run(run_id)), "toy version 1")
        )
        assert head.stdout not in text, "the last stage recorded a later commit"
        assert "git apply" not in text
        (project / "src/code.py").write_text("three\n")
        monkeypatch.setattr(lineage, "MAX_PATCH_BYTES", 10)
        lineage.record(client, trained(client, prepared, "two"))
        assert "not kept with the run" in capsys.readouterr().out
