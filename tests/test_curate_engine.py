"""Engines run an ONNX file alike, are chosen by what the machine has, and keep to themselves."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from curate.engine import fastest_engine, load_engine
from curate.registry import resolve
from db.errors import ConfigError, ModelError

ENGINES = ["onnxruntime", "openvino"]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_tells_shapes_and_metadata_and_takes_any_size(engine):
    loaded = load_engine(resolve("mimique-face"), threads=1, engine=engine)
    assert loaded.input_shape == (None, 3, None, None)
    assert [len(shape) for shape in loaded.output_shapes] == [3]
    assert loaded.metadata["names"] == "{0: 'face'}"
    for height, width in ((64, 96), (32, 32)):
        (output,) = loaded.run(np.zeros((1, 3, height, width), np.float32))
        assert output.dtype == np.float32
        assert output.shape[2] == height * width * (1 / 64 + 1 / 256 + 1 / 1024)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_picture_that_the_network_cannot_take_is_one_clear_error(engine):
    loaded = load_engine(resolve("mimique-face"), threads=1, engine=engine)
    with pytest.raises(ModelError, match="failed on a picture of 64×32"):
        loaded.run(np.zeros((1, 5, 32, 64), np.float32))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "an empty file|0 inputs"),
        (b"hello", "5 bytes that begin with b'hello'"),
        (bytes(range(256)) * 9, "2,304 bytes that begin"),
    ],
)
def test_a_file_that_is_no_model_is_one_error_that_says_what_it_is(tmp_path, capfd, engine, content, says):
    (tmp_path / "broken.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=says) as caught:
        load_engine(tmp_path / "broken.onnx", engine=engine)
    assert "broken.onnx" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_openvino_is_chosen_only_where_the_chip_has_bfloat16():
    chosen = fastest_engine()
    import openvino

    bfloat16 = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    assert chosen == ("openvino" if bfloat16 else "onnxruntime")


def test_without_openvino_the_engine_is_the_one_that_is_always_there(monkeypatch):
    monkeypatch.setattr("curate.engine.find_spec", lambda _name: None)
    assert fastest_engine() == "onnxruntime"
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ConfigError, match=r"^openvino is not installed") as caught:
        load_engine(resolve("mimique-face"), engine="openvino")
    assert "mimique[openvino]" in caught.value.hint


def test_openvino_reports_nothing_to_its_makers(tmp_path: Path):
    code = (
        "import sys; sys.addaudithook(lambda name, _: name.startswith('socket.') and sys.exit(name));"
        "from curate.detect import load_detector; load_detector(engine='openvino');"
        "print([name for name in sys.modules if name.startswith('openvino_telemetry')])"
    )
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
    assert not (tmp_path / "intel").exists()
