"""An exported graph that was rewritten gives the same boxes, and one that has nothing to rewrite is left alone."""

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import helper, load, numpy_helper

from db.privacy import quiet_ultralytics
from train.detector_graph import halve_weights, simplify_distances


def _exported(tmp_path):
    quiet_ultralytics()
    from ultralytics.nn.modules.block import DFL

    path = tmp_path / "distances.onnx"
    torch.onnx.export(DFL(16).eval(), (torch.zeros(1, 64, 7),), str(path), dynamo=False, opset_version=17)
    return load(str(path))


def _run(model, x):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {session.get_inputs()[0].name: x})[0]


@pytest.mark.filterwarnings("ignore:You are using the legacy TorchScript:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The feature will be removed:DeprecationWarning")
@pytest.mark.parametrize("spread", [5, 100], ids=["as trained", "where exponentials overflow"])
def test_distances_without_a_softmax_are_the_same_distances(tmp_path, spread):
    model = _exported(tmp_path)
    x = np.random.default_rng(0).normal(0, spread, (1, 64, 7)).astype(np.float32)
    before = _run(model, x)
    simplify_distances(model)
    assert "Softmax" not in [node.op_type for node in model.graph.node]
    np.testing.assert_allclose(_run(model, x), before, atol=1e-4)


def test_a_graph_without_distances_is_left_as_it_is():
    nodes = [helper.make_node("Softmax", ["x"], ["y"], axis=1)]
    graph = helper.make_graph(nodes, "g", [], [])
    model = helper.make_model(graph)
    before = model.SerializeToString()
    simplify_distances(model)
    assert model.SerializeToString() == before


def test_large_weights_are_stored_as_half_and_small_ones_as_they_were(tmp_path):
    weights = [numpy_helper.from_array(np.ones(n, np.float32), f"w{n}") for n in (10, 100)]
    model = helper.make_model(helper.make_graph([], "g", [], [], initializer=weights))
    halve_weights(model)
    assert {w.name: numpy_helper.to_array(w).dtype.name for w in model.graph.initializer} == {
        "w10": "float32",
        "w100_half": "float16",
    }
