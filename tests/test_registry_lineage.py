"""What is kept of uncommitted work, and the commands that bring a version back."""

import subprocess

from registered import trained

from realfake.mlflow_store import store
from realfake.registry import lineage
from realfake.registry.subject import read_subject


def git(folder, *arguments):
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def committed(project):
    for name in ("user.name", "user.email"):
        git(project, "config", name, "test@example.org")
    (project / "src").mkdir()
    (project / "src/code.py").write_text("one\n")
    (project / ".gitignore").write_text("/mlflow.db*\n/mlruns/\n/.cache/\n")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "first")


def test_the_patch_holds_changed_and_new_files_and_leaves_the_index_alone(project):
    assert lineage.uncommitted(project) == b"", "nothing is committed yet"
    committed(project)
    assert lineage.uncommitted(project) == b""
    (project / "src/code.py").write_text("two\n")
    (project / "src/new.py").write_bytes(b"new\n")
    (project / "src/picture.bin").write_bytes(bytes(range(256)))
    (project / "keys.json").write_text("a secret beside the work")
    git(project, "config", "color.ui", "always")
    git(project, "config", "diff.noprefix", "true")
    (project / "dvc.lock").write_text("the pipeline's own\n")
    (project / "outputs").mkdir()
    (project / "outputs/metrics.json").write_text("{}")
    before = sorted((project / ".git/objects").rglob("*"))
    patch = lineage.uncommitted(project)
    assert sorted((project / ".git/objects").rglob("*")) == before
    status = subprocess.run(
        ["git", "diff", "--cached", "--name-only"], cwd=project, capture_output=True, text=True, check=True
    )
    assert status.stdout == ""
    clone = project.parent / "clone"
    git(project.parent, "clone", "--quiet", str(project), str(clone))
    (project.parent / "changes.patch").write_bytes(patch)
    git(clone, "apply", str(project.parent / "changes.patch"))
    for name in ("src/code.py", "src/new.py", "src/picture.bin"):
        assert (clone / name).read_bytes() == (project / name).read_bytes()
    assert not (clone / "dvc.lock").exists()
    assert b"secret" not in patch
    assert not (clone / "outputs").exists()


def test_a_run_keeps_what_the_commit_does_not_tell(project, prepared, capsys, monkeypatch):
    committed(project)
    with store("realfake") as client:
        run_id = trained(client, prepared, "one", params={"train.epochs": "3"})
        (project / "src/code.py").write_text("two\n")
        (project / "dvc.lock").write_text("schema: '2.0'\n")
        lineage.record(client, run_id)
        lineage.record_lock(client, run_id)
        kept = {entry.path for entry in client.list_artifacts(run_id, "lineage")}
        assert kept == {f"lineage/{name}" for name in ("params.yaml", "changes.patch", "dvc.lock")}
        subject = read_subject(client, client.get_run(run_id))
        text = "\n".join(lineage.describe(client, subject, "toy version 1", "models:/toy/1"))
        assert "python src/use.py --weights models:/toy/1\n" in text
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=project, capture_output=True, text=True, check=True)
        assert f"git checkout {head.stdout}git apply .cache/lineage/changes.patch\n" in text
        assert "cp .cache/lineage/params.yaml .cache/lineage/dvc.lock .\n" in text
        assert "#   train.epochs 3\n" in text
        git(project, "commit", "--quiet", "--all", "--message", "second")
        lineage.record(client, run_id)  # as a later stage does
        text = "\n".join(lineage.describe(client, read_subject(client, client.get_run(run_id)), "toy version 1"))
        assert head.stdout not in text, "the commit is that of params.yaml and dvc.lock"
        assert "git apply" not in text
        (project / "src/code.py").write_text("three\n")
        monkeypatch.setattr(lineage, "LARGEST", 10)
        lineage.record(client, trained(client, prepared, "two"))
        assert "are not kept with the run; commit them" in capsys.readouterr().out
