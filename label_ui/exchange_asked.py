"""The campaigns of a file: made as its rows describe them, or closed and empty where it only says a name."""

from __future__ import annotations

from dataclasses import fields

from db.annotators import name_key, tidy_name
from db.records.campaigns import MAIN_CAMPAIGN, Campaign, NewCampaign
from label_ui.exchange import CampaignRow
from label_ui.exchange_campaigns import CLOSED_AND_EMPTY, CampaignReader
from label_ui.exchange_here import Here
from label_ui.exchange_text import is_utf8

_SETTINGS = tuple(field.name for field in fields(NewCampaign))


class Asked:
    """The campaigns' part of one import."""

    def __init__(self, here: Here) -> None:
        self._here, self._campaigns = here, here.store.campaigns
        self._reader = CampaignReader(here.store, here.face_id, here.person, here.ours)
        self._known: dict[str, Campaign] = {}
        self._described: set[int] = set()
        for one in self._campaigns.all():
            self._note(one)
        self._main = name_key(self._campaigns.main().name)

    def take(self, row: CampaignRow) -> None:
        """Make the campaign if it is new. One that is here stays as it is; a "main" that nobody changed or voted
        in becomes the file's. With a campaign for all votes the file's own are passed over.
        """
        if self._here.rule.campaign:
            return
        try:
            told = self._reader.campaign(row.name, row.settings, self._here.now)
        except (ValueError, TypeError, KeyError) as error:
            self._here.report.leave_out("campaigns whose settings are none", f"line {row.line}: {error}")
            return
        here = self._known.get(name_key(tidy_name(row.name)))
        if (
            row.settings.get("main") is True
            and self._main_is_untouched()
            and here in (None, self._main_one())
        ):
            here = self._campaigns.restore(told, instead_of=MAIN_CAMPAIGN)
            self._known.pop(self._main, None)
            self._main = name_key(here.name)
        elif here is None:
            here = self._campaigns.restore(told)
            self._here.report.new_campaigns += 1
        self._described.add(here.id)
        self._note(here)
        self._say(row, told, here)

    def campaign(self, name: str, denies: str | None = None) -> tuple[int, str]:
        """(id, key) of the campaign a row belongs to, made closed if new. Errors: ValueError for a bad name.

        ``denies`` is the class that the row's vote says no to: only a "verify" campaign has such votes.
        """
        name = self._here.rule.campaign or name
        if not name:
            return MAIN_CAMPAIGN, self._main
        key = name_key(tidy_name(name))
        if key not in self._known:
            if not 1 <= len(tidy_name(name)) <= 64 or not is_utf8(name) or "\0" in name:
                raise ValueError("of a campaign whose name is none")
            made = self._campaigns.create(NewCampaign(name, several=True, picks=CLOSED_AND_EMPTY))
            self._note(self._campaigns.close(made.id))
            self._here.report.new_campaigns += 1
        found = self._known[key]
        if denies and found.id not in self._described and _made_by_name_only(found):
            self._note(self._verifying(found, denies))
        return found.id, key

    def _verifying(self, made: Campaign, denies: str) -> Campaign:
        """The campaign asking about the class denied; about each face's own once several classes are."""
        if made.question == "choose":
            return self._campaigns.change(made.id, question="verify", several=False, about=denies)
        if made.about in ("", denies):
            return made
        return self._campaigns.change(made.id, about="")

    def _note(self, one: Campaign) -> None:
        self._known[name_key(one.name)] = one
        self._here.classes.update(one.classes)

    def _main_one(self) -> Campaign:
        return self._known[self._main]

    def _main_is_untouched(self) -> bool:
        main = self._main_one()
        fresh = all(getattr(main, name) == getattr(NewCampaign("main"), name) for name in _SETTINGS)
        return fresh and main.closed_at is None and not self._here.store.vote_rows.counts(MAIN_CAMPAIGN)

    def _say(self, row: CampaignRow, told: Campaign, here: Campaign) -> None:
        """What could not be brought, or differs here."""
        for what in self._reader.missing:
            self._here.report.show("not here, though a campaign needs it", f"{row.name!r}: {what}")
        differ = any(getattr(told, name) != getattr(here, name) for name in _SETTINGS if name != "name")
        if differ or (told.closed_at is None) != (here.closed_at is None):
            self._here.report.show("campaigns with other settings here, which stay", repr(here.name))


def _made_by_name_only(one: Campaign) -> bool:
    several_or_verify = one.several if one.question == "choose" else True
    return one.picks == CLOSED_AND_EMPTY and one.closed_at is not None and several_or_verify
