"""The ResNet recipe: a pretrained torchvision network, first its new head, then all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db.errors import ModelError
from db.records.runs import Run
from db.records.snapshots import Part, Snapshot
from db.workspace import Workspace
from train.card import ModelCard
from train.dataset import PackedFaces, check_trainable, pack_part
from train.recipes import ResnetRecipe
from train.runs import ActiveRun, training_run
from train.start import starting_weights, torch_device

if TYPE_CHECKING:
    from train.network import FaceNetwork

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def train_resnet(
    workspace: Workspace,
    snapshot: Snapshot,
    recipe: ResnetRecipe,
    *,
    name: str = "",
    resume: str = "",
    fresh: bool = False,
) -> Run:
    """Train a torchvision network in two phases and keep the epoch of best macro-F1 on val.

    Without pretrained weights nothing is frozen and the scratch learning rates hold. An interrupted run of
    the same recipe and snapshot goes on unless ``fresh``; ``resume`` names one. On a CPU a run that was
    killed and resumed gives the same weights as one that was not. Errors: InputError, ConfigError, ModelError.
    """
    check_trainable(snapshot)
    device = torch_device(recipe.device)
    with training_run(workspace, snapshot, recipe, name=name, resume=resume, fresh=fresh) as run:
        return _train(workspace, snapshot, recipe, run, device)


def _train(
    workspace: Workspace, snapshot: Snapshot, recipe: ResnetRecipe, run: ActiveRun, device: str
) -> Run:
    import torch

    from train.finish import conclude
    from train.network import build
    from train.resnet_loop import Training, load_best, load_checkpoint, run_phases

    train, val, test = (
        _pack(workspace, snapshot, part, recipe.imgsz, run) for part in ("train", "val", "test")
    )
    torch.manual_seed(recipe.seed)
    card = ModelCard(
        "torchvision", recipe.network, snapshot.classes, recipe.imgsz, IMAGENET_MEAN, IMAGENET_STD
    )
    network = build(card)
    state = load_checkpoint(run)
    start = str(state["start"]) if state else _load_start(network, recipe)
    network.to(device).to(memory_format=torch.channels_last)
    run_phases(Training(network, recipe, run, train, val, start), state)
    load_best(run, network)
    network.to("cpu").to(memory_format=torch.contiguous_format)
    facts = {"start": start or "scratch", "train_faces": len(train)}
    return conclude(workspace, snapshot, run, network, (val, test), facts)


def _load_start(network: FaceNetwork, recipe: ResnetRecipe) -> str:
    """Load pretrained weights into all but the head; gives their name, or "" for none."""
    from train.network import load_tensors

    start = starting_weights(recipe.weights, (recipe.network,))
    if start is None:
        return ""
    tensors = load_tensors(start.path)
    own = network.backbone.state_dict()
    fitting = {k: v for k, v in tensors.items() if k in own and own[k].shape == v.shape}
    if len(fitting) < len(own) - 2:
        raise ModelError(
            f"{start.path} holds no weights of {recipe.network}: {len(fitting)} of {len(own)} tensors fit",
            hint="name weights of the same network with --weights, or --weights none",
        )
    network.backbone.load_state_dict(fitting, strict=False)
    return start.name


def _pack(workspace: Workspace, snapshot: Snapshot, part: Part, size: int, run: ActiveRun) -> PackedFaces:
    return pack_part(workspace.blobs, snapshot, part, size, run.work / f"{part}.npy")
