"""What a row of a file means in this store: its face, its people, its classes; what is not known is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from db.annotators import name_key, tidy_name
from db.records.faces import Face
from db.workspace import Workspace
from label_ui.exchange import ANONYMOUS, FaceName, VoterKind
from label_ui.exchange_faces import FaceIndex, UnknownFaceError
from label_ui.exchange_report import ImportReport, ImportRule
from label_ui.exchange_text import is_utf8
from label_ui.format_ferplus import NAMES


class Here:
    """The faces, people and classes of a store, as one import meets them."""

    def __init__(
        self,
        workspace: Workspace,
        source: str,
        rule: ImportRule,
        files: Mapping[str, str],
        report: ImportReport,
    ) -> None:
        self.store, self.source, self.rule, self.report = workspace.store, source, rule, report
        self.now = datetime.now(UTC)
        self._faces = FaceIndex(workspace.store, files)
        self._people = {name_key(one.name): one.id for one in workspace.store.annotators.all()}
        self.classes = set(workspace.settings.classes)

    def face(self, name: FaceName) -> Face | None:
        """The face, or None, counted, when there is none."""
        try:
            return self._faces.find(name)
        except UnknownFaceError as error:
            self.report.unknown_faces[str(error)] += 1
            self.report.show(str(error), str(name))
            return None

    def face_id(self, name: FaceName) -> int | None:
        """Its id, or None; nothing is counted."""
        try:
            return self._faces.find(name).id
        except UnknownFaceError:
            return None

    def somebody(self, name: str) -> int | None:
        """The id of the annotator of that name; None for nobody."""
        return self._people.get(name_key(tidy_name(name)))

    def check_name(self, name: str) -> str:
        """What all spellings of the name share. Errors: ValueError for a name that is none."""
        key = name_key(tidy_name(name))
        if key not in self._people:
            if not is_utf8(key) or "\0" in key:
                raise ValueError("with a name that is no text")
            if not 1 <= len(tidy_name(name)) <= 64:
                raise ValueError("with a name of no or of over 64 characters")
        return key

    def person(self, name: str, kind: VoterKind) -> int:
        """The annotator's id, made if new. Errors: ValueError for a name that is none."""
        key = self.check_name(name)
        if key not in self._people:
            note = ANONYMOUS if kind == ANONYMOUS else f"imported from {self.source}"
            made = self.store.annotators.join(name, simulated=kind == "simulated", note=note, elsewhere=True)
            self._people[key] = made.id
            self.report.new_voters += 1
        return self._people[key]

    def ours(self, name: str) -> str:
        """The file's class as this workspace calls it."""
        if name in self.rule.classes:
            return self.rule.classes[name]
        return name if name in self.classes else NAMES.get(name, name)

    def known(self, names: Sequence[str], line: int) -> bool:
        """Whether all are classes here; the first that is none is counted."""
        strange = [name for name in names if name not in self.classes]
        if strange:
            self.report.unknown_classes[strange[0]] += 1
            self.report.show("unknown classes", f"line {line}: {strange[0]!r}")
        return not strange
