"""Switch params.yaml to a recipe, or its training to the weights of a registered model.

`python src/use.py native`, `python src/use.py --weights models:/realfake@champion`.
"""

from realfake.config.recipes import use_recipe
from realfake.core.command_line import argument_parser
from realfake.core.errors import UserError, run
from realfake.core.files import workspace


def main() -> None:
    """Read the command line and change params.yaml."""
    parser = argument_parser(__doc__)
    parser.add_argument("recipe", nargs="?", help="a file of recipes/, without .yaml")
    parser.add_argument("--weights", metavar="models:/NAME@ALIAS", help="start the training from this registered model")
    parser.add_argument(
        "--force", action="store_true", help="discard edits in params.yaml that are in no commit and no recipe"
    )
    arguments = parser.parse_args()
    if arguments.recipe is None and arguments.weights is None:
        raise UserError(
            "nothing to switch to; give a recipe (quick, native, deck, ...) or --weights models:/NAME@ALIAS"
        )
    if arguments.recipe is not None:
        use_recipe(arguments.recipe, workspace(), arguments.force)
        print(f"params.yaml is now recipes/{arguments.recipe}.yaml; `make repro` runs it")
    if arguments.weights is not None:
        from realfake.registry.weights import use_weights

        print(use_weights(arguments.weights, workspace()))


if __name__ == "__main__":
    run(main)
