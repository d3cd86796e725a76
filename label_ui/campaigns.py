"""Campaigns as people make and watch them: from a form's plain values to a campaign, and how far each one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from db.errors import InputError, NotFoundError
from db.overlap import Overlap
from db.records.campaigns import Campaign, CampaignCounts, GoldMix, NewCampaign, Picks, Suggest
from db.records.people import Annotator
from db.workspace import Workspace
from label_ui.gallery_desk import harvest_choices
from label_ui.roles import needs
from label_ui.sway import Sway, sway_of

Json = dict[str, Any]
_CHANGEABLE = ("name", "overlap", "rule", "blind", "ordering", "voters", "suggest", "gold")


@dataclass(frozen=True, slots=True)
class CampaignDesk:
    """What the Campaigns page can ask; voters cannot.

    Errors of every method: InputError for values that make no campaign, ConfigError for a rule that there is not or
    that cannot run here, NotFoundError, StoreError.
    """

    workspace: Workspace

    @needs("curator")
    def campaigns(self, who: Annotator) -> list[Json]:
        """Every campaign, the newest first: what it asks of whom, and how far it is."""
        store = self.workspace.store
        people = {person.id: person.name for person in store.annotators.all()}
        found = reversed(store.campaigns.all())
        return [_shown(campaign, store.queue.counts(campaign.id), people) for campaign in found]

    @needs("curator")
    def campaign_form(self, who: Annotator) -> Json:
        """What a campaign can be made of: classes, harvests, finished runs, people, and rules that can run."""
        from curate.consensus import usable_rules

        store = self.workspace.store
        return {
            "classes": list(self.workspace.settings.classes),
            "harvests": harvest_choices(store),
            "runs": [run.id for run in reversed(store.runs.all()) if run.status == "done"],
            "people": [person.name for person in store.annotators.all() if not person.simulated],
            "rules": list(usable_rules()),
        }

    @needs("curator")
    def campaign_make(self, who: Annotator, form: Json) -> Json:
        """Make a campaign of a form's values, named as the fields of a campaign; what is left out is usual.

        One that asks about no face is refused, unless there are no faces yet or a search brings them.
        """
        store, new = self.workspace.store, self._new(form)
        may_wait = new.picks.harvest_id is not None or not store.faces.count()
        made = store.campaigns.create(new, may_wait=may_wait)
        return {"campaign": made.id, "faces": _faces(store.queue.counts(made.id))}

    @needs("curator")
    def campaign_change(self, who: Annotator, campaign: int, form: Json) -> Json:
        """Change a campaign while people vote; no vote is lost. Not its question, classes and faces."""
        if strangers := sorted(set(form) - set(_CHANGEABLE)):
            raise InputError(f"{strangers[0]!r} of a campaign stays as it is", hint="make another campaign")
        self.workspace.store.campaigns.change(int(campaign), **self._values(form))
        return {}

    @needs("curator")
    def campaign_close(self, who: Annotator, campaign: int, closed: bool = True) -> Json:
        """Hand out no more faces, or (``closed`` false) hand them out again."""
        campaigns = self.workspace.store.campaigns
        (campaigns.close if closed else campaigns.reopen)(int(campaign))
        return {}

    @needs("curator")
    def campaign_doubts(self, who: Annotator, campaign: int, run_id: str) -> Json:
        """Put the faces first that a run doubts, where the order is "teach"; gives how many ``faces``."""
        self._run(run_id)
        return {"faces": self.workspace.store.queue.rank_by_doubt(int(campaign), run_id)}

    @needs("curator")
    def campaign_sway(self, who: Annotator, campaign: int) -> Json:
        """How much the campaign's suggestions sway its voters, so far."""
        return _sway(sway_of(self.workspace.store.votes.iterate(int(campaign))))

    @needs("curator")
    def gold_set(
        self, who: Annotator, faces: Sequence[int], answer: str | None = None, flag: str | None = None
    ) -> Json:
        """Mark faces whose answer is known: a class, or a flag. They are mixed into everybody's queue."""
        if answer is not None:
            self._class(answer)
        self.workspace.store.gold.set(tuple(faces), set_by=who.id, answer=answer, flag=flag)
        return {}

    @needs("curator")
    def gold_remove(self, who: Annotator, faces: Sequence[int]) -> Json:
        """Take the marks away."""
        return {"removed": self.workspace.store.gold.remove(tuple(faces))}

    def _new(self, form: Json) -> NewCampaign:
        try:
            return NewCampaign(**self._values(form))
        except (TypeError, ValueError) as error:
            raise InputError(f"this makes no campaign: {error}", hint="mend the form") from error

    def _values(self, form: Json) -> Json:
        """The form's values as a campaign's fields. Errors: InputError, NotFoundError, ConfigError."""
        from curate.consensus import usable_rule

        values = dict(form)
        try:
            for name, kind in (("overlap", Overlap), ("gold", GoldMix)):
                if name in values:
                    values[name] = kind(**values[name])
            if values.get("suggest") is not None:
                values["suggest"] = Suggest(**values["suggest"])
                self._run(values["suggest"].run_id)
            if "picks" in values:
                values["picks"] = self._picks(values["picks"])
        except (TypeError, ValueError) as error:
            raise InputError(f"this makes no campaign: {error}", hint="mend the form") from error
        if "classes" in values:
            values["classes"] = tuple(self._class(name) for name in values["classes"])
        if values.get("about"):
            self._class(values["about"])
        if "voters" in values:
            values["voters"] = tuple(self._person(name) for name in values["voters"])
        if "rule" in values:
            usable_rule(values["rule"])
        return values

    def _picks(self, form: Json) -> Picks:
        picks = Picks(
            **{**form, "face_ids": None if form.get("face_ids") is None else tuple(form["face_ids"])}
        )
        if picks.candidate_class is not None:
            self._class(picks.candidate_class)
        if picks.run_id is not None:
            self._run(picks.run_id)
        harvests = {harvest.id for harvest in self.workspace.store.harvests.all()}
        if picks.harvest_id is not None and picks.harvest_id not in harvests:
            raise NotFoundError(f"there is no harvest {picks.harvest_id}", hint="reload the page")
        return picks

    def _class(self, name: str) -> str:
        return self.workspace.settings.require_class(name)

    def _run(self, run_id: str) -> None:
        if run_id not in {run.id for run in self.workspace.store.runs.all()}:
            raise NotFoundError(f"there is no run {run_id!r}", hint="list them: train list")

    def _person(self, name: str) -> int:
        person = self.workspace.store.annotators.find(name)
        if person is None:
            raise NotFoundError(f"nobody is called {name!r}", hint="people join on the Team page")
        return person.id


def _shown(campaign: Campaign, counts: CampaignCounts, people: Mapping[int, str]) -> Json:
    return {
        **asdict(campaign),
        "created_at": campaign.created_at.isoformat(),
        "closed_at": campaign.closed_at and campaign.closed_at.isoformat(),
        "voters": [people.get(voter, str(voter)) for voter in campaign.voters],
        "picks": {k: v for k, v in asdict(campaign.picks).items() if v is not None},
        "faces": _faces(counts),
        "done": counts.done,
        "open": counts.open,
        "needs": counts.needs,
        "done_last_hour": counts.done_last_hour,
        "by_class": {name: asdict(count) for name, count in counts.by_class.items()},
    }


def _faces(counts: CampaignCounts) -> int:
    return counts.open + counts.done


def _sway(sway: Sway) -> Json:
    return {
        **asdict(sway),
        "shown_share": sway.shown.value,
        "hidden_share": sway.hidden.value,
    }
