"""The doorkeeper: who a request is from, and how somebody comes in and leaves.

On this machine alone (``asks_login`` False) a name is enough, unless its person has set a password. Over a
network people come in by an invitation link or by name and password. An owner without a password of their own
comes in by the password the workbench was started with, or by the link it printed (``owner_key``).
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from db.annotators import name_key, tidy_name
from db.errors import InputError, NotFoundError, StoreError
from db.records.people import ROLES, Annotator, Role
from db.store import Store
from label_ui.passwords import check_new_password, hash_password, is_outdated, is_password
from label_ui.rates import Limiter, Rate
from label_ui.roles import LoginNeededError, LoginRefusedError, NotAllowedError, TooOftenError

IDLE = timedelta(days=7)  # a login that nobody uses for so long has ended
LONGEST = timedelta(days=30)  # and every login ends after so long
_SEEN_EVERY = timedelta(minutes=1)
_TRIES_OF_ADDRESS = Rate(per_second=0.2, burst=40)  # a team behind one router logs in at nine o'clock
_TRIES_OF_NAME = Rate(per_second=0.1, burst=10)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who a request is from: an annotator with a login of this ``token``, or nobody yet."""

    annotator: Annotator | None
    token: str = ""

    @property
    def page_token(self) -> str:
        """What a page of ours must send along, so that no other site's page can ask in the visitor's name."""
        return hmac.new(self.token.encode(), b"page", hashlib.sha256).hexdigest() if self.token else ""


@dataclass(frozen=True, slots=True)
class Welcome:
    """What an invitation offers: as whom (``name`` empty: a new name of the guest's choice), in which role."""

    name: str
    role: Role


