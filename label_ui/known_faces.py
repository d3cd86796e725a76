"""Known faces (gold) follow what curators decide about them, and go back with an undo.

What a face was known as before is kept in the row that changed it: a relabelling's reason is "known: happy", and a
rejection's distribution is all on the class the face was known to show. A face known for a flag stays so when it is
rejected: either way it is no data.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from db.records.labels import Label
from db.records.people import Annotator
from db.records.votes import FLAGS, Gold
from db.store import Store

_NOTE = "known: "


class KnownFaces:
    """What ``label_ui.decisions`` does to known faces, in the name of ``who``."""

    def __init__(self, store: Store, who: Annotator) -> None:
        self._store, self._who = store, who

    def of(self, face_ids: Sequence[int]) -> dict[int, Gold]:
        """Those of the faces that are known."""
        return self._store.gold.of(face_ids)

    def note(self, known: Gold | None, name: str) -> str:
        """The reason of a relabelling to ``name``: what the face was known as, if that was something else."""
        return "" if known is None or known.answer == name else f"{_NOTE}{known.answer or known.flag}"

    def mark(self, rows: Sequence[Label]) -> None:
        """Mark the faces as known to be what the rows say."""
        self._set({row.face_id: row.label or row.reason for row in rows})

    def follow(self, rows: Sequence[Label]) -> None:
        """After a relabelling or rejection: no known face says anything else."""
        known = self.of([row.face_id for row in rows])
        self._set(
            {
                row.face_id: row.label
                for row in rows
                if row.label and row.face_id in known and known[row.face_id].answer != row.label
            }
        )
        gone = [row.face_id for row in rows if not row.label and row.face_id in known]
        self._store.gold.remove([i for i in gone if known[i].answer is not None])

    def before(self, batch: str) -> dict[int, str]:
        """What faces were known as before this relabelling or rejection, where it is what holds of them now."""
        noted = {row.face_id: row for row in self._store.labels.of_batch(batch) if _was(row)}
        held = self._store.labels.of_faces(tuple(noted))
        return {i: _was(row) for i, row in noted.items() if i in held and held[i].id == row.id}

    def restore(self, before: Mapping[int, str]) -> None:
        """Mark the faces as known to be what they were known as."""
        self._set(before)

    def _set(self, words: Mapping[int, str]) -> None:
        faces_of: defaultdict[str, list[int]] = defaultdict(list)
        for face_id, word in words.items():
            faces_of[word].append(face_id)
        for word, faces in faces_of.items():
            flag = word if word in FLAGS else None
            self._store.gold.set(faces, set_by=self._who.id, answer=None if flag else word, flag=flag)


def _was(row: Label) -> str:
    """What the face was known as before this row, a class or a flag; empty where the row did not change that."""
    if row.label:
        return row.reason.removeprefix(_NOTE) if row.reason.startswith(_NOTE) else ""
    return next((name for name, share in row.distribution.items() if share), "")
