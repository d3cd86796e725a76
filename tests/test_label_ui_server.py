"""The workbench's server as a network sees it: forged, broken and endless requests, and a process that dies."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from label_server import Server, guest_at, served
from new_workspace import new_workspace

from benchmarks.browser import label_command
from db.workspace import Workspace
from label_ui.people import People

AddFaces = Callable[[Workspace, int], tuple[int, ...]]
FACES = 40


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, add_faces: AddFaces) -> Iterator[Workspace]:
    with new_workspace(tmp_path_factory.mktemp("server") / "faces") as workspace:
        add_faces(workspace, FACES)
        workspace.store.annotators.add("Zofia")  # the first: the owner
        yield workspace


@pytest.fixture(scope="module")
def server(workspace: Workspace) -> Iterator[Any]:
    """A workbench on a machine of one's own."""
    with served(workspace) as server:
        yield server


@pytest.fixture
def guest(server: Any) -> Iterator[Any]:
    with guest_at(server) as guest:
        yield guest


def vote(guest: Any, request_id: str, choice: str = "happy") -> httpx.Response:
    (face,) = guest.call("next", campaign=1, count=1).json()["ok"]
    values = {"campaign": 1, "face": face["face"], "crop": face["crop"], "request_id": request_id}
    return guest.call("vote", choices=[choice], **values)


def votes_of(workspace: Workspace, name: str) -> int:
    who = workspace.store.annotators.find(name)
    assert who is not None
    return workspace.store.votes.counts().get(who.id, 0)


# ---- who is asking ------------------------------------------------------------------------------------------


def test_joining_gives_a_cookie_that_no_script_reads_and_other_sites_do_not_send(guest: Any) -> None:
    response = guest.join("Cookie")
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie and "Secure" not in cookie
    assert cookie.startswith("mimique-")
    me = guest.me()
    assert me["name"] == "Cookie" and me["asks_login"] is False
    assert me["token"] not in cookie


def test_a_vote_over_http_reaches_the_store(guest: Any, workspace: Workspace) -> None:
    guest.join("Vera")
    first = vote(guest, "vera-00001")
    assert first.status_code == 200 and first.json()["ok"]["vote"]
    assert votes_of(workspace, "Vera") == 1


FORGERIES = {
    "another site's page": {"Origin": "https://evil.example"},
    "another port's page": {"Origin": "http://127.0.0.1:1"},
    "no page at all": {"Origin": "null"},
    "a cross-site request": {"Sec-Fetch-Site": "cross-site"},
    "a neighbour's page": {"Sec-Fetch-Site": "same-site"},
    "a page with another token": {"X-Mimique-Token": "0" * 64},
    "a page without a token": {"X-Mimique-Token": ""},
    "a page with a strange token": {"X-Mimique-Token": "\x7f"},
}


@pytest.mark.parametrize("headers", FORGERIES.values(), ids=FORGERIES.keys())
@pytest.mark.parametrize("path", ["/api/team", "/logout", "/password"])
def test_a_forged_request_does_nothing(guest: Any, path: str, headers: dict[str, str]) -> None:
    guest.join("Target")
    response = guest.post(path, {}, **headers)
    assert response.status_code == 403
    assert guest.me()["name"] == "Target"


@pytest.mark.parametrize("path", ["/gradio_api/call/team", "/gradio_api/queue/join", "/login", "/join/x"])
def test_other_sites_cannot_reach_gradios_apis_nor_log_anybody_in(guest: Any, path: str) -> None:
    assert guest.post(path, {"data": ["Ana"]}, Origin="https://evil.example").status_code == 403


def test_a_form_of_another_site_is_no_call(guest: Any) -> None:
    guest.join("Target")
    headers = {"X-Mimique-Token": guest.token, "Content-Type": "text/plain"}
    assert guest.http.post("/api/team", content=b"{}", headers=headers).status_code == 415


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.", "[bad", "0.0.0.0"]
)
def test_a_page_that_points_its_own_name_here_is_turned_away(guest: Any, host: str) -> None:
    for path in ("/", "/me", "/config", "/picture/thumb/1"):
        assert guest.http.get(path, headers={"Host": host}).status_code == 400
    assert guest.http.get("/me", headers={"Host": "localhost:1"}).status_code == 200


