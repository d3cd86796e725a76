"""What goes into the store and comes out of it: frozen records by topic, checked when made.

Ids are the store's own integers and differ between machines; whatever must agree between machines
(blobs, snapshots, groups) is named by content. Times are aware UTC datetimes.
"""

from __future__ import annotations


def check(condition: bool, message: str) -> None:
    """Raise ValueError(message) unless the condition holds; used by ``__post_init__``."""
    if not condition:
        raise ValueError(message)
