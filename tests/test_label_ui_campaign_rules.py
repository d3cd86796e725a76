"""Campaigns decide by rules that can run where they are made."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

from curate.consensus import RULES, aggregator
from curate.votes_table import VoteTable
from db.errors import ConfigError
from db.workspace import Workspace
from label_ui.campaign_cli import campaign
from label_ui.campaigns import CampaignDesk


def runs(rule: str) -> bool:
    """Whether the rule can decide two votes."""
    votes = (np.array(column, np.int64) for column in ((0, 0), (0, 1), (0, 1), (-1, -1)))
    try:
        return len(aggregator(rule).aggregate(VoteTable(*votes, ("happy", "angry")))) == 1
    except ConfigError:
        return False


@pytest.mark.parametrize("rule", RULES)
def test_a_campaign_takes_the_rules_that_can_run_here_and_the_form_offers_no_others(
    rule: str, workspace: Workspace
) -> None:
    desk, cura = CampaignDesk(workspace), workspace.store.annotators.join("Cura")
    assert (rule in desk.campaign_form(cura)["rules"]) == runs(rule)
    made = CliRunner().invoke(campaign, ["create", "g", "--rule", rule, "-w", str(workspace.path)])
    if runs(rule):
        desk.campaign_change(cura, 1, {"rule": rule})
        assert made.exit_code == 0 and {one.rule for one in workspace.store.campaigns.all()} == {rule}
        return
    assert isinstance(made.exception, SystemExit | ConfigError) and made.exit_code == 1
    with pytest.raises(
        ConfigError, match=f"the rule {rule} needs crowd-kit, which is not installed"
    ) as refused:
        desk.campaign_change(cura, 1, {"rule": rule})
    assert refused.value.hint == "pip install 'mimique[crowd]', or use --rule auto"
    assert [one.rule for one in workspace.store.campaigns.all()] == ["auto"]
