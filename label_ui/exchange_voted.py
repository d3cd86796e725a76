"""Which rows of a file say anything new here, when the file does not say when they were cast.

A row without a time cannot be newer than what its person says here, so it displaces nothing: the same answer is
known, another stays as it is here. Counts of answers (FER+) that are those of the face's votes here are known too.
Nor does it displace what its person says in the file before it: as in `curate.answers` the first answer stands,
unless the file withdraws it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from db.annotators import name_key, tidy_name
from db.records.votes import Vote
from db.workspace import Workspace
from label_ui.exchange import ANONYMOUS, VoteRow, vote_word
from label_ui.format_ferplus import counted_word, our_columns

News = Literal["new", "known", "differs", "double"]
DIFFERS = "differ from what is here; kept"
DOUBLE = "answered before by the same person; the first stands"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row on its way into the store, in this workspace's classes, with its voter's name.

    ``anywhere``: neither the file nor the rule names its campaign, so that what its person said in any counts.
    """

    row: VoteRow
    face_id: int
    campaign_id: int
    request_id: str
    anywhere: bool

    @property
    def place(self) -> str:
        return f"line {self.row.line}: {self.row.face}"


class Voted:
    """What is here of one import's rows. ``person`` gives the id of somebody of that name, None for nobody."""

    def __init__(self, workspace: Workspace, person: Callable[[str], int | None]) -> None:
        self._rows, self._person = workspace.store.vote_rows, person
        self._columns = our_columns(workspace.settings.classes)
        self._given: set[int] = set()  # hashes of the ids of the file's rows so far
        # The hash of who, which face and campaign -> that of the id which the file gives the answer that stands.
        self._answered: dict[int, int] = {}

    def news(self, batch: Sequence[Waiting]) -> list[News]:
        """For each row whether it is to be added (or known by its id), known, another answer, or a second one.

        The rows of a line of counts come in one batch (5000 rows at most).
        """
        held = self._held(self._doubtful(batch))
        found: list[News] = []
        for _, unit in groupby(batch, key=_unit):
            rows = list(unit)
            if _is_counted(rows[0]):
                found += held.of_counts(rows, self._columns)
            else:
                found += [self._first(one, held) for one in rows]
            self._given.update(hash(one.request_id) for one in rows)
        return found

    def _first(self, one: Waiting, held: _Held) -> News:
        """What the row is here, or a double where its person has an answer that stands in the file already."""
        news = held.of_row(one)
        if news == "differs":
            return news
        whose = hash((name_key(tidy_name(one.row.voter)), one.face_id, one.campaign_id))
        if one.row.action == "undo":
            if self._answered.get(whose) == hash(one.row.undoes):
                del self._answered[whose]
        elif whose in self._answered and held.is_doubtful(one):
            return "double"
        elif one.row.action == "vote":
            self._answered[whose] = hash(one.row.id)
        return news

    def _doubtful(self, batch: Sequence[Waiting]) -> list[Waiting]:
        """Those without a time that are not here by their id."""
        timeless = [one for one in batch if one.row.at is None and one.row.action != "undo"]
        there = self._rows.there({one.request_id for one in timeless})
        return [one for one in timeless if one.request_id not in there]

    def _held(self, doubtful: Sequence[Waiting]) -> _Held:
        people = {one.row.voter: self._person(one.row.voter) for one in doubtful}
        pairs = {
            (person, one.face_id)
            for one in doubtful
            if (person := people[one.row.voter]) is not None and not _is_counted(one)
        }
        faces = {one.face_id for one in doubtful if _is_counted(one)}
        held = _Held(frozenset(one.request_id for one in doubtful), people, self._given)
        for vote in self._rows.held_by(pairs):
            held.of_pair[vote.annotator_id, vote.face_id].append(vote)
        for vote in self._rows.of_faces(sorted(faces)):
            held.of_face[vote.face_id].append(vote)
        return held


class _Held:
    """The votes that hold here on the faces of a batch, and what they make of its rows."""

    def __init__(self, doubtful: frozenset[str], people: dict[str, int | None], given: set[int]) -> None:
        self._doubtful, self._people, self._given = doubtful, people, given
        self.of_pair: defaultdict[tuple[int, int], list[Vote]] = defaultdict(list)
        self.of_face: defaultdict[int, list[Vote]] = defaultdict(list)

    def is_doubtful(self, one: Waiting) -> bool:
        """Whether the row has no time and is not here by its id."""
        return one.request_id in self._doubtful

    def of_row(self, one: Waiting) -> News:
        person = self._people.get(one.row.voter)
        if person is None or not self.is_doubtful(one):
            return "new"
        mine = [
            vote
            for vote in self._not_of_file(self.of_pair[person, one.face_id])
            if one.anywhere or vote.campaign_id == one.campaign_id
        ]
        if not mine:
            return "new"
        return "known" if any(_same(one.row, vote) for vote in mine) else "differs"

    def of_counts(self, rows: Sequence[Waiting], columns: frozenset[str]) -> list[News]:
        """The same for all rows of a line: known when a campaign's votes, or each person's last, are so many."""
        told = _counts((one.row for one in rows), columns)
        held = self._not_of_file(self.of_face[rows[0].face_id])
        votes_of: defaultdict[int, list[Vote]] = defaultdict(list)
        for vote in held:
            votes_of[vote.campaign_id].append(vote)
        ways = [list({vote.annotator_id: vote for vote in held}.values()), *votes_of.values()]
        if not rows[0].anywhere:
            ways = [votes_of[rows[0].campaign_id]]
        known = told.total() > 0 and any(_counts(votes, columns) == told for votes in ways)
        return ["known" if known else "new"] * len(rows)

    def _not_of_file(self, votes: Iterable[Vote]) -> list[Vote]:
        return [vote for vote in votes if hash(vote.request_id) not in self._given]


def _unit(one: Waiting) -> tuple[object, ...]:
    return (one.row.line, one.face_id) if _is_counted(one) else (one.request_id,)


def _is_counted(one: Waiting) -> bool:
    return one.row.counted and one.row.kind == ANONYMOUS


def _same(row: VoteRow, vote: Vote) -> bool:
    """Whether the row says what the vote says, or the one word of it that a file of words has."""
    if row.action != "vote" or row.denies != vote.denies:
        return False
    whole = (sorted(row.choices), row.flag) == (sorted(vote.choices), vote.flag)
    return whole or (len(row.choices) + bool(row.flag) == 1 and vote_word(row) == vote_word(vote))


def _counts(votes: Iterable[VoteRow | Vote], columns: frozenset[str]) -> Counter[str]:
    words = (counted_word(vote) for vote in votes)
    return Counter(word for word in words if word in columns)
