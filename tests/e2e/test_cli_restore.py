"""``janitor sweep --archive`` and ``janitor restore``, as somebody types them; and no content in what they print."""

from __future__ import annotations

import errno
import gzip
import json
import os
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count

from janitor.local.ecs import EmbeddedEcs
from janitor.local.faults import Fault
from tests.commandline import run, small_account
from tests.shapes import registration, tag_list, whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SWEEP = "20261101T030000000000Z"
SECRET = "hunter2-do-not-print"


@pytest.fixture
def swept(tmp_path: Path) -> tuple[EmbeddedEcs, str]:
    """Provide an account that a sweep has cleaned, and its archive."""
    ecs = small_account()
    ran = run(ecs, "sweep", "--yes", "--archive", "--store", str(tmp_path))
    assert ran.code == 0
    assert "what is deleted is archived before (--archive)" in ran.out
    return ecs, str(tmp_path)


def active(ecs: EmbeddedEcs, family: str) -> int:
    """Count a family's ACTIVE revisions."""
    return ecs.count(family, "ACTIVE")


def test_a_revision_comes_back(swept: tuple[EmbeddedEcs, str]) -> None:
    """It is said what will be done and what cannot come back, then what was done."""
    ecs, store = swept
    ran = run(ecs, "restore", "web:1", "--store", store, "--yes")
    assert ran.code == 0
    assert "To restore: 1 revision of web:1, in account 123456789012, eu-west-1" in " ".join(ran.err.split())
    assert "web: 1 revision (1); images: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:" in " ".join(ran.err.split())
    for warning in (
        "iam:PassRole",
        "the old one is never given again",
        "without a number starts it",
        "role that is gone",
    ):
        assert warning in " ".join(ran.err.split())
    assert "Restored: 1 revision.\nWhat was restored is ACTIVE" in ran.out
    assert "web:1 restored: as web:17" in ran.told
    assert active(ecs, "web") == 2


def test_a_sweep_comes_back_at_a_quarter_of_the_rate(swept: tuple[EmbeddedEcs, str]) -> None:
    """Forty-five revisions take three minutes; again, it restores nothing."""
    ecs, store = swept
    before = ecs.clock.monotonic()
    ran = run(ecs, "restore", SWEEP, "--store", store, "--yes", "--format", "json")
    assert ran.code == 0
    result = json.loads(ran.out)
    assert result["counts"]["restored"] == result["planned"] == 45
    assert {outcome["outcome"] for outcome in result["outcomes"]} == {"restored"}
    assert ecs.clock.monotonic() - before == pytest.approx(160, abs=10)
    assert not ecs.throttled["RegisterTaskDefinition"]
    again = json.loads(run(ecs, "restore", SWEEP, "--store", store, "--yes", "--format", "json").out)
    assert again["counts"]["not_needed"] == 45


def test_history_tells_that_it_is_archived_and_restored(swept: tuple[EmbeddedEcs, str]) -> None:
    """In words and in JSON."""
    ecs, store = swept
    assert run(ecs, "history", "web:1", "--store", store).told.endswith("); archived")
    run(ecs, "restore", "web:1", "--store", store, "--yes")
    assert "Restored on Sunday 2026-11-01 03:00 UTC as web:17" in run(ecs, "history", "web:1", "--store", store).told
    told = json.loads(run(ecs, "history", "web:1", "--store", store, "--json").out)
    assert told["submissions"][0]["archived"] is True
    assert told["restored"]["became"] == "web:17"


