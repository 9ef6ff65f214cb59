"""Pacing: the arithmetic that keeps us within our share of a bucket."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.core.pacing import PUBLISHED, Bucket, Rate, TokenBucket, our_share
from tests.unit.core.strategies import STEADY

NEARLY = 1e-6

_GAPS = st.lists(st.sampled_from((0.0, 0.0, 0.0, 0.001, 0.05, 0.5, 1.0, 3.7, 60.0)), max_size=60)
_RATES = st.builds(Rate, burst=st.sampled_from((1.0, 1.5, 4.0, 30.0)), per_second=st.sampled_from((0.25, 0.995, 12.0)))


def _drained(rate: Rate, now: float = 0.0) -> TokenBucket:
    bucket = TokenBucket(rate, now)
    while bucket.reserve(now) == 0.0:
        pass
    return bucket


def _rate_now(bucket: TokenBucket, now: float) -> float:
    """Say how many requests a second a bucket in debt hands out: two reservations at once lie one token apart."""
    first, second = bucket.reserve(now), bucket.reserve(now)
    assert first > 0.0
    return 1.0 / (second - first)


# What AWS publishes and what we take of it


@pytest.mark.parametrize(
    ("bucket", "burst", "per_second"),
    [
        (Bucket.DELETE, 5, 1),
        (Bucket.MODIFY, 20, 1),
        (Bucket.READ, 50, 20),
        (Bucket.CLUSTER, 50, 20),
        (Bucket.SERVICE, 100, 20),
        (Bucket.RESOURCE, 100, 20),
        (Bucket.DEPLOYMENT, 50, 20),
        (Bucket.SERVICE_REVISION, 50, 20),
    ],
)
def test_the_published_rates_are_those_aws_publishes(bucket: Bucket, burst: float, per_second: float) -> None:
    """Request throttling for the Amazon ECS API, one row a bucket."""
    assert PUBLISHED[bucket] == Rate(burst=burst, per_second=per_second)


def test_every_bucket_has_a_published_rate() -> None:
    """A bucket without a row would be a call without a limit."""
    assert set(PUBLISHED) == set(Bucket)


@pytest.mark.parametrize(
    ("bucket", "burst", "per_second"),
    [
        (Bucket.DELETE, 4.0, 0.995),
        (Bucket.MODIFY, 5.0, 0.25),
        (Bucket.READ, 30.0, 12.0),
        (Bucket.CLUSTER, 30.0, 12.0),
        (Bucket.SERVICE, 60.0, 12.0),
        (Bucket.RESOURCE, 60.0, 12.0),
        (Bucket.DEPLOYMENT, 30.0, 12.0),
        (Bucket.SERVICE_REVISION, 30.0, 12.0),
    ],
)
def test_our_share_leaves_the_rest_to_deploys(bucket: Bucket, burst: float, per_second: float) -> None:
    """Nearly all of the delete bucket, a quarter of modify, 60 % of what is read."""
    share = our_share(bucket)
    assert share.burst == pytest.approx(burst)
    assert share.per_second == pytest.approx(per_second)


@pytest.mark.parametrize("bucket", Bucket)
def test_our_share_is_below_what_is_published(bucket: Bucket) -> None:
    """Jitter must not turn a full share into refusals: both the burst and the rate leave something."""
    assert our_share(bucket).burst < PUBLISHED[bucket].burst
    assert our_share(bucket).per_second < PUBLISHED[bucket].per_second


def test_a_share_lets_one_request_through_at_least() -> None:
    """A burst below one request would never send any."""
    assert Rate(burst=5, per_second=1).share(0.01) == Rate(burst=1.0, per_second=0.01)


# Reservations


@settings(STEADY, max_examples=300)
@given(_RATES, _GAPS)
def test_no_window_holds_more_requests_than_burst_and_refill(rate: Rate, gaps: list[float]) -> None:
    """Between any two requests, both counted, at most the burst and what flowed in meanwhile were sent."""
    bucket, now, sent = TokenBucket(rate, 0.0), 0.0, list[float]()
    for gap in gaps:
        now += gap
        sent.append(now + bucket.reserve(now))
    for start, first in enumerate(sent):
        for end in range(start, len(sent)):
            assert end - start + 1 <= rate.burst + rate.per_second * (sent[end] - first) + NEARLY


@settings(STEADY, max_examples=300)
@given(_RATES, _GAPS)
def test_a_wait_ends_when_the_bucket_would_hold_a_token_again(rate: Rate, gaps: list[float]) -> None:
    """Each request leaves at the first moment at which a bucket drained by those before it holds a whole token."""
    bucket, now = TokenBucket(rate, 0.0), 0.0
    level, level_at = rate.burst, 0.0  # the naive bucket: its level just after the request before
    for gap in gaps:
        now += gap
        leaves = now + bucket.reserve(now)
        arrives = max(now, level_at)
        level_there = min(rate.burst, level + (arrives - level_at) * rate.per_second)
        expected = arrives + max(0.0, 1.0 - level_there) / rate.per_second
        assert leaves == pytest.approx(expected, abs=NEARLY)
        level = min(rate.burst, level + (expected - level_at) * rate.per_second) - 1.0
        level_at = expected


@settings(STEADY, max_examples=300)
@given(
    _RATES,
    st.lists(st.tuples(st.booleans(), st.sampled_from((0.0, 0.0, 0.3, 1.0, 4.0, 9.5, 10.0, 25.0, 200.0))), max_size=40),
)
def test_refusals_never_make_it_faster(rate: Rate, events: list[tuple[bool, float]]) -> None:
    """However refusals and reservations mix, no window holds more than it would without any refusal."""
    bucket, now, sent = TokenBucket(rate, 0.0), 0.0, list[float]()
    for refused, gap in events:
        now += gap
        if refused:
            bucket.refused(now)
        else:
            sent.append(now + bucket.reserve(now))
    sent.sort()
    for start, first in enumerate(sent):
        for end in range(start, len(sent)):
            assert end - start + 1 <= rate.burst + rate.per_second * (sent[end] - first) + NEARLY


def test_a_full_bucket_sends_its_burst_at_once_and_then_one_at_a_time() -> None:
    """Four at once, the fifth after a second, the sixth after two."""
    bucket = TokenBucket(Rate(burst=4, per_second=1), 100.0)
    assert [bucket.reserve(100.0) for _ in range(6)] == [0.0, 0.0, 0.0, 0.0, 1.0, 2.0]


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    """An hour of idleness saves up no more than the burst."""
    bucket = TokenBucket(Rate(burst=2, per_second=1), 0.0)
    assert [bucket.reserve(3_600.0) for _ in range(3)] == [0.0, 0.0, 1.0]


# Refusals and recovery


def test_a_refusal_empties_the_bucket() -> None:
    """The account's bucket is emptier than we thought, so nothing saved is spent."""
    bucket = TokenBucket(Rate(burst=4, per_second=1), 0.0)
    bucket.refused(0.0)
    assert bucket.reserve(0.0) == pytest.approx(2.0)  # one token at half the rate


