"""A rehearsal sees what is there, keeps what it writes to itself, and leaves nothing behind."""

from __future__ import annotations

import pytest

from db.errors import NotFoundError
from db.records.campaigns import NewCampaign
from db.store import Store


def test_what_a_rehearsal_writes_is_seen_in_it_and_gone_after(database_url: str) -> None:
    store = Store.open(database_url)
    ana = store.annotators.join("Ana")
    for outcome in ("ends", "fails"):
        try:
            with store.rehearsal() as tried:
                assert tried.annotators.all() == (ana,)
                ben = tried.annotators.join("Ben")
                made = tried.campaigns.create(NewCampaign(outcome, voters=(ben.id,)), may_wait=True)
                with pytest.raises(NotFoundError):
                    tried.votes.undo(99)
                tried.campaigns.close(made.id)
                assert {one.name for one in tried.campaigns.all()} == {"main", outcome}
                if outcome == "fails":
                    raise KeyError
        except KeyError:
            pass
        assert store.annotators.all() == (ana,) and len(store.campaigns.all()) == 1
    assert store.annotators.join("Cem").name == "Cem"
    store.close()