def test_without_archive_nothing_is_archived(tmp_path: Path) -> None:
    """It is off unless asked for."""
    ecs = small_account()
    run(ecs, "sweep", "--yes", "--store", str(tmp_path))
    assert not (tmp_path / "archive").exists()
    ran = run(ecs, "restore", "web:1", "--store", str(tmp_path), "--yes")
    assert ran.code == 2
    assert "web:1: nothing is archived by that name; only a sweep with --archive archives" in ran.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("sweep", "--yes", "--archive"), "--archive: the archive lies in the store: say where that is with --store"),
        (("restore", "web:1", "--yes"), "say where it is with --store"),
        (("restore", "web:1", "--store", "here"), "add --yes where nobody can be asked"),
        (("restore", "web/..:1x", "--yes", "--store", "here"), "'web/..:1x' is neither FAMILY:REVISION nor a sweep"),
        (("restore", "../x", "--yes", "--store", "here"), "'../x' is neither FAMILY:REVISION nor a sweep"),
        (("restore", "web:1", "--yes", "--store", "s3://No Bucket"), "is not the name of a bucket"),
    ],
)
def test_wrong_input_is_refused_before_anything_is_touched(arguments: tuple[str, ...], says: str) -> None:
    """By name, exit code 2."""
    ecs = small_account()
    ran = run(ecs, *arguments)
    assert ran.code == 2
    assert says in ran.err
    assert not ecs.calls


def test_another_accounts_archive_is_refused(swept: tuple[EmbeddedEcs, str]) -> None:
    """Both are named, and nothing is registered."""
    _, store = swept
    elsewhere = EmbeddedEcs(clock=small_account().clock, account="999999999999")
    ran = run(elsewhere, "restore", SWEEP, "--store", store, "--yes")
    assert ran.code == 2
    assert "which account this is cannot be told" in ran.err
    elsewhere.seed_family("other", count=1)
    ran = run(elsewhere, "restore", SWEEP, "--store", store, "--yes")
    assert ran.code == 2
    assert "was archived in account 123456789012 in eu-west-1; this is account 999999999999 in eu-west-1" in ran.err
    assert not elsewhere.calls["RegisterTaskDefinition"]


def test_a_damaged_object_is_named_and_the_rest_comes_back(swept: tuple[EmbeddedEcs, str], tmp_path: Path) -> None:
    """Exit code 3: some failed; 1 where it cannot be told what."""
    ecs, store = swept
    first, *_ = sorted((tmp_path / "archive" / "batches").rglob("*.gz"))
    first.write_bytes(first.read_bytes()[:-1])
    ran = run(ecs, "restore", SWEEP, "--store", store, "--yes")
    assert ran.code == 3
    assert "Failed: 10 revisions" in ran.told
    assert f"{first.relative_to(tmp_path)} in the archive: damaged" in ran.told
    assert "Restored: 35 revisions" in ran.told
    first.write_bytes(b"")
    for index in (tmp_path / "archive" / "index").rglob("*.gz"):
        index.unlink()
    ran = run(ecs, "restore", SWEEP, "--store", store, "--yes")
    assert ran.code == 1
    assert f"Not readable: {first.relative_to(tmp_path)}" in ran.told


def test_refused_and_denied_ones_decide_the_exit_code(swept: tuple[EmbeddedEcs, str]) -> None:
    """3 for some, 1 for a permission that is missing."""
    ecs, store = swept
    ecs.faults.add(Fault(operation="RegisterTaskDefinition", code="ClientException", message="no such role", times=1))
    ran = run(ecs, "restore", SWEEP, "--store", store, "--yes")
    assert ran.code == 3
    assert "refused: RegisterTaskDefinition failed: ClientException: no such role" in ran.told
    ecs.faults.add(Fault(operation="RegisterTaskDefinition", code="AccessDeniedException", message="not you"))
    ran = run(ecs, "restore", SWEEP, "--store", store, "--yes")
    assert ran.code == 1
    assert "Unfinished: ecs:RegisterTaskDefinition was denied: AccessDeniedException: not you." in ran.told


# An archive that cannot be written


def nothing_deleted(ecs: EmbeddedEcs, store: str, cause: str) -> None:
    """Check that a sweep that cannot archive deletes nothing, names the cause and exits with 1."""
    ran = run(ecs, "sweep", "--yes", "--archive", "--store", store)
    assert ran.code == 1
    assert cause in ran.err
    assert "archive/batches" in ran.err
    assert ecs.calls["DeleteTaskDefinitions"] == 0


def test_a_folder_that_cannot_be_written_deletes_nothing(tmp_path: Path) -> None:
    """Something else has the archive's place."""
    (tmp_path / "archive").write_text("not a folder", encoding="utf-8")
    nothing_deleted(small_account(), str(tmp_path), "Not a directory")


