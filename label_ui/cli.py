"""The ``label`` command: without a command it serves the workbench."""

from __future__ import annotations

from pathlib import Path

import click

from db.command import group_that_runs, in_workspace, say, workspace_option
from label_ui.campaign_cli import campaign
from label_ui.exchange_cli import export_command, import_command
from label_ui.people_cli import invite, people

HELP = """Open the voting workbench in the browser: one face, one key, the next face.

Everybody votes under a name of their own, blind to the votes of the others. On this machine a name is enough,
and the first person is the owner; over a network people log in. The keys are shown by ?.

\b
Examples:
  label                          this machine only, on http://127.0.0.1:7860
  label -w faces --port 7870     another project beside it
  label --listen 0.0.0.0         the whole team over the network; prints the owner's link
  label invite --name Ana        a link that lets Ana in
"""


@group_that_runs("label", HELP)
@workspace_option
@click.option("--port", type=click.IntRange(1, 65535), default=7860, show_default=True)
@click.option(
    "--listen",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Where to be reached; from other machines people must log in.",
)
@click.option(
    "--lang", type=click.Choice(["en", "fr"]), help="The pages' language. [default: each browser's]"
)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@click.pass_context
def main(
    ctx: click.Context, workspace: Path, port: int, listen: str, lang: str | None, no_browser: bool
) -> None:
    if ctx.invoked_subcommand is not None:
        return
    from db.workspace import open_workspace
    from label_ui.door import check_door, is_loopback, password_of, show_in_browser, wait_for_the_end

    check_door(listen, port, in_workspace("label", workspace))
    opened = open_workspace(workspace)
    if not opened.store.faces.count():
        steps = [in_workspace(step, workspace) for step in ("collect folder PHOTOS", "curate faces")]
        say(f"{workspace} has no faces yet; from another terminal: {steps[0]}, then {steps[1]}")
    say("starting the workbench …")
    from label_ui.app import serve

    running = serve(opened, address=listen, port=port, password=password_of(), lang=lang or "")
    click.echo(running.url)
    for line in running.notes:
        say(line)
    if not is_loopback(listen):
        say(f"a link for somebody: {in_workspace('label invite', workspace)} --url {running.url} --name NAME")
    say("press Ctrl-C to stop; every vote is kept as it is cast")
    if not no_browser:
        show_in_browser(running.first_url)
    wait_for_the_end()
    running.close()
    say("stopped")


for _command in (invite, people, campaign, import_command, export_command):
    main.add_command(_command)
