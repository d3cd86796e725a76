"""The commands ``label invite`` and ``label people``: the team from the terminal, where one is always owner."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from db.command import CommandGroup, counted, in_workspace, say, workspace_option

if TYPE_CHECKING:
    from db.records.people import Annotator, Role
    from db.store import Store

ROLES = ("voter", "curator", "owner")


def _port_of_label() -> int:
    """The port that ``label`` itself would take: typed before the command, or set for it."""
    outer = click.get_current_context().parent
    assert outer is not None  # it is a command of label's
    return int(outer.params["port"])


@click.command("invite")
@workspace_option
@click.option(
    "--name", default="", help="Who comes in by it, and only once. [default: guests choose new names]"
)
@click.option("--role", type=click.Choice(ROLES), default="voter", show_default=True)
@click.option("--days", type=click.IntRange(1, 90), default=7, show_default=True, help="How long it holds.")
@click.option(
    "--uses", type=click.IntRange(1, 200), default=1, show_default=True, help="How many come in by it."
)
@click.option(
    "--url",
    default="",
    metavar="http://HOST:PORT",
    help="Where the team reaches the workbench. [default: this machine's address and --port]",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=_port_of_label,
    help="The workbench's port on this machine. [default: that of label, 7860]",
)
@click.option(
    "--list", "listing", is_flag=True, help="List the links that still hold, by the start of their hash."
)
@click.option("--revoke", default="", metavar="HASH", help="Call back the link whose hash begins so.")
def invite(
    workspace: Path,
    name: str,
    role: Role,
    days: int,
    uses: int,
    url: str,
    port: int,
    listing: bool,
    revoke: str,
) -> None:
    """Make a link that lets somebody into the workbench.

    \b
    Examples:
      label invite --name Ana --role curator      a link for Ana, once, within a week
      label invite --uses 20 --days 2             twenty voters who choose their names
      label invite --list
      label invite --revoke 3fa91c
    """
    from db.workspace import open_workspace
    from label_ui.people import People

    store = open_workspace(workspace).store
    team = People(store)
    if listing:
        links = team.invites()
        if not links:
            say(f"no link holds now; make one: {in_workspace('label invite --name NAME', workspace)}")
        for known in links:
            who = known.name or f"{known.uses_left} more"
            click.echo(f"{known.token_hash[:8]}  {known.role:8}{known.expires_at:%Y-%m-%d %H:%M} UTC  {who}")
    elif revoke:
        click.echo(f"called back: {team.revoke(revoke).token_hash[:8]}")
    else:
        member = store.annotators.find(name) if name else None
        made = team.invite(_owner(store, name), role=role, name=name, days=days, uses=uses)
        click.echo(f"{(url or _guess(port)).rstrip('/')}/join/{made.token}")
        say(f"holds until {made.invite.expires_at:%Y-%m-%d %H:%M} UTC; it is shown only now")
        if member is not None:
            say(f"a login link: {member.name} is in the team already and stays {member.role}")


@click.group("people", cls=CommandGroup)
def people() -> None:
    """Who is in the team, in which role.

    \b
    Examples:
      label people list
      label people role Ana curator
      label people disable Bob            lets Bob in no more; his votes stay
      label people password Ana           asks for a new password
    """


@people.command("list")
@workspace_option
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_people(workspace: Path, as_json: bool) -> None:
    """List everybody who votes, with role and votes.

    \b
    Example:
      label people list
    """
    from db.workspace import open_workspace
    from label_ui.team import people_of

    rows = people_of(open_workspace(workspace).store)
    if as_json:
        click.echo(json.dumps([row.plain() for row in rows], ensure_ascii=False, indent=2))
        return
    if not rows:
        say(f"nobody is in the team yet; be its owner: {in_workspace('label invite --name YOU', workspace)}")
    for row in rows:
        marks = [text for text, given in (("simulated", row.simulated), ("disabled", row.disabled)) if given]
        marked = f"  ({', '.join(marks)})" if marks else ""
        click.echo(f"{row.role:8}{counted(row.votes, 'votes'):>15}  {row.name}{marked}")


@people.command("role")
@workspace_option
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
def set_role(workspace: Path, name: str, role: Role) -> None:
    """Make NAME a voter, curator or owner.

    \b
    Example:
      label people role Ana curator
    """
    from db.workspace import open_workspace
    from label_ui.people import People

    changed = People(open_workspace(workspace).store).set_role(name, role)
    click.echo(f"{changed.name} is {changed.role}")


@people.command("disable")
@workspace_option
@click.argument("name")
def disable(workspace: Path, name: str) -> None:
    """Let NAME in no more, from this moment on; their votes stay.

    \b
    Example:
      label people disable Bob
    """
    from db.workspace import open_workspace
    from label_ui.people import People

    click.echo(f"{People(open_workspace(workspace).store).disable(name).name} may no longer come in")


@people.command("enable")
@workspace_option
@click.argument("name")
def enable(workspace: Path, name: str) -> None:
    """Let NAME in again.

    \b
    Example:
      label people enable Bob
    """
    from db.workspace import open_workspace
    from label_ui.people import People

    click.echo(f"{People(open_workspace(workspace).store).enable(name).name} may come in")


@people.command("password")
@workspace_option
@click.argument("name")
@click.option("--remove", is_flag=True, help="Take the password away.")
def set_password(workspace: Path, name: str, remove: bool) -> None:
    """Give NAME a new password, which is asked for and not shown; their logins end.

    \b
    Examples:
      label people password Ana
      label people password Ana --remove
    """
    from db.workspace import open_workspace
    from label_ui.people import People

    team = People(open_workspace(workspace).store)
    who = team.find(name)
    asked = (
        None if remove else click.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
    )
    team.set_password(who.name, asked)
    click.echo(f"{who.name} has {'no password any more' if remove else 'a new password'}")


def _owner(store: Store, name: str) -> Annotator:
    """On whose behalf the terminal acts: an owner; who invites themselves to an empty team becomes it."""
    from db.errors import InputError

    people = [who for who in store.annotators.all() if not who.simulated]
    if not people and not name:
        raise InputError("nobody is in the team yet", hint="label invite --name YOU makes you its owner")
    if not people:
        say(f"{name} is the first of the team, and so its owner")
        return store.annotators.add(name)
    return next(who for who in people if who.role == "owner" and who.disabled_at is None)


def _guess(port: int) -> str:
    """The workbench's address if it listens at that port of this machine; says so when nothing answers there."""
    from label_ui.door import own_address

    address = own_address()
    url = f"http://{address}:{port}"
    if not _answers(address, port):
        serve = f"label --listen 0.0.0.0 --port {port}"
        say(f"note: nothing answers at {url} now; {serve} does, or name its address with --url")
    return url


def _answers(address: str, port: int) -> bool:
    import socket

    try:
        with socket.create_connection((address, port), timeout=0.5):
            return True
    except OSError:
        return False
