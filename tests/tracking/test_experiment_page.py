"""What MLflow's page of an experiment shows: a description and a view, made once; a person's own stay."""

import json

import pytest
from servers import browser, mlflow_server, shown

from realfake.core.files import workspace
from realfake.tracking.experiment_page import HEADLINES, NOTE, VIEW, furnish, runs_page
from realfake.tracking.store import as_metrics, create_run, store


def saved_view(experiment):
    """The view as MLflow's page reads it from the tag that it keeps saved views in."""
    envelope = json.loads(experiment.tags[f"mlflow.sharedViewState.{VIEW}"])
    assert isinstance(envelope["createdAt"], int)
    return json.loads(envelope["state"])


def test_an_experiment_has_a_description_and_a_view_of_its_runs(project):
    with store("realfake") as client:
        experiment = client.get_experiment_by_name("realfake")
        assert "photograph" in experiment.tags[NOTE]
        columns = saved_view(experiment)["selectedColumns"]
        assert columns[: len(HEADLINES)] == [f"metrics.`{name}`" for name in HEADLINES.values()]


def test_the_charts_begin_with_the_headlines_and_the_many_others_are_folded(project):
    with store("realfake") as client:
        view = saved_view(client.get_experiment_by_name("realfake"))
    first, *others = view["compareRunSections"]
    charts = view["compareRunCharts"]
    assert [chart["metricKey"] for chart in charts if chart["metricSectionId"] == first["uuid"]] == [
        *HEADLINES.values()
    ]
    assert [section["name"] for section in others if section["display"]] == ["Model metrics"], "the curves over epochs"


def test_what_a_person_wrote_or_removed_stays(project):
    """A removed description is an empty one to MLflow."""
    for own in ("what I found out", ""):
        with store("realfake") as client:
            place = client.get_experiment_by_name("realfake").experiment_id
            client.set_experiment_tag(place, NOTE, own)
            client.set_experiment_tag(place, f"mlflow.sharedViewState.{VIEW}", "my view")
        with store("realfake") as client:
            experiment = client.get_experiment_by_name("realfake")
            furnish(client, experiment)
            tags = client.get_experiment_by_name("realfake").tags
            assert tags[NOTE] == own
            assert tags[f"mlflow.sharedViewState.{VIEW}"] == "my view"


def test_the_address_names_the_experiment_or_is_that_of_the_first_page():
    assert runs_page("http://host", "7").startswith("http://host/#/experiments/7/runs?")
    assert runs_page("http://host", "") == "http://host"


@pytest.mark.slow
def test_a_fresh_browser_opens_on_the_runs_with_their_figures(project):
    """MLflow's own page, of the version in requirements.lock, understands the address and the view."""
    with store("realfake") as client:
        run = create_run(client, "realfake", "toy", {"train.backbone": "resnet8"}, {})
        figures = {name: (place + 1) / 8 for place, name in enumerate(HEADLINES.values())}
        client.log_batch(run.run_id, metrics=as_metrics(figures, step=0))
    with mlflow_server(project / "server", f"sqlite:///{workspace()}/mlflow.db") as server, browser() as window:
        window.get(runs_page(server, run.experiment_id))
        for words in ("toy", "resnet8", "0.125", "0.625", *HEADLINES.values(), "Is a picture a photograph"):
            shown(window, words)
        window.get(f"{runs_page(server, run.experiment_id)}&compareRunsMode=CHART")
        shown(window, "Headlines\n(5)")
