"""The command line that all scripts share: a script's docstring is its help text."""

import argparse


def argument_parser(docstring: str | None) -> argparse.ArgumentParser:
    """Make a parser whose --help prints a script's docstring with its line breaks."""
    return argparse.ArgumentParser(description=docstring, formatter_class=argparse.RawDescriptionHelpFormatter)


def take_no_arguments(docstring: str | None) -> None:
    """Read the command line of a script without arguments.

    With --help it prints the docstring and exits with code 0. Any other argument exits with code 2, so that a misspelt
    command does not start hours of work.
    """
    argument_parser(docstring).parse_args()
