"""The patch of uncommitted work has what reproduces a run, and nothing private."""

import subprocess

from checkouts import first_commit, git

from realfake.tracking import lineage


def test_the_patch_holds_changed_and_new_files_and_the_index_is_unchanged(project):
    assert lineage.uncommitted_patch(project) == b"", "nothing is committed yet"
    first_commit(project)
    assert lineage.uncommitted_patch(project) == b""
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
    patch = lineage.uncommitted_patch(project)
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
