"""The store: one bucket for the record, the last report, the due cache and, if it is switched on, the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_aws.s3 import (
    Bucket,
    BucketLifecycleConfiguration,
    BucketOwnershipControls,
    BucketPolicy,
    BucketPublicAccessBlock,
    BucketServerSideEncryptionConfiguration,
    BucketVersioning,
)

from infra.permissions import document
from janitor.store import archive

if TYPE_CHECKING:
    from pulumi_aws.s3 import BucketLifecycleConfigurationRuleArgsDict

    from infra.names import Names
    from infra.settings import StackSettings

RECORD = "record/"
"""How the keys of the record begin."""

ARCHIVE = (archive.BATCHES, archive.INDEX)
"""How those of the archive do."""

_OLD_VERSION_DAYS = 30
_UPLOAD_DAYS = 7


class Store(pulumi.ComponentResource):
    """Encrypted, private, TLS only. It outlives the stack unless the stack says otherwise: the record is evidence."""

    def __init__(self, names: Names, settings: StackSettings, opts: pulumi.ResourceOptions) -> None:
        super().__init__("janitor:infra:Store", names.short, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        bucket = Bucket(
            names.short,
            force_destroy=settings.delete_store,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=not settings.delete_store),
        )
        private = BucketPublicAccessBlock(
            names.short,
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=own,
        )
        BucketOwnershipControls(
            names.short, bucket=bucket.bucket, rule={"object_ownership": "BucketOwnerEnforced"}, opts=own
        )
        BucketServerSideEncryptionConfiguration(
            names.short,
            bucket=bucket.bucket,
            rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
            opts=own,
        )
        versions = BucketVersioning(
            names.short, bucket=bucket.bucket, versioning_configuration={"status": "Enabled"}, opts=own
        )
        BucketLifecycleConfiguration(
            names.short,
            bucket=bucket.bucket,
            rules=[
                {
                    "id": "old versions and broken uploads",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "noncurrent_version_expiration": {"noncurrent_days": _OLD_VERSION_DAYS},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": _UPLOAD_DAYS},
                },
                _ended(RECORD, settings.record_retention_days),
                *(_ended(prefix, settings.archive_retention_days) for prefix in ARCHIVE),
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versions]),
        )
        BucketPolicy(
            names.short,
            bucket=bucket.bucket,
            policy=pulumi.Output.json_dumps(document(_tls_only(bucket.arn))),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[private]),
        )
        self.arn = bucket.arn
        self.location = pulumi.Output.format("s3://{0}", bucket.bucket)
        self.register_outputs({})


def _ended(prefix: str, days: int) -> BucketLifecycleConfigurationRuleArgsDict:
    return {"id": prefix, "status": "Enabled", "filter": {"prefix": prefix}, "expiration": {"days": days}}


def _tls_only(arn: pulumi.Output[str]) -> dict[str, Any]:
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, pulumi.Output.format("{0}/*", arn)],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
