"""Figures have the same bytes under any user settings, and matplotlib is imported only when something is drawn."""

import subprocess
import sys
from pathlib import Path

import matplotlib

from realfake.core import plot_style
from realfake.core.plot_style import new_figure, save_figure, styled


@styled
def line():
    figure = new_figure(3, 2)
    figure.add_subplot(title="a line").plot((0, 1), (0, 1))
    return figure


def test_a_figure_has_the_same_bytes_under_any_user_settings(tmp_path: Path) -> None:
    save_figure(line(), tmp_path / "one.png")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.bbox": "tight"}):
        save_figure(line(), tmp_path / "two.png")
    data = (tmp_path / "one.png").read_bytes()
    assert data.startswith(b"\x89PNG") and b"atplotlib" not in data
    assert data == (tmp_path / "two.png").read_bytes()


def test_matplotlib_is_imported_by_drawing_and_pyplot_never() -> None:
    code = (
        "import sys; from realfake.core import plot_style; from realfake.training import plots; "
        "import realfake.evaluation.plots; assert 'matplotlib' not in sys.modules; plots.architecture([]); "
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(plot_style.__file__).parents[2])
