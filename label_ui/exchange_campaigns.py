"""A campaign's settings between stores: people by name, faces by content, harvests by what they searched for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from curate.consensus import known_rule
from db.annotators import LONGEST_NAME, tidy_name
from db.errors import ConfigError
from db.overlap import Overlap
from db.records import check
from db.records.campaigns import MAIN_CAMPAIGN, Campaign, GoldMix, Picks, Suggest
from db.records.photos import Harvest
from db.store import Store
from label_ui.exchange import FaceName, VoterKind, as_utc, face_of_question, question_of
from label_ui.exchange_text import is_utf8

CLOSED_AND_EMPTY = Picks(face_ids=())
_SIMPLE = ("question", "about", "several", "blind", "ordering", "seed")
_KINDS = {"about": str, "several": bool, "blind": bool, "seed": int}


def settings_of(
    campaign: Campaign,
    person: Callable[[int], tuple[str, VoterKind]],
    faces: Mapping[int, FaceName],
    harvests: Mapping[int, Harvest],
) -> dict[str, object]:
    """All of a campaign but its name, as plain values without ids. Faces that are gone are left out."""
    told: dict[str, Any] = asdict(campaign)
    del told["id"], told["name"]
    picks = {name: value for name, value in told["picks"].items() if value is not None}
    if "harvest_id" in picks:
        found = harvests.get(picks.pop("harvest_id"))
        picks["harvest"] = [] if found is None else [found.source, found.query, found.candidate_class]
    if "face_ids" in picks:
        picks["faces"] = [question_of(faces[i]) for i in picks.pop("face_ids") if i in faces]
    return told | {
        "classes": list(campaign.classes),
        "picks": picks,
        "voters": [list(person(i)) for i in campaign.voters],
        "created_at": campaign.created_at.isoformat(),
        "closed_at": campaign.closed_at.isoformat() if campaign.closed_at else None,
        "main": campaign.id == MAIN_CAMPAIGN,
    }


class CampaignReader:
    """Makes campaigns of such settings. ``missing`` says of the last one what this store does not have."""

    def __init__(
        self,
        store: Store,
        face: Callable[[FaceName], int | None],
        person: Callable[[str, VoterKind], int],
        ours: Callable[[str], str],
    ) -> None:
        self._face, self._person, self._ours = face, person, ours
        self._runs = frozenset(run.id for run in store.runs.all())
        self._harvests = {(h.source, h.query, h.candidate_class): h.id for h in store.harvests.all()}
        self.missing: list[str] = []

    def campaign(self, name: str, told: Mapping[str, Any], now: datetime) -> Campaign:
        """The campaign; closed, and asking about no face, when its picks name a run or harvest that is not here.

        Errors: ValueError, TypeError, KeyError for settings that are none.
        """
        self.missing = []
        _check_text(name)
        for field, kind in _KINDS.items():
            check(isinstance(told[field], kind), f"{field} is no {kind.__name__}")
        classes = tuple(self._ours(_check_text(one)) for one in told["classes"])
        about = self._ours(_check_text(told["about"])) if told["about"] else ""
        voters = tuple(self._person(one, kind) for one, kind in told["voters"])
        closed_at = as_utc(told["closed_at"]) if told["closed_at"] else None
        picks = self._picks(told["picks"])
        if picks is None:
            picks, closed_at = CLOSED_AND_EMPTY, closed_at or now
        return Campaign(
            name=name,
            classes=classes,
            overlap=_overlap(told["overlap"]),
            rule=_rule(told["rule"]),
            picks=picks,
            voters=voters,
            suggest=self._suggest(told["suggest"]),
            gold=GoldMix(**told["gold"]),
            created_at=as_utc(told["created_at"]),
            closed_at=closed_at,
            **({field: told[field] for field in _SIMPLE} | {"about": about}),
        )

    def _picks(self, told: Mapping[str, Any]) -> Picks | None:
        """None when they cannot be told here."""
        values = dict(told)
        harvest, faces = values.pop("harvest", None), values.pop("faces", None)
        if harvest is not None:
            values["harvest_id"] = self._harvests.get(tuple(harvest))
            if values["harvest_id"] is None:
                self.missing.append("the harvest it asks about")
                return None
        if faces is not None:
            values["face_ids"] = self._faces(faces)
        picks = Picks(**values)
        if picks.run_id is not None and picks.run_id not in self._runs:
            self.missing.append(f"the run {picks.run_id[:60]!r} that picks its faces")
            return None
        return picks

    def _faces(self, words: Sequence[str]) -> tuple[int, ...]:
        found = [self._face(face_of_question(word)) for word in words]
        if None in found:
            self.missing.append(f"{found.count(None):,} of the faces it asks about")
        return tuple(dict.fromkeys(one for one in found if one is not None))

    def _suggest(self, told: Mapping[str, Any] | None) -> Suggest | None:
        if told is None:
            return None
        suggest = Suggest(**told)
        if suggest.run_id in self._runs:
            return suggest
        self.missing.append(f"the run {str(suggest.run_id)[:60]!r} whose view it shows")
        return None


def _overlap(told: Mapping[str, Any]) -> Overlap:
    check(all(isinstance(told[name], int) for name in told if name != "kind"), "an overlap has whole numbers")
    return Overlap(**told)


def _rule(name: str) -> str:
    try:
        known_rule(name)
    except ConfigError as error:
        raise ValueError(str(error)) from error
    return name


def _check_text(text: str) -> str:
    """The name of a campaign or a class. Errors: ValueError, TypeError when it is none."""
    fits = isinstance(text, str) and 1 <= len(tidy_name(text)) <= LONGEST_NAME
    check(fits and is_utf8(text) and "\0" not in text, "a name is a text of 1 to 64 characters")
    return text
