"""MLflow's page of an experiment gets a description and a view once; edits by a person are kept."""

import json

import pytest
from servers import browser, mlflow_server, shown

from realfake.core.files import workspace
from realfake.tracking.experiment_page import DESCRIPTION_TAG, HEADLINE_METRICS, VIEW_ID, runs_page, set_up_page
from realfake.tracking.store import as_metrics, create_run, open_store


def saved_view(experiment):
    """Return the view as MLflow's page reads it from the tag in which it keeps saved views."""
    envelope = json.loads(experiment.tags[f"mlflow.sharedViewState.{VIEW_ID}"])
    assert isinstance(envelope["createdAt"], int)
    return json.loads(envelope["state"])


def test_an_experiment_has_a_description_and_a_view_of_its_runs(project):
    with open_store("realfake") as client:
        experiment = client.get_experiment_by_name("realfake")
        assert "photograph" in experiment.tags[DESCRIPTION_TAG]
        columns = saved_view(experiment)["selectedColumns"]
        assert columns[: len(HEADLINE_METRICS)] == [f"metrics.`{name}`" for name in HEADLINE_METRICS.values()]


def test_the_charts_begin_with_the_headline_metrics_and_all_others_are_folded(project):
    with open_store("realfake") as client:
        view = saved_view(client.get_experiment_by_name("realfake"))
    first, *others = view["compareRunSections"]
    charts = view["compareRunCharts"]
    assert [chart["metricKey"] for chart in charts if chart["metricSectionId"] == first["uuid"]] == [
        *HEADLINE_METRICS.values()
    ]
    assert [section["name"] for section in others if section["display"]] == ["Model metrics"], "the curves over epochs"


def test_what_a_person_wrote_or_removed_is_kept(project):
    """MLflow stores a removed description as an empty one."""
    for own in ("my results", ""):
        with open_store("realfake") as client:
            experiment_id = client.get_experiment_by_name("realfake").experiment_id
            client.set_experiment_tag(experiment_id, DESCRIPTION_TAG, own)
            client.set_experiment_tag(experiment_id, f"mlflow.sharedViewState.{VIEW_ID}", "my view")
        with open_store("realfake") as client:
            experiment = client.get_experiment_by_name("realfake")
            set_up_page(client, experiment)
            tags = client.get_experiment_by_name("realfake").tags
            assert tags[DESCRIPTION_TAG] == own
            assert tags[f"mlflow.sharedViewState.{VIEW_ID}"] == "my view"


def test_the_address_names_the_experiment_or_is_the_first_page():
    assert runs_page("http://host", "7").startswith("http://host/#/experiments/7/runs?")
    assert runs_page("http://host", "") == "http://host"


@pytest.mark.slow
def test_a_fresh_browser_opens_on_the_runs_with_their_metrics(project):
    """MLflow's own page, in the version of requirements.lock, understands the address and the view."""
    with open_store("realfake") as client:
        run = create_run(client, "realfake", "toy", {"train.backbone": "resnet8"}, {})
        values = {name: (position + 1) / 8 for position, name in enumerate(HEADLINE_METRICS.values())}
        client.log_batch(run.run_id, metrics=as_metrics(values, step=0))
    with mlflow_server(project / "server", f"sqlite:///{workspace()}/mlflow.db") as server, browser() as window:
        window.get(runs_page(server, run.experiment_id))
        for text in ("toy", "resnet8", "0.125", "0.625", *HEADLINE_METRICS.values(), "Is a picture a photograph"):
            shown(window, text)
        window.get(f"{runs_page(server, run.experiment_id)}&compareRunsMode=CHART")
        shown(window, "Headlines\n(5)")
