"""Where records and caches lie: a folder, or a bucket of S3. Both satisfy ``janitor.ports.Blobs``."""

from __future__ import annotations

import os
import re
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired, TypedDict

import botocore.exceptions
from botocore.parsers import ResponseParserError

from janitor.errors import BadInput, StoreFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_s3.client import S3Client

    from janitor.ports import Blobs

BUCKET_ACTIONS = ("s3:ListBucket",)
"""On the bucket; without it a missing object looks like a denied one."""

READ_ACTIONS = ("s3:GetObject",)
WRITE_ACTIONS = ("s3:DeleteObject", "s3:PutObject")

PUT_ACTIONS = ("s3:PutObject",)
"""What storing one object takes."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def open_blobs(location: str, *, s3: Callable[[], S3Client], expected_owner: str | None = None) -> Blobs:
    """Return the store at ``s3://bucket/prefix`` or in a folder; ``s3`` is asked for a client only if one is needed.

    Raises:
        BadInput: if the location names neither.
    """
    place = bucket_of(location)
    return FolderBlobs(Path(location)) if place is None else S3Blobs(s3(), *place, expected_owner)


def bucket_of(location: str) -> tuple[str, str] | None:
    """Return bucket and prefix of a store, the prefix empty or ending with ``/``; None for a folder.

    Raises:
        BadInput: if the location names neither.
    """
    if location.startswith("s3://"):
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        if _BUCKET.fullmatch(bucket) is None:
            raise BadInput([f"store {location!r}: {bucket!r} is not the name of a bucket; write s3://bucket/prefix"])
        return bucket, f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    if not location or _SCHEME.match(location):
        raise BadInput([f"store {location!r}: write s3://bucket/prefix or the path of a folder"])
    return None


class FolderBlobs:
    """Contents as files below a folder, which is made when something is stored.

    A file is written under another name, flushed to the disk and then renamed: a reader sees the old content or the
    new one, never a part. Names that begin with a dot are ours, and no keys.
    """

    def __init__(self, path: Path) -> None:
        self._root = path

    def get(self, key: str, *, first: int | None = None) -> bytes | None:
        """Return a content, or its first so many bytes; None when there is none by that key."""
        with self._calling("read", key):
            try:
                with self._path(key).open("rb") as file:
                    return file.read(-1 if first is None else first)
            except (FileNotFoundError, NotADirectoryError):
                return None

    def put(self, key: str, content: bytes) -> None:
        """Store a content, durably and whole or not at all, in place of the one that was there."""
        with self._calling("write", key):
            path = self._path(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.parent / f".{uuid.uuid4().hex}"
            try:
                with temporary.open("xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
            _flush_folder(path.parent)

    def keys(self, prefix: str) -> Iterator[str]:
        """Return an iterator over the keys that begin with a text, sorted."""
        with self._calling("list", prefix):
            folder = self._path(prefix.rpartition("/")[0]) if "/" in prefix else self._root
            found = [
                path.relative_to(self._root).as_posix()
                for path in _files(folder)
                if path.relative_to(self._root).as_posix().startswith(prefix)
            ]
        return iter(sorted(found))

    def delete(self, key: str) -> None:
        """Delete a content; nothing happens when there is none by that key."""
        with self._calling("delete", key):
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        """Return the file of a key, or raise ``ValueError`` where it would not lie in our folder."""
        if any(part.startswith(".") or not part for part in key.split("/")) or "\\" in key:
            raise ValueError("a key is made of names that do not begin with a dot, separated by /")
        path = self._root / key
        if not path.resolve().is_relative_to(self._root.resolve()):
            raise ValueError("a link leads out of the folder")
        return path

    @contextmanager
    def _calling(self, what: str, key: str) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise StoreFailed(what, f"{self._root}/{key}", cause) from error


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder; one that does not exist has none, one that cannot be read raises."""
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _files(Path(entry.path))
        else:
            yield Path(entry.path)


def _flush_folder(folder: Path) -> None:
    """Make a rename last: the name is the folder's content."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Bucket(TypedDict):
    """What every request names."""

    Bucket: str
    ExpectedBucketOwner: NotRequired[str]


class S3Blobs:
    """Contents as objects below a prefix of a bucket.

    Every call names the account that must own the bucket, where it is known: S3 then refuses a bucket of another
    account (``ExpectedBucketOwner``, Amazon S3 user guide). Retries are the client's own.
    """

    def __init__(self, client: S3Client, bucket: str, prefix: str, expected_owner: str | None) -> None:
        self._client = client
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._where = f"s3://{bucket}/{self._prefix}"
        self._bucket: _Bucket = {"Bucket": bucket}
        if expected_owner is not None:
            self._bucket["ExpectedBucketOwner"] = expected_owner

    def get(self, key: str, *, first: int | None = None) -> bytes | None:
        """Return a content, or its first so many bytes; None when there is none by that key."""
        client, bucket, name = self._client, self._bucket, self._prefix + key
        with self._calling("read", key):
            try:
                if first is None:
                    return client.get_object(**bucket, Key=name)["Body"].read()
                return client.get_object(**bucket, Key=name, Range=f"bytes=0-{first - 1}")["Body"].read()
            except botocore.exceptions.ClientError as error:
                match _code(error):
                    case "NoSuchKey":
                        return None
                    case "InvalidRange":  # there is no first byte in an empty object
                        return b""
                    case _:
                        raise

    def put(self, key: str, content: bytes) -> None:
        """Store a content, durably and whole or not at all, in place of the one that was there."""
        with self._calling("write", key):
            self._client.put_object(**self._bucket, Key=self._prefix + key, Body=content)

    def keys(self, prefix: str) -> Iterator[str]:
        """Return an iterator over the keys that begin with a text, sorted: S3 lists them so, 1,000 a page."""
        with self._calling("list", prefix):
            for page in self._client.get_paginator("list_objects_v2").paginate(
                **self._bucket, Prefix=self._prefix + prefix
            ):
                for entry in page.get("Contents", []):
                    yield entry["Key"].removeprefix(self._prefix)

    def delete(self, key: str) -> None:
        """Delete a content; nothing happens when there is none by that key."""
        with self._calling("delete", key):
            self._client.delete_object(**self._bucket, Key=self._prefix + key)

    @contextmanager
    def _calling(self, what: str, key: str) -> Iterator[None]:
        try:
            yield
        except botocore.exceptions.ClientError as error:
            message = error.response.get("Error", {}).get("Message", "") or "no message"
            raise StoreFailed(what, self._where + key, f"{_code(error)}: {message}") from error
        except (botocore.exceptions.BotoCoreError, ResponseParserError) as error:
            raise StoreFailed(what, self._where + key, str(error)) from error


def _code(error: botocore.exceptions.ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "Unknown")
