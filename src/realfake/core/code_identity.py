"""Determine which modules a result depends on (the import closure), and a digest of their code.

Both are computed from the source files. The keys of checkpoints, the keys of the feature cache and the list of files in
the Hugging Face Space are derived from them. DVC needs the deps in dvc.yaml written out; a test compares them with the
import closure.
"""

import ast
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
"""Folder of the package realfake."""

LAYERS = (
    "core", "config", "data", "metrics", "models", "inference", "training", "feature_cache", "evaluation", "export",
    "tracking", "sweep", "registry", "reporting",
)  # fmt: skip
"""The packages of realfake, lowest first: a module imports from its own package and from those before it."""

WITHOUT_INFLUENCE: Mapping[str, str] = {
    "config.kinds": "checks values; the values themselves are parameters that DVC compares",
    "config.messages": "contains only error messages",
    "config.schema": "checks values; the values themselves are parameters that DVC compares",
    "config.tool_schema": "checks values of parameter groups that no stage reads",
    "core.code_identity": "computes keys of checkpoints and cache entries, never an output",
    "core.command_line": "reads options; no stage has any",
    "core.environment": "describes code and machine in tags, timings and cache keys, never in an output",
    "core.errors": "contains only error messages",
    "core.files": "decides where files are and how they are replaced, not their content",
    "core.native_output": "only suppresses what native libraries print",
    "core.subprocesses": "starts git, DVC and gh, whose output goes to tags, never to an output",
    "core.uris": "names files and databases, not their content",
    "feature_cache.entry": "stores features under a key of all that determines them; a hit equals a computation",
    "feature_cache.store": "stores features under a key of all that determines them; a hit equals a computation",
    "models.pretrained": "finds a weights file; the file's digest is a parameter that DVC compares",
    "tracking.database": "creates MLflow's database, never an output",
    "tracking.experiment_page": "writes to MLflow, never to an output",
    "tracking.lineage": "writes to MLflow, never to an output",
    "tracking.relocation": "writes to MLflow, never to an output",
    "tracking.run_description": "writes to MLflow, never to an output",
    "tracking.run_link": "finds the run that trained a model",
    "tracking.runs": "writes to MLflow, never to an output",
    "tracking.store": "opens MLflow's store, never an output",
    "training.checkpoint": "a resumed training gives the bytes of an uninterrupted one; a test shows it",
    "training.messages": "contains only terminal messages",
}
"""Modules that never change a result, each with the reason: editing one of them must not make a model stale."""


def source_of(module: str) -> Path:
    """Return a module's file. `data.images` gives data/images.py; a package's name gives its __init__.py."""
    path = PACKAGE / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def source_files(modules: Iterable[str]) -> tuple[Path, ...]:
    """Return the modules' files and the __init__.py of each of their packages: the files that a working copy needs."""
    files = {source_of(module) for module in modules}
    for module in modules:
        parts = module.split(".")
        files |= {source_of(".".join(parts[:depth])) for depth in range(len(parts))}
    return tuple(sorted(files))


def imported_modules(source: Path) -> frozenset[str]:
    """Return the modules of realfake that a file imports, by their names within realfake, such as `data.images`.

    Relative imports and imports inside functions count. Imports under `if TYPE_CHECKING:` serve annotations only and do
    not count.
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
    """Return all modules that `roots` import directly or indirectly, sorted; roots given by name are included.

    Args:
        roots: names of modules within realfake, or files outside it, such as a script.
        without: modules to leave out; their imports are not followed.
    """
    found: set[str] = set()
    pending = [root for root in roots if isinstance(root, str)]
    for script in roots:
        if isinstance(script, Path):
            pending += imported_modules(script)
    while pending:
        module = pending.pop()
        if module not in found and module not in without:
            found.add(module)
            pending += imported_modules(source_of(module))
    return tuple(sorted(found))


def influencing_modules(*roots: str | Path, without: Collection[str] = ()) -> tuple[str, ...]:
    """Return the import closure of `roots` without the modules that never change a result (WITHOUT_INFLUENCE)."""
    return import_closure(*roots, without={*WITHOUT_INFLUENCE, *without})


def code_digest(*roots: str, without: Collection[str] = ()) -> str:
    """Return the SHA-256, as 64 hex digits, of the code of all modules that influence `roots`.

    It is computed from the syntax trees, so comments, docstrings and layout do not count. DVC compares bytes instead:
    an edited docstring makes DVC run a stage again, and that stage then finds its checkpoint and cached features.
    """
    digest = hashlib.sha256()
    for module in influencing_modules(*roots, without=without):
        digest.update(f"{module}\n{_syntax_tree(source_of(module).read_text(encoding='utf-8'))}\n".encode())
    return digest.hexdigest()


def _syntax_tree(source: str) -> str:
    """Return the syntax tree of a source as text, without docstrings and other strings that are statements."""
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
    """Iterate over all nodes of a syntax tree except those under `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)):
            yield node
            yield from _run_time_nodes(node)
