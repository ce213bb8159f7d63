"""Write and read the result of the last promotion in outputs/promotion: verdict.json, and verdict.md for people."""

from dataclasses import asdict, dataclass
from pathlib import Path

from realfake.core.json_files import read_record, write_json
from realfake.core.text_tables import markdown_table
from realfake.registry.checks import Checks

VERDICT_FILE = "verdict.json"
"""Name of the file that programs read."""


@dataclass(frozen=True)
class Verdict:
    """The gate's decision on a candidate; its fields are those of verdict.json."""

    verdict: str
    """promoted or refused."""
    headline: str
    """Summary in one sentence of Markdown, which names the version and the run."""
    checks: Checks
    """Checks of the candidate; empty where it was the champion already."""

    @classmethod
    def read(cls, promotion: Path) -> "Verdict":
        """Read the verdict from a folder that a promotion wrote.

        Raises:
            UserError: the file is missing, damaged or incomplete.
        """
        return read_record(cls, promotion / VERDICT_FILE, "python src/promote.py")

    def write(self, promotion: Path) -> None:
        """Write verdict.json and verdict.md into an existing folder."""
        write_json(promotion / VERDICT_FILE, asdict(self))
        (promotion / "verdict.md").write_text(self.markdown(), encoding="utf-8")

    def markdown(self) -> str:
        """Return the headline and a table of the checks, for a pull request or MLflow's pages."""
        if not self.checks:
            return f"{self.headline}\n"
        rows = [(check.name, check.required, check.found, f"**{check.state}**", check.reason) for check in self.checks]
        return (
            f"{self.headline}\n\n{markdown_table(('check', 'required', 'found', 'verdict', 'why'), rows, words=True)}\n"
        )


def aligned_checks(checks: Checks) -> str:
    """Return the checks as aligned text: state, name, measured and required value, and the reason in a second line."""
    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        lines.append(f"  {check.state:<9}  {check.name:<{width}}  {check.found}; required: {check.required}")
        lines.append(f"  {'':<9}  {'':<{width}}  {check.reason}")
    return "\n".join(lines)