def test_a_link_cannot_log_anybody_out(guest: Any) -> None:
    guest.join("Stays")
    assert guest.http.get("/logout").status_code == 405
    assert guest.me()["name"] == "Stays"


def test_leaving_ends_the_login_and_a_copy_of_the_cookie_is_worth_nothing(server: Any, guest: Any) -> None:
    guest.join("Leaver")
    copied = dict(guest.http.cookies)
    assert guest.post("/logout", {}).status_code == 200
    assert guest.me()["name"] == ""
    with httpx.Client(base_url=server.url, cookies=copied) as thief:
        assert thief.get("/me").json()["name"] == ""


def test_a_cookie_planted_before_the_login_is_not_the_login(guest: Any) -> None:
    name = guest.join("First").headers["set-cookie"].split("=")[0]
    guest.post("/logout", {})
    guest.http.cookies.set(name, "planted", domain="127.0.0.1")
    guest.token = ""
    assert guest.join("Second").status_code == 200
    assert "planted" not in guest.http.cookies.values()


def test_pages_say_to_browsers_what_they_may_not_do(guest: Any) -> None:
    for path in ("/", "/team", "/me", "/join/x", "/nowhere"):
        headers = guest.http.get(path).headers
        assert headers["x-frame-options"] == "DENY" and headers["x-content-type-options"] == "nosniff"
        assert "connect-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
    assert guest.http.get("/join/x").headers["referrer-policy"] == "no-referrer"


def test_pages_name_no_other_host_for_previews(guest: Any) -> None:
    page = guest.http.get("/team", headers={"Accept": "text/html"})
    assert page.status_code == 200 and "gradio_config" in page.text
    for word in ("githubusercontent", "try out the app", 'property="og:', 'name="twitter:'):
        assert word not in page.text


def test_a_browser_at_no_page_is_shown_the_way_back_and_a_program_gets_json(guest: Any) -> None:
    shown = guest.http.get("/nosuch", headers={"Accept": "text/html"})
    assert shown.status_code == 404 and shown.headers["content-type"].startswith("text/html")
    assert '<a href="/">' in shown.text
    told = guest.http.get("/nosuch", headers={"Accept": "application/json"})
    assert told.status_code == 404 and told.headers["content-type"] == "application/json"


# ---- broken requests ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"7", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000, b"NaN"]
)
def test_a_body_that_is_no_object_is_one_clear_line(guest: Any, body: bytes) -> None:
    guest.join("Broken")
    headers = {"X-Mimique-Token": guest.token, "Content-Type": "application/json"}
    response = guest.http.post("/api/next", content=body, headers=headers)
    assert response.status_code == 400 and response.json()["error"]
    assert len(response.json()["error"]) < 300


WRONG_VALUES: list[tuple[str, dict[str, Any]]] = [
    ("next", {"campaign": "x"}),
    ("next", {"campaign": 1, "count": None}),
    ("next", {"campaign": 1, "exclude": 7}),
    ("next", {"campaign": 1e400}),
    ("next", {"campaign": 10**30}),
    ("next", {}),
    ("vote", {"campaign": 1, "face": {}, "crop": [], "request_id": 5}),
    ("vote", {"campaign": 1, "face": 1, "crop": "0" * 16, "request_id": "x" * 5000}),
    ("team", {"campaign": 999}),
    ("team", {"who": "Olga"}),
    ("team", {"self": 1}),
    ("team", {"annotator": ["Ana"]}),
    ("team", {"annotator": None}),
    ("person_role", {"name": "Ana", "role": "emperor"}),
    ("person_role", {"name": 7, "role": "owner"}),
    ("invite", {"days": "soon"}),
    ("invite", {"name": {"a": 1}, "role": ["owner"]}),
    ("join", {"name": 3}),
    ("join", {"name": "x" * 100}),
    ("join", {"name": ""}),
    ("join", {"name": "a\x00b\ud800"}),
    ("photo", {"face": -1}),
]


@pytest.mark.parametrize(("name", "values"), WRONG_VALUES, ids=lambda value: str(value)[:40])
def test_wrong_values_are_one_clear_line_and_never_an_accident(
    guest: Any, name: str, values: dict[str, Any]
) -> None:
    guest.join("Wrong")
    headers = {"X-Mimique-Token": guest.token, "Content-Type": "application/json"}
    response = guest.http.post(f"/api/{name}", content=json.dumps(values), headers=headers)
    assert 400 <= response.status_code < 500, response.text
    assert response.json()["error"] and "\n" not in response.json()["error"]


