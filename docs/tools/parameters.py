"""What the parameters page lists, read from the schema, the recipes and dvc.yaml."""

import ast
import inspect
import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from architecture import stages
from project import PROJECT
from pydantic import BaseModel

from realfake.config.schema import FINISHING, Params, flatten, load_params

RECIPES = {path.stem: load_params(path) for path in sorted((PROJECT / "recipes").glob("*.yaml"))}
DEFAULT = "quick"
"""The recipe whose values stand as defaults: no parameter has one in the schema."""


def meanings(group: type[BaseModel]) -> dict[str, str]:
    """The docstrings below the fields of a group, by field."""
    (body,) = (node.body for node in ast.parse(inspect.getsource(group)).body if isinstance(node, ast.ClassDef))
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def kind(schema: Mapping[str, Any]) -> str:
    """A JSON schema's type and range, with intervals as mathematics writes them: `number in [0, 1)`."""
    if "anyOf" in schema:
        return " or ".join(kind(option) for option in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{choice}`" for choice in schema.get("enum", [schema.get("const")]))
    words = {"null": "`null`", "boolean": "`true`, `false`", "object": "mapping"}
    match schema["type"]:
        case "array":
            return f"list of {kind(schema['items'])}"
        case "integer" | "number" as name:
            return name + _range(schema)
        case "string" if "pattern" in schema:
            return f"string like `{schema['pattern']}`"
        case name:
            return words.get(name, name)


def _range(schema: Mapping[str, Any]) -> str:
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    start = f"[{low:,}" if low is not None else f"({above:,}"
    if high is not None or below is not None:
        return f" in {start}, {f'{high:,}]' if high is not None else f'{below:,})'}"
    return f" ≥ {low:,}" if low is not None else f" > {above:,}"


def value(found: Any) -> str:
    """A parameter's value as params.yaml would have it; of a mapping, and of a long list, only the length."""
    if isinstance(found, dict | list) and len(found) > 3:
        return f"{len(found)} entries"
    if isinstance(found, dict | list):
        return ", ".join(f"`{one}`" for one in found)
    text = json.dumps(found).strip('"')
    return f"`{text[:8]}…`" if len(text) > 40 else f"`{text}`"


def downstream(stage: str) -> list[str]:
    """A stage and all that read, directly or not, what it writes."""
    found = stages()
    written = {stage: [*spec["outs"], *spec.get("metrics", [])] for stage, spec in found.items()}
    paths = {name: [one if isinstance(one, str) else next(iter(one)) for one in outs] for name, outs in written.items()}
    reached = [stage]
    for name, spec in found.items():
        if any(path in spec["deps"] for earlier in reached for path in paths[earlier]) and name not in reached:
            reached.append(name)
    return reached


def rows(group: type[BaseModel], schema: Mapping[str, Any], found: BaseModel, prefix: str = "") -> Iterator[str]:
    """A table row for each parameter of a group; groups within it give rows with a dotted name."""
    said = meanings(group)
    for name, field in group.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            inner = schema["$defs"][field.annotation.__name__]
            yield from rows(field.annotation, {**inner, "$defs": schema["$defs"]}, getattr(found, name), f"{name}.")
        else:
            meaning = " ".join(said[name].split())
            cells = [f"`{prefix}{name}`", kind(schema["properties"][name]), value(getattr(found, name)), meaning]
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def tables() -> str:
    """A section with a table for each group of params.yaml."""
    document, default = Params.model_json_schema(), RECIPES[DEFAULT]
    parts = []
    for name, field in Params.model_fields.items():
        group: Any = field.annotation
        schema = {**document["$defs"][group.__name__], "$defs": document["$defs"]}
        parts.append(f"## {name}\n\n{inspect.getdoc(group)}\n\n{reruns(name)}\n")
        parts += [f"| parameter | type and range | {DEFAULT} | meaning |\n|---|---|---|---|"]
        parts.append("\n".join(rows(group, schema, getattr(default, name))) + "\n")
    return "\n".join(parts).rstrip()


def reruns(group: str) -> str:
    """What runs again after a change of a group."""
    if group not in stages():
        return "**A change runs again:** no stage."
    after = f"**A change runs again:** {', '.join(downstream(group))}."
    finishing = " and ".join(f"`{name}`" for name in FINISHING)
    return after + (f" After a change of {finishing} alone no epoch is trained again." if group == "train" else "")


def differences() -> str:
    """The parameters of preprocess and train in which recipes differ, a column each."""
    groups = ("preprocess", "train")
    columns = {
        name: {key: found for group in groups for key, found in flatten(getattr(params, group), f"{group}.").items()}
        for name, params in RECIPES.items()
    }
    lines = ["| parameter | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name in columns[DEFAULT]:
        cells = [value(column[name]) for column in columns.values()]
        if len(set(cells)) > 1:
            lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)
