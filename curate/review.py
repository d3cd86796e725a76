"""What a curator should look at: flagged faces, suspected label errors, ties, and decisions with little behind them.

Suspected errors are found by confident learning (C. Northcutt, L. Jiang and I. Chuang, Confident Learning:
Estimating Uncertainty in Dataset Labels, JAIR 70, 2021), from a run's out-of-fold probabilities: a class is
claimed for a face where its probability is at least the mean that faces labelled with it have (their
self-confidence); a face whose strongest claimed class is not its label is suspected, and the wider the margin
between the two, the more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from curate.auto import Opinions, opinions_of
from db.errors import NotFoundError
from db.records.gallery import FaceFilter
from db.records.votes import FLAGS
from db.store import Store

ReasonKind = Literal["flagged", "error", "tie", "unsure"]
KINDS: tuple[ReasonKind, ...] = ("flagged", "error", "tie", "unsure")  # in the order they are looked at
LOW_CONFIDENCE = 0.65
_URGENT_FLAG = "offensive"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label that a model contradicts.

    ``label_share`` and ``model_share`` are the probabilities, 0 to 1, that the model gives to the face's ``label``
    and to the ``model_label`` it claims instead; their difference is the margin.
    """

    face_id: int
    label: str
    model_label: str
    label_share: float
    model_share: float

    @property
    def margin(self) -> float:
        """How far the model is from the label, above 0 to 1."""
        return self.model_share - self.label_share


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a face is looked at, and the figures behind it; fields that do not belong to the ``kind`` are empty.

    "flagged": somebody's vote holds up the ``flag``. "error": see `Suspect`. "tie": the votes agree on nothing.
    "unsure": the rule decided, with ``confidence`` 0 to 1.
    """

    kind: ReasonKind
    flag: str = ""
    confidence: float | None = None
    suspect: Suspect | None = None


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """A face to look at, with every reason for it, the strongest first."""

    face_id: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class ReviewList:
    """What there is to look at, in order, and the run (or "") whose view was asked for label errors."""

    items: tuple[ReviewItem, ...]
    run_id: str

    def counts(self) -> dict[ReasonKind, int]:
        """How many faces there are of each kind; a face with two reasons counts for both."""
        found = Counter(kind for item in self.items for kind in {reason.kind for reason in item.reasons})
        return {kind: found[kind] for kind in KINDS}


def suspects(labels: Mapping[int, str], opinions: Opinions, classes: Sequence[str]) -> tuple[Suspect, ...]:
    """The labels that out-of-fold probabilities contradict, the widest margin first, ties by face id.

    Faces without an opinion, or with a label that is none of the ``classes``, are left out. Empty in, empty out.
    """
    place = {name: i for i, name in enumerate(classes)}
    told = np.array([place.get(labels.get(int(i), ""), -1) for i in opinions.items], np.int64)
    ids, shares, told = opinions.items[told >= 0], opinions.probabilities[told >= 0], told[told >= 0]
    if not len(told):
        return ()
    claimed = _claimed(shares, told)
    own, other = shares[np.arange(len(told)), told], shares[np.arange(len(told)), claimed]
    wrong = np.flatnonzero((claimed >= 0) & (claimed != told) & (other > own))
    order = wrong[np.lexsort((ids[wrong], own[wrong] - other[wrong]))]
    return tuple(
        Suspect(int(ids[i]), classes[told[i]], classes[claimed[i]], float(own[i]), float(other[i]))
        for i in order
    )


def _claimed(shares: NDArray[np.float64], told: NDArray[np.int64]) -> NDArray[np.int64]:
    """The strongest class (N,) among those whose probability reaches its threshold, or -1; ``shares`` (N, K)."""
    count = np.bincount(told, minlength=shares.shape[1])
    total = np.bincount(told, weights=shares[np.arange(len(told)), told], minlength=shares.shape[1])
    # (K,): a class that nobody has been given is claimed for no face
    threshold = np.divide(total, count, out=np.full(len(count), np.inf), where=count > 0)
    reached = np.where(shares >= threshold - 1e-12, shares, -1.0)
    return np.where(reached.max(axis=1) >= 0, reached.argmax(axis=1), -1)


def to_review(store: Store, classes: Sequence[str], *, low_confidence: float = LOW_CONFIDENCE) -> ReviewList:
    """What no curator has decided yet and somebody should: one look at the whole store.

    A flag is news while the votes have not rejected the face for it, "offensive" always. Faces come by kind: flagged
    first, then suspected errors by margin, ties, and the least sure decisions.
    """
    run_id, opinions = _newest_opinions(store, classes)
    reasons: dict[int, list[Reason]] = defaultdict(list)
    for face_id, reason in (
        *_flagged(store),
        *_contradicted(store, opinions, classes),
        *((face_id, Reason("tie")) for face_id in store.faces.ids(FaceFilter(state="tie", reviewed=False))),
        *_unsure(store, low_confidence),
    ):
        reasons[face_id].append(reason)
    return ReviewList(tuple(ReviewItem(face_id, tuple(found)) for face_id, found in reasons.items()), run_id)


def still_open(store: Store, items: Iterable[ReviewItem]) -> tuple[ReviewItem, ...]:
    """Those that no curator has settled meanwhile, neither by deciding nor by sending them back to the vote."""
    settled = {*store.faces.ids(FaceFilter(reviewed=True)), *store.queue.asked()}
    return tuple(item for item in items if item.face_id not in settled)


def _newest_opinions(store: Store, classes: Sequence[str]) -> tuple[str, Opinions]:
    try:
        run_id = store.runs.load().id
    except NotFoundError:
        return "", opinions_of((), classes)
    return run_id, opinions_of(store.predictions.of_run(run_id), classes)


def _flagged(store: Store) -> Iterator[tuple[int, Reason]]:
    rejected = frozenset(store.faces.ids(FaceFilter(state="rejected", reviewed=False)))
    for flag in sorted(FLAGS, key=lambda flag: flag != _URGENT_FLAG):
        for face_id in store.faces.ids(FaceFilter(flag=flag, reviewed=False)):
            if flag == _URGENT_FLAG or face_id not in rejected:
                yield face_id, Reason("flagged", flag=flag)


def _contradicted(store: Store, opinions: Opinions, classes: Sequence[str]) -> Iterator[tuple[int, Reason]]:
    if len(opinions.items):
        for found in suspects(store.labels.classes(), opinions, classes):
            yield found.face_id, Reason("error", suspect=found)


def _unsure(store: Store, low_confidence: float) -> Iterator[tuple[int, Reason]]:
    only = FaceFilter(state="decided", most_confidence=low_confidence, reviewed=False)
    found = store.faces.ids(only, order="least sure")
    confidences = {face_id: label.confidence for face_id, label in store.labels.of_faces(found).items()}
    for face_id in found:
        if face_id in confidences:
            yield face_id, Reason("unsure", confidence=confidences[face_id])
