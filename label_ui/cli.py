"""The ``label`` command."""

from __future__ import annotations

from pathlib import Path

import click

from db.command import say, single_command, workspace_option

HELP = """Open the voting workbench in the browser: one face, one key, the next face.

Everybody votes under a name of their own, blind to the votes of the others. Keys: 1 to 9 for the classes,
u unsure, f flag, space skip, backspace undo, z zoom, c whole photo, ? help.

\b
Examples:
  label                          this machine only, on http://127.0.0.1:7860
  label -w faces --port 7870     another project beside it
  MIMIQUE_LABEL_PASSWORD=…  label --listen 0.0.0.0
                                 the whole team over the network, with that password
"""


@single_command("label", HELP)
@workspace_option
@click.option("--port", type=click.IntRange(1, 65535), default=7860, show_default=True)
@click.option(
    "--listen",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Where to be reached; other than this machine only with a password in $MIMIQUE_LABEL_PASSWORD.",
)
@click.option(
    "--lang", type=click.Choice(["en", "fr"]), help="The page's language. [default: each browser's]"
)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
def main(workspace: Path, port: int, listen: str, lang: str | None, no_browser: bool) -> None:
    from db.workspace import open_workspace
    from label_ui.door import check_door, show_in_browser, wait_for_the_end

    password = check_door(listen, port)
    opened = open_workspace(workspace)
    if not opened.store.faces.count():
        say(
            f"{workspace} has no faces yet; from another terminal: collect sample --count 400, then curate faces"
        )
    say("starting the workbench …")
    from label_ui.app import serve

    running = serve(opened, address=listen, port=port, password=password, lang=lang or "")
    click.echo(running.url)
    say("press Ctrl-C to stop; every vote is kept as it is cast")
    if not no_browser:
        show_in_browser(running.url)
    wait_for_the_end()
    running.close()
    say("stopped")
