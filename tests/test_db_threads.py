"""How commands share the machine with what people wait for."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from db.threads import BACKGROUND


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="this system has no such priorities")
@pytest.mark.parametrize(("program", "gives_way"), [("collect", True), ("curate", True), ("label", False)])
def test_long_work_gives_way_and_the_server_does_not(program: str, gives_way: bool) -> None:
    script = (
        "import os, sys; from click.testing import CliRunner; from importlib import import_module; "
        "main = import_module(sys.argv[1] + '.cli').main; before = os.getpriority(os.PRIO_PROCESS, 0); "
        "CliRunner().invoke(main, [sorted(main.commands)[0], '--help']); "
        "print(before, os.getpriority(os.PRIO_PROCESS, 0))"
    )
    name = "label_ui" if program == "label" else program
    done = subprocess.run([sys.executable, "-c", script, name], capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert after == (max(before, BACKGROUND) if gives_way else before)
