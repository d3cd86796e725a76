"""Nothing leaves the machine unasked: the switches of every dependency that would phone home or install.

Faces are personal data. Each of these libraries sends usage data, reports errors, looks for updates or
installs packages by default; each reads its switch from the environment when it is imported.
"""

from __future__ import annotations

import os

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
