"""From the command to the first answer for one picture: the inference script beside one written with Keras."""

from pathlib import Path
from typing import Any

from sandbox import PROJECT, Sandbox, measure_in_rounds

from realfake.core.errors import UserError

MODELS = PROJECT / "outputs/export/models"
PICTURE = PROJECT / "imgs/fake/5.jpg"
FILES = ("model_int8.tflite", "model_fp32.tflite", "model.onnx")


def measure(archive: Path, count: int) -> dict[str, Any]:
    """Seconds of whole processes, `count` of each in turns, on the files of the last export in this checkout.

    Raises:
        UserError: there was none.
    """
    missing = [name for name in (*FILES, "model.keras") if not (MODELS / name).is_file()]
    if missing:
        raise UserError(f"{MODELS} has no {missing[0]}; `make repro` makes it")
    sandbox = Sandbox("first_answer", archive, "quick", {})
    peer, ours = Path(__file__).with_name("peer_predict.py"), PROJECT / "src/localpredict/inference_script.py"

    def script(name: str, *more: str) -> float:
        return sandbox.run(ours, str(PICTURE), "--model", str(MODELS / name), *more)[0]

    measures = {"Keras script": lambda: sandbox.run(peer, str(MODELS / "model.keras"), str(PICTURE))[0]}
    measures |= {name: lambda name=name: script(name, "--no-plot") for name in FILES}
    measures |= {"model_int8.tflite, with the figure": lambda: script("model_int8.tflite")}
    return {"seconds": measure_in_rounds(count, measures)}
