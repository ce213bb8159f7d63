"""Rules of the house that no type checker knows; each names the file that breaks it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from realfake.params import Params, load_params

PROJECT = Path(__file__).parents[1]
SOURCE = PROJECT / "src"
LIBRARY = SOURCE / "realfake"
MODULES = sorted(LIBRARY.rglob("*.py"))
SCRIPTS = sorted(SOURCE.glob("*.py"))
EVERY_FILE = sorted(
    [
        *SOURCE.rglob("*.py"),
        *(path for name in ("sample", "tests", "benchmarks", "models") for path in (PROJECT / name).glob("*.py")),
    ]
)
PIPELINE: dict[str, dict[str, Any]] = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"]

SLOW_TO_IMPORT = {"keras", "tensorflow", "mlflow", "matplotlib", "albumentations", "optuna", "kagglehub"}
SLOW_TO_IMPORT |= {"tf2onnx", "onnxruntime", "openvino", "ray", "sqlalchemy"}
NEEDS_KERAS = {"builder.py", "calibration.py", "explanation.py", "grad_cam.py", "mirror.py", "network.py"}
NEEDS_KERAS |= {"resnet.py", "training.py", "trunk.py", "trunk_features.py"}
"""These are Keras from end to end; whoever imports them does it inside a function."""
NOT_IN_THE_BYTES = {
    "__init__": "sets defaults that keep packages quiet",
    "checkpoint": "a resumed training gives the bytes of an uninterrupted one, which its own test shows",
    "errors": "only words of error messages",
    "explain": "only words of error messages",
    "mlflow_store": "opens the store, never an output",
    "params": "checks values; the values themselves are DVC params",
    "params_kinds": "as params",
    "params_tools": "as params; and no stage reads these groups",
    "quiet": "only holds back what others print",
    "tracking": "writes to MLflow, never into an output",
    "provenance": "describes code and machine, in tags, timings and keys of what is kept",
    "shipped": "says where a file lies; its digest is a DVC param",
    "runlink": "says which run trained a model",
    "trunk_cache": "a kept feature is what would be computed anew; its key says so",
    "workspace": "says where files lie and how they are replaced",
}
"""Modules that a stage may import without naming them in dvc.yaml: an edit there must not retrain for hours."""


def relative(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def imports(tree: ast.AST) -> Iterator[str]:
    """Dotted names of everything imported in a tree, at any depth."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def dotted(module: Path) -> str:
    """A module's name within realfake: `sweep.study`; a folder's is that of the folder."""
    parts = module.relative_to(LIBRARY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def packages(tree: ast.AST) -> set[str]:
    return {name.partition(".")[0] for name in imports(tree)}


def parse(path: Path) -> ast.Module:
    """A file's syntax tree, without what it imports for its annotations only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [
        node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
    ]
    return tree


def own_modules(path: Path) -> set[str]:
    """Names of the realfake modules that a file imports."""
    return {name.removeprefix("realfake.") for name in imports(parse(path))} & set(map(dotted, MODULES))


def behind(script: Path) -> set[str]:
    """The realfake modules a script reaches, directly or through others, that determine what it writes."""
    found: set[str] = set()
    waiting = own_modules(script)
    while waiting:
        module = waiting.pop()
        if module not in found and module not in NOT_IN_THE_BYTES:
            found.add(module)
            waiting |= own_modules(LIBRARY / f"{module.replace('.', '/')}.py")
    return found


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        ("mlflow", {"src/realfake/mlflow_store.py", "src/realfake/tracking.py"}),
        ("optuna", {f"src/realfake/sweep/{name}.py" for name in ("report", "runs", "search", "study", "worker")}),
        ("ray", {"src/realfake/sweep/cluster.py"}),
        ("yaml", {"src/realfake/params.py", "src/realfake/lock.py"}),  # the latter compares two states of dvc.lock
        ("ruamel", {"src/realfake/params_edit.py"}),
    ],
)
def test_a_package_has_one_door(package: str, allowed: set[str]) -> None:
    users = {relative(path) for path in SOURCE.rglob("*.py") if package in packages(parse(path))}
    assert users <= allowed


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS], ids=relative)
def test_slow_packages_are_imported_where_they_are_used(path: Path) -> None:
    outside_functions = ast.Module(
        [node for node in parse(path).body if not isinstance(node, ast.FunctionDef | ast.ClassDef)], []
    )
    allowed = {"keras", "tensorflow"} if path.name in NEEDS_KERAS else set()
    assert packages(outside_functions) & SLOW_TO_IMPORT <= allowed
    if path.name not in NEEDS_KERAS:
        at_import = {name.removeprefix("realfake.") + ".py" for name in imports(outside_functions)}
        assert not at_import & NEEDS_KERAS


@pytest.mark.parametrize("path", EVERY_FILE, ids=relative)
def test_files_are_short_and_say_what_they_are(path: Path) -> None:
    limit = 80 if path.stem in PIPELINE and path.parent == SOURCE else 300
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit
    assert ast.get_docstring(parse(path)), "no module docstring"


@pytest.mark.parametrize("stage", PIPELINE)
def test_a_stage_is_one_script_one_function_one_group(stage: str) -> None:
    script = SOURCE / f"{stage}.py"
    assert PIPELINE[stage]["cmd"] == f"python src/{stage}.py"
    assert PIPELINE[stage]["params"] == [stage]
    assert stage in Params.model_fields
    assert stage in {node.name for node in parse(script).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("stage", PIPELINE)
def test_a_stage_depends_on_what_it_imports(stage: str) -> None:
    """DVC reruns a stage when a dependency changes: one too few is a stale result, one too many trains for nothing."""
    declared = {name for name in PIPELINE[stage]["deps"] if name.endswith(".py")}
    imported = {f"src/realfake/{module.replace('.', '/')}.py" for module in behind(SOURCE / f"{stage}.py")}
    assert declared == imported | {f"src/{stage}.py"}


def test_a_checkpoint_is_keyed_by_what_train_depends_on() -> None:
    """All but those that come after the epochs."""
    tree = parse(SOURCE / "realfake/training.py")
    (value,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["MODULES"]
    ]
    assert set(ast.literal_eval(value)) == behind(SOURCE / "train.py") - {"calibration", "mirror", "record"}


def test_the_exceptions_are_still_needed() -> None:
    assert set(NOT_IN_THE_BYTES) <= set(map(dotted, MODULES))


@pytest.mark.parametrize("recipe", sorted((PROJECT / "recipes").glob("*.yaml")), ids=relative)
def test_recipes_are_valid(recipe: Path) -> None:
    load_params(recipe)


def test_the_committed_experiment_is_the_quick_recipe() -> None:
    """In git, not in the tree: whoever switched the recipe may still run the tests."""

    def committed(name: str) -> str:
        command = ["git", "show", f"HEAD:./{name}"]
        result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        return result.stdout if result.returncode == 0 else pytest.skip(f"git has no committed {name}")

    params, quick = committed("params.yaml"), committed("recipes/quick.yaml")
    assert yaml.safe_load(params) == yaml.safe_load(quick)


@pytest.mark.parametrize("path", [module for module in MODULES if module.stem != "__init__"], ids=relative)
def test_every_module_has_its_tests(path: Path) -> None:
    assert (PROJECT / f"tests/test_{dotted(path).replace('.', '_')}.py").is_file()


@pytest.mark.parametrize("script", SCRIPTS, ids=relative)
def test_scripts_start_at_once(script: Path) -> None:
    """Asking for help, or importing a stage, loads none of the packages that take seconds."""
    takes_arguments = "argparse" in packages(parse(script))
    command = [str(script), "--help"] if takes_arguments else ["-c", f"import {script.stem}"]
    result = subprocess.run(
        [sys.executable, "-X", "importtime", *command], cwd=SOURCE, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr.splitlines()[-1]
    loaded = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert not loaded & SLOW_TO_IMPORT


def test_plot_pages_ask_no_server() -> None:
    """DVC's own template loads Vega from a CDN; ours carries it, and DVC must find it."""
    from dvc.config import Config

    config = Config(str(PROJECT / ".dvc"))
    template = PROJECT / ".dvc" / config["plots"]["html_template"]
    page = template.read_text(encoding="utf-8")
    head = page[: page.index("<script>")]
    assert "{plot_divs}" in page
    assert "{scripts}" not in page, "DVC would put its CDN's scripts there"
    assert page.count("<script") == page.count("<script>\n") == page.count("</script>") == 3
    assert "src=" not in head
    assert "<link" not in page
    assert "@import" not in page
    assert "BSD" in head
    assert template.stat().st_size < 2**20
    assert not config["core"]["analytics"]
    assert not config["core"]["check_update"]
