"""Where prepared data lies: a folder (also of a parallel file system), or a bucket behind the S3 interface.

`s3://` goes to AWS, or wherever AWS_ENDPOINT_URL says; `gs://` to Google's S3-compatible interface with HMAC keys
(tested against an S3 emulator only). Needs boto3 for buckets, nothing for folders. Does not import NumPy.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
import os
import shutil
from pathlib import Path
from typing import Any, Protocol

from training.errors import BadInput, TrainingError

GOOGLE_ENDPOINT = "https://storage.googleapis.com"
"""Google Cloud Storage's XML API, which speaks S3 (cloud.google.com/storage/docs/interoperability)."""


class Store(Protocol):
    """Files by name."""

    local: Path | None
    """The folder, if it is one."""

    def read(self, name: str) -> bytes:
        """Raises FileNotFoundError; BadInput when the store cannot be reached or says no."""
        ...

    def download(self, name: str, path: Path) -> None:
        """Copy a file to `path`. Raises as `read`, and OSError when `path` cannot be written."""
        ...


def open_store(url: str) -> Store:
    """A path, `file://`, `s3://bucket/prefix` or `gs://bucket/prefix`. Raises BadInput."""
    scheme, found, rest = url.partition("://")
    if not found or scheme == "file":
        return Folder(Path(rest if found else url))
    if scheme not in {"s3", "gs"}:
        raise BadInput(f"data {url}: {scheme}:// is not read; give a path, s3://bucket/prefix or gs://bucket/prefix")
    bucket, _, prefix = rest.partition("/")
    if not bucket:
        raise BadInput(f"data {url}: names no bucket; give {scheme}://bucket/prefix")
    return Bucket(url, bucket, prefix.strip("/"), GOOGLE_ENDPOINT if scheme == "gs" else None)


class Folder:
    """A folder."""

    def __init__(self, path: Path) -> None:
        self.local: Path | None = path
        self._path = path

    def read(self, name: str) -> bytes:
        return (self._path / name).read_bytes()

    def download(self, name: str, path: Path) -> None:
        shutil.copyfile(self._path / name, path)


class Bucket:
    """A bucket behind the S3 interface. Credentials come from where boto3 finds them (environment, role, file)."""

    local: Path | None = None

    def __init__(self, url: str, bucket: str, prefix: str, endpoint: str | None) -> None:
        try:
            import boto3
            from botocore.config import Config
        except ImportError:
            raise BadInput(f"data {url}: buckets need the package boto3; pip install boto3") from None
        self._url, self._bucket, self._prefix = url, bucket, prefix
        # Adaptive retries: shards are read by many nodes at the same time.
        config = Config(retries={"mode": "adaptive", "max_attempts": 5}, connect_timeout=10, read_timeout=60)
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        self._client: Any = boto3.client("s3", endpoint_url=endpoint, region_name=region, config=config)

    def read(self, name: str) -> bytes:
        def request() -> bytes:
            return self._client.get_object(Bucket=self._bucket, Key=self._key(name))["Body"].read()

        return self._call(name, request)

    def download(self, name: str, path: Path) -> None:
        self._call(name, lambda: self._client.download_file(self._bucket, self._key(name), str(path)))

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    def _call(self, name: str, request: Any) -> Any:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return request()
        except ClientError as problem:
            code = problem.response.get("Error", {}).get("Code", "")
            if code in {"404", "NoSuchKey"}:
                raise FileNotFoundError(name) from None
            remedy = "create it or correct the name" if code == "NoSuchBucket" else "check the role or credentials"
            raise BadInput(f"data {self._url}: {name} cannot be read ({code}); {remedy}") from None
        except (BotoCoreError, Boto3Error) as problem:
            text = " ".join(str(problem).split())
            raise TrainingError(f"data {self._url}: {name} cannot be read ({text}); check the network") from None
