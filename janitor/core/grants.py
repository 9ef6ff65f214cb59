"""A policy as far as permissions can say it: families that may be deleted from, and what is denied among them.

A permission knows families and tags, nothing of age or use, and no order: any denial wins over any grant. So where two
rules overlap, "the first that matches decides" can be said only of the families ``*``: all but those of earlier rules.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from janitor.core.globs import TooManyAlternatives, overlap, without_brackets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from janitor.core.retention import Policy, Rule

ALL = ("*",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """Families that are kept, or with ``all_but`` all except these; with a tag, only what carries it."""

    families: tuple[str, ...]
    all_but: bool = False
    tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What a policy deletes from and what it keeps, as patterns without brackets.

    ``unsaid`` says in a sentence each what the policy keeps and no denial says. ``problems`` names the patterns that
    cannot be written out at all.
    """

    allowed: tuple[str, ...]
    denials: tuple[Denial, ...] = ()
    unsaid: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def grants(policy: Policy) -> Grants:
    """Return what permissions can say of a policy."""
    problems: list[str] = []
    rules = [(rule, _plain(rule.families.value, rule.name, problems)) for rule in policy.rules]
    include = _plain(policy.include.value, policy.include.source, problems) if policy.include.value else ALL
    exclude = _plain(policy.exclude.value, policy.exclude.source, problems)
    allowed = _once(chain.from_iterable(families for rule, families in rules if not rule.keep))
    if problems or not allowed or not include:
        return Grants(allowed=(), problems=tuple(problems))
    denials = [Denial(families=exclude)]
    if allowed == ALL:
        allowed = include
    elif include != ALL:
        denials.append(Denial(families=include, all_but=True))
    unsaid: list[str] = []
    for kept in _kept(rules):
        unsayable = kept.unsayable
        denials.append(kept.denial(unsayable))
        if any(overlap(one, other) for one in unsayable for other in kept.deleted_later(allowed)):
            unsaid.append(kept.sentence(unsayable))
    return Grants(allowed=allowed, denials=_merged(denials), unsaid=tuple(unsaid))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What a rule keeps: its families whole, or what carries a tag in them.

    ``earlier`` are the families that earlier rules delete from, whatever this one keeps, ``later`` those that later
    rules would.
    """

    rule: Rule
    families: tuple[str, ...]
    tag: str | None
    earlier: tuple[str, ...]
    later: tuple[str, ...]

    @property
    def unsayable(self) -> tuple[str, ...]:
        """Return the families for which no denial holds that spares those of earlier rules."""
        if self.families == ALL:
            return ()
        return tuple(each for each in self.families if any(overlap(each, other) for other in self.earlier))

    def denial(self, unsayable: tuple[str, ...]) -> Denial:
        """Return what can be denied: all the rest."""
        if self.families == ALL and self.earlier:
            return Denial(families=self.earlier, all_but=True, tag=self.tag)
        return Denial(families=tuple(each for each in self.families if each not in unsayable), tag=self.tag)

    def deleted_later(self, allowed: tuple[str, ...]) -> tuple[str, ...]:
        """Return the families of which something would be deleted that this keeps."""
        return allowed if self.tag is not None else self.later

    def sentence(self, unsayable: tuple[str, ...]) -> str:
        """Say what is kept and not denied."""
        what = f"{self.rule.name} keeps " + (f"what is tagged {self.tag} in " if self.tag else "")
        return f"{what}{', '.join(unsayable)}, but an earlier rule decides for some of these families"


def _kept(rules: list[tuple[Rule, tuple[str, ...]]]) -> Iterator[_Kept]:
    for place, (rule, families) in enumerate(rules):
        later = _once(chain.from_iterable(others for each, others in rules[place + 1 :] if not each.keep))
        for tag in (None,) if rule.keep else rule.keep_tags.value:
            earlier = _once(
                chain.from_iterable(
                    others
                    for each, others in rules[:place]
                    if not each.keep and not (tag is not None and tag in each.keep_tags.value)
                )
            )
            yield _Kept(rule=rule, families=families, tag=tag, earlier=earlier, later=later)


def _plain(patterns: Iterable[str], source: str, problems: list[str]) -> tuple[str, ...]:
    """Return patterns without brackets; those that cannot be written out are problems."""
    found: list[str] = []
    for pattern in patterns:
        try:
            found += without_brackets(pattern)
        except TooManyAlternatives as error:
            problems.append(f"{source}: {pattern}: {error}")
    return _once(found)


def _once(patterns: Iterable[str]) -> tuple[str, ...]:
    """Return each pattern once; ``*`` stands for all of them."""
    found = tuple(dict.fromkeys(patterns))
    return ALL if "*" in found else found


def _merged(denials: Iterable[Denial]) -> tuple[Denial, ...]:
    """Return as few denials as say the same."""
    plain: dict[str | None, list[str]] = defaultdict(list)
    for each in denials:
        if not each.all_but:
            plain[each.tag] += each.families
    whole = (Denial(families=_once(families), tag=tag) for tag, families in plain.items() if families)
    return tuple(dict.fromkeys((*whole, *(each for each in denials if each.all_but))))
