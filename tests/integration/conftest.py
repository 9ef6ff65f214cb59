"""What moto plays for every stage of a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from tests.builders import session
from tests.integration.stage import BRAKE, BUCKET

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    """Provide a bucket, and a brake that is off."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        where = {"LocationConstraint": "eu-west-1"}
        session().client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)  # type: ignore[arg-type] # the stub wants a literal
        session().client("ssm").put_parameter(Name=BRAKE, Value="off", Type="String")
        yield