def test_a_refusal_forgives_no_debt() -> None:
    """What was reserved on credit still has to flow in before anything else is sent."""
    bucket = TokenBucket(Rate(burst=1, per_second=1), 0.0)
    assert [bucket.reserve(0.0) for _ in range(3)] == [0.0, 1.0, 2.0]
    bucket.refused(0.0)
    assert bucket.reserve(0.0) == pytest.approx(6.0)  # two owed and one more, at half the rate


def test_a_refusal_halves_the_rate_at_most_once_a_second() -> None:
    """Ten calls in flight that are refused together are one message, not ten."""
    bucket = _drained(Rate(burst=4, per_second=1))
    for moment in (0.0, 0.0, 0.3, 0.999):
        bucket.refused(moment)
    assert _rate_now(bucket, 0.999) == pytest.approx(1 / 2)
    bucket.refused(1.0)
    assert _rate_now(bucket, 1.0) == pytest.approx(1 / 4)


def test_a_refusal_within_the_second_puts_the_next_halving_off_no_further() -> None:
    """The second runs from the last halving, not from the last refusal: a steady trickle still slows us down."""
    bucket = _drained(Rate(burst=4, per_second=1))
    for moment in (0.0, 0.6, 1.2):
        bucket.refused(moment)
    assert _rate_now(bucket, 1.2) == pytest.approx(1 / 4)


