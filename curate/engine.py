"""Runs an ONNX file on the CPU: ONNX Runtime, or OpenVINO where that is faster.

Measured here on yolo11n at 640 px, 2 threads: in float32 the two are level (calm 35.6 and 34.3 ms a photo,
beside other work 1.0 to 1.02 times each other), so "auto" takes ONNX Runtime, which is always installed. On a
chip that computes in bfloat16 OpenVINO takes 21 ms where ONNX Runtime takes 42, and bfloat16 changed AP50
by at most 0.002 (150 held-out photos), so "auto" takes OpenVINO there, if it is installed. OpenVINO is told
its precision: left alone it would choose.

Pictures go through one at a time: in batches of 2 and 4 a picture took 1.00 to 1.12 times as long. Threads never
spin: two sessions whose threads wait actively slow each other three times, and a detector seldom runs alone.
"""

import ast
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from db.errors import ConfigError, ModelError
from db.privacy import quiet_openvino

Floats = NDArray[np.float32]
Shape = tuple[int | None, ...]
EngineName = Literal["auto", "onnxruntime", "openvino"]
Numbers = type[np.float32 | np.float16]
INPUT_TYPES: dict[str, Numbers] = {
    "float": np.float32,
    "float16": np.float16,
    "f32": np.float32,
    "f16": np.float16,
}


class Engine(Protocol):
    """A loaded network with one picture input.

    ``input_shape`` is (N, C, H, W) and ``output_shapes`` are those of the outputs, None where a side is free;
    ``metadata`` is what the model's maker wrote.
    """

    input_shape: Shape
    output_shapes: tuple[Shape, ...]
    metadata: dict[str, str]

    def run(self, batch: Floats) -> list[Floats]:
        """The outputs for ``batch`` (N, 3, H, W), in the order of ``output_shapes``."""
        ...


def load_engine(path: Path, *, threads: int | None = None, engine: EngineName = "auto") -> Engine:
    """Opens ``path``; raises ModelError when it is no ONNX file that the engine can run, ConfigError without it."""
    name = fastest_engine() if engine == "auto" else engine
    kind: Callable[[Path, int | None], Engine] = OpenVinoEngine if name == "openvino" else OnnxRuntimeEngine
    try:
        return kind(path, threads)
    except ModelError:
        raise
    except ImportError as error:
        package = "mimique[openvino]" if name == "openvino" else name
        raise ConfigError(f"{name} is not installed: {error}", hint=f"pip install '{package}'") from error
    except Exception as error:  # both engines raise their own classes, some straight from C++
        raise ModelError(
            f"{path} is no ONNX model that {name} can open: got {beginning(path)} ({_reason(error)})",
            hint="give an ONNX file of a face detector; `mimique models list` names some",
        ) from error


def fastest_engine() -> Literal["onnxruntime", "openvino"]:
    """OpenVINO where it is installed and the chip computes in bfloat16, else ONNX Runtime."""
    if find_spec("openvino") is None:
        return "onnxruntime"
    quiet_openvino()
    import openvino

    return "openvino" if _has_bfloat16(openvino.Core()) else "onnxruntime"


def beginning(path: Path) -> str:
    """What a file holds, for a message: its size and first bytes."""
    with path.open("rb") as file:
        head = file.read(12)
    return f"{path.stat().st_size:,} bytes that begin with {head!r}" if head else "an empty file"


class OnnxRuntimeEngine:
    """ONNX Runtime's CPU provider."""

    def __init__(self, path: Path, threads: int | None) -> None:
        import onnxruntime

        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # what goes wrong is raised; its own lines say no more
        options.intra_op_num_threads = threads or 0
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session: Any = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        entry = _only_input(path, self._session.get_inputs())
        self._input = entry.name
        self._dtype = _number_type(path, entry.type.removeprefix("tensor(").removesuffix(")"))
        self.input_shape = _sides(entry.shape)
        self.output_shapes = tuple(_sides(output.shape) for output in self._session.get_outputs())
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, batch: Floats) -> list[Floats]:
        try:
            outputs = self._session.run(None, {self._input: batch.astype(self._dtype, copy=False)})
        except Exception as error:  # classes of its own, straight from C++
            raise _failed(batch.shape, error) from error
        return [np.asarray(output, np.float32) for output in outputs]


class OpenVinoEngine:
    """OpenVINO's CPU plugin, in bfloat16 where the chip has it, else in float32."""

    def __init__(self, path: Path, threads: int | None) -> None:
        quiet_openvino()
        import openvino

        core = openvino.Core()
        precision = "bf16" if _has_bfloat16(core) else "f32"
        options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        if threads:
            options["INFERENCE_NUM_THREADS"] = threads
        network = _read_onnx(path)
        entry = _only_input(path, network.inputs)
        self._dtype = _number_type(path, entry.element_type.get_type_name())
        self._model: Any = core.compile_model(network, "CPU", options)
        self.input_shape = _sides(entry.partial_shape)
        self.output_shapes = tuple(_sides(output.partial_shape) for output in network.outputs)
        self.metadata: dict[str, str] = {}
        if network.has_rt_info(["framework"]):
            told = network.get_rt_info("framework").value
            self.metadata = {key: str(value) for key, value in told.items()}

    def run(self, batch: Floats) -> list[Floats]:
        try:
            result = self._model(batch.astype(self._dtype, copy=False))
        except Exception as error:  # RuntimeError with a page of C++
            raise _failed(batch.shape, error) from error
        return [np.asarray(result[index], np.float32) for index in range(len(self.output_shapes))]


def metadata_value(metadata: dict[str, str], key: str) -> Any:
    """A Python literal from the metadata (Ultralytics writes lists that way), or None."""
    try:
        return ast.literal_eval(metadata[key])
    except (KeyError, ValueError, SyntaxError):
        return None


def _read_onnx(path: Path) -> Any:
    """The network of an ONNX file; OpenVINO's own reader would try seven other formats, aloud."""
    from openvino.frontend import FrontEndManager

    reader: Any = FrontEndManager().load_by_framework("onnx")
    return reader.convert(reader.load(str(path)))


def _has_bfloat16(core: Any) -> bool:
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _only_input(path: Path, inputs: Any) -> Any:
    if len(inputs) != 1:
        raise ModelError(f"{path}: expected a model with one input, a picture; it has {len(inputs)} inputs")
    return inputs[0]


def _number_type(path: Path, name: str) -> Numbers:
    if name not in INPUT_TYPES:
        raise ModelError(f"{path}: expected a model that takes floating point pictures, it takes {name}")
    return INPUT_TYPES[name]


def _sides(shape: Any) -> Shape:
    """A shape of either engine; free sides are names, None or OpenVINO's ranges there, and None here.

    A shape that is free altogether gives ().
    """
    if getattr(shape, "rank", None) is not None:
        if shape.rank.is_dynamic:
            return ()
        return tuple(side.get_length() if side.is_static else None for side in shape)
    return tuple(side if isinstance(side, int) else None for side in shape or ())


def _failed(shape: tuple[int, ...], error: Exception) -> ModelError:
    return ModelError(
        f"the network failed on a picture of {shape[3]}×{shape[2]}: {_reason(error)}",
        hint="export it again with dynamic=True, or with one fixed size",
    )


def _reason(error: Exception) -> str:
    """The end of what an engine says, which is the part that tells."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rpartition("failed:")[2] if lines else type(error).__name__
