"""How every page of Mimique is served: to the people meant, with nothing recorded, shared or fetched."""

from __future__ import annotations

from typing import Any

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def private_launch(address: str) -> dict[str, Any]:
    """Options for Gradio's ``launch``: no share link, no history, no monitoring, no footer.

    On a loopback address only requests that name this very machine are answered: else a web page open in the
    same browser could point its own name at 127.0.0.1 and read the faces (DNS rebinding).
    """
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    hosts = ["127.0.0.1", "localhost", "[::1]"]
    guards = [Middleware(TrustedHostMiddleware, allowed_hosts=hosts)] if address in LOOPBACK else []
    return {
        "server_name": address,
        "prevent_thread_lock": True,
        "quiet": True,
        "share": False,
        "inbrowser": False,
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "mcp_server": False,
        "pwa": False,
        "app_kwargs": {"middleware": guards},
    }
