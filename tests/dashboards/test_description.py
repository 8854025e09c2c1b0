"""The description of the dashboard fits the metric layer, and wrong ones are refused in words."""

import re

import pytest
from pydantic import ValidationError

from dashboards.description import load_dashboard, parse_dashboard
from functions.model.metrics import FILTERS, load_metrics
from local.paths import REPOSITORY

DASHBOARD = load_dashboard()
ONE = """
title: T
description: D
refresh_seconds: 10
filters: {{}}
tabs: [{{title: A, cards: {{{cards}}}}}]
"""


def test_every_metric_has_a_card_and_every_filter_a_control() -> None:
    assert {card.metric.name for card in DASHBOARD.cards()} == set(load_metrics().metrics)
    assert list(DASHBOARD.filters) == list(FILTERS)


@pytest.mark.parametrize(("page", "tab"), [("overview", "Overview"), ("loyalty", "Loyalty")])
def test_a_tab_has_the_metrics_of_the_built_in_page(page: str, tab: str) -> None:
    source = (REPOSITORY / "dashboards" / "web" / "src" / "pages" / f"{page}.tsx").read_text(encoding="utf-8")
    drawn = set(re.findall(r'<(?:Card|Panel) name="([a-z-]+)"', source))
    assert drawn
    [declared] = [each for each in DASHBOARD.tabs if each.title == tab]
    assert drawn <= {card.metric.name for card in declared.cards}


def test_every_chart_of_a_filtered_dimension_filters_by_a_click() -> None:
    clicked = {card.clicked_filter for card in DASHBOARD.cards() if card.click == "filter"}
    assert clicked == {"segment", "state", "category", "status"}


@pytest.mark.parametrize(
    ("cards", "problem"),
    [
        ("a: {metric: overview, chart: number, values: [revenues], at: [0, 0, 6, 3]}", "no column revenues"),
        ("a: {metric: overview, chart: number, at: [0, 0, 6, 3]}", "needs values"),
        ("a: {metric: overview, chart: number, values: [orders], at: [20, 0, 6, 3]}", "beyond the grid"),
        ("a: {metric: orders-by-status, chart: donut, values: [orders], at: [0, 0, 6, 3]}", "takes 1 to 1 labels"),
        (
            (
                "a: {metric: live-events, chart: bar, label: [event_type], values: [event_count], at: [0, 0, 6, 3],"
                " click: filter}"
            ),
            "no filter of live-events",
        ),
        (
            (
                "a: {metric: overview, chart: number, values: [orders], at: [0, 0, 6, 3]},"
                " b: {metric: overview, chart: number, values: [orders], at: [5, 2, 6, 3]}"
            ),
            "b lies on a",
        ),
    ],
)
def test_a_wrong_card_is_refused(cards: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        parse_dashboard(ONE.format(cards=cards))
