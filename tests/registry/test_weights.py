"""Invalid addresses of weights are refused; tests/test_promote.py compares the downloaded file with the trained one."""

import pytest

from realfake.core.errors import UserError
from realfake.registry.weights import fetch_weights
from realfake.tracking.store import open_store


@pytest.mark.parametrize(
    "address", ["champion", "models:/realfake", "models:/real/fake@x", "runs:/abc/model", "models:/a@b/c"]
)
def test_an_invalid_address_is_refused(project, address):
    with pytest.raises(UserError, match="models:/NAME@ALIAS"):
        fetch_weights(None, address, project)


def test_a_missing_version_leaves_no_folder(project):
    with open_store(None) as client, pytest.raises(UserError, match="realfake has no version champion"):
        fetch_weights(client, "models:/realfake@champion", project / "weights")
    assert not (project / "weights").exists()
