"""Write the texts and pictures of the demo's page: a classification, and what the detector can and cannot do."""

from pathlib import Path
from typing import Any

from realfake.core.errors import UserError, one_line
from realfake.inference.detector import Detector
from realfake.inference.metadata import Description
from realfake.inference.occlusion import occlusion_map, overlay

CONFIDENT = 0.9
"""Probability of the label from which the text says "looks" instead of "rather looks"."""
_SCALE = 8
"""Pixels on the page for each pixel that the network sees, on a side."""


def classify_upload(detector: Detector, path: str | None) -> tuple[str, dict[str, float] | None, Any, Any]:
    """Classify an uploaded picture for the page.

    Args:
        detector: the model to use.
        path: the uploaded file; None if there is none.

    Returns:
        The verdict in Markdown, the probability of each label, the picture at the network's resolution and its
        occlusion map, both uint8 (H, W, 3). The last three are None if there is no usable file.
    """
    if path is None:
        return "## Waiting for a picture", None, None, None
    try:
        found = detector.classify(Path(path).read_bytes())
    except (UserError, OSError) as error:
        return f"## This file cannot be used\n{one_line(error)}.", None, None, None
    looks = "looks" if found.confidence >= CONFIDENT else "rather looks"
    kind = "like a photograph" if found.label == "REAL" else "generated"
    verdict = f"## {found.label}\nTo the network it {looks} {kind} ({found.confidence:.1%})."
    probabilities = {"FAKE": 1 - found.probability, "REAL": found.probability}
    evidence = overlay(found.resized, occlusion_map(detector.predict, found.resized), _SCALE)
    return verdict, probabilities, found.resized.repeat(_SCALE, axis=0).repeat(_SCALE, axis=1), evidence


def limits_text(description: Description) -> str:
    """Return in Markdown what the detector can and cannot do."""
    size = description.source_size
    return f"""
### What this is good for, and what not
- **It sees {size} x {size} pixels.** A larger picture is cropped to its central square and reduced; details that show
  only in full resolution are lost.
- **It recognises the generators that it was trained on**, and no others. On pictures of another generator it is often
  wrong, with high confidence.
- **A prediction is an indication, not a proof.** {_error_rate(description)} Compression, filters and screenshots change
  it.
- Do not use it to accuse anyone.
"""


def _error_rate(description: Description) -> str:
    accuracy = description.figures.get("accuracy")
    if accuracy is None:
        return "Its error rate was not measured."
    low, high = (description.figures.get(f"accuracy_ci_{end}", accuracy) for end in ("low", "high"))
    return (
        f"On test pictures of the kind that it was trained on, it was wrong about {1 - accuracy:.1%} of them "
        f"(95 % interval {1 - high:.1%} to {1 - low:.1%})."
    )


def facts_table(detector: Detector) -> str:
    """Return a table in Markdown: the model file, its threshold, its training data and its test scores."""
    description = detector.description
    rows = {
        "file": f"{detector.path.name}, {detector.path.stat().st_size / 1e6:.2f} MB",
        "called REAL from": f"P(REAL) = {description.threshold:g}",
        "trained on": f"pictures with digest `{description.data_digest[:12]}`",
        "trained network": f"SHA-256 `{description.model_sha256[:12]}` (in MLflow: tag `model_sha256`)",
    }
    rows |= {f"test {name}": f"{value:,.4g}" for name, value in description.figures.items()}
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])
