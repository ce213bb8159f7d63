"""What the documentation says can be done: links lead somewhere, commands exist, and files are where it says."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from conftest import PROJECT
from documents import PAGES, Page, wrong

from realfake.core.code_identity import LAYERS

README = Page(PROJECT / "README.md")
each_page = pytest.mark.parametrize("page", [Page(path) for path in PAGES], ids=lambda page: page.path.stem)


@each_page
def test_links_lead_somewhere(page: Page) -> None:
    for link in page.links():
        target, _, anchor = link.partition("#")
        path = (page.path.parent / target).resolve() if target else page.path
        assert path.exists(), link
        if anchor:
            assert anchor in Page(path).anchors(), link


@each_page
def test_commands_exist(page: Page) -> None:
    complaints = {shlex.join(words): wrong(words) for words in page.commands()}
    assert {command: complaint for command, complaint in complaints.items() if complaint} == {}


@pytest.mark.parametrize(
    "command",
    [
        "make rerpo",
        "make prune DAY=7",
        "make use RECIPE=fast",
        "python src/tun.py --trials 30",
        "python src/tune.py --trial-count 30",
        "python src/use.py fast",
        "python src/override.py train.epoch=3",
        "python benchmarks/run.py speed",
        "dvc exp runs",
        "dvc exp run -S train.epoch=3",
        "mlflow models serv",
    ],
)
def test_a_command_that_does_not_exist_is_found(command: str) -> None:
    assert wrong(shlex.split(command))


@each_page
def test_a_block_says_what_it_is(page: Page) -> None:
    """Commands are `bash` and are checked; what is printed is `text`."""
    assert {language for language, _ in page.blocks()} <= {"bash", "text", "yaml"}


@each_page
def test_files_that_are_named_are_there(page: Page) -> None:
    folders = r"src|docs|tests|benchmarks|models|sample|recipes|imgs|\.github|\.ci"
    named = re.findall(rf"`((?:{folders})/[\w./-]*)`", page.text)
    placeholder = re.compile(r"NAME|MODULE|PACKAGE")
    assert [name for name in named if not (PROJECT / name).exists() and not placeholder.search(name)] == []


def test_the_readme_is_short_and_lists_the_packages_in_their_order() -> None:
    assert len(README.text.splitlines()) <= 200
    assert tuple(re.findall(r"^  (\w+)/ ", README.text, flags=re.MULTILINE)) == LAYERS


def test_the_version_is_the_same_everywhere() -> None:
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text())
    assert citation["version"] == version
    headings = re.findall(r"^## \[(.+?)\](?: - (.+))?$", (PROJECT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert headings[:2] == [("Unreleased", ""), (version, citation["date-released"])]


@pytest.mark.parametrize("form", sorted((PROJECT / ".github/ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.stem)
def test_an_issue_form_has_what_github_asks_for(form: Path) -> None:
    document = yaml.safe_load(form.read_text())
    assert {"name", "description", "body"} <= set(document)
    for field in document["body"]:
        assert field["type"] in ("markdown", "textarea", "input", "checkboxes")
        assert field["type"] == "markdown" or field["attributes"]["label"]


def test_a_clone_that_would_write_other_line_ends_has_the_same_bytes(tmp_path: Path) -> None:
    """DVC and the digests of code read bytes: `core.autocrlf=true`, usual on Windows, must not make anything stale."""
    for value in ("true", "false"):
        command = ["git", "clone", "--quiet", "--config", f"core.autocrlf={value}", str(PROJECT), str(tmp_path / value)]
        subprocess.run(command, check=True)
    files = subprocess.run(["git", "ls-files", "-z"], cwd=tmp_path / "true", capture_output=True, text=True, check=True)
    names = [name for name in files.stdout.split("\0") if name]
    assert len(names) > 300
    assert [n for n in names if (tmp_path / "true" / n).read_bytes() != (tmp_path / "false" / n).read_bytes()] == []


def test_is_my_picture_fake_is_answered_as_the_readme_says(tmp_path: Path) -> None:
    """In a clone in which nothing was trained, by the shipped detector."""
    section = README.text.partition("## Is my picture fake?")[2].partition("\n## ")[0]
    (commands, printed) = (text for _, text in Page.blocks(README) if text in section)
    for name in ("src", "imgs", "models/cifake"):
        shutil.copytree(PROJECT / name, tmp_path / name)
    (tmp_path / "dvc.yaml").touch()
    words = shlex.split(commands.splitlines()[1])
    done = subprocess.run([sys.executable, *words[1:]], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == printed
