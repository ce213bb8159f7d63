"""A verdict is read as it was written, and its tables have a reason for each check."""

import pytest

from realfake.core.errors import UserError
from realfake.registry.checks import Check
from realfake.registry.verdict import VERDICT_FILE, Verdict, aligned_checks

CHECKS = (
    Check("accuracy", "at least 0.9", "0.95", True, "within"),
    Check("ece", "at most 0.1", "-", None, "none"),
)


def test_both_tables_have_a_reason_for_each_check():
    text = aligned_checks(CHECKS)
    assert "passed     accuracy  0.95; required: at least 0.9" in text
    assert text.count("\n") == 3
    page = Verdict("promoted", "**promoted**", CHECKS).markdown().splitlines()
    assert page[0] == "**promoted**"
    assert page[-1] == "| ece | at most 0.1 | - | **not gated** | none |"


@pytest.mark.parametrize("checks", [CHECKS, ()])
def test_it_is_read_as_it_was_written_and_the_page_says_the_same(tmp_path, checks):
    verdict = Verdict("refused", "**refused**: version 2", checks)
    verdict.write(tmp_path)
    assert Verdict.read(tmp_path) == verdict
    assert (tmp_path / "verdict.md").read_text() == verdict.markdown()


def test_a_damaged_verdict_is_a_one_line_error_with_the_command(tmp_path):
    (tmp_path / VERDICT_FILE).write_text('{"verdict": "refused", "headline": "no", "checks": [{"name": "a"}]}')
    with pytest.raises(UserError, match=rf"{VERDICT_FILE} is damaged .*python src/promote\.py"):
        Verdict.read(tmp_path)
