"""Versions are registered and found, and aliases are moved, in a real store."""

import pytest
from registered import trained

from realfake.core.errors import UserError
from realfake.registry.trained_run import read_trained_run
from realfake.registry.versions import Aliases, Registry, from_tag, to_tag
from realfake.tracking.store import open_store


@pytest.fixture
def registry(project):
    with open_store("realfake") as client:
        yield Registry(client, "toy")


def trained_run(registry, prepared, name, **values):
    run_id = trained(registry.client, prepared, name, **values)
    return read_trained_run(registry.client, registry.client.get_run(run_id))


def test_a_run_becomes_one_version_however_often_it_is_registered(registry, prepared):
    assert registry.aliases() == Aliases()
    one, two = (trained_run(registry, prepared, name) for name in ("one", "two"))
    assert registry.register(one, {"a": "b"}, "text") == 1
    assert registry.register(one, {}, "text") == 1
    assert registry.register(two, {}, "text") == 2
    version = registry.find_by_run(one.run_id)
    assert (version.tags, version.description) == ({"a": "b"}, "text")
    assert registry.trained_run(version) == one
    assert registry.find_by_digest(two.tags["model_sha256"]) is None, "no tag has the digest"
    registry.set_tags(2, model_sha256=two.tags["model_sha256"])
    assert registry.find_by_digest(two.tags["model_sha256"]).run_id == two.run_id
    assert registry.client.get_model_version("toy", "1").source.startswith("models:/")


def test_aliases_are_set_moved_and_deleted(registry, prepared):
    for name in ("one", "two"):
        registry.register(trained_run(registry, prepared, name), {}, "")
    for target in (Aliases(1, 2, None, 1), Aliases(2, None, 1, 2), Aliases(None, None, None, 3), Aliases(2, 1, 1, 4)):
        registry.set_aliases(target)
        assert registry.aliases() == target
        assert from_tag(to_tag(target)) == target


def test_a_version_is_found_by_number_and_alias(registry, prepared):
    with pytest.raises(UserError, match="toy has no version champion"):
        registry.find("champion")
    registry.register(trained_run(registry, prepared, "one"), {}, "")
    registry.set_aliases(Aliases(champion=1))
    for wanted in ("1", "v1", "champion", "@champion"):
        assert registry.find(wanted).version in ("1", 1)
    with pytest.raises(UserError, match=r"no version 7; .*champion \(1\)"):
        registry.find("7")


def test_the_error_on_a_deleted_run_has_the_command_that_restores_it(registry, prepared):
    one = trained_run(registry, prepared, "one")
    registry.register(one, {}, "")
    registry.client.delete_run(one.run_id)
    with pytest.raises(UserError, match=f"mlflow runs restore --run-id {one.run_id}"):
        registry.trained_run(registry.find("1"))
