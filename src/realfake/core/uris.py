"""Convert paths to URIs and back, the only place that does: in a URI, `%`, `?` and `#` have meanings of their own."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

_MEANINGS = {"%": "%25", "?": "%3F", "#": "%23"}
"""Characters of a path that a database's URL would take for something else, and how it spells them."""


def sqlite_uri(path: Path) -> str:
    """Return the SQLAlchemy URL of a SQLite file.

    A path with `%`, `?` or `#` needs them spelled out; its URL then names the driver too, since MLflow creates the
    parent folder of what follows `sqlite:///` literally, which would leave a stray folder beside the right one.

    Args:
        path: an absolute path.
    """
    spelled = "".join(_MEANINGS.get(character, character) for character in str(path))
    return f"sqlite:///{spelled}" if spelled == str(path) else f"sqlite+pysqlite:///{spelled}"


def sqlite_path(uri: str) -> Path | None:
    """Return the absolute path of the file that a SQLAlchemy URL of SQLite names.

    Returns:
        None for other databases, for databases in memory, and for SQLite's own `file:` URIs, whose options decide.
    """
    scheme, mark, rest = uri.partition(":///")
    path = unquote(rest.partition("?")[0])
    if not mark or scheme.partition("+")[0] != "sqlite" or not path or path.startswith((":memory:", "file:")):
        return None
    return Path.cwd() / path


def file_uri(path: Path) -> str:
    """Return the `file:` URI of an absolute path."""
    return path.as_uri()


def artifact_address(path: Path) -> str:
    """Return the address of a local folder of artifacts, as MLflow keeps it.

    It is the plain path, or the `file:` URI where MLflow, which decodes both, would misread the path.
    """
    return file_uri(path) if set(str(path)) & set(_MEANINGS) else str(path)


def local_path(uri: str) -> Path | None:
    """Return the path that a `file:` URI or a plain absolute path names; None for every other address.

    A plain path is taken literally.
    """
    if uri.startswith("/"):
        return Path(uri)
    parts = urlsplit(uri)
    return Path(unquote(parts.path)) if parts.scheme == "file" and parts.netloc in ("", "localhost") else None
