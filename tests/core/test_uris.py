"""Paths become URIs and come back unchanged, whatever characters they have."""

import sqlite3
from pathlib import Path

import pytest
from hostile_names import HOSTILE_NAMES
from sqlalchemy import create_engine, text

from realfake.core.uris import file_uri, local_path, sqlite_path, sqlite_uri


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_database_is_made_at_its_path_and_nowhere_else(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    path = tmp_path / name / "runs.db"
    engine = create_engine(sqlite_uri(path))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (x)"))
    engine.dispose()
    assert sqlite3.connect(path).execute("SELECT name FROM sqlite_master").fetchall() == [("t",)]
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    assert sqlite_path(sqlite_uri(path)) == path


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_path_survives_as_a_file_uri(tmp_path: Path, name: str) -> None:
    assert local_path(file_uri(tmp_path / name)) == tmp_path / name


def test_only_local_addresses_have_a_path() -> None:
    assert local_path("/plain/path%20literally") == Path("/plain/path%20literally")
    for uri in ("s3://bucket/key", "mlflow-artifacts:/1/x", "models:/realfake/1", "file://server/share", "mlruns"):
        assert local_path(uri) is None
    for uri in ("postgresql://host/db", "sqlite://", "sqlite:///:memory:", "sqlite:///file:x.db?mode=ro&uri=true"):
        assert sqlite_path(uri) is None
    assert sqlite_path("sqlite:////a/b.db?timeout=5") == Path("/a/b.db")
    assert sqlite_path("sqlite:///b.db") == Path.cwd() / "b.db"