@pytest.mark.parametrize(
    "name", ["nothing", "__init__", "_look", "workspace", "..%2Fme", "vote%00", "a" * 3000]
)
def test_an_unknown_call_is_refused(guest: Any, name: str) -> None:
    guest.join("Curious")
    response = guest.call(name)
    assert response.status_code == 404 and len(response.text) < 400


def test_ten_megabytes_are_refused_and_the_server_goes_on(server: Any, guest: Any) -> None:
    guest.join("Big")
    headers = {"X-Mimique-Token": guest.token, "Content-Type": "application/json"}
    body = b'{"name":"' + b"x" * 10_000_000 + b'"}'
    with contextlib.suppress(httpx.WriteError):  # the server may hang up while we are still sending
        assert guest.http.post("/api/next", content=body, headers=headers).status_code == 413

    def endless() -> Iterator[bytes]:
        for _ in range(20):
            yield b"x" * 1_000_000

    with contextlib.suppress(httpx.WriteError):
        assert guest.http.post("/api/next", content=endless(), headers=headers).status_code == 411
    with guest_at(server) as other:
        assert other.me()["name"] == ""


def test_who_asks_without_end_is_slowed_down_and_others_are_not(server: Any, guest: Any) -> None:
    guest.join("Hasty")
    guest.http.get("/me")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: guest.call("nothing"), range(300)))
    slowed = [answer for answer in answers if answer.status_code == 429]
    assert slowed and all(
        answer.json()["again"] and int(answer.headers["retry-after"]) >= 1 for answer in slowed
    )
    with guest_at(server) as other:
        assert other.join("Patient").status_code == 200


def test_a_tab_that_leaves_while_it_asks_is_no_failure(tmp_path: Path, add_faces: AddFaces) -> None:
    with new_workspace(tmp_path / "faces") as workspace:
        add_faces(workspace, FACES)
        server = Server(workspace)
        server.start()
        head = (
            f"Host: 127.0.0.1:{server.port}\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n"
        )
        for path in ("/api/next", "/login", "/join/nothing", "/logout"):
            with socket.create_connection(("127.0.0.1", server.port)) as leaving:
                leaving.sendall(f"POST {path} HTTP/1.1\r\n{head}".encode() + b'{"campaign": ')
                time.sleep(0.1)  # the server has begun to read
        with guest_at(server) as guest:
            assert guest.join("Staying").status_code == 200
        code, said = server.stop()
    assert code == 0 and "Traceback" not in said and "ClientDisconnect" not in said, said


# ---- pictures -------------------------------------------------------------------------------------------------


def test_pictures_are_kept_by_the_browser_for_good(guest: Any, workspace: Workspace) -> None:
    face = workspace.store.faces.all()[0]
    for path in (f"crop/{face.crop_sha256[:16]}", f"photo/{face.id}", f"thumb/{face.id}?size=64"):
        response = guest.http.get(f"/picture/{path}")
        assert response.status_code == 200 and response.content[:2] == b"\xff\xd8"
        assert response.headers["content-type"] == "image/jpeg"
        assert response.headers["cache-control"] == "private, max-age=31536000, immutable"


@pytest.mark.parametrize("kind", ["crop", "photo", "thumb"])
@pytest.mark.parametrize("name", ["0" * 16, "x", "..%2F..%2Fmimique.toml", "0", "-1", "1e9", "²", "9" * 20])
def test_a_picture_that_is_not_there_is_a_404(guest: Any, kind: str, name: str) -> None:
    assert guest.http.get(f"/picture/{kind}/{name}").status_code == 404


@pytest.mark.parametrize("size", ["0", "31", "641", "99999999999", "-5", "x", "1.5", ""])
def test_a_size_that_makes_no_sense_is_refused(guest: Any, workspace: Workspace, size: str) -> None:
    face = workspace.store.faces.all()[0]
    assert guest.http.get(f"/picture/thumb/{face.id}?size={size}").status_code == 400


