"""Make the embedded sample: `python sample/make.py --output DIR/sample.tar.gz`.

Four stages, each resumed where it was left: photographs fetched, crops drawn, generator trained, sample written.
The archive has CIFAKE's layout (train and test, REAL and FAKE, 32x32 JPEG) and the same bytes whenever it is made
from the same crops and weights. REAL files are called GROUP__NNNN.jpg, GROUP being the photograph.
"""

from __future__ import annotations

import argparse
import gzip
import io
import sys
import tarfile
from pathlib import Path

import generator
import numpy as np
from crops import Pictures, crop
from photographs import Photograph, SampleError, fetch, read_list
from PIL import Image
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
SEED = 20
PER_CLASS = {"train": 2400, "test": 600}
CROPS_TO_LEARN = 300  # of each training photograph, for the generator
STEPS = 2500  # of the generator's training, 32 pictures each
QUALITY = 75  # of the JPEG files, both classes, 4:2:0: as CIFAKE's own
LARGEST = 5_000_000  # bytes of the archive
EXAMPLES = 12  # pictures of each class for the folder imgs/

Files = dict[str, bytes]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--output", type=Path, required=True, help="the archive to write (.tar.gz)")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "sample", help="where stages keep their work")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"steps of the generator's training (default {STEPS})")
    parser.add_argument("--images", type=Path, help=f"folder to copy {EXAMPLES} test pictures of each class into")
    arguments = parser.parse_args()
    try:
        if not arguments.output.name.endswith(".tar.gz"):
            raise SampleError(f"--output {arguments.output}: the name must end in .tar.gz")
        if arguments.steps < 1:
            raise SampleError(f"--steps {arguments.steps}: at least 1 is needed")
        make(arguments.output, arguments.cache, arguments.steps, arguments.images)
    except (SampleError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


def make(output: Path, cache: Path, steps: int, images: Path | None) -> None:
    """Run the four stages."""
    photographs = read_list()
    print("1 photographs", flush=True)
    folder = fetch(photographs, cache)
    print("2 crops", flush=True)
    crops = {p: draw(p, folder) for p in tqdm(photographs, desc="  photographs")}
    print("3 generator", flush=True)
    lessons = np.concatenate([crops[p] for p in photographs if p.split == "train"])
    network = generator.train(lessons, steps, SEED, cache)
    print("4 sample", flush=True)
    files: Files = {}
    for number, (split, count) in enumerate(PER_CLASS.items()):
        files |= real_files(split, count, {p: c for p, c in crops.items() if p.split == split})
        files |= fake_files(split, generator.sample(network, count, (SEED, number)))
    write(output, files)
    if images:
        copy_examples(files, images)
    used = {name.split("__")[0] for name in files if "__" in name}
    print(f"  {output}: {len(files)} pictures, {len(used)} photographs, {output.stat().st_size:,} bytes")


def draw(photograph: Photograph, folder: Path) -> Pictures:
    """A photograph's crops: as many as the generator learns from, or as the test half may need."""
    count = CROPS_TO_LEARN if photograph.split == "train" else PER_CLASS["test"] // 10
    return crop(photograph.path(folder), count, SEED)


def real_files(split: str, count: int, crops: dict[Photograph, Pictures]) -> Files:
    """`count` crops spread evenly over the photographs, whoever has fewer leaving room to the others."""
    order = [
        (place, photograph)
        for place in range(max(map(len, crops.values())))
        for photograph, pictures in crops.items()
        if place < len(pictures)
    ]
    if len(order) < count:
        raise SampleError(f"{split}: the photographs give {len(order)} crops, {count} are wanted")
    return {f"{split}/REAL/{p.group}__{place:04d}.jpg": encode(crops[p][place]) for place, p in order[:count]}


def fake_files(split: str, pictures: Pictures) -> Files:
    return {f"{split}/FAKE/{number:04d}.jpg": encode(picture) for number, picture in enumerate(pictures)}


def encode(picture: Pictures) -> bytes:
    """One picture, uint8 (32, 32, 3), as a JPEG file without metadata."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=QUALITY, subsampling="4:2:0")
    return file.getvalue()


def write(output: Path, files: Files) -> None:
    """Pack the files into a .tar.gz whose bytes depend on their names and contents alone."""
    if len(set(files.values())) < len(files):
        raise SampleError("two pictures of the sample are identical: train the generator for longer")
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=0) as outer,
        tarfile.open(fileobj=outer, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            archive.addfile(member, io.BytesIO(files[name]))
    if packed.tell() > LARGEST:
        raise SampleError(f"the archive has {packed.tell():,} bytes, over the {LARGEST:,} it may have")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(packed.getvalue())


def copy_examples(files: Files, images: Path) -> None:
    """Copy seeded picks of the test pictures into `images`/real and `images`/fake as 1.jpg, 2.jpg and so on."""
    for label in ("REAL", "FAKE"):
        names = sorted(name for name in files if name.startswith(f"test/{label}/"))
        groups = sorted({name.split("__")[0] for name in names})  # of FAKE each picture is its own group
        rng = np.random.default_rng(SEED)
        (images / label.lower()).mkdir(parents=True, exist_ok=True)
        for number, group in enumerate(rng.choice(groups, EXAMPLES, replace=False), 1):
            picked = rng.choice([name for name in names if name.split("__")[0] == group])
            (images / label.lower() / f"{number}.jpg").write_bytes(files[picked])


if __name__ == "__main__":
    sys.exit(main())