class Doorkeeper:
    """Safe to share between threads. ``password`` and ``owner_key`` let an owner in who has no password yet."""

    def __init__(self, store: Store, *, asks_login: bool, password: str = "", owner_key: str = "") -> None:
        self.asks_login = asks_login
        self._store, self._password, self._owner_key = store, password, owner_key
        self._by_address, self._by_name = Limiter(_TRIES_OF_ADDRESS), Limiter(_TRIES_OF_NAME)
        self._lock = threading.Lock()

    # ---- who asks ----------------------------------------------------------------------------------------

    def visitor(self, token: str) -> Visitor:
        """Who holds this login; nobody when it has ended. Using it keeps it from ending idle."""
        login = self._store.logins.find(hash_of(token)) if token else None
        if login is None:
            return Visitor(None)
        now = datetime.now(UTC)
        if now - login.seen_at > _SEEN_EVERY:
            with contextlib.suppress(StoreError):  # the next request notes it
                until = min(now + IDLE, login.created_at + LONGEST)
                self._store.logins.seen(login.token_hash, expires_at=until, now=now)
        return Visitor(self._store.annotators.get(login.annotator_id), token)

    def named(self, name: str) -> Visitor:
        """The visitor whom the gate has found to be ``name``; nobody for an empty name."""
        return Visitor(self._store.annotators.find(name) if name else None)

    def person(self, visitor: Visitor, claimed: str = "") -> Annotator:
        """Who asks: the visitor; on a machine without logins also whoever is ``claimed`` and has no password.

        Errors: NotFoundError for nobody, NotAllowedError for another person's name, LoginNeededError.
        """
        mine = visitor.annotator
        if mine is not None and (not claimed or name_key(tidy_name(claimed)) == name_key(mine.name)):
            return mine
        if self.asks_login:
            raise NotAllowedError(
                f"you are {mine.name if mine else 'nobody'}, not {claimed}", hint="log in under that name"
            )
        found = self._store.annotators.find(claimed) if claimed else None
        if found is None or found.simulated:
            raise NotFoundError(f"nobody called {claimed!r} has joined", hint="name yourself first")
        _check_enabled(found)
        if self._store.annotators.password_hash(found.id):
            raise LoginNeededError(f"{found.name} has a password", hint="log in with it")
        return found

    # ---- coming in ---------------------------------------------------------------------------------------

    def join(self, name: str, password: str = "") -> Visitor:
        """Come in by name, which is enough on this machine; with the password where the person has set one.

        Errors: InputError for a name that is none, LoginNeededError, NotAllowedError for a disabled person.
        """
        if self.asks_login:
            raise NotAllowedError("log in first", hint="open the workbench's page")
        with _names_in_one_line():
            annotator = self._store.annotators.join(name)
        if annotator.simulated:
            raise InputError(
                f"{annotator.name} is a simulated annotator",
                hint="choose a name of your own",
                code="simulated",
                name=annotator.name,
            )
        hashed = self._store.annotators.password_hash(annotator.id)
        if hashed and not (password and self._tried("here", annotator.name, password, hashed)):
            raise LoginNeededError(f"{annotator.name} has a password", hint="log in with it")
        return self._let_in(annotator)

    def log_in(self, name: str, password: str, address: str) -> Visitor:
        """Come in by name and password. Errors: LoginRefusedError, TooOftenError, ServiceError."""
        annotator = self._store.annotators.find(name)
        hashed = self._store.annotators.password_hash(annotator.id) if annotator else None
        if self._tried(address, name, password, hashed) and annotator is not None:
            if hashed and is_outdated(hashed):
                self._store.annotators.set_password_hash(annotator.id, hash_password(password))
            return self._let_in(annotator)
        if not hashed and self._is_first_owner(annotator) and self._is_started_with(password):
            return self._let_in(annotator or self._first_owner(name))
        raise LoginRefusedError(
            "name and password do not match", hint="try again, or ask for a new link", code="no_match"
        )

    def welcome(self, token: str) -> Welcome:
        """What an invitation offers; looking does not use it up. Errors: LoginRefusedError."""
        if self._is_owner_key(token):
            if not needs_owner_key(self._store):
                raise _no_invitation()
            return Welcome(next((owner.name for owner in _owners(self._store)), ""), "owner")
        invite = self._store.invites.find(hash_of(token))
        if invite is None:
            raise _no_invitation()
        return Welcome(invite.name, invite.role)

    def accept(self, token: str, name: str, password: str) -> Visitor:
        """Come in by an invitation, and set a password if one is given.

        A link without a name makes a new person; nobody becomes an existing one through it. Errors:
        LoginRefusedError, InputError for a name that is taken or none, or a bad password.
        """
        offer = self.welcome(token)
        hashed = hash_password(check_new_password(password)) if password else None
        annotator = self._guest(token, offer, name)  # nothing may fail from here on: the link is used
        if hashed:
            self._store.annotators.set_password_hash(annotator.id, hashed)
            self._store.logins.end_all(annotator.id)
        return self._let_in(annotator)

    def change_password(self, who: Annotator, old: str, new: str, address: str) -> Visitor:
        """Set one's own password; every login of this person ends but the one given back.

        Errors: LoginRefusedError when ``old`` is not the one that holds, TooOftenError, InputError.
        """
        hashed = self._store.annotators.password_hash(who.id)
        if hashed and not self._tried(address, who.name, old, hashed):
            raise LoginRefusedError(
                "this is not your password", hint="an owner can give you a new link", code="not_yours"
            )
        self._store.annotators.set_password_hash(who.id, hash_password(check_new_password(new)))
        self._store.logins.end_all(who.id)
        return self._let_in(who)

    def leave(self, visitor: Visitor) -> None:
        """End the visitor's login."""
        if visitor.token:
            self._store.logins.end(hash_of(visitor.token))

    def _let_in(self, annotator: Annotator) -> Visitor:
        """A fresh token every time: one that somebody planted in a browser before is worth nothing."""
        _check_enabled(annotator)
        token = secrets.token_urlsafe(32)
        self._store.logins.begin(hash_of(token), annotator.id, expires_at=datetime.now(UTC) + IDLE)
        return Visitor(annotator, token)

    def _tried(self, address: str, name: str, password: str, hashed: str | None) -> bool:
        """Whether the password is right; the tries of an address, and of a name, are counted."""
        key = name_key(tidy_name(name))
        if wait_s := self._by_address.wait_s(address) or self._by_name.wait_s((address, key)):
            raise TooOftenError(wait_s)
        right = is_password(password, hashed)
        if right:
            self._by_name.forgive((address, key))
        return right

    def _guest(self, token: str, offer: Welcome, name: str) -> Annotator:
        if not offer.name and self._store.annotators.find(name) is not None:
            raise InputError(
                "somebody has that name already",
                hint="choose another name; if it is yours, ask an owner for a link of your own",
                code="name_taken",
            )
        found = self._store.annotators.find(offer.name) if offer.name else None
        if found is None:
            return self._newcomer(token, offer.name or name)
        _check_enabled(found)
        if not (self._use_owner_key(token) or self._store.invites.use(hash_of(token))):
            raise _no_invitation()
        if ROLES.index(offer.role) > ROLES.index(found.role):
            return self._store.annotators.set_role(found.id, offer.role)
        return found

    def _newcomer(self, token: str, name: str) -> Annotator:
        """A new person; a name that will not do leaves the link as it was."""
        with self._lock, _names_in_one_line():
            if self._is_owner_key(token):
                made: Annotator | None = self._store.annotators.add(name, role="owner")
                self._owner_key = ""
            else:
                made = self._store.invites.admit(hash_of(token), name)
        if made is None:
            raise _no_invitation()
        return made

    # ---- the first owner ---------------------------------------------------------------------------------

    def _is_first_owner(self, annotator: Annotator | None) -> bool:
        return annotator.role == "owner" if annotator is not None else not _owners(self._store)

    def _first_owner(self, name: str) -> Annotator:
        with _names_in_one_line():
            return self._store.annotators.add(name, role="owner")

    def _is_started_with(self, password: str) -> bool:
        return bool(self._password) and hmac.compare_digest(password.encode(), self._password.encode())

    def _is_owner_key(self, token: str) -> bool:
        return bool(self._owner_key) and hmac.compare_digest(token.encode(), self._owner_key.encode())

    def _use_owner_key(self, token: str) -> bool:
        with self._lock:
            right = self._is_owner_key(token)
            if right:
                self._owner_key = ""
            return right


def hash_of(token: str) -> str:
    """What is kept of a token: it cannot be turned back."""
    return hashlib.sha256(token.encode()).hexdigest()


def needs_owner_key(store: Store) -> bool:
    """Whether no owner could log in by a password of their own."""
    return not any(store.annotators.password_hash(who.id) for who in _owners(store))


def _owners(store: Store) -> list[Annotator]:
    """The owners who may come in; none while only people known from files of votes are there."""
    return [who for who in store.annotators.all() if who.role == "owner" and who.disabled_at is None]


def _check_enabled(annotator: Annotator) -> None:
    if annotator.disabled_at is not None:
        raise NotAllowedError(
            f"{annotator.name} may no longer come in",
            hint="ask an owner of the team",
            code="disabled",
            name=annotator.name,
        )


@contextlib.contextmanager
def _names_in_one_line() -> Iterator[None]:
    """Errors: InputError for a name that is none."""
    try:
        yield
    except ValueError as error:
        raise InputError(str(error), hint="type your name and press Enter", code="no_name") from error


def _no_invitation() -> LoginRefusedError:
    return LoginRefusedError(
        "this link does not let anyone in any more",
        hint="ask whoever gave it to you for another",
        code="link_closed",
    )
