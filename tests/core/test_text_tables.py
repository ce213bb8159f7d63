"""Markdown tables whose cells cannot break the table, aligned text, and charts in mermaid's syntax."""

import re

from realfake.core.text_tables import (
    BEFORE,
    NOW,
    aligned_table,
    folded_section,
    inline_code,
    line_chart,
    markdown_table,
)


def test_a_markdown_table_has_an_alignment_row_and_escapes_its_cells() -> None:
    text = markdown_table(("name", "now"), [("a|b", "1"), ("two\nlines", "2")])
    assert text.splitlines() == ["| name | now |", "| :-- | --: |", "| a\\|b | 1 |", "| two lines | 2 |"]


def test_aligned_text_has_words_on_the_left_and_figures_on_the_right() -> None:
    rows = [("a", "1"), ("long", "100")]
    assert aligned_table(("name", "now"), rows).splitlines() == ["name  now", "a       1", "long  100"]
    assert aligned_table(("name", "now"), rows, words=True).splitlines() == ["name  now", "a     1", "long  100"]


def test_values_are_inline_code_and_missing_ones_a_dash() -> None:
    assert [inline_code(value) for value in (3, 0.5, "adam`w", None, "", [1, 2])] == [
        "`3`",
        "`0.5`",
        "`adam'w`",
        "–",
        "–",
        "`[1, 2]`",
    ]


def test_a_folded_section_has_empty_lines_around_its_markdown() -> None:
    assert folded_section("All", "| a |") == "<details><summary>All</summary>\n\n| a |\n\n</details>"


def test_two_curves_of_one_length_share_a_chart() -> None:
    chart = line_chart("val", "epoch", [0.51, 0.6], [0.55, 0.71])
    assert chart.count("```mermaid") == 1
    assert '%%{init: {"xyChart": {"height": 320}, ' in chart
    assert f'"{BEFORE}, {NOW}"' in chart
    assert 'x-axis "epoch" [1, 2]' in chart
    assert "y-axis 0.5 --> 0.75" in chart
    assert re.findall(r"line \[(.*)\]", chart) == ["0.5100, 0.6000", "0.5500, 0.7100"]


def test_the_shorter_of_two_curves_ends_before_the_other() -> None:
    for before, now in (([0.5], [0.55, 0.7, 0.9]), ([0.55, 0.7, 0.9], [0.5])):
        chart = line_chart("val", "epoch", before, now)
        assert 'x-axis "epoch" [1, 2, 3]' in chart
        assert "y-axis 0.5 --> 0.9\n" in chart
        assert [len(line.split(",")) for line in re.findall(r"line \[(.*)\]", chart)] == [len(before), len(now)]


def test_long_curves_are_thinned_and_keep_their_last_point() -> None:
    chart = line_chart("val", "epoch", [0.5] * 10, [number / 100 for number in range(1, 51)])
    axis = re.findall(r"x-axis .* \[(.*)\]", chart)[0].split(", ")
    before, now = (line.split(", ") for line in re.findall(r"line \[(.*)\]", chart))
    assert (axis[0], axis[1], axis[-1], len(axis)) == ("2", "5", "50", 17)
    assert [f"{int(x) / 100:.4f}" for x in axis] == now
    assert len(before) == len([x for x in axis if int(x) <= 10])


def test_a_single_constant_curve_is_drawn() -> None:
    chart = line_chart("val", "epoch", [], [1.0, 1.0])
    assert chart.count("line [") == 1
    assert BEFORE not in chart
    assert "y-axis 0.95 --> 1" in chart