def test_the_rate_never_falls_below_a_sixteenth() -> None:
    """A sweep that is refused for ever still asks now and then."""
    bucket = _drained(Rate(burst=4, per_second=1))
    for moment in range(9):
        bucket.refused(float(moment))
    assert _rate_now(bucket, 8.0) == pytest.approx(1 / 16)


def test_the_rate_recovers_a_sixteenth_every_ten_seconds_up_to_the_full_one() -> None:
    """From a half, eight steps of a sixteenth lead back to the whole, and no further."""
    for step in range(12):
        bucket = _drained(Rate(burst=4, per_second=1))
        bucket.refused(0.0)
        for _ in range(100):
            bucket.reserve(0.0)
        for tick in range(step):
            bucket.reserve(10.0 * (tick + 1))
        expected = min(1.0, 1 / 2 + step / 16)
        assert _rate_now(bucket, 10.0 * step) == pytest.approx(expected)
        assert _rate_now(bucket, 10.0 * step + 9.9) == pytest.approx(expected)


def test_the_rate_recovers_as_much_in_one_long_silence() -> None:
    """Nobody has to ask for the steps to be taken; a silence of 35 seconds is three of them."""
    bucket = _drained(Rate(burst=4, per_second=1))
    bucket.refused(0.0)
    for _ in range(100):
        bucket.reserve(0.0)
    assert _rate_now(bucket, 35.0) == pytest.approx(1 / 2 + 3 / 16)
    assert _rate_now(bucket, 40.0) == pytest.approx(1 / 2 + 4 / 16)


@pytest.mark.parametrize("later", [5.0, 10.0, 10.5, 20.9, 80.0, 80.5, 100.5, 3_600.0])
def test_a_refusal_halves_the_rate_however_long_after_the_last_one(later: float) -> None:
    """Only a halving within the last second excuses a refusal; a step of recovery does not."""
    bucket = _drained(Rate(burst=4, per_second=1))
    bucket.refused(0.0)
    bucket.reserve(later - 0.001)
    steps = min(8, later // 10)
    bucket.refused(later)
    while bucket.reserve(later) == 0.0:
        pass
    assert _rate_now(bucket, later) == pytest.approx((1 / 2 + steps / 16) / 2)


# A clock that steps back


@settings(STEADY, max_examples=300)
@given(_RATES, st.lists(st.floats(-5.0, 5.0), max_size=40), st.lists(st.integers(0, 40), max_size=3))
def test_a_clock_that_steps_back_never_grants_extra(rate: Rate, gaps: list[float], refusals: list[int]) -> None:
    """Tokens flow in only for time that had not been seen before."""
    bucket, now, latest, unwaited = TokenBucket(rate, 0.0), 0.0, 0.0, 0
    for index, gap in enumerate(gaps):
        now += gap
        latest = max(latest, now)
        if index in refusals:
            bucket.refused(now)
        unwaited += bucket.reserve(now) == 0.0
        assert unwaited <= rate.burst + rate.per_second * latest + NEARLY


def test_a_step_back_and_forth_is_worth_nothing() -> None:
    """Going back ten seconds and forward again brings no token."""
    bucket = _drained(Rate(burst=2, per_second=1), now=50.0)
    before = bucket.reserve(50.0)
    assert bucket.reserve(40.0) == pytest.approx(before + 1.0)
    assert bucket.reserve(50.0) == pytest.approx(before + 2.0)


def test_a_step_back_does_not_speed_recovery_up() -> None:
    """Time before the refusal counts neither for recovery nor for the next halving."""
    bucket = _drained(Rate(burst=2, per_second=1), now=50.0)
    for _ in range(100):
        bucket.reserve(50.0)
    bucket.refused(50.0)
    bucket.refused(20.0)
    assert _rate_now(bucket, 20.0) == pytest.approx(1 / 2)
    assert _rate_now(bucket, 59.9) == pytest.approx(1 / 2)