def test_no_file_of_the_machine_is_served(guest: Any, workspace: Workspace) -> None:
    config = workspace.path / "mimique.toml"
    for path in (f"/gradio_api/file={config}", f"/file={config}", "/static/..%2f..%2f..%2fetc/passwd"):
        assert guest.http.get(path).status_code in (403, 404)
    upload = guest.http.post("/gradio_api/upload", files={"files": ("a.txt", b"x" * 5000)})
    assert upload.status_code >= 400


# ---- a server's life --------------------------------------------------------------------------------------------


def test_a_killed_server_loses_no_acknowledged_vote_and_the_login_goes_on(
    tmp_path: Path, add_faces: AddFaces
) -> None:
    with new_workspace(tmp_path / "faces") as workspace:
        add_faces(workspace, FACES)
        server = Server(workspace)
        server.start()
        acknowledged = 0
        with guest_at(server) as guest:
            guest.join("Kim")

            def keep_voting() -> None:
                nonlocal acknowledged
                for number in range(FACES):
                    try:
                        acknowledged += vote(guest, f"kim-{number:05}").status_code == 200
                    except httpx.HTTPError:
                        return

            voting = threading.Thread(target=keep_voting)
            voting.start()
            end = time.monotonic() + 60
            while acknowledged < 5 and time.monotonic() < end:
                time.sleep(0.005)
            server.stop(signal.SIGKILL)
            voting.join()
            assert acknowledged >= 5
            assert acknowledged <= votes_of(workspace, "Kim") <= acknowledged + 1
            server.start()
            assert guest.me()["name"] == "Kim"
            assert vote(guest, "kim-after").status_code == 200
        code, said = server.stop()
        assert code == 0 and "Traceback" not in said and "stopped" in said


def test_two_servers_on_one_workspace_know_the_same_people(
    server: Any, workspace: Workspace, guest: Any
) -> None:
    with served(workspace) as second, guest_at(second) as other:
        guest.join("Both")
        other.http.cookies.update(guest.http.cookies)
        assert other.me()["name"] == "Both"
        assert vote(other, "both-00001").status_code == 200
        assert vote(guest, "both-00002").status_code == 200
        assert votes_of(workspace, "Both") == 2
        assert other.post("/logout", {}).status_code == 200
        assert guest.me()["name"] == ""


def test_a_taken_port_is_one_line(server: Any, workspace: Workspace) -> None:
    command = label_command(workspace.path, server.port)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stdout == ""
    assert f"port {server.port} of 127.0.0.1 is taken" in done.stderr
    assert f"next: label --workspace {workspace.path} --port " in done.stderr


def test_a_database_held_by_another_program_for_a_moment_delays_a_vote_and_loses_none(
    server: Any, workspace: Workspace, guest: Any
) -> None:
    guest.join("Lock")
    (face,) = guest.call("next", campaign=1, count=1).json()["ok"]
    other = sqlite3.connect(workspace.path / "mimique.db", check_same_thread=False, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.8, lambda: other.execute("ROLLBACK")).start()
    values = {"campaign": 1, "face": face["face"], "crop": face["crop"], "request_id": "lock-00001"}
    assert guest.call("vote", choices=["angry"], **values).status_code == 200
    other.close()
    assert votes_of(workspace, "Lock") == 1


def test_a_vote_after_a_login_has_ended_is_to_be_sent_again_after_logging_in(
    server: Any, guest: Any, workspace: Workspace
) -> None:
    guest.join("Petra")
    (face,) = guest.call("next", campaign=1, count=1).json()["ok"]
    values = {"campaign": 1, "face": face["face"], "crop": face["crop"], "request_id": "petra-0001"}
    values |= {"annotator": "Petra", "choices": ["happy"]}
    People(workspace.store).set_password("Petra", "a phrase of Petra")
    with guest_at(server) as nobody:
        refused = nobody.post("/api/vote", values)
        assert refused.status_code == 401
        assert (refused.json()["login"], refused.json()["again"]) == (True, True)
        assert nobody.post("/api/join", {"name": "Petra"}).json()["login"]
        body = {"username": "Petra", "password": "a phrase of Petra"}
        assert nobody.post("/login", body).status_code == 200
        nobody.token = nobody.me()["token"]
        assert nobody.call("vote", **values).status_code == 200
    assert votes_of(workspace, "Petra") == 1


