"""Every desk of the workbench; what they answer to is what the server and the Gradio app can be asked."""

from __future__ import annotations

from db.workspace import Workspace
from label_ui.agreement_desk import AgreementDesk
from label_ui.campaigns import CampaignDesk
from label_ui.desk import Desk
from label_ui.gallery_desk import GalleryDesk
from label_ui.review_desk import ReviewDesk
from label_ui.rule_desk import RuleDesk
from label_ui.team_desk import TeamDesk


def desks_of(workspace: Workspace) -> tuple[object, ...]:
    """One desk for each part of the workbench."""
    kinds = (Desk, CampaignDesk, ReviewDesk, RuleDesk, GalleryDesk, AgreementDesk, TeamDesk)
    return tuple(kind(workspace) for kind in kinds)
