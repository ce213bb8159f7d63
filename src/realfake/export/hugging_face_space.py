"""Write the demo as a folder for Hugging Face Spaces: app, imported modules, model, examples and requirements."""

import shutil
from importlib.metadata import version
from pathlib import Path

from realfake.core.code_identity import import_closure, source_files
from realfake.core.errors import UserError
from realfake.core.files import atomic_folder
from realfake.inference.demo import limits_text
from realfake.inference.detector import Detector

PACKAGES = ("ai-edge-litert", "gradio", "numpy", "pillow")
"""Packages that the demo needs; requirements.txt names the versions installed here."""
HEADER = """---
title: REAL or FAKE?
emoji: 📷
sdk: gradio
sdk_version: {gradio}
app_file: app.py
license: mit
---

# REAL or FAKE?

Is this picture a photograph or made by a generator? This folder was written by `make space` of the realfake platform.
"""


def write_space(root: Path, model: Path, output: Path) -> None:
    """Write the demo of a model into the folder `output`, replacing a demo that is there.

    Args:
        root: the project's folder.
        model: a .tflite file that this project exported.
        output: the folder to write.

    Raises:
        UserError: the model is not a .tflite file of this project, or `output` has other files.
    """
    if model.suffix != ".tflite":
        raise UserError(f"{model} is not a .tflite file, the only format that the demo runs; give one with --model")
    if output.exists() and any(output.iterdir()) and ((output / ".git").exists() or not (output / "app.py").is_file()):
        raise UserError(f"{output} has files that are not a demo and would be deleted; give a new folder with --output")
    description = Detector(model).description
    needed = {name: version(name) for name in PACKAGES}
    with atomic_folder(output) as folder:
        shutil.copyfile(root / "src/app.py", folder / "app.py")
        for source in source_files(import_closure(root / "src/app.py")):
            copy = folder / source.relative_to(root / "src")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
        shutil.copyfile(model, folder / "model.tflite")
        shutil.copytree(root / "imgs", folder / "imgs")
        (folder / "requirements.txt").write_text("".join(f"{name}=={number}\n" for name, number in needed.items()))
        (folder / "README.md").write_text(HEADER.format(gradio=needed["gradio"]) + limits_text(description))