def test_a_full_disk_deletes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves no half an archive."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    nothing_deleted(small_account(), str(tmp_path), "No space left on device")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Provide a bucket on moto, and the credentials of somebody who may only read it."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "owner")
    embedded = ["ecs", "events", "scheduler", "stepfunctions"]
    with mock_aws(config={"core": {"passthrough": {"services": embedded}}}):
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="archives")
        iam = boto3.client("iam")
        iam.create_user(UserName="reader")
        reading = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [reading]})
        iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=document)
        key = iam.create_access_key(UserName="reader")["AccessKey"]
        monkeypatch.setenv("READER", f"{key['AccessKeyId']} {key['SecretAccessKey']}")
        yield "s3://archives/janitor"


def test_a_bucket_archives_and_restores(bucket: str) -> None:
    """As a folder does."""
    ecs = small_account()
    ran = run(ecs, "sweep", "--yes", "--archive", "--store", bucket)
    assert ran.code == 0, ran.out + ran.err
    assert run(ecs, "restore", "web:1", "--store", bucket, "--yes").code == 0
    assert run(ecs, "restore", SWEEP, "--store", bucket, "--yes").code == 0
    assert active(ecs, "web") == 13


def test_a_bucket_that_may_not_be_written_deletes_nothing(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 says AccessDenied."""
    key, secret = os.environ["READER"].split()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    set_initial_no_auth_action_count(0)(lambda: nothing_deleted(small_account(), bucket, "AccessDenied"))()


# Secrets


def secretive() -> EmbeddedEcs:
    """Return an account whose definitions hold the secret in every text there is, but for family and image."""
    ecs = small_account()
    now = ecs.clock.now()
    old = now.replace(year=now.year - 2)
    request = whole(registration(), SECRET)
    body: dict[str, Any] = {name: value for name, value in request.items() if name not in {"family", "tags"}}
    body["containerDefinitions"][0]["image"] = "registry.example/app:1"
    ecs.seed_family("secretive", count=12, registered=(old, old), body=body, tags={"team": SECRET})
    assert str(ecs.handle("DescribeTaskDefinition", {"taskDefinition": "secretive:1"}).body).count(SECRET) > 50
    return ecs


@pytest.mark.parametrize("printed", ["table", "json"])
@pytest.mark.parametrize(
    "fault",
    [
        None,
        Fault(operation="RegisterTaskDefinition", code="ClientException", message=f"bad value '{SECRET}'"),
        Fault(operation="RegisterTaskDefinition", code="AccessDeniedException", message=f"iam:PassRole on {SECRET}"),
        Fault(operation="RegisterTaskDefinition", code="ServerException", status=500, message=SECRET),
    ],
    ids=["no fault", "refused", "denied", "server"],
)
def test_secrets_are_in_the_archive_and_nowhere_else(tmp_path: Path, fault: Fault | None, printed: str) -> None:
    """Neither in what sweep, restore and history print, nor in the record."""
    ecs = secretive()
    store = ("--store", str(tmp_path))
    ran = [run(ecs, "sweep", "--yes", "--archive", "--family", "secretive", *store, "--format", printed)]
    if fault is not None:
        ecs.faults.add(fault)
    ran += [run(ecs, "restore", "secretive:1", "--yes", *store, "--format", printed)]
    ran += [run(ecs, "restore", SWEEP, "--yes", *store, "--format", printed)]
    ran += [run(ecs, "history", "secretive:1", *store), run(ecs, "history", "secretive:1", *store, "--json")]
    assert ecs.calls["RegisterTaskDefinition"]
    for each in ran:
        assert "secretive" in each.out + each.err
        assert SECRET not in each.out + each.err
    holding = {path.relative_to(tmp_path).parts[:2] for path in _files(tmp_path) if SECRET.encode() in _unpacked(path)}
    assert holding == {("archive", "batches")}
    if fault is None:
        request = ecs.handle("DescribeTaskDefinition", {"taskDefinition": "secretive:13", "include": ["TAGS"]}).body
        assert tag_list({"team": SECRET})[0] in request["tags"]


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
