"""What the demo says: an answer as its parts, and plain words on what the detector is and is not good for."""

from pathlib import Path
from typing import Any

from realfake.core.errors import UserError, one_line
from realfake.inference.detector import Detector
from realfake.inference.metadata import Description
from realfake.inference.occlusion import occlusion_map, overlay

SURE = 0.9
_SCALE = 8


def answer(detector: Detector, path: str | None) -> tuple[str, dict[str, float] | None, Any, Any]:
    """What the page shows of a picture.

    Args:
        detector: what answers.
        path: the uploaded file; None where there is none.

    Returns:
        verdict in Markdown, probabilities by label, what the network sees and where it looked, both uint8 (H, W, 3);
        the last three None where the file cannot be used.
    """
    if path is None:
        return "## Waiting for a picture", None, None, None
    try:
        found = detector.look(Path(path).read_bytes())
    except (UserError, OSError) as error:
        return f"## This file cannot be used\n{one_line(error)}.", None, None, None
    sure = "looks" if found.confidence >= SURE else "rather looks"
    kind = "like a photograph" if found.label == "REAL" else "generated"
    verdict = f"## {found.label}\nTo the network it {sure} {kind} ({found.confidence:.1%})."
    labels = {"FAKE": 1 - found.probability, "REAL": found.probability}
    where = overlay(found.seen, occlusion_map(detector.probabilities, found.seen), _SCALE)
    return verdict, labels, found.seen.repeat(_SCALE, axis=0).repeat(_SCALE, axis=1), where


def limits(description: Description) -> str:
    """What the detector is and is not good for, in plain words."""
    size = description.source_size
    return f"""
### What this is good for, and what not
- **It sees {size} x {size} pixels.** A large picture is cut to its central square and reduced first; what only shows in
  full resolution is gone.
- **It knows the generators that it learnt from**, and no others. On pictures of another generator it is often wrong,
  and sure of it.
- **It is a sign, not a proof.** {_rate(description)} Compression, filters and screenshots move its answer.
- Do not use it to accuse anyone.
"""


def _rate(description: Description) -> str:
    accuracy = description.figures.get("accuracy")
    if accuracy is None:
        return "How often it errs was not measured."
    low, high = (description.figures.get(f"accuracy_ci_{end}", accuracy) for end in ("low", "high"))
    return (
        f"On test pictures of the kind it learnt from it erred on {1 - accuracy:.1%} of them "
        f"(95 % interval {1 - high:.1%} to {1 - low:.1%})."
    )


def facts(detector: Detector) -> str:
    """Where the network comes from."""
    said = detector.description
    rows = {
        "file": f"{detector.path.name}, {detector.path.stat().st_size / 1e6:.2f} MB",
        "called REAL from": f"P(REAL) = {said.threshold:g}",
        "learnt from": f"pictures of digest `{said.data_digest[:12]}`",
        "trained network": f"SHA-256 `{said.model_sha256[:12]}` (in MLflow: tag `model_sha256`)",
    }
    rows |= {f"test {name}": f"{value:,.4g}" for name, value in said.figures.items()}
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])
