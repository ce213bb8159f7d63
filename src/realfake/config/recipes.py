"""Switch params.yaml to a recipe, one of the complete parameter files in recipes/."""

import difflib
from collections.abc import Iterable
from pathlib import Path

from realfake.config.schema import load_params
from realfake.core.errors import UserError
from realfake.core.files import atomic_file
from realfake.core.subprocesses import git_or_none


def use_recipe(name: str, root: Path, force: bool = False) -> None:
    """Replace params.yaml by recipes/NAME.yaml, after checking that file.

    Args:
        name: the recipe's file name without `.yaml`.
        root: the folder that holds params.yaml and recipes/.
        force: replace params.yaml even if it holds edits that are in no commit and no recipe.

    Raises:
        UserError: the recipe is unknown or invalid, or edits would be lost.
    """
    recipes = {path.stem: path for path in sorted((root / "recipes").glob("*.yaml"))}
    if name not in recipes:
        near = difflib.get_close_matches(name, recipes, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UserError(f"{name!r} is not a recipe; {hint}known recipes: {', '.join(recipes)} (make use RECIPE=quick)")
    load_params(recipes[name])
    params = root / "params.yaml"
    if not force and not _kept_elsewhere(params, recipes.values()):
        raise UserError(
            f"params.yaml holds edits that are in no commit and no recipe; commit it, save it as recipes/NAME.yaml, "
            f"or discard the edits with `python src/use.py {name} --force`"
        )
    with atomic_file(params) as file:
        file.write(recipes[name].read_bytes())


def _kept_elsewhere(params: Path, recipes: Iterable[Path]) -> bool:
    """Return whether replacing params.yaml loses nothing: it is absent, or equals a recipe or the committed file."""
    if not params.is_file():
        return True
    content = params.read_bytes()
    if any(content == recipe.read_bytes() for recipe in recipes):
        return True
    return git_or_none(params.parent, "show", "HEAD:./params.yaml") == content
