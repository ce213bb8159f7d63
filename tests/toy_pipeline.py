"""A pipeline under git and DVC that trains nothing: its accuracy follows from the number of epochs, within a second."""

import json
import subprocess
from pathlib import Path

import yaml
from checkouts import commit, keep_state_here, succeed

_SCORES = [f"outputs/evaluation/{name}.json" for name in ("metrics", "ci_low", "ci_high", "cleaned", "robust")]
_STAGES = {
    "train": {"cmd": "python train.py", "params": ["train"], "deps": ["train.py"], "outs": ["outputs/model"]},
    "evaluate": {
        "cmd": "python evaluate.py",
        "deps": ["evaluate.py", "outputs/model"],
        "metrics": [{path: {"cache": False}} for path in _SCORES],
    },
}
_ACCURACY = {
    "x": "epoch",
    "y": {"outputs/model/history.json": ["train_accuracy", "val_accuracy"]},
    "template": "simple",
}
_TRAIN = """
import json, pathlib, yaml
epochs = yaml.safe_load(open("params.yaml"))["train"]["epochs"]
history = [{"epoch": n, "train_accuracy": 0.9, "val_accuracy": 1 - 0.5 ** n} for n in range(1, epochs + 1)]
model = pathlib.Path("outputs/model")
model.mkdir(parents=True)
(model / "history.json").write_text(json.dumps(history))
(model / "model.keras").write_text(str(epochs))
"""
_EVALUATE = """
import json, pathlib
epochs = int(pathlib.Path("outputs/model/model.keras").read_text())
folder = pathlib.Path("outputs/evaluation")
folder.mkdir(exist_ok=True)
for name, shift in (("metrics", 0), ("ci_low", -0.1), ("ci_high", 0.1), ("cleaned", 0)):
    names = ("precision", "recall", "fake_recall", "f1", "roc_auc", "pr_auc", "brier", "ece", "log_loss")
    scores = {"accuracy": 1 - 0.5 ** epochs + shift, **dict.fromkeys(names, 0.75 + shift)}
    scores |= {"pictures": 9} if name in ("metrics", "cleaned") else {}
    (folder / f"{name}.json").write_text(json.dumps(scores))
(folder / "robust.json").write_text(json.dumps({"accuracy": 0.7, "ece": 0.1, "worst": 0.6, "pictures": 9}))
"""
_FORMATS = {"onnx": {"bytes": 1_100_000, "accuracy": 0.93, "agreement": 1.0, "max_difference": 0.0}}


def git(folder: Path, *words: str) -> str:
    """Run git with an identity; what it printed."""
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def train(project: Path, epochs: int) -> None:
    """Set the epochs and run the pipeline."""
    (project / "params.yaml").write_text(f"train:\n  epochs: {epochs}\n  name: resnet\n")
    succeed(project, "dvc repro --quiet")


def toy_pipeline(project: Path) -> Path:
    """A project of two commits on main: an empty one, and one with a pipeline that has run with two epochs."""
    project.mkdir()
    git(project, "init", "--quiet")
    git(project, "config", "user.name", "t")
    git(project, "config", "user.email", "t@example.org")
    git(project, "commit", "--quiet", "--allow-empty", "--message", "empty")
    succeed(project, "dvc init --quiet")
    keep_state_here(project)
    for name, program in (("train", _TRAIN), ("evaluate", _EVALUATE)):
        (project / f"{name}.py").write_text(program)
    (project / "dvc.yaml").write_text(yaml.safe_dump({"stages": _STAGES, "plots": [{"Accuracy": _ACCURACY}]}))
    train(project, epochs=2)
    (project / "outputs/export").mkdir()
    (project / "outputs/export/formats.json").write_text(json.dumps({"pictures": 1000, "formats": _FORMATS}))
    (project / ".gitignore").write_text("/.cache/\n/outputs/promotion/\n")
    commit(project)
    return project
