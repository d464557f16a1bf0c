"""These tests need PyTorch: `make test` runs them with the Python that has it, and the others do not collect them."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator

import pytest

if importlib.util.find_spec("torch") is None:
    collect_ignore_glob = ["*"]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Several processes share the cores; and sums in one order give the same figures every time."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield


@pytest.fixture(scope="session", autouse=True)
def nothing_is_fetched() -> Iterator[None]:
    """Libraries that could ask a network for models are told not to."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    yield
