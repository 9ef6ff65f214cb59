"""Pages and their opaque tokens: a hostile or stable cursor over revisions, a plain one over names."""

from __future__ import annotations

import base64
import bisect
import json
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from janitor.local.behaviour import Cursor
from janitor.local.families import Revision
from janitor.local.replies import invalid_parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from janitor.local.behaviour import Behaviour
    from janitor.local.families import Families, Status
    from janitor.local.replies import Json

PAGE_LIMIT = 100  # the API's limit
REPEATED = 3  # how many entries a hostile cursor repeats


def page_size(params: Json, default: int = PAGE_LIMIT) -> int:
    """Return how many entries a request asks for."""
    size = params.get("maxResults")
    if size is None:
        return default
    if not 1 <= size <= PAGE_LIMIT:
        message = f"maxResults must be between 1 and {PAGE_LIMIT}."
        raise invalid_parameter(message)
    return int(size)


class Tokens:
    """Writes and reads tokens; each is good for the listing it was issued for, and for its lifetime."""

    def __init__(self, behaviour: Behaviour, now: Callable[[], float]) -> None:
        self._lifetime = behaviour.token_lifetime
        self._now = now

    def issue(self, listing: Sequence[str | None], state: Json) -> str:
        """Return a token for the rest of a listing."""
        content = json.dumps([*listing, self._now(), state])
        return base64.urlsafe_b64encode(content.encode()).decode()

    def redeem(self, listing: Sequence[str | None], params: Json) -> Json | None:
        """Return what the request's token holds, None if it has none."""
        token = params.get("nextToken")
        if token is None:
            return None
        try:
            *issued_for, issued_at, state = json.loads(base64.urlsafe_b64decode(token))
            usable = issued_for == list(listing) and not self._expired(issued_at)
        except (ValueError, TypeError):
            usable = False
        if not usable or not isinstance(state, dict):
            message = "Invalid token."
            raise invalid_parameter(message)
        return state

    def _expired(self, issued_at: float) -> bool:
        return self._lifetime is not None and self._now() - issued_at > self._lifetime.total_seconds()


def page_of_names(tokens: Tokens, listing: Sequence[str | None], params: Json, names: Sequence[str], key: str) -> Json:
    """Return one page of sorted names under ``key``, resumed after the last name of the page before."""
    state = tokens.redeem(listing, params)
    first = bisect.bisect_right(names, state["last"]) if state else 0
    page = list(names[first : first + page_size(params)])
    body: Json = {key: page}
    if first + len(page) < len(names):
        body["nextToken"] = tokens.issue(listing, {"last": page[-1]})
    return body


def page_of_records(
    tokens: Tokens,
    listing: Sequence[str | None],
    params: Json,
    records: Mapping[str, Json],
    *,
    key: str,
    size: int,
    token: str,
) -> Json:
    """Return one page of records, sorted by their names; ``token`` is what the service calls its token."""
    state = tokens.redeem(listing, {"nextToken": params.get(token)})
    names = sorted(records)
    first = bisect.bisect_right(names, state["last"]) if state else 0
    page = names[first : first + size]
    body: Json = {key: [records[name] for name in page]}
    if first + len(page) < len(names):
        body[token] = tokens.issue(listing, {"last": page[-1]})
    return body


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionListing:
    """One listing of revisions: which, and in which order."""

    status: Status
    family: str | None
    descending: bool

    @property
    def key(self) -> tuple[str | None, ...]:
        """What a token of this listing is good for."""
        return "revisions", self.status, self.family, "DESC" if self.descending else "ASC"

    def passed(self, revision: Revision, position: Revision) -> bool:
        """Say whether a revision lies in this listing, up to the position."""
        if self.family not in (None, revision.family):
            return False
        return revision >= position if self.descending else revision <= position


class RevisionPages:
    """Pages of revisions; the cursor is as hostile as the behaviour says."""

    def __init__(self, families: Families, tokens: Tokens, cursor: Cursor) -> None:
        self._families = families
        self._tokens = tokens
        self._hostile = cursor is Cursor.HOSTILE

    def page(self, listing: RevisionListing, params: Json) -> tuple[list[Revision], str | None]:
        """Return a page and the token for the next, None at the end."""
        size = page_size(params)
        state = self._tokens.redeem(listing.key, params)
        tail = [Revision(*entry) for entry in state["tail"]] if state else []
        skipped, disturbed = self._disturbance(listing, state, tail)
        # Every second time that something left, the last few come again, even if they left meanwhile.
        repeats = disturbed > 0 and disturbed % 2 == 0 and skipped > 0
        page = tail[len(tail) - min(len(tail), size - 1) :] if repeats else []
        rest = self._families.walk(
            listing.status,
            family=listing.family,
            descending=listing.descending,
            after=tail[-1] if tail else None,
        )
        page += islice(rest, skipped, skipped + size - len(page))
        if next(rest, None) is None:
            return page, None
        mark = self._families.departures[listing.status].total
        token = self._tokens.issue(listing.key, {"tail": page[-REPEATED:], "mark": mark, "disturbed": disturbed})
        return page, token

    def _disturbance(self, listing: RevisionListing, state: Json | None, tail: list[Revision]) -> tuple[int, int]:
        """Return how many left behind the cursor since the token, and how often that has happened to this listing."""
        if state is None or not self._hostile:
            return 0, 0
        left = self._families.departures[listing.status].since(state["mark"])
        skipped = sum(listing.passed(revision, tail[-1]) for revision in left)
        return skipped, state["disturbed"] + (skipped > 0)
