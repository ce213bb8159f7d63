"""Rules of the house that no type checker knows; each names the file that breaks it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from realfake.config.schema import Params, load_params
from realfake.core.code_identity import (
    LAYERS,
    WITHOUT_INFLUENCE,
    import_closure,
    imported_modules,
    influencing_modules,
    source_of,
)

PROJECT = Path(__file__).parents[1]
SOURCE = PROJECT / "src"
LIBRARY = SOURCE / "realfake"
MODULES = sorted(LIBRARY.rglob("*.py"))
SCRIPTS = sorted(SOURCE.glob("*.py"))
HANDWRITTEN = ("src", "sample", "tests", "benchmarks", "models", "docs")
EVERY_FILE = sorted(path for name in HANDWRITTEN for path in (PROJECT / name).rglob("*.py"))
PIPELINE: dict[str, dict[str, Any]] = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"]

SLOW_TO_IMPORT = {"keras", "tensorflow", "mlflow", "matplotlib", "albumentations", "optuna", "kagglehub"}
SLOW_TO_IMPORT |= {"tf2onnx", "onnxruntime", "openvino", "ray", "sqlalchemy", "dvc", "gradio"}
FOR_INFERENCE = ("core", "data.images", "inference")
"""What the inference package may import: these modules and packages, and nothing else of realfake."""
SEARCHING = ("mlflow_runs", "results", "storage", "study", "trial_run", "trials", "worker")
"""Modules of the sweep that use Optuna."""
HEAVY = ("tensorflow", "keras", "dvc", "mlflow", "optuna", "albumentations", "matplotlib")


LONGEST_FUNCTION = 60
"""Lines."""
FOREIGN = {"_call_context_args"}
"""Private names of other packages that tests need: what a Keras layer passes on."""


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


def package_of(module: str) -> str:
    return module.partition(".")[0]


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        ("mlflow", {f"src/realfake/tracking/{name}.py" for name in ("store", "runs", "database")}),
        ("optuna", {f"src/realfake/sweep/{name}.py" for name in SEARCHING}),
        ("ray", {"src/realfake/sweep/ray_cluster.py"}),
        (
            "yaml",
            {"src/realfake/config/schema.py", "src/realfake/reporting/dvc_lock_diff.py"},
        ),  # the latter compares two states of dvc.lock
        ("ruamel", {"src/realfake/config/editing.py"}),
    ],
)
def test_a_package_has_one_door(package: str, allowed: set[str]) -> None:
    users = {relative(path) for path in SOURCE.rglob("*.py") if package in packages(parse(path))}
    assert users <= allowed


def test_other_programs_are_started_in_one_place() -> None:
    """Beside it only the installation, which comes before the library's packages, and the sweep's worker processes."""
    users = {relative(path) for path in SOURCE.rglob("*.py") if {"subprocess", "pty"} & packages(parse(path))}
    assert users == {"src/install.py", "src/realfake/core/subprocesses.py", "src/realfake/sweep/pool.py"}


def at_import(path: Path) -> ast.Module:
    """What runs when a file is imported: its tree without the bodies of functions."""
    return ast.Module([node for node in parse(path).body if not isinstance(node, ast.FunctionDef | ast.ClassDef)], [])


def needs_keras(path: Path) -> bool:
    """Whether importing a file imports Keras or TensorFlow, directly or through other modules."""
    waiting, seen = [path], {path}
    while waiting:
        tree = at_import(waiting.pop())
        if packages(tree) & {"keras", "tensorflow"}:
            return True
        inside = {name.removeprefix("realfake.") for name in imports(tree) if name.startswith("realfake.")}
        further = {source_of(name) for name in inside if source_of(name).is_file()} - seen
        waiting += further
        seen |= further
    return False


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS], ids=relative)
def test_slow_packages_are_imported_where_they_are_used(path: Path) -> None:
    """At import a module may load Keras, where it is about networks, and no other slow package; a script none."""
    assert packages(at_import(path)) & SLOW_TO_IMPORT <= {"keras", "tensorflow"}
    keras_inside = {"models", "training", "feature_cache", "evaluation"}
    if path in SCRIPTS or package_of(dotted(path)) not in keras_inside:
        assert not needs_keras(path)


def test_imports_go_down_through_the_layers() -> None:
    """And so no two packages import each other."""
    assert {path.name for path in LIBRARY.iterdir() if (path / "__init__.py").is_file()} == set(LAYERS)
    upward = [
        f"{dotted(path)} imports {module}"
        for path in MODULES
        if path != LIBRARY / "__init__.py"
        for module in imported_modules(path)
        if LAYERS.index(package_of(module)) > LAYERS.index(package_of(dotted(path)))
    ]
    assert not upward


def test_inference_imports_core_and_images_alone() -> None:
    modules = [dotted(path) for path in sorted((LIBRARY / "inference").glob("*.py")) if path.stem != "__init__"]
    reached = import_closure(*modules)
    assert not [name for name in reached if name not in FOR_INFERENCE and package_of(name) not in FOR_INFERENCE]
    blocked = f"import sys; sys.modules.update(dict.fromkeys({HEAVY!r})); "
    code = blocked + "; ".join(f"import realfake.{name}" for name in modules)
    done = subprocess.run([sys.executable, "-c", code], cwd=SOURCE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", LAYERS)
def test_a_package_says_what_it_is(package: str) -> None:
    """Its __init__ has a docstring and nothing else: no names are handed on."""
    tree = parse(LIBRARY / package / "__init__.py")
    assert len(tree.body) == 1
    assert "May use" in (ast.get_docstring(tree) or "")


@pytest.mark.parametrize("path", EVERY_FILE, ids=relative)
def test_files_are_short_and_say_what_they_are(path: Path) -> None:
    limit = 80 if path.stem in PIPELINE and path.parent == SOURCE else 250 if SOURCE in path.parents else 300
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit
    assert ast.get_docstring(parse(path)), "no module docstring"


def test_functions_are_short() -> None:
    """A longer one falls apart into steps with names of their own."""
    long = [
        f"{relative(path)}: {node.name}"
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(parse(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= LONGEST_FUNCTION
    ]
    assert not long


@pytest.mark.parametrize("path", sorted((PROJECT / "tests").rglob("*.py")), ids=relative)
def test_tests_speak_to_public_names(path: Path) -> None:
    """What is private may change without a test: importing, reading or replacing it is a test of something else."""
    private = set()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("realfake"):
            private |= {alias.name for alias in node.names if alias.name.startswith("_")}
        elif isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            private |= {node.attr} - ({node.attr} if ast.unparse(node.value) == "self" else FOREIGN)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".setattr") and len(node.args) > 1:
            named = ast.unparse(node.args[1]).strip("'")
            private |= {named} if named.startswith("_") else set()
    assert not private


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
    script = SOURCE / f"{stage}.py"
    needed = {relative(source_of(module)) for module in influencing_modules(script)} | {relative(script)}
    assert declared == needed, f"missing: {sorted(needed - declared)}; too much: {sorted(declared - needed)}"


def test_a_checkpoint_is_keyed_by_what_train_depends_on() -> None:
    """All but what comes after the epochs, or beside them."""
    after = {"data.fingerprints", "data.preparation_report", "models.test_time_augmentation"}
    after |= {"training.calibration", "training.finishing", "training.training_record"}
    tree = parse(LIBRARY / "training/loop.py")
    (roots,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["CODE"]
    ]
    assert set(influencing_modules(*roots)) == set(influencing_modules(SOURCE / "train.py", without=after))


def test_the_exceptions_are_still_needed() -> None:
    """Each is a module that a stage would otherwise depend on."""
    reached = set(import_closure(*(SOURCE / f"{stage}.py" for stage in PIPELINE)))
    assert set(WITHOUT_INFLUENCE) <= reached


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


@pytest.mark.parametrize(
    "path", [module for module in MODULES if module.stem not in ("__init__", "arrays")], ids=relative
)
def test_every_module_has_its_tests(path: Path) -> None:
    folder, _, name = dotted(path).rpartition(".")
    assert (PROJECT / f"tests/{folder}/test_{name}.py").is_file()


@pytest.mark.parametrize("script", [*SCRIPTS, *sorted(SOURCE.glob("localpredict/*.py"))], ids=relative)
def test_help_is_the_docstring_and_comes_at_once(script: Path) -> None:
    """It loads none of the packages that take seconds."""
    command = [sys.executable, "-X", "importtime", str(script), "--help"]
    result = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr.splitlines()[-1]
    assert (ast.get_docstring(parse(script)) or "").splitlines()[0] in result.stdout
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
