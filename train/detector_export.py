"""From a trained detector to the one ONNX file that the package bundles."""

import hashlib
import json
import warnings
from collections.abc import Mapping
from pathlib import Path

from db.privacy import quiet_ultralytics
from db.whole_file import renamed_when_whole
from train.detector_graph import halve_weights, simplify_distances, strip_notes


def export_detector(checkpoint: Path, out: Path, metadata: Mapping[str, str]) -> Path:
    """Writes ``checkpoint`` (an Ultralytics .pt) as ONNX with float16 weights and any batch and picture size.

    The weights are cast to float32 when the file is opened, so it runs as fast as a float32 file of twice
    the size. ``metadata`` (licence, data, date, …) is added to what Ultralytics writes, with the sha256 of
    the recipe that the checkpoint carries.
    """
    quiet_ultralytics()
    import onnx
    import torch
    from ultralytics import YOLO

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Ultralytics still exports through TorchScript
        options = {"format": "onnx", "dynamic": True, "simplify": True, "opset": 17, "verbose": False}
        written = Path(YOLO(str(checkpoint)).export(**options))
    model = onnx.load(str(written))
    written.unlink()
    simplify_distances(model)
    halve_weights(model)
    strip_notes(model)
    recipe = torch.load(checkpoint, map_location="cpu", weights_only=False).get("recipe", {})
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()
    told = {p.key: p.value for p in model.metadata_props} | {"recipe_sha256": digest} | dict(metadata)
    onnx.helper.set_model_props(model, told)
    out.parent.mkdir(parents=True, exist_ok=True)
    with renamed_when_whole(out) as part:
        onnx.save(model, str(part))
    return out
