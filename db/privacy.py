"""Nothing leaves the machine unasked: the switches of every dependency that would phone home or install.

Faces are personal data. Each of these libraries sends usage data, reports errors, looks for updates or
installs packages by default; each reads its switch from the environment when it is imported.
"""

from __future__ import annotations

import logging
import os
import sys

from db.threads import share_the_cores

SWITCHES = {
    "YOLO_OFFLINE": "true",  # ultralytics: no usage events, no error reports, no silent weight downloads
    "YOLO_AUTOINSTALL": "false",  # ultralytics: never pip-installs behind the user
    "WANDB_MODE": "disabled",  # trackers that ultralytics' callbacks would start if they are installed
    "COMET_MODE": "DISABLED",
    "CLEARML_OFFLINE_MODE": "1",
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_SHARE": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
}


def keep_dependencies_quiet() -> None:
    """Set every switch for this process and its children; call it before a heavy import."""
    os.environ.update(SWITCHES)


def quiet_ultralytics() -> None:
    """Import Ultralytics offline and mute; call this before any other import of it. Safe to call again.

    Its settings file is kept in our own cache folder, unless YOLO_CONFIG_DIR says otherwise. Its replacement of
    ``PIL.Image.open`` is taken back: for every damaged file it would ask pip for a HEIF reader.
    """
    import PIL.Image
    import platformdirs

    keep_dependencies_quiet()
    os.environ.setdefault("YOLO_VERBOSE", "false")
    share_the_cores()  # it would set one thread
    os.environ.setdefault("YOLO_CONFIG_DIR", platformdirs.user_cache_dir("mimique"))
    from ultralytics.utils import LOGGER, patches
    from ultralytics.utils.events import events

    PIL.Image.open = patches._image_open
    events.enabled = False  # also where somebody imported it online before us
    LOGGER.setLevel(logging.ERROR)


def quiet_openvino() -> None:
    """Import OpenVINO without its telemetry, which would report every import; call it before any other import.

    OpenVINO has no switch for it, but does without the package ``openvino_telemetry`` where that is missing: so
    it is missing while OpenVINO is imported. Raises ImportError where OpenVINO is not installed.
    """
    kept = sys.modules.get("openvino_telemetry")
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # the import system's "not there"
    try:
        import openvino  # noqa: F401
    finally:
        del sys.modules["openvino_telemetry"]
        if kept is not None:
            sys.modules["openvino_telemetry"] = kept
