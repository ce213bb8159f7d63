"""The import closure of a module, and the edits that change its digest."""

import shutil
from pathlib import Path

import pytest

from realfake.core import code_identity
from realfake.core.code_identity import code_digest, import_closure, imported_modules, influencing_modules, source_files


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a copy of the library's sources that a test may edit."""
    copy = shutil.copytree(code_identity.PACKAGE, tmp_path / "realfake", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code_identity, "PACKAGE", copy)
    return copy


def test_imports_at_any_depth_count_and_those_for_annotations_do_not(package: Path) -> None:
    script = package / "data/new.py"
    script.write_text(
        "from typing import TYPE_CHECKING\nfrom . import images\nfrom ..core.errors import UserError\n"
        "def late():\n    from realfake.metrics import scores\n    import realfake.data.corruption\n"
        "if TYPE_CHECKING:\n    from realfake.training.loop import fit\n"
    )
    assert imported_modules(script) == {"data.images", "core.errors", "metrics.scores", "data.corruption"}


def test_the_closure_follows_imports_and_omits_the_excluded_modules(package: Path) -> None:
    (package / "data/one.py").write_text("import realfake.data.two\n")
    (package / "data/two.py").write_text("from realfake.data import three\nfrom realfake.core.errors import run\n")
    (package / "data/three.py").write_text("from realfake.data import one\n")
    assert import_closure("data.one") == ("core.errors", "data.one", "data.three", "data.two")
    assert influencing_modules("data.one") == ("data.one", "data.three", "data.two")
    assert import_closure("data.one", without=("data.two",)) == ("data.one",)
    assert import_closure(package / "data/two.py") == ("core.errors", "data.one", "data.three", "data.two")


def test_the_digest_changes_with_code_deep_in_the_closure_but_not_with_docstrings(package: Path) -> None:
    corruption = package / "data/corruption.py"
    source, before = corruption.read_text(), code_digest("feature_cache.features")
    corruption.write_text(source + "\nFURTHER = 1\n")
    assert code_digest("feature_cache.features") != before
    corruption.write_text(source.replace('"""', '"""One more sentence. ', 1) + "\n\n# a comment\n")
    assert code_digest("feature_cache.features") == before
    (package / "core/errors.py").write_text("RAISED = 1\n")
    assert code_digest("feature_cache.features") == before, "core.errors is in WITHOUT_INFLUENCE"


def test_the_files_of_a_module_include_its_packages(package: Path) -> None:
    names = {path.relative_to(package).as_posix() for path in source_files(["data.images"])}
    assert names == {"__init__.py", "data/__init__.py", "data/images.py"}
