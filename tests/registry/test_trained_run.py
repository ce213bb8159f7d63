"""A training run is found and read with the results of later stages, its training pictures and its ancestors."""

import numpy as np
import pytest
from registered import DATA, trained

from realfake.core.errors import UserError
from realfake.core.files import sha256_file
from realfake.data.fingerprints import write_fingerprints
from realfake.models import pretrained
from realfake.registry.trained_run import (
    ShippedNetwork,
    find_ancestors,
    find_candidates,
    find_run,
    read_formats,
    read_test_predictions,
    read_trained_run,
    read_training_fingerprints,
)
from realfake.tracking.store import as_metrics, create_run, open_store

PRESENT_DATA = {"digest": DATA, "preprocess.size": "32"}


def test_the_best_run_on_the_same_pictures_comes_first(project, prepared):
    with open_store("realfake") as client:
        trained(client, prepared, "good", val=0.9)
        trained(client, prepared, "better", val=0.95)
        trained(client, prepared, "elsewhere", val=0.99, data="e" * 64)
        trained(client, prepared, "smaller", val=0.99, params={"preprocess.size": "16"})
        unfinished = create_run(client, "realfake", "unfinished", {}, {"data_digest": DATA, "model_logged": "true"})
        client.log_batch(unfinished.run_id, metrics=as_metrics({"best/val_accuracy": 1.0}, step=0))
        found, others = find_candidates(client, "realfake", "val_accuracy", PRESENT_DATA)
        assert [run.info.run_name for run in found] == ["better", "good"]
        assert others == 2
        found, _ = find_candidates(client, "realfake", "val_loss", PRESENT_DATA)
        assert [run.info.run_name for run in found] == ["better", "good"], "the lowest loss is the best"


def test_a_run_is_read_with_the_results_of_later_stages(project, prepared):
    with open_store("realfake") as client:
        run_id = trained(client, prepared, "one", wrong=4)
        child = create_run(
            client,
            "realfake",
            "again",
            {"evaluate.threshold": "0.7"},
            {"mlflow.parentRunId": run_id, "stage": "evaluate"},
        )
        client.log_batch(child.run_id, metrics=as_metrics({"test/accuracy": 0.5}, step=0))
        assert read_trained_run(client, client.get_run(run_id)).threshold == 0.5, "an earlier evaluation"
        client.set_tag(run_id, "last_evaluate", child.run_id)
        found = read_trained_run(client, find_run(client, "realfake", "one"))
        assert (found.run_id, found.threshold, found.metrics["test/accuracy"]) == (run_id, 0.7, 0.5)
        assert found.stages == {"evaluate": child.run_id, "export": run_id}
        assert found.data == PRESENT_DATA
        assert read_test_predictions(client, found) is None, "the last evaluation counts, and it logged none"
        assert list(read_formats(client, found)) == ["litert_int8"]
        assert read_training_fingerprints(client, found) is None
        folder = prepared.parent / "training"
        folder.mkdir()
        write_fingerprints(folder, np.array([3, 5], dtype=np.uint64))
        client.log_artifacts(run_id, str(folder), "training")
        assert read_training_fingerprints(client, found).tolist() == [3, 5]


def test_the_ancestors_of_a_training_are_the_networks_it_started_from(project, prepared):
    def started_from(name, digest):
        started = {"train.weights": "weights/some.keras", "train.weights_sha256": digest}
        return read_trained_run(client, client.get_run(trained(client, prepared, name, params=started)))

    with open_store("realfake") as client:
        first = read_trained_run(client, client.get_run(trained(client, prepared, "first")))
        second = started_from("second", first.tags["model_sha256"])
        third = started_from("third", second.tags["model_sha256"])
        assert find_ancestors(client, third) == [second, first]
        assert find_ancestors(client, first) == []
        assert find_ancestors(client, started_from("orphan", "f" * 64)) == [None], "no run trained that file"
        backbone = {"train.weights": "resnet50.h5", "train.weights_sha256": "f" * 64}
        public = trained(client, prepared, "public", params=backbone)
        assert find_ancestors(client, read_trained_run(client, client.get_run(public))) == []


def test_a_run_is_found_by_id_or_name(project, prepared):
    with open_store("realfake") as client:
        run_id = trained(client, prepared, "one")
        assert find_run(client, "realfake", run_id).info.run_id == find_run(client, "realfake", "one").info.run_id
        for wrong in ("two", "o'ne"):
            with pytest.raises(UserError, match=f"no run {wrong}"):
                find_run(client, "realfake", wrong)
        empty = create_run(client, "realfake", "empty", {}, {})
        with pytest.raises(UserError, match=r"run empty .*network"):
            read_trained_run(client, client.get_run(empty.run_id))


def test_the_shipped_network_is_an_ancestor_without_a_run(project, prepared):
    (project / pretrained.FOLDER).mkdir(parents=True)
    (project / pretrained.NETWORK).write_bytes(b"network")
    np.save(project / pretrained.SEEN, np.array([3, 5], dtype=np.uint64))
    with open_store("realfake") as client:

        def started(name: str, digest: str):
            params = {"train.weights": "cifake", "train.weights_sha256": digest}
            return read_trained_run(client, client.get_run(trained(client, prepared, name, params=params)))

        (origin,) = find_ancestors(client, started("here", sha256_file(project / pretrained.NETWORK)))
        assert isinstance(origin, ShippedNetwork)
        assert origin.seen.tolist() == [3, 5]
        assert find_ancestors(client, started("another release", "f" * 64)) == [None]
        (project / pretrained.SEEN).unlink()
        assert find_ancestors(client, started("half", sha256_file(project / pretrained.NETWORK))) == [None]
