"""The site: it builds without the network and follows the code; a broken link stops it."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from checkouts import environment
from conftest import PROJECT
from PIL import Image

from realfake.config.schema import Params, flatten, load_params
from realfake.core.code_identity import LAYERS
from realfake.core.json_files import write_json

sys.path.append(str(PROJECT / "docs/tools"))
import architecture
import figures
import pages
import parameters
import pictures


def build(project: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Build the site of a project as `make docs` does."""
    command = [str(Path(sys.executable).with_name("mkdocs")), "build", "--site-dir", str(site)]
    variables = environment(NO_MKDOCS_2_WARNING="1")
    return subprocess.run(command, cwd=project, env=variables, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    """A copy of what the site is made of."""
    project = tmp_path / "project"
    project.mkdir()
    shutil.copytree(PROJECT / "docs", project / "docs")
    for path in PROJECT.iterdir():  # links to files outside docs/ must lead somewhere
        if path.name not in ("docs", ".git"):
            (project / path.name).symlink_to(path)
    yield project


def test_the_site_builds_and_asks_nobody(tmp_path: Path) -> None:
    done = build(PROJECT, tmp_path / "site")
    assert done.returncode == 0, done.stderr
    built = list((tmp_path / "site").glob("*.html"))
    assert len(built) == len(list((PROJECT / "docs").glob("*.md"))) + 1, "all pages, and that of a missing one"
    assert not (tmp_path / "site/tools").exists()
    for page in built:
        loaded = re.findall(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="(https?:[^"]*)"', page.read_text())
        assert loaded == [], page.name


def test_a_broken_link_or_a_lost_page_stops_it(copy: Path, tmp_path: Path) -> None:
    page = copy / "docs/questions.md"
    mistakes = ["[x](no.md)", "[x](training.md#no)", "[x](#no-one)", "[x](../no.py)", "![x](no.png)"]
    page.write_text(page.read_text() + "\n".join(mistakes))
    (copy / "docs/lost.md").write_text("# Lost\n")
    done = build(copy, tmp_path / "site")
    assert done.returncode == 1
    warnings = [line for line in done.stderr.splitlines() if "WARNING" in line]
    for named in ("'no.md'", "'training.md#no'", "'#no-one'", "../no.py", "'no.png'"):
        assert any(named in line for line in warnings), named
    assert "- lost.md" in done.stderr


def test_what_pages_take_from_the_code_is_up_to_date() -> None:
    found = pages.generated()
    assert {path.name for path in found} == {"layers.svg", "pipeline.svg", "architecture.md", "parameters.md"}
    outdated = [path.name for path, text in found.items() if path.read_text(encoding="utf-8") != text]
    assert outdated == [], "`make docs` writes them; commit them with your change"


def test_every_parameter_has_a_row_with_its_meaning() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| (.+?) \| (.+?) \| (.+?) \|$", parameters.tables(), flags=re.MULTILINE)
    default = load_params(PROJECT / "recipes/quick.yaml")
    known = [name for group in Params.model_fields for name in flatten(getattr(default, group))]
    assert [name for name, *_ in rows] == known
    assert all(len(meaning) > 10 for *_, meaning in rows)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 8, "maximum": 512}, "integer in [8, 512]"),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, "number in (0, 1)"),
        ({"type": "number", "exclusiveMinimum": 0}, "number > 0"),
        ({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}, "integer ≥ 1 or `null`"),
        ({"type": "string", "enum": ["a", "b"]}, "`a`, `b`"),
        ({"type": "array", "items": {"enum": ["a"], "type": "string"}}, "list of `a`"),
    ],
)
def test_a_range_is_written_as_an_interval(schema: dict, words: str) -> None:
    assert parameters.kind(schema) == words


def test_a_change_runs_what_depends_on_it() -> None:
    assert parameters.downstream("preprocess") == ["preprocess", "train", "evaluate", "export"]
    assert parameters.downstream("evaluate") == ["evaluate", "export"]
    assert "no stage" in parameters.reruns("tune")


def test_drawings_show_every_package_and_stage() -> None:
    layers = architecture.layers_drawing()
    assert all(f">{package}</text>" in layers for package in LAYERS)
    assert layers.count("<circle") == sum(len(architecture.uses(package)) for package in LAYERS)
    pipeline = architecture.pipeline_drawing()
    assert all(f">{stage}</text>" in pipeline for stage in yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"])


def test_every_picture_of_the_documentation_has_a_command_that_makes_it() -> None:
    assert {path.stem for path in (PROJECT / "docs").glob("*.png")} == {*pictures.PICTURES, "benchmarks"}


def test_figures_are_drawn_from_what_was_measured(tmp_path: Path) -> None:
    figures.robustness(tmp_path / "robustness.png")
    row = {"bytes": 3e6, "accuracy": 0.98, "cold_start_ms": 5.0, "p50_ms": 0.2, "pictures_per_second": 9000.0}
    write_json(tmp_path / "outputs/export/formats.json", {"formats": {"keras": row, "onnx": row}})
    write_json(tmp_path / "outputs/timings/export.json", {"formats": {"keras": row, "onnx": row}})
    figures.formats(tmp_path, tmp_path / "formats.png")
    for name in ("robustness", "formats"):
        assert Image.open(tmp_path / f"{name}.png").width > 1000
