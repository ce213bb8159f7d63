"""The photographs behind the REAL half: which they are, and how they are brought here from Debian's packages.

The list is photographs.tsv, one photograph a line. A package is fetched by its name with `apt-get download`, so the
machine must run Debian (or an image of it); only the listed files leave the package, each proved by its sha256.
"""

from __future__ import annotations

import csv
import hashlib
import io
import subprocess
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath

LIST = Path(__file__).with_name("photographs.tsv")


class SampleError(Exception):
    """A mistake or a lack that one line explains; the command prints it and exits 1."""


@dataclass(frozen=True)
class Photograph:
    """One line of the list. `group` names the photograph in the sample; `file` is its path inside `package`."""

    group: str
    split: str
    package: str
    version: str
    file: str
    licence: str
    author: str
    sha256: str

    def path(self, folder: Path) -> Path:
        """Where the photograph lies in the cache."""
        return folder / f"{self.group}{PurePosixPath(self.file).suffix.lower()}"


def read_list(path: Path = LIST) -> list[Photograph]:
    """The photographs in the order of the file."""
    names = [field.name for field in fields(Photograph)]
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        if rows.fieldnames != names:
            raise SampleError(f"{path.name}: the first line must name the columns {', '.join(names)}")
        return [Photograph(**row) for row in rows]


def fetch(photographs: list[Photograph], cache: Path) -> Path:
    """Bring every photograph into `cache`/photographs and return that folder; what lies there already is kept."""
    folder = cache / "photographs"
    folder.mkdir(parents=True, exist_ok=True)
    missing: dict[str, list[Photograph]] = defaultdict(list)
    for photograph in photographs:
        if not photograph.path(folder).exists():
            missing[photograph.package].append(photograph)
    for count, (package, wanted) in enumerate(sorted(missing.items()), 1):
        print(f"  package {count} of {len(missing)}: {package}, {len(wanted)} photographs", flush=True)
        contents = dict(read_package(download(package, cache / "packages"), {p.file for p in wanted}))
        for photograph in wanted:
            store(photograph, contents.get(photograph.file), folder)
    return folder


def download(package: str, folder: Path) -> Path:
    """Fetch a package's archive by name (nothing is installed) and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (found := sorted(folder.glob(f"{package}_*.deb"))):
        try:
            subprocess.run(["apt-get", "download", package], cwd=folder, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SampleError(
                f"package {package}: `apt-get download {package}` failed; it needs Debian 12 and, "
                "once, `apt-get update`"
            ) from error
        found = sorted(folder.glob(f"{package}_*.deb"))
    return found[-1]


def read_package(package: Path, wanted: set[str]) -> Iterator[tuple[str, bytes]]:
    """Yield (path, contents) of the wanted files of a .deb, following a symbolic link inside the package."""
    command = ["dpkg-deb", "--fsys-tarfile", package.name]
    done = subprocess.run(command, cwd=package.parent, check=False, capture_output=True)
    if done.returncode:
        raise SampleError(f"{package.name} cannot be unpacked: {done.stderr.decode().strip()}; remove it and run again")
    archive = done.stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in files:
            if (name := member.name.removeprefix("./")) in wanted and (contents := files.extractfile(member)):
                yield name, contents.read()


def store(photograph: Photograph, contents: bytes | None, folder: Path) -> None:
    """Write a photograph into the cache, provided that it is the one the list means."""
    if contents is None or hashlib.sha256(contents).hexdigest() != photograph.sha256:
        state = "is not in" if contents is None else "differs in"
        raise SampleError(
            f"photograph {photograph.group}: {photograph.file} {state} the {photograph.package} fetched; "
            f"the list was made from version {photograph.version}"
        )
    partial = photograph.path(folder).with_suffix(".partial")
    partial.write_bytes(contents)
    partial.replace(photograph.path(folder))


def table(photographs: list[Photograph]) -> str:
    """The list as a Markdown table, as it stands in SOURCES.md."""
    rows = ["| id | split | author | licence | package, version | file |", "| --- | --- | --- | --- | --- | --- |"]
    rows += [
        f"| {p.group} | {p.split} | {p.author} | {p.licence} | {p.package} {p.version} | {p.file} |"
        for p in photographs
    ]
    return "\n".join(rows)


if __name__ == "__main__":
    print(table(read_list()))
