"""The votes of a store as answers to compare: of one campaign, or of all that asked people to choose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from curate.agreement import Agreement, agreement
from curate.said import SEVERAL, UNSURE_NAME, Said, group
from curate.voters import Timing
from db.records.campaigns import Campaign
from db.records.votes import FLAGS, BareVote, Gold, Vote
from db.store import Store

YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One question's votes: as answers, with their times, the known answers, and how many were left out.

    ``first`` is what each person said first on a face whose answer is known. ``left_out`` votes name a class that is
    none of the campaign's, or answer another question.
    """

    votes: Said
    timing: Timing
    gold: Mapping[int, str]
    first: Said
    left_out: int


def store_agreement(
    store: Store, classes: Sequence[str], campaign_id: int | None = None
) -> tuple[Agreement, Asked]:
    """The figures of a campaign, or of all together, from the votes that hold now.

    Errors: NotFoundError for an unknown campaign.
    """
    asked = asked_of(store, classes, campaign_id)
    if campaign_id is None:
        faces = store.faces.count()
    else:
        counts = store.queue.counts(campaign_id)
        faces = counts.open + counts.done
    unvoted = max(faces - len(asked.votes.face_ids), 0)
    return agreement(asked.votes, asked.timing, asked.gold, asked.first, unvoted=unvoted), asked


def asked_of(store: Store, classes: Sequence[str], campaign_id: int | None = None) -> Asked:
    """The votes that hold now, and the first answers to known faces.

    A campaign that asks "does it show …?" has the answers "yes" and "no". Without a campaign these are left out,
    unless no campaign asks anything else, and of each person's votes on a face the newest counts. Where several
    classes may be chosen, each set of classes is an answer of its own.
    Errors: NotFoundError for an unknown campaign.
    """
    campaigns = store.campaigns.all() if campaign_id is None else (store.campaigns.get(campaign_id),)
    votes = tuple(store.votes.bare(campaign_id))
    verifying = {campaign.id for campaign in campaigns if campaign.question == "verify"}
    voted = {vote.campaign_id for vote in votes}
    verify = bool(voted & verifying) and voted <= verifying
    kept = votes if verify else [vote for vote in votes if vote.campaign_id not in verifying]
    names = (YES, NO) if verify else _classes(classes, campaigns)
    gold = {face.face_id: face for face in store.gold.all()}
    golden = store.votes.first_of(None, tuple(gold), campaign_id)
    first = _first_anywhere(vote for vote in golden if (vote.campaign_id in verifying) == verify)
    answers, timing = _asked(kept, names, verify=verify)
    return Asked(
        votes=answers,
        timing=timing,
        gold=_whether((*kept, *first), gold.values()) if verify else _known(gold.values()),
        first=_asked(first, names, verify=verify)[0],
        left_out=len(votes) - len(answers),
    )


def _first_anywhere(votes: Iterable[Vote]) -> tuple[Vote, ...]:
    """Each person's first vote on each face, of the first in every campaign."""
    newest_first = sorted(votes, key=lambda vote: (vote.at, vote.id), reverse=True)
    return tuple({(vote.annotator_id, vote.face_id): vote for vote in newest_first}.values())


def _classes(classes: Sequence[str], campaigns: Iterable[Campaign]) -> tuple[str, ...]:
    own = [name for campaign in campaigns for name in (campaign.classes or classes)]
    return tuple(dict.fromkeys(own))


def _said(vote: BareVote | Vote, *, verify: bool) -> str:
    chosen = (YES if vote.choices else NO if vote.denies else "") if verify else SEVERAL.join(vote.choices)
    return chosen or vote.flag or UNSURE_NAME


def _asked(
    votes: Sequence[BareVote | Vote], classes: tuple[str, ...], *, verify: bool
) -> tuple[Said, Timing]:
    """The votes as answers; those that name a class which is none of the ``classes`` are left out."""
    known = set(classes)
    sets = sorted(
        {vote.choices for vote in votes if len(vote.choices) > 1 and known.issuperset(vote.choices)}
    )
    answers = [_said(vote, verify=verify) for vote in votes]
    heard = Counter(answers)
    others = (*(SEVERAL.join(names) for names in sets), UNSURE_NAME, *FLAGS)
    names = (*classes, *(name for name in others if heard[name] and name not in known))
    place = {name: i for i, name in enumerate(names)}
    rows = [
        (vote.face_id, vote.annotator_id, place[answer], vote.id)
        for vote, answer in zip(votes, answers, strict=True)
        if answer in place
    ]
    seconds = [vote.seconds for vote, answer in zip(votes, answers, strict=True) if answer in place]
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    return (
        group(columns[0], columns[1], columns[2], names, len(classes)),
        Timing(np.array(seconds, np.float64), columns[3]),
    )


def _known(gold: Iterable[Gold]) -> dict[int, str]:
    return {face.face_id: face.answer or face.flag or UNSURE_NAME for face in gold}


def _whether(votes: Iterable[BareVote | Vote], gold: Iterable[Gold]) -> dict[int, str]:
    """Known answers to "does it show …?": each vote that chose or denied tells which class its face was asked about."""
    about = {
        vote.face_id: vote.denies or "".join(vote.choices) for vote in votes if vote.denies or vote.choices
    }
    return {
        face.face_id: face.flag or (YES if about[face.face_id] == face.answer else NO)
        for face in gold
        if face.flag or face.face_id in about
    }
