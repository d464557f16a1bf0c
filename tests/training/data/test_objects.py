"""Prepared data in buckets and the cache on a local disk."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from training.data.cache import Cache
from training.data.objects import Folder, Store, open_store
from training.errors import BadInput, TrainingError


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="data")
    yield "data"
    for one in client.list_objects_v2(Bucket="data").get("Contents", []):
        client.delete_object(Bucket="data", Key=one.get("Key", ""))
    client.delete_bucket(Bucket="data")


def put(bucket: str, key: str, content: bytes) -> None:
    boto3.client("s3", region_name="us-east-1").put_object(Bucket=bucket, Key=key, Body=content)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def copies(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.suffix}


def test_a_bucket_behind_an_endpoint_is_read(bucket: str, tmp_path: Path) -> None:
    put(bucket, "wiki/v1/manifest.json", b"{}")
    store = open_store("s3://data/wiki/v1/")
    assert store.local is None
    assert store.read("manifest.json") == b"{}"
    store.download("manifest.json", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"{}"


def test_what_is_not_there_is_a_missing_file_and_a_missing_bucket_is_said(bucket: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_store("s3://data/wiki").read("manifest.json")
    with pytest.raises(FileNotFoundError):
        open_store("s3://data/wiki").download("x.bin", tmp_path / "copy")
    with pytest.raises(BadInput, match=r"NoSuchBucket\); create it or correct the name"):
        open_store("s3://no-such-bucket/wiki").read("manifest.json")


def test_an_endpoint_that_is_not_there_is_one_clear_message(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(TrainingError, match=r"s3://data: x cannot be read \(Could not connect"):
        open_store("s3://data").read("x")


def test_other_addresses_are_refused() -> None:
    with pytest.raises(BadInput, match="ftp:// is not read"):
        open_store("ftp://host/path")
    with pytest.raises(BadInput, match="names no bucket"):
        open_store("s3:///prefix")


def test_a_shard_is_copied_once_and_checked(bucket: str, tmp_path: Path) -> None:
    content = os.urandom(5000)
    put(bucket, "x/a.bin", content)
    cache, store = Cache(tmp_path, 1 << 20), open_store("s3://data/x")
    first = cache.fetch(store, "a.bin", digest(content), len(content))
    assert first.read_bytes() == content
    put(bucket, "x/a.bin", b"gone")
    assert cache.fetch(store, "a.bin", digest(content), len(content)) == first


def test_a_corrupt_or_missing_shard_leaves_nothing_behind(bucket: str, tmp_path: Path) -> None:
    put(bucket, "x/a.bin", b"wrong")
    cache, store = Cache(tmp_path, 1 << 20), open_store("s3://data/x")
    with pytest.raises(BadInput, match=r"shard a\.bin: is corrupt"):
        cache.fetch(store, "a.bin", digest(b"right"), 5)
    with pytest.raises(BadInput, match=r"shard a\.bin: has 5 bytes, the manifest says 6"):
        cache.fetch(store, "a.bin", digest(b"longer"), 6)
    with pytest.raises(BadInput, match=r"shard b\.bin: is missing"):
        cache.fetch(store, "b.bin", digest(b"right"), 5)
    assert {path.suffix for path in tmp_path.iterdir()} == {".lock"}


def test_the_cache_keeps_its_bound_and_forgets_the_least_used(tmp_path: Path) -> None:
    contents = {f"{number}.bin": bytes([number]) * 1000 for number in range(4)}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    cache, store = Cache(tmp_path / "cache", 3000), open_store(str(tmp_path))
    for now, name in enumerate(["0.bin", "1.bin", "2.bin", "0.bin", "3.bin"]):
        path = cache.fetch(store, name, digest(contents[name]), 1000)
        os.utime(path, (now, now))
    assert copies(tmp_path / "cache") == {digest(contents[name]) for name in ("0.bin", "2.bin", "3.bin")}


def test_a_shard_larger_than_the_cache_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has 11 bytes, the cache may hold 10; raise its bound"):
        Cache(tmp_path, 10).fetch(open_store(str(tmp_path)), "a.bin", "0" * 64, 11)


def test_a_folder_of_another_user_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.getuid() == 0:
        os.chown(tmp_path, 12345, -1)
    else:
        monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(BadInput, match="belongs to user"):
        Cache(tmp_path, 100)


def test_what_killed_processes_left_half_copied_is_removed(tmp_path: Path) -> None:
    gone = 2**22 + 1  # above the largest process number of Linux
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / f"{'0' * 64}.{gone}.part").write_bytes(b"half")
    (tmp_path / "cache" / f"{'0' * 64}.{gone}.held").write_bytes(b"")
    (tmp_path / "a.bin").write_bytes(b"whole")
    Cache(tmp_path / "cache", 100).fetch(open_store(str(tmp_path)), "a.bin", digest(b"whole"), 5)
    assert {path.suffix for path in (tmp_path / "cache").iterdir()} == {"", ".lock"}


def test_two_that_want_a_shard_at_the_same_time_copy_it_once(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"whole")
    downloads, meet = [], threading.Barrier(2)

    class Counting(Folder):
        def download(self, name: str, path: Path) -> None:
            downloads.append(name)
            super().download(name, path)

    store: Store = Counting(tmp_path)

    def fetch() -> None:
        meet.wait(60)
        Cache(tmp_path / "cache", 100).fetch(store, "a.bin", digest(b"whole"), 5)

    threads = [threading.Thread(target=fetch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert downloads == ["a.bin"]


def test_a_full_disk_is_one_clear_message(tmp_path: Path) -> None:
    class Full(Folder):
        def download(self, name: str, path: Path) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(TrainingError, match="the disk is full"):
        Cache(tmp_path, 100).fetch(Full(tmp_path), "a.bin", "0" * 64, 5)
