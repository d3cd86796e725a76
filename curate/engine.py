"""Runs an ONNX file on the CPU: ONNX Runtime, or OpenVINO where asked for and installed.

Threads never spin: two sessions whose threads wait actively slow each other three times (measured in
this project), and a detector seldom runs alone. OpenVINO is held to float32: left alone it takes bf16.
"""

import ast
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from db.errors import ModelError

Floats = NDArray[np.float32]
EngineName = Literal["onnxruntime", "openvino"]


class Engine(Protocol):
    """A loaded network with one picture input.

    ``input_shape`` is (N, C, H, W), None where the model takes any size; ``metadata`` what its maker wrote.
    """

    input_shape: tuple[int | None, ...]
    output_names: tuple[str, ...]
    metadata: dict[str, str]

    def run(self, batch: Floats) -> list[Floats]:
        """The outputs for ``batch`` (N, 3, H, W), in the order of ``output_names``."""
        ...


def load_engine(path: Path, *, threads: int | None = None, engine: EngineName = "onnxruntime") -> Engine:
    """Opens ``path``; raises ModelError when it is no ONNX file that the engine can run."""
    kind = OpenVinoEngine if engine == "openvino" else OnnxRuntimeEngine
    try:
        return kind(path, threads)
    except ImportError as error:
        raise ModelError(f"{engine} is not installed", hint="pip install 'mimique[openvino]'") from error
    except Exception as error:  # both engines raise their own classes, some straight from C++
        line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"{path} is no ONNX model that {engine} can open: {line}") from error


class OnnxRuntimeEngine:
    """ONNX Runtime's CPU provider."""

    def __init__(self, path: Path, threads: int | None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads or 0
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session: Any = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        entry = self._session.get_inputs()[0]
        self._input = entry.name
        self.input_shape = tuple(side if isinstance(side, int) else None for side in entry.shape)
        self.output_names = tuple(output.name for output in self._session.get_outputs())
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, batch: Floats) -> list[Floats]:
        outputs: list[Floats] = self._session.run(None, {self._input: batch})
        return outputs


class OpenVinoEngine:
    """OpenVINO's CPU plugin in float32."""

    def __init__(self, path: Path, threads: int | None) -> None:
        import openvino

        core = openvino.Core()
        options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        if threads:
            options["INFERENCE_NUM_THREADS"] = threads
        network = core.read_model(str(path))
        self._model: Any = core.compile_model(network, "CPU", options)
        shape = network.inputs[0].partial_shape
        self.input_shape = tuple(side.get_length() if side.is_static else None for side in shape)
        self.output_names = tuple(output.any_name for output in network.outputs)
        self.metadata: dict[str, str] = {}
        if network.has_rt_info(["framework"]):
            told = network.get_rt_info("framework").value
            self.metadata = {key: str(value) for key, value in told.items()}

    def run(self, batch: Floats) -> list[Floats]:
        result = self._model(batch)
        return [np.asarray(result[index], np.float32) for index in range(len(self.output_names))]


def metadata_value(engine: Engine, key: str) -> Any:
    """A Python literal from the metadata (Ultralytics writes lists that way), or None."""
    try:
        return ast.literal_eval(engine.metadata[key])
    except (KeyError, ValueError, SyntaxError):
        return None
