"""What every store of contents does alike: the fake, a folder, and S3 as moto plays it."""

from __future__ import annotations

import os
from io import BytesIO
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from moto import mock_aws

from janitor.aws.blobs import FolderBlobs, S3Blobs, open_blobs
from janitor.errors import BadInput, StoreFailed
from tests.fakes_store import MemoryBlobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from botocore.awsrequest import AWSPreparedRequest
    from mypy_boto3_s3.client import S3Client

    from janitor.ports import Blobs

BUCKET = "records"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    """Return a client of an S3 that exists only in this process, with one bucket."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        client = boto3.client("s3", region_name="eu-central-1")
        client.meta.events.register("provide-client-params.s3.ListObjectsV2", _two_a_page)
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        yield client


@pytest.fixture
def planted_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a client sign, for nobody to read."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "planted")


def _two_a_page(params: dict[str, object], **_: object) -> None:
    params["MaxKeys"] = 2


@pytest.fixture(params=["fake", "folder", "s3", "s3 prefix"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    """Return an empty store of each kind."""
    match request.param:
        case "fake":
            return MemoryBlobs()
        case "folder":
            return FolderBlobs(tmp_path / "store")
        case "s3":
            return S3Blobs(request.getfixturevalue("s3"), BUCKET, "", None)
        case _:
            client = request.getfixturevalue("s3")
            client.put_object(Bucket=BUCKET, Key="elsewhere/a", Body=b"not ours")
            return S3Blobs(client, BUCKET, "/some/where/", "123456789012")


def test_what_was_put_is_got(blobs: Blobs) -> None:
    """Byte for byte, empty or not; what was never put is None."""
    blobs.put("a/b", b"\x00content\n")
    blobs.put("a/empty", b"")

    assert blobs.get("a/b") == b"\x00content\n"
    assert blobs.get("a/empty") == b""
    assert blobs.get("a/c") is None
    assert blobs.get("z/c") is None


def test_the_first_bytes_come_alone(blobs: Blobs) -> None:
    """As many as asked for, or as many as there are."""
    blobs.put("a", b"content")
    blobs.put("empty", b"")

    assert blobs.get("a", first=3) == b"con"
    assert blobs.get("a", first=99) == b"content"
    assert blobs.get("empty", first=3) == b""
    assert blobs.get("b", first=3) is None


def test_the_later_content_stands(blobs: Blobs) -> None:
    """A put replaces the content whole."""
    blobs.put("a", b"a long content")
    blobs.put("a", b"short")

    assert blobs.get("a") == b"short"
    assert list(blobs.keys("")) == ["a"]


def test_keys_come_sorted_by_their_beginning(blobs: Blobs) -> None:
    """Sorted as texts over all folders; the prefix need not end at a folder."""
    names = ["a/1", "a/10", "a/2", "a-b/1", "ab/c/1", "b"]
    for name in names:
        blobs.put(name, b"")

    assert list(blobs.keys("")) == sorted(names)
    assert list(blobs.keys("a/")) == ["a/1", "a/10", "a/2"]
    assert list(blobs.keys("a/1")) == ["a/1", "a/10"]
    assert list(blobs.keys("ab/c/")) == ["ab/c/1"]
    assert list(blobs.keys("nothing/")) == []


def test_a_listing_goes_beyond_one_page(blobs: Blobs) -> None:
    """The S3 of these tests lists two keys a page."""
    names = [f"a/{number:05d}" for number in range(9)]
    for name in names:
        blobs.put(name, b"")

    assert list(blobs.keys("a/")) == names


def test_what_was_deleted_is_gone(blobs: Blobs) -> None:
    """Deleting it again does nothing."""
    blobs.put("a/b", b"content")
    blobs.delete("a/b")
    blobs.delete("a/b")

    assert blobs.get("a/b") is None
    assert list(blobs.keys("")) == []


@pytest.mark.parametrize("key", ["../a", "a/../../b", "/etc/passwd", "a//b", "", ".hidden", "a/.", "a\\b", "a\0b"])
def test_a_key_that_leaves_the_folder_is_refused(tmp_path: Path, key: str) -> None:
    """For reading, writing and deleting alike."""
    blobs = FolderBlobs(tmp_path / "store")

    with pytest.raises(StoreFailed):
        blobs.get(key)
    with pytest.raises(StoreFailed):
        blobs.put(key, b"")
    with pytest.raises(StoreFailed):
        blobs.delete(key)
    assert list(tmp_path.iterdir()) == []


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """A key that is harmless in itself may lead elsewhere."""
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "out").symlink_to(tmp_path)

    with pytest.raises(StoreFailed, match="a link leads out"):
        FolderBlobs(tmp_path / "store").put("out/a", b"")


def test_a_put_that_fails_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing else."""
    blobs = FolderBlobs(tmp_path)
    blobs.put("a", b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreFailed, match=r"could not write .*/a: No space left on device"):
        blobs.put("a", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert blobs.get("a") == b"old"


def test_a_half_written_file_is_no_key(tmp_path: Path) -> None:
    """What a killed put left behind is not listed."""
    (tmp_path / ".1234").write_bytes(b"half")

    assert list(FolderBlobs(tmp_path).keys("")) == []


def test_a_folder_that_is_a_file_is_said_to_be_unusable(tmp_path: Path) -> None:
    """The error names the path and the cause."""
    (tmp_path / "store").write_bytes(b"")

    with pytest.raises(StoreFailed, match=r"could not write .*store/a/b: "):
        FolderBlobs(tmp_path / "store").put("a/b", b"")


def calls_of(blobs: Blobs) -> list[Callable[[], object]]:
    """Return each call there is."""
    return [
        lambda: blobs.get("a"),
        lambda: blobs.get("a", first=1),
        lambda: blobs.put("a", b""),
        lambda: list(blobs.keys("")),
        lambda: blobs.delete("a"),
    ]


def test_a_bucket_that_does_not_exist_is_not_an_empty_one(s3: S3Client) -> None:
    """Every call fails; none answers that there is nothing."""
    for call in calls_of(S3Blobs(s3, "missing", "", None)):
        with pytest.raises(StoreFailed, match="NoSuchBucket"):
            call()


@pytest.mark.usefixtures("planted_credentials")
def test_a_bucket_of_another_account_is_refused() -> None:
    """Every call names the owner it expects, and its refusal is an error, never "there is nothing"."""
    expected: list[object] = []

    def refuse(request: AWSPreparedRequest, **_: object) -> Any:  # noqa: ANN401 - botocore's stubs want None
        expected.append(request.headers["x-amz-expected-bucket-owner"])
        body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        return AWSResponse(request.url, 403, HTTPHeaders(), Body(body))

    client = boto3.client("s3", region_name="eu-central-1")
    client.meta.events.register("before-send.s3", refuse)
    for call in calls_of(S3Blobs(client, BUCKET, "p", "123456789012")):
        with pytest.raises(StoreFailed, match=r"s3://records/p/.*AccessDenied: Access Denied"):
            call()
    assert expected == [b"123456789012"] * 5


class Body(BytesIO):
    """A body as urllib3 hands it out."""

    def stream(self) -> Iterator[bytes]:
        """Yield what there is."""
        yield self.read()


@pytest.mark.usefixtures("planted_credentials")
def test_an_s3_that_does_not_answer_is_a_store_that_failed() -> None:
    """A lost connection as well as a refusal."""
    client = boto3.client("s3", region_name="eu-central-1", config=Config(retries={"total_max_attempts": 1}))

    with pytest.raises(StoreFailed, match="could not read s3://records/a"):
        S3Blobs(client, BUCKET, "", None).get("a")


def test_a_location_is_a_bucket_or_a_folder(tmp_path: Path, s3: S3Client) -> None:
    """Only a bucket needs a client."""

    def never() -> S3Client:
        raise AssertionError

    open_blobs("s3://records/p/q", s3=lambda: s3).put("a", b"1")
    open_blobs(str(tmp_path / "store"), s3=never).put("a", b"2")

    assert s3.get_object(Bucket=BUCKET, Key="p/q/a")["Body"].read() == b"1"
    assert (tmp_path / "store" / "a").read_bytes() == b"2"


@pytest.mark.parametrize("location", ["", "s3://", "s3:///prefix", "s3://Not_A_Bucket/x", "gs://bucket/x", "file:///x"])
def test_a_location_that_is_neither_is_refused(location: str) -> None:
    """With the two forms there are."""
    with pytest.raises(BadInput, match="s3://bucket/prefix"):
        open_blobs(location, s3=lambda: pytest.fail("a client was made"))
