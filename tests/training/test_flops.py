"""Operations per token: what is published is reproduced, the rule of counting changes the attention alone."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from training import flops
from training.errors import BadInput
from training.flops import Accounting, Architecture, Window
from training.models import work
from training.models.sizes import CONFIGS

REPOSITORY = Path(__file__).resolve().parents[2]
TABLE = REPOSITORY / "catalog" / "data" / "flops_per_token.csv"
ROWS = flops.compare(TABLE)
HELD = ("LLAMA3_8B", "LLAMA3_70B", "LLAMA3.1_405B", "Qwen3_235B_a22B", "Qwen3_30B_a3B", "DeepSeekV3", "Kimi_K2")
SMALL = Architecture(2, 64, 4, 4, 16, 256, 1000, gated=False)


@pytest.mark.parametrize("model", HELD)
def test_published_figures_are_reproduced_within_one_percent(model: str) -> None:
    (row,) = [row for row in ROWS if row.model == model]
    assert row.difference is not None
    assert abs(row.difference) < 0.01


def test_every_row_of_the_table_is_listed_and_each_unlike_ours_says_why() -> None:
    assert len(ROWS) == len(TABLE.read_text().splitlines()) - 1
    for row in ROWS:
        assert row.note or (row.difference is not None and abs(row.difference) < 0.01), row.model


def test_full_accounting_doubles_the_attention_and_nothing_else() -> None:
    causal, full = (flops.flops_per_token(SMALL, 2048, rule) for rule in Accounting)
    # The formula of the PaLM paper's appendix B: 12 x layers x s x width more than 6 a weight.
    assert full == 6 * flops.active_weights(SMALL) + 12 * 2 * 2048 * 64
    assert full - causal == 6 * 2 * 2048 * 64


def test_weights_are_those_of_a_transformer() -> None:
    assert flops.active_weights(SMALL) == 2 * 12 * 64**2 + 64 * 1000


def test_a_window_leaves_out_what_is_not_seen() -> None:
    windowed = replace(SMALL, window=Window(tokens=128, layers=1))
    full = [flops.attention_operations(arch, 2048, Accounting.FULL) for arch in (SMALL, windowed)]
    assert full[0] - full[1] == 12 * 64 * (2048 - 128)
    # Seen by a token on average: the first 128 tokens see fewer.
    seen = sum(min(position + 0.5, 128) for position in range(2048)) / 2048
    causal = [flops.attention_operations(arch, 2048, Accounting.CAUSAL) for arch in (SMALL, windowed)]
    assert causal[0] - causal[1] == pytest.approx(12 * 64 * (1024 - seen), rel=1e-3)
    assert flops.attention_operations(windowed, 128, Accounting.FULL) == flops.attention_operations(
        SMALL, 128, Accounting.FULL
    )


def test_bloom_560m_has_the_work_of_its_paper_size() -> None:
    config = CONFIGS["bloom"]["560m"]
    # 6N + 6Lsd with N = 559,214,592, which also counts norms and biases.
    assert work.per_token("bloom", config, 2048) == pytest.approx(6 * 559_214_592 + 6 * 24 * 2048 * 1024, rel=1e-3)


def test_resnet18_has_the_multiply_adds_that_are_published_for_it() -> None:
    # 1.81 GMAC forward at 224 pixels (torchvision, "GFLOPS 1.81").
    assert work.per_sample("resnet", CONFIGS["resnet"]["18"], 224) == pytest.approx(6 * 1.81e9, rel=0.01)


def test_the_work_of_a_sample_is_that_of_its_tokens() -> None:
    tiny = CONFIGS["gpt"]["tiny"]
    assert work.per_sample("gpt", tiny, 64) == 64 * work.per_token("gpt", tiny, 64)
    assert work.per_sample("mlp", CONFIGS["mlp"]["base"], 28) == 6 * (784 * 128 + 128 * 10)
    with pytest.raises(BadInput, match="resnet reads no tokens"):
        work.per_token("resnet", CONFIGS["resnet"]["18"], 224)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "training.flops", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_the_command_prints_ours_beside_the_tables() -> None:
    done = run("--table", str(TABLE))
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("LLAMA3_8B")]
    assert line.split()[:4] == ["LLAMA3_8B", "8192", "5.148e+10", "5.147e+10"]
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("Nemotron_3_Ultra")]
    assert "cannot tell" in line


def test_the_command_has_json_for_programs() -> None:
    done = run("--table", str(TABLE), "--json", "--accounting", "full")
    document = json.loads(done.stdout)
    assert (document["schema_version"], document["accounting"]) == (1, "full")
    assert len(document["rows"]) == len(ROWS)


def test_a_table_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    done = run("--table", str(tmp_path / "none.csv"))
    assert done.returncode == 2
    assert done.stderr.strip() == f"error: --table: {tmp_path / 'none.csv'} cannot be read: No such file or directory"
    bad = tmp_path / "bad.csv"
    bad.write_text("model,seq_len,flops_per_token_median\nA,x,1\nB,2\n")
    with pytest.raises(BadInput) as error:
        flops.compare(bad)
    assert [problem.split(":")[0] for problem in error.value.problems] == [f"{bad}, line 2", f"{bad}, line 3"]


def test_nothing_here_needs_pytorch() -> None:
    code = "import sys, training.flops, training.models, training.models.work; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0
