"""What a voter may know after a vote: the known answer of a gold face, and how others voted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from db.records.campaigns import Campaign
from db.records.votes import Gold, NewVote, Vote
from db.store import Store


@dataclass(frozen=True, slots=True)
class Answer:
    """What one vote says: ``choices``, or a "no" to the class ``denies``, or a ``flag``; none is "unsure"."""

    choices: tuple[str, ...] = ()
    denies: str | None = None
    flag: str | None = None


@dataclass(frozen=True, slots=True)
class Feedback:
    """Whether the vote was ``right``, and the known answer."""

    right: bool
    answer: Answer


def answer_of(vote: Vote | NewVote) -> Answer:
    """What a vote says; a flag says more than a choice beside it."""
    if vote.flag is not None:
        return Answer(flag=vote.flag)
    return Answer(vote.choices, vote.denies)


def is_right(answer: Answer, known: Gold) -> bool:
    """Whether an answer is what a curator knows: a "no" is right about every class but the known one.

    Of several choices one must be the known class. "Unsure" is never right.
    """
    if known.flag is not None:
        return answer.flag == known.flag
    if answer.denies is not None:
        return answer.denies != known.answer
    return known.answer in answer.choices


def feedback_on(store: Store, campaign: Campaign, vote: NewVote) -> Feedback | None:
    """What the voter is told at once; None where the face is not gold or the campaign does not tell."""
    if campaign.gold.feedback != "at once":
        return None
    known = store.gold.of((vote.face_id,)).get(vote.face_id)
    if known is None:
        return None
    truth = Answer(flag=known.flag) if known.answer is None else Answer((known.answer,))
    return Feedback(is_right(answer_of(vote), known), truth)


def answers_of_others(
    store: Store, campaign: Campaign, face_id: int, annotator_id: int
) -> tuple[tuple[Answer, int], ...]:
    """How the others voted on a face in this campaign, the most frequent answer first."""
    votes = store.votes.of_face(face_id, campaign_id=campaign.id)
    counted = Counter(answer_of(vote) for vote in votes if vote.annotator_id != annotator_id)
    return tuple(counted.most_common())
