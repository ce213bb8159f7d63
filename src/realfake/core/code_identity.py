"""The identity of code: which modules a result depends on, and a digest of what they say.

Both are worked out from the sources. The keys of checkpoints and of kept features, and the folder for Hugging Face
Spaces are derived from here; the deps in dvc.yaml are written out, since DVC needs them, and a test compares them.
"""

import ast
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
"""The folder of the package realfake."""

LAYERS = (
    "core", "config", "data", "metrics", "models", "inference", "training", "feature_cache", "evaluation", "export",
    "tracking", "sweep", "registry", "reporting",
)  # fmt: skip
"""The packages of realfake, lowest first: a module imports from its own package and from those before it."""

WITHOUT_INFLUENCE: Mapping[str, str] = {
    "config.kinds": "checks values; the values themselves are parameters that DVC compares",
    "config.messages": "only words of error messages",
    "config.schema": "checks values; the values themselves are parameters that DVC compares",
    "config.tool_schema": "checks values of groups that no stage reads",
    "core.code_identity": "computes keys of what is kept, never an output",
    "core.environment": "describes code and machine, in tags, timings and keys of what is kept",
    "core.errors": "only words of error messages",
    "core.files": "says where files lie and how they are replaced",
    "core.native_output": "only holds back what native libraries print",
    "core.subprocesses": "starts git, DVC and gh, whose answers stand in tags, never in an output",
    "feature_cache.entry": "a kept feature is what would be computed anew; its key says so",
    "feature_cache.store": "a kept feature is what would be computed anew; its key says so",
    "models.pretrained": "says where a file lies; its digest is a parameter that DVC compares",
    "tracking.experiment_page": "writes to MLflow, never into an output",
    "tracking.lineage": "writes to MLflow, never into an output",
    "tracking.relocation": "writes to MLflow, never into an output",
    "tracking.run_description": "writes to MLflow, never into an output",
    "tracking.run_link": "says which run trained a model",
    "tracking.runs": "writes to MLflow, never into an output",
    "tracking.store": "opens the store, never an output",
    "training.checkpoint": "a resumed training gives the bytes of an uninterrupted one, which its own test shows",
    "training.messages": "only words on the terminal",
}
"""Modules that never change a result, with the reason: an edit in one of them must not retrain for hours."""


def source_of(module: str) -> Path:
    """The file of a module, named as within realfake: `data.images` is data/images.py; a package is its __init__.py."""
    path = PACKAGE / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def source_files(modules: Iterable[str]) -> tuple[Path, ...]:
    """The files of modules, and the __init__.py of every package that they lie in: what a copy of them needs."""
    files = {source_of(module) for module in modules}
    for module in modules:
        parts = module.split(".")
        files |= {source_of(".".join(parts[:depth])) for depth in range(len(parts))}
    return tuple(sorted(files))


def imported_modules(source: Path) -> frozenset[str]:
    """Modules of realfake that a file imports, at any depth, by their names within realfake: `data.images`.

    Relative imports count, and those inside functions. What stands under `if TYPE_CHECKING:` is for annotations alone
    and does not count.
    """
    package = source.resolve().parent.relative_to(PACKAGE.parent).parts if source.is_relative_to(PACKAGE) else ()
    found: set[str] = set()
    for node in _run_time_nodes(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            parent = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{parent}.{alias.name}" for alias in node.names] + [parent]
        else:
            continue
        inside = {name.removeprefix("realfake.") for name in names if name.startswith("realfake.")}
        found |= {name for name in inside if source_of(name).is_file() and source_of(name).name != "__init__.py"}
    return frozenset(found)


def import_closure(*roots: str | Path, without: Collection[str] = ()) -> tuple[str, ...]:
    """Modules that `roots` import, directly or through others, sorted; roots given by name are part of it.

    Args:
        roots: names of modules within realfake, or files outside it, such as a script.
        without: modules that are left out, and not followed.
    """
    found: set[str] = set()
    waiting = [root for root in roots if isinstance(root, str)]
    for script in roots:
        if isinstance(script, Path):
            waiting += imported_modules(script)
    while waiting:
        module = waiting.pop()
        if module not in found and module not in without:
            found.add(module)
            waiting += imported_modules(source_of(module))
    return tuple(sorted(found))


def influencing_modules(*roots: str | Path, without: Collection[str] = ()) -> tuple[str, ...]:
    """The import closure of `roots` without the modules that never change a result (WITHOUT_INFLUENCE)."""
    return import_closure(*roots, without={*WITHOUT_INFLUENCE, *without})


def code_digest(*roots: str, without: Collection[str] = ()) -> str:
    """SHA-256, 64 hex digits, over what the modules that influence `roots` do.

    Comments, docstrings and layout do not count: it is made from the syntax trees. (DVC compares bytes: an edited
    docstring makes it run a stage again, which then finds its finished checkpoint and kept features.)
    """
    digest = hashlib.sha256()
    for module in influencing_modules(*roots, without=without):
        digest.update(f"{module}\n{_meaning(source_of(module).read_text(encoding='utf-8'))}\n".encode())
    return digest.hexdigest()


def _meaning(source: str) -> str:
    """A source's syntax tree as text, without docstrings; strings that stand alone as statements go with them."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # type: ignore[attr-defined]
                statement
                for statement in body
                if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
            ]
    return ast.dump(tree)


def _run_time_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)):
            yield node
            yield from _run_time_nodes(node)
