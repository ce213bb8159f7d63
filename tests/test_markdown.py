"""Markdown that GitHub draws: tables whose cells stay cells, charts that mermaid reads."""

import re

from realfake.markdown import BEFORE, NOW, code, folded, line_chart, table


def test_a_table_has_a_rule_and_its_cells_stay_cells() -> None:
    text = table(("name", "now"), [("a|b", "1"), ("two\nlines", "2")])
    assert text.splitlines() == ["| name | now |", "| :-- | --: |", "| a\\|b | 1 |", "| two lines | 2 |"]


def test_values_are_code_and_nothing_is_a_dash() -> None:
    assert [code(value) for value in (3, 0.5, "adam`w", None, "", [1, 2])] == [
        "`3`",
        "`0.5`",
        "`adam'w`",
        "–",
        "–",
        "`[1, 2]`",
    ]


def test_a_folded_section_has_the_empty_lines_that_markdown_in_it_needs() -> None:
    assert folded("All", "| a |") == "<details><summary>All</summary>\n\n| a |\n\n</details>"


def test_two_curves_of_one_length_share_a_chart() -> None:
    chart = line_chart("val", "epoch", [0.51, 0.6], [0.55, 0.71])
    assert chart.count("```mermaid") == 1
    assert f'"{BEFORE}, {NOW}"' in chart
    assert 'x-axis "epoch" [1, 2]' in chart
    assert "y-axis 0.5 --> 0.75" in chart
    assert re.findall(r"line \[(.*)\]", chart) == ["0.5100, 0.6000", "0.5500, 0.7100"]


def test_curves_of_two_lengths_have_a_chart_each_on_one_scale() -> None:
    charts = line_chart("val", "epoch", [0.5], [0.55, 0.7, 0.9]).split("\n\n")
    assert [re.findall(r'Palette": "(.*?)"', chart) for chart in charts] == [[BEFORE], [NOW]]
    assert {line for chart in charts for line in chart.splitlines() if "y-axis" in line} == {"    y-axis 0.5 --> 0.9"}
    assert 'x-axis "epoch" [1, 2, 3]' in charts[1]


def test_one_curve_alone_and_a_flat_one_are_drawn() -> None:
    chart = line_chart("val", "epoch", [], [1.0, 1.0])
    assert chart.count("line [") == 1
    assert BEFORE not in chart
    assert "y-axis 0.95 --> 1" in chart
