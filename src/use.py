"""Switch params.yaml to a recipe, or its training to registered weights.

`python src/use.py deck`, `python src/use.py --weights models:/realfake@champion`.
"""

import argparse
import difflib
from collections.abc import Iterable
from pathlib import Path

from realfake.config.schema import load_params
from realfake.core.errors import UserError, run
from realfake.core.files import atomic_file, workspace
from realfake.core.subprocesses import git_or_none


def use(name: str, root: Path, force: bool = False) -> None:
    """Replace params.yaml by recipes/NAME.yaml, checked first.

    Args:
        name: the recipe's file name without `.yaml`.
        root: the folder that holds params.yaml and recipes/.
        force: replace params.yaml even when it holds edits that are kept nowhere else.

    Raises:
        UserError: unknown or invalid recipe, or edits would be lost.
    """
    recipes = {path.stem: path for path in sorted((root / "recipes").glob("*.yaml"))}
    if name not in recipes:
        near = difflib.get_close_matches(name, recipes, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UserError(f"{name!r} is no recipe; {hint}There are: {', '.join(recipes)} (make use RECIPE=quick)")
    load_params(recipes[name])
    params = root / "params.yaml"
    if not force and not _kept_elsewhere(params, recipes.values()):
        raise UserError(
            f"params.yaml holds edits that are in no recipe and no commit; commit it, save it as recipes/NAME.yaml, "
            f"or drop the edits with `python src/use.py {name} --force`"
        )
    with atomic_file(params) as file:
        file.write(recipes[name].read_bytes())


def use_weights(address: str, root: Path) -> None:
    """Let the next training start from a registered model: its file and digest go into params.yaml.

    An alias can move; the file and its digest say for good what a training started from.

    Args:
        address: models:/NAME@ALIAS or models:/NAME/VERSION.
        root: the folder that holds params.yaml; the file goes into its weights/.

    Raises:
        UserError: there is no such version.
    """
    from realfake.config.editing import apply
    from realfake.core.native_output import import_keras
    from realfake.registry.weights import fetch_weights
    from realfake.tracking.store import store

    import_keras()
    with store(None) as client:
        found = fetch_weights(client, address, root / "weights")
    place = found.file.relative_to(root).as_posix()
    apply(root / "params.yaml", {"weights": place, "weights_sha256": found.sha256})
    load_params(root / "params.yaml")
    print(f"{address} is version {found.version} (run {found.run}), now {place}; params.yaml starts train from it")


def _kept_elsewhere(params: Path, recipes: Iterable[Path]) -> bool:
    """Whether replacing params.yaml loses nothing: it is absent, equals a recipe, or is what git's HEAD holds."""
    if not params.is_file():
        return True
    content = params.read_bytes()
    if any(content == recipe.read_bytes() for recipe in recipes):
        return True
    return git_or_none(params.parent, "show", "HEAD:./params.yaml") == content


def main() -> None:
    """Read the command line and switch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", help="a file name in recipes/, without .yaml")
    parser.add_argument("--weights", metavar="models:/NAME@ALIAS", help="start train from a registered model")
    parser.add_argument("--force", action="store_true", help="drop edits in params.yaml that are kept nowhere else")
    arguments = parser.parse_args()
    if arguments.recipe is None and arguments.weights is None:
        raise UserError(
            "nothing to switch to; give a recipe (quick, native, deck, ...) or --weights models:/NAME@ALIAS"
        )
    if arguments.recipe is not None:
        use(arguments.recipe, workspace(), arguments.force)
        print(f"params.yaml is now recipes/{arguments.recipe}.yaml; `make repro` runs it")
    if arguments.weights is not None:
        use_weights(arguments.weights, workspace())


if __name__ == "__main__":
    run(main)
