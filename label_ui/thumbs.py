"""Small faces for galleries: made once, kept in memory up to so many bytes, the least used forgotten first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from label_ui.pictures import browser_jpeg

MOST_BYTES = 64_000_000  # some 12,000 thumbnails


class Thumbs:
    """JPEGs of crops by the crop's SHA-256 and the longest side in pixels. Safe to share between threads."""

    def __init__(self, read: Callable[[str], bytes], most_bytes: int = MOST_BYTES) -> None:
        self._read, self._most_bytes = read, most_bytes
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def of(self, crop_sha256: str, longest_side: int) -> bytes:
        """The crop, no side longer than asked. Errors: those of ``read``, InputError for a broken picture."""
        key = (crop_sha256, longest_side)
        with self._lock:
            known = self._kept.get(key)
            if known is not None:
                self._kept.move_to_end(key)
                return known
        made = browser_jpeg(self._read(crop_sha256), longest_side)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = made
                self._bytes += len(made)
            while self._bytes > self._most_bytes and len(self._kept) > 1:
                self._bytes -= len(self._kept.popitem(last=False)[1])
        return made
