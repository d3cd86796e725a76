"""Ultralytics without its voice to the outside: nothing is sent, installed or downloaded behind anybody."""

from __future__ import annotations

import logging
import os

from db.privacy import keep_dependencies_quiet


def quiet_ultralytics() -> None:
    """Import Ultralytics offline and mute; call this before any other import of it. Safe to call again.

    Its settings file is kept in our own cache folder, unless YOLO_CONFIG_DIR says otherwise.
    """
    import platformdirs

    keep_dependencies_quiet()
    os.environ.setdefault("YOLO_VERBOSE", "false")
    os.environ.setdefault("YOLO_CONFIG_DIR", platformdirs.user_cache_dir("mimique"))
    from ultralytics.utils import LOGGER
    from ultralytics.utils.events import events

    events.enabled = False  # also where somebody imported it online before us
    LOGGER.setLevel(logging.ERROR)
