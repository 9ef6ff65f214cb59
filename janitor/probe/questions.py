"""Asks ECS, question by question. Whatever happens, the family is cleared away at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from janitor.aws.throwaway import Deletion, Seen
from janitor.core.model import BATCH_SIZE, PAGE_SIZE, Status
from janitor.errors import BadInput, JanitorError
from janitor.local.behaviour import Cursor, DeletingAgain, DeniedEntry
from janitor.probe.answers import Answers

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from janitor.aws.throwaway import ThrowAway
    from janitor.ports import Clock

REVISIONS = 12
"""Registered for the questions: one stays ACTIVE, one is deleted first, ten make three pages of four."""

PAGE = 4
MISSING = 9_999
TAG = "janitor:probe"

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 60.0
"""Seconds between two looks whether a revision is gone."""


class Probe:
    """One run on one family. ``denied_tag``: a tag whose revisions the caller is denied to delete, if there is one."""

    def __init__(
        self,
        family: ThrowAway,
        *,
        clock: Clock,
        wait: float,
        denied_tag: str | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._ecs = family
        self._clock = clock
        self._wait = wait
        self._denied_tag = denied_tag
        self._say = say
        self._numbers: list[int] = []
        self._active: int | None = None
        self._asked_at: dict[int, datetime] = {}
        self.answers = Answers(family=family.family)

    def run(self) -> Answers:
        """Ask all, clear away, and return what was found; what ends it early is in the answers.

        Raises:
            BadInput: if the family exists already.
        """
        if any(self._listed(status) for status in Status):
            raise BadInput([f"{self._ecs.family}: it exists already, so it is not the probe's"])
        try:
            self._ask()
        except JanitorError as error:
            self.answers.ended = str(error)
        except KeyboardInterrupt:
            self.answers.ended = "stopped on request"
        finally:
            self._clear_away()
        return self.answers

    def _ask(self) -> None:
        self._register()
        self._deletions()
        self._listing_after_deletion()
        self._deleting_again()
        self._cursor()
        self._denied_entry()
        self._say("deleting the rest")
        self._ecs.deregister(self._numbers[REVISIONS - 1])
        self._active = None
        self._delete(self._remaining())
        if self._gone():
            self._numbers_after()
        else:
            self.answers.not_tried["numbers_are_reused"] = "not all were gone"

    def _register(self) -> None:
        self._say(f"registering {REVISIONS} revisions, slowly: deploys share the rate")
        for _ in range(REVISIONS):
            self._numbers.append(self._ecs.register({TAG: "true"}))
        described = [self._ecs.describe(number) for number in self._numbers]
        dates = [each.registered_at for each in described if isinstance(each, Seen) and each.registered_at]
        self.answers.observed["numbers"] = list(self._numbers)
        self.answers.observed["registered_at_rises"] = len(dates) == REVISIONS and dates == sorted(dates)
        *inactive_ones, self._active = self._numbers
        for number in inactive_ones:
            self._ecs.deregister(number)
        inactive = self._ecs.describe(self._numbers[0])
        self.answers.observed["tags_of_inactive_kept"] = isinstance(inactive, Seen) and inactive.tags == {TAG: "true"}

    def _deletions(self) -> None:
        """Delete an INACTIVE, an ACTIVE and a missing one in one call."""
        self._say("deleting an INACTIVE, an ACTIVE and a missing one together")
        inactive, active = self._numbers[0], self._numbers[-1]
        answer = self._delete([inactive, active, MISSING])
        if answer.error is not None:
            self.answers.observed["mixed_batch_error"] = list(answer.error)
            self._delete([inactive])
            for reason in ("reason_active", "reason_missing"):
                self.answers.not_tried[reason] = "the whole call failed"
            return
        for name, number in (("reason_active", active), ("reason_missing", MISSING)):
            self._note_failure(name, answer.failures.get(number), "it was not among the failures")

    def _listing_after_deletion(self) -> None:
        first = self._numbers[0]
        self.answers.observed["deleted_leaves_inactive_listing_at_once"] = first not in self._listed(Status.INACTIVE)
        listed = first in self._listed(Status.DELETE_IN_PROGRESS)
        self.answers.observed["deleted_is_listed_as_delete_in_progress"] = listed

    def _deleting_again(self) -> None:
        self._say("deleting twice")
        first = self._numbers[0]
        seen = self._ecs.describe(first)
        if not isinstance(seen, Seen) or seen.status != Status.DELETE_IN_PROGRESS:
            self.answers.not_tried["deleting_again"] = "the first deletion was not in progress any more"
            return
        answer = self._ecs.delete([first])
        if answer.error is not None:
            self.answers.observed["deleting_again_error"] = list(answer.error)
        if first in answer.accepted:
            self.answers.behaviour["deleting_again"] = DeletingAgain.SUCCEEDS.value
            return
        self.answers.behaviour["deleting_again"] = DeletingAgain.FAILS.value
        self._note_failure("reason_deleting_again", answer.failures.get(first), "the whole call failed")

    def _cursor(self) -> None:
        """Delete behind a page token, twice, and see whether the pages that follow skip or repeat."""
        self._say("deleting behind a page token")
        pages: list[list[int]] = []
        token: str | None = None
        while True:
            numbers, token = self._ecs.page(Status.INACTIVE, size=PAGE, token=token)
            pages.append(numbers)
            if token is None or len(pages) > REVISIONS:
                break
            behind = [number for page in pages for number in page if number in self._remaining()]
            self._delete(behind[: PAGE // 2])
        expected = self._numbers[1:-1]
        seen = [number for page in pages for number in page]
        self.answers.observed["pages_with_deletions_between"] = pages
        self.answers.behaviour["cursor"] = (Cursor.STABLE if seen == expected else Cursor.HOSTILE).value

    def _denied_entry(self) -> None:
        if self._denied_tag is None:
            self.answers.not_tried["denied_entry"] = (
                "no --denied-tag: the caller is not known to be denied any deletion"
            )
            return
        self._say("deleting one that is denied, with one that is not")
        self._numbers.append(denied := self._ecs.register({TAG: "true", self._denied_tag: "true"}))
        self._numbers.append(other := self._ecs.register({TAG: "true"}))
        for number in (denied, other):
            self._ecs.deregister(number)
        answer = self._delete([denied, other])
        if answer.error is not None:
            self.answers.behaviour["denied_entry"] = DeniedEntry.WHOLE_BATCH.value
            self.answers.observed["denied_batch_error"] = list(answer.error)
        elif denied in answer.failures:
            self.answers.behaviour["denied_entry"] = DeniedEntry.ENTRY.value
            self._note_failure("reason_denied", answer.failures[denied], "")
        else:
            self.answers.not_tried["denied_entry"] = f"the tag {self._denied_tag} denied nothing"

    def _gone(self) -> bool:
        """Wait until the first deletion is done, no longer than asked, and say whether all are."""
        first = self._numbers[0]
        asked_at = self._asked_at.get(first)
        if asked_at is None:
            self.answers.not_tried["deletion_delay"] = "no deletion was accepted"
            return False
        self._say(f"waiting up to {self._wait:.0f} seconds for the first to be gone")
        until = self._clock.monotonic() + self._wait
        pause = FIRST_PAUSE
        while isinstance(said := self._ecs.describe(first), Seen):
            if self._clock.monotonic() + pause > until:
                self.answers.not_tried["deletion_delay"] = f"still there after {self._since(asked_at):.0f} seconds"
                self.answers.not_tried["cannot_describe"] = "none was gone"
                return False
            self._clock.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
        self.answers.behaviour["deletion_delay"] = round(self._since(asked_at), 1)
        self.answers.behaviour["cannot_describe"] = said[1]
        self.answers.observed["describing_gone"] = list(said)
        if self._remaining():
            return False
        while any(isinstance(self._ecs.describe(number), Seen) for number in self._numbers):
            if self._clock.monotonic() + pause > until:
                return False
            self._clock.sleep(pause)
        return True

    def _numbers_after(self) -> None:
        self._say("registering once more, now that all are gone")
        number = self._ecs.register({TAG: "true"})
        self.answers.observed["number_after_all_are_gone"] = number
        self.answers.observed["numbers_are_reused"] = number in self._numbers
        self._numbers.append(number)

    def _note_failure(self, name: str, failure: tuple[str, str] | None, otherwise: str) -> None:
        if failure is None:
            self.answers.not_tried[name] = otherwise
            return
        self.answers.behaviour[name], detail = failure
        if detail:
            self.answers.observed[f"{name}_detail"] = detail

    def _since(self, moment: datetime) -> float:
        return (self._clock.now() - moment).total_seconds()

    def _delete(self, numbers: list[int]) -> Deletion:
        """Ask for a deletion, and remember what was accepted, and when."""
        made = Deletion()
        for start in range(0, len(numbers), BATCH_SIZE):
            made = self._ecs.delete(numbers[start : start + BATCH_SIZE])
            self._asked_at |= dict.fromkeys(made.accepted, self._clock.now())
        return made

    def _remaining(self) -> list[int]:
        """Return what is INACTIVE, as far as we know."""
        return [number for number in self._numbers if number not in self._asked_at and number != self._active]

    def _listed(self, status: Status) -> list[int]:
        return self._ecs.page(status, size=PAGE_SIZE)[0]

    def _clear_away(self) -> None:
        """Deregister and delete whatever of the family is left; name what stays."""
        try:
            for number in self._listed(Status.ACTIVE):
                self._ecs.deregister(number)
            for number in self._listed(Status.INACTIVE):  # one by one: a denied one may keep its whole batch
                self._delete([number])
            left = [*self._listed(Status.ACTIVE), *self._listed(Status.INACTIVE)]
        except (JanitorError, KeyboardInterrupt) as error:
            left = [number for number in self._numbers if number not in self._asked_at]
            self.answers.ended = f"{self.answers.ended}; clearing away failed: {str(error) or 'stopped again'}"
        self.answers.left = [f"{self._ecs.family}:{number}" for number in left]
