"""Which faces one person is shown next: along the two lanes of a campaign's line, known ones mixed in."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from sqlalchemy import select

from db.queue_rows import askable, share
from db.tables import face, gold, standing
from db.takers import Offer, Taker
from db.walks import Lane, Walk, Walks

AT_ONCE = 16  # faces looked at together: of many walking the same way, most of the next are taken already
LOOK_AGAIN_S = 2.0  # before someone who saw everything through looks again, if nothing happened


class Draw:
    """One step of one person's walk. ``first`` are the faces ahead, to be asked for with those on the screen."""

    def __init__(self, taker: Taker, walks: Walks, shown: Collection[int]) -> None:
        self._taker, self._passed = taker, set(shown)
        self._stirs = walks.stirs(taker.campaign.id)
        self._walk: Walk = walks.of(taker.campaign.id, taker.annotator_id)
        self._from_front: set[bool] = set()
        self._seen_through: set[bool] = set()
        self._batch = self._candidates()

    @property
    def first(self) -> list[int]:
        return [face_id for face_id, _ in self._batch]

    def draw(self, count: int, offers: Mapping[int, Offer], golds: Golds) -> dict[int, Offer]:
        """Up to ``count`` faces in the order to show them; ``offers`` are those of ``first`` that are free."""
        drawn: dict[int, Offer] = {}
        while self._batch:
            late = []
            for face_id, lane in self._batch:
                if face_id not in offers:
                    continue
                drawn.update(golds.before(face_id, count - len(drawn)))
                if len(drawn) < count:
                    drawn[face_id] = offers[face_id]
                    self._walk.handed += 1
                else:
                    late.append((face_id, lane))
            for face_id, lane in reversed(late):  # for the next time
                lane.ahead.appendleft(face_id)
            if len(drawn) == count:
                break
            self._batch = self._candidates()
            offers = self._taker.offers(self.first)
        return drawn

    def _candidates(self) -> list[tuple[int, Lane]]:
        found: list[tuple[int, Lane]] = []
        while len(found) < AT_ONCE and (lane := self._lane(len(found))) is not None:
            face_id = lane.ahead.popleft()
            if face_id not in self._passed:  # a face that became urgent may stand in both lanes
                self._passed.add(face_id)
                found.append((face_id, lane))
        return found

    def _lane(self, place: int) -> Lane | None:
        """The lane whose turn it is at a place of the batch, or the other when that one is empty."""
        takes_turns = self._taker.campaign.ordering == "teach"
        urgent_first = not takes_turns or (self._walk.handed + place) % 2 == 0
        for urgent in (urgent_first, not urgent_first):
            lane = self._walk.urgent if urgent else self._walk.others
            if self._has_ahead(lane, urgent=urgent):
                return lane
        return None

    def _has_ahead(self, lane: Lane, *, urgent: bool) -> bool:
        while not lane.ahead:
            if urgent in self._seen_through or self._may_wait(lane):
                return False
            if lane.at is None:
                self._from_front.add(urgent)
            self._taker.look(lane, urgent=urgent)
            if lane.at is None and urgent in self._from_front:
                self._seen_through.add(urgent)
                lane.seen_at, lane.stirs = self._taker.now, self._stirs
                lane.judged = self._taker.judged()
        return True

    def _may_wait(self, lane: Lane) -> bool:
        """Whether all the lane holds was seen a moment ago: the longer a look takes, the longer that moment."""
        if lane.at is not None or lane.seen_at is None:
            return False
        something_came = lane.stirs != self._stirs
        wait_s = lane.judged / 20_000 if something_came else LOOK_AGAIN_S + lane.judged / 5_000
        return (self._taker.now - lane.seen_at).total_seconds() < wait_s


class Golds:
    """Which known faces come before which others: by the campaign's seed, the same however they are asked for."""

    def __init__(self, taker: Taker, shown: Collection[int]) -> None:
        self._taker = taker
        self._share = taker.campaign.gold.share
        self._waiting: list[int] = []
        self._had = 0
        self.on_screen: dict[int, Offer] = {}  # known faces among those shown
        if self._share:
            self._look(shown)

    def before(self, face_id: int, most: int) -> Iterator[tuple[int, Offer]]:
        """The known faces, at most so many, that come before a face."""
        for _ in range(most):
            if not self._waiting or self._drawn(f"{face_id} {self._had}") >= self._share:
                return
            self._had += 1
            yield self._waiting.pop(), Offer(urgent=False, gold=True)

    def _look(self, shown: Collection[int]) -> None:
        judged = select(standing.c.face_id).where(
            standing.c.campaign_id == self._taker.campaign.id,
            standing.c.annotator_id == self._taker.annotator_id,
            standing.c.face_id == gold.c.face_id,
        )
        known = select(gold.c.face_id, gold.c.answer, judged.exists())
        if only := askable(self._taker.campaign):
            known = known.join(face, face.c.id == gold.c.face_id).where(*only)
        rows = self._taker.connection.execute(known).all()
        classes = self._taker.campaign.classes
        fit = {
            face_id: done
            for face_id, answer, done in rows
            if not classes or answer is None or answer in classes
        }
        self.on_screen = {i: Offer(False, True) for i, done in fit.items() if i in shown and not done}
        self._had = sum(fit.values()) + len(self.on_screen)
        waiting = (i for i, done in fit.items() if i not in shown and not done)
        self._waiting = sorted(waiting, key=lambda face_id: self._drawn(f"gold {face_id}"))

    def _drawn(self, what: str) -> float:
        return share(f"{self._taker.campaign.seed} {self._taker.annotator_id} {what}")