# ---- with a login -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded(workspace: Workspace) -> Iterator[Any]:
    """The same workspace, where people must log in."""
    with served(workspace, password="opens for the owner") as server:
        server.owner = workspace.store.annotators.find("Zofia")
        yield server


def test_without_a_login_nothing_is_shown_but_the_entrance(guarded: Any) -> None:
    with guest_at(guarded) as guest:
        page = guest.http.get("/team", headers={"Accept": "text/html"})
        assert page.status_code == 303 and page.headers["location"] == "/login?next=/team"
        for path in (
            "/",
            "/config",
            "/gradio_api/info",
            "/picture/thumb/1",
            "/assets/x.js",
            "/theme.css",
            "/api/team",
        ):
            assert guest.http.get(path).status_code == 401, path
        for path in (
            "/api/vote",
            "/api/join",
            "/gradio_api/call/vote",
            "/gradio_api/upload",
            "/password",
            "/",
        ):
            assert guest.post(path, {"name": "Ana"}).status_code == 401, path
        for path in ("/me/x", "/metrics", "/login/x", "/loginx", "/join/a/b", "/join/", "/robots.txt/x"):
            assert guest.http.get(path).status_code == 401, path
        assert guest.http.get("/login").status_code == 200
        me = guest.me()
        assert (me["name"], me["asks_login"]) == ("", True)


def test_the_entrance_says_nothing_of_the_team(guarded: Any) -> None:
    with guest_at(guarded) as guest:
        for path in ("/login", "/join/made-up", "/me"):
            text = guest.http.get(path).text
            assert "Zofia" not in text and '"classes"' not in text


def test_an_invited_voter_votes_and_gradio_client_logs_in_the_same_way(
    guarded: Any, workspace: Workspace
) -> None:
    import gradio_client

    token = People(workspace.store).invite(guarded.owner, name="Ines").token
    with guest_at(guarded) as guest:
        assert guest.http.get(f"/join/{token}").status_code == 200
        assert guest.accept(token, password="a phrase of Ines").status_code == 200
        assert vote(guest, "ines-00001").status_code == 200
        assert guest.accept(token).status_code == 401
    with pytest.raises(Exception, match="Invalid credentials"):
        gradio_client.Client(guarded.url, auth=("Ines", "wrong"), verbose=False)
    client = gradio_client.Client(guarded.url, auth=("Ines", "a phrase of Ines"), verbose=False)
    assert client.predict("", 1, api_name="/team")["me"] == "Ines"
    with pytest.raises(Exception, match="you are Ines, not Zofia"):
        client.predict("Zofia", 1, api_name="/team")
    with pytest.raises(Exception, match="needs the role owner"):
        client.predict("", "voter", "", 7, 1, api_name="/invite")
    client.close()


def test_a_disabled_person_is_out_with_the_next_request(guarded: Any, workspace: Workspace) -> None:
    token = People(workspace.store).invite(guarded.owner).token
    with guest_at(guarded) as guest:
        guest.accept(token, "Dan")
        assert guest.call("team").status_code == 200
        People(workspace.store).disable("Dan")
        refused = guest.call("team")
        assert refused.status_code == 401 and refused.json()["again"] and refused.json()["login"]


def test_a_flood_of_wrong_logins_is_refused_fast_and_the_voters_go_on(
    guarded: Any, workspace: Workspace
) -> None:
    token = People(workspace.store).invite(guarded.owner).token
    with guest_at(guarded) as guest, guest_at(guarded) as attacker:
        guest.accept(token, "Calm")
        body = {"username": "Calm", "password": "guess"}
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            flood = [pool.submit(attacker.post, "/login", body) for _ in range(300)]
            assert guest.call("team").status_code in (
                200,
                429,
            )  # one address here: it may have to wait a moment
            statuses = {done.result().status_code for done in flood}
    assert statuses <= {401, 429, 503} and 429 in statuses


def test_the_cookie_is_for_https_alone_where_the_page_came_by_https(
    guarded: Any, workspace: Workspace
) -> None:
    token = People(workspace.store).invite(guarded.owner).token
    with guest_at(guarded) as guest:
        headers = {"X-Forwarded-Proto": "https"}  # as a proxy on the same machine says it
        response = guest.post(f"/join/{token}", {"name": "Tls", "password": ""}, **headers)
        assert response.status_code == 200 and "Secure" in response.headers["set-cookie"]
