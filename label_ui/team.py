"""How far the team is: who does what, what is finished, and how long the rest may take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from db.records.campaigns import ClassCount
from db.store import Store

PACE_WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Person:
    """One member, or a simulated one: votes and skips that hold now, votes of the last hour, share of all votes."""

    name: str
    role: str
    simulated: bool
    disabled: bool
    note: str
    votes: int
    skips: int
    votes_last_hour: int
    share: float

    def plain(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """A guess in hours of voting like the last hour's, between the best and the worse case (``high`` None: unknown).

    ``low``: every open face stops as early as its votes allow. ``high``: faces go on finishing as they did.
    """

    low: float
    high: float | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one campaign is: faces ``done`` and ``open`` (also by candidate class), and the last hour's pace.

    ``labels`` counts the faces of the workspace that hold each class now, ``undecided`` those with a tie or
    otherwise without one, ``rejected`` those that are no data; faces without any decision are in none.
    """

    campaign: str
    done: int
    open: int
    needs: int
    votes: int
    done_last_hour: int
    votes_last_hour: int
    by_class: Mapping[str, ClassCount]
    labels: Mapping[str, int]
    undecided: int
    rejected: int
    time_left: TimeLeft | None


def people_of(
    store: Store, campaign_id: int | None = None, *, now: datetime | None = None
) -> tuple[Person, ...]:
    """Everybody, the busiest first; votes of one campaign, or of all."""
    everybody = store.annotators.all()
    if campaign_id is None:
        votes, skips = store.votes.counts(), store.votes.skips()
        recent: dict[int, int] = {}
    else:
        tallies = {who.id: store.votes.tally(campaign_id, who.id) for who in everybody}  # by index: 3 ms each
        votes = {who: count for who, (count, _) in tallies.items()}
        skips = {who: count for who, (_, count) in tallies.items()}
        recent = store.votes.since(campaign_id, (now or datetime.now(UTC)) - PACE_WINDOW)
    total = sum(votes.values())
    people = (
        Person(
            name=who.name,
            role=who.role,
            simulated=who.simulated,
            disabled=who.disabled_at is not None,
            note=who.note,
            votes=votes.get(who.id, 0),
            skips=skips.get(who.id, 0),
            votes_last_hour=recent.get(who.id, 0),
            share=votes.get(who.id, 0) / total if total else 0.0,
        )
        for who in everybody
    )
    return tuple(sorted(people, key=lambda person: (person.disabled, -person.votes, person.name.casefold())))


def progress_of(
    store: Store, campaign_id: int, people: Sequence[Person], *, now: datetime | None = None
) -> Progress:
    """How far a campaign is; ``people`` are those of the same campaign. Errors: NotFoundError for its number."""
    campaign = store.campaigns.get(campaign_id)
    counts = store.queue.counts(campaign_id, now=now)
    recent = sum(person.votes_last_hour for person in people)
    tally = store.labels.tally()
    return Progress(
        campaign=campaign.name,
        done=counts.done,
        open=counts.open,
        needs=counts.needs,
        votes=sum(person.votes for person in people),
        done_last_hour=counts.done_last_hour,
        votes_last_hour=recent,
        by_class=counts.by_class,
        labels={label: faces for (_, label), faces in tally.items() if label is not None},
        undecided=sum(n for (state, label), n in tally.items() if label is None and state != "rejected"),
        rejected=sum(n for (state, _), n in tally.items() if state == "rejected"),
        time_left=time_left(counts.open, counts.needs, counts.done_last_hour, recent),
    )


def time_left(open_faces: int, needs: int, done_last_hour: int, votes_last_hour: int) -> TimeLeft | None:
    """How many hours like the last one the open faces may take; None when nobody voted in it, 0 when all is done."""
    if not open_faces:
        return TimeLeft(0.0, 0.0)
    if not votes_last_hour:
        return None
    by_votes = needs / votes_last_hour
    if not done_last_hour:
        return TimeLeft(by_votes, None)
    low, high = sorted((by_votes, open_faces / done_last_hour))
    return TimeLeft(low, high)
