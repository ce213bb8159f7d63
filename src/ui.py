"""Serve MLflow's pages of all runs: `python src/ui.py`, then open the address that it prints; Ctrl-C stops it."""

from realfake.config.schema import load_params
from realfake.core.command_line import argument_parser
from realfake.core.errors import run
from realfake.core.files import workspace
from realfake.tracking.ui import PORT, serve


def port_number(text: str) -> int:
    """Read a TCP port, 1 to 65535, for argparse.

    Raises:
        ValueError: the text is no such number.
    """
    port = int(text)
    if not 0 < port < 2**16:
        raise ValueError
    return port


def main() -> None:
    """Read the command line and serve until Ctrl-C."""
    parser = argument_parser(__doc__)
    parser.add_argument(
        "--port", type=port_number, default=PORT, help="port to listen on, at 127.0.0.1 (default %(default)s)"
    )
    serve(parser.parse_args().port, load_params(workspace() / "params.yaml").tracking.experiment)


if __name__ == "__main__":
    run(main)
