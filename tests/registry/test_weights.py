"""Addresses of registered weights; that the file is the trained one, to the bit, tests/test_promote.py shows."""

import pytest

from realfake.core.errors import UserError
from realfake.registry.weights import fetch_weights
from realfake.tracking.store import open_store


@pytest.mark.parametrize(
    "address", ["champion", "models:/realfake", "models:/real/fake@x", "runs:/abc/model", "models:/a@b/c"]
)
def test_what_is_no_address_is_refused(project, address):
    with pytest.raises(UserError, match="expected models:/NAME@ALIAS or models:/NAME/VERSION"):
        fetch_weights(None, address, project)


def test_a_version_that_is_not_there_leaves_no_folder(project):
    with open_store(None) as client, pytest.raises(UserError, match="realfake has no version champion"):
        fetch_weights(client, "models:/realfake@champion", project / "weights")
    assert not (project / "weights").exists()
