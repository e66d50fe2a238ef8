"""bench/compare.py end to end on a tiny model: that both sides really get the same batches, and that its figures are the runs'."""
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import safetensors.torch

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = pathlib.Path(os.environ.get("GEMTUNE_BIN", ROOT / "build" / "gemtune"))


def compare(folder, *arguments):
    return subprocess.run([sys.executable, ROOT / "bench" / "compare.py", "--gemtune", PROGRAM, "--hf-model", folder / "base", "--train-file",
                           folder / "train.parquet", "--output", folder / "compare.json", "--pool", "60", "--threads", "1", *arguments],
                          capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    subprocess.run([PROGRAM.with_name("gemtune_make_tiny_model"), folder / "base"], check=True)
    weights = safetensors.torch.load_file(folder / "base" / "model.safetensors")
    del weights["score.weight"]  # a head for one output; transformers makes its own
    safetensors.torch.save_file(weights, folder / "base" / "model.safetensors", metadata={"format": "pt"})
    letters = random.Random(0)
    texts = ["".join(letters.choices("abcdefgh ", k=10 * (i % 7 + 1))) for i in range(64)]
    pq.write_table(pa.table(dict(text=texts, label=[i % 2 for i in range(64)])), folder / "train.parquet")
    return folder


def test_both_sides_work_on_the_same_batches(folder):
    done = compare(folder, "--rows", "full-widened,predict", "--steps", "2", "--rounds", "2")
    assert done.returncode == 0, done.stderr
    report = json.loads((folder / "compare.json").read_text())
    assert {"processor", "cores"} <= report["machine"].keys() and {"torch", "transformers", "gemtune"} <= report["versions"].keys()
    full = report["rows"]["full-widened"]
    assert [len(runs) for runs in full["results"].values()] == [2, 2, 2]
    tokens = full["results"]["gemtune"][0]["step_tokens"]
    assert len(tokens) == 2 and tokens[0] != tokens[1]
    assert all(run["step_tokens"] == tokens for runs in full["results"].values() for run in runs)
    for name, side in full["sides"].items():
        pairs = zip(full["results"]["gemtune"], full["results"][name])
        assert side["ratio"] == statistics.median(ours["tokens_per_second"] / theirs["tokens_per_second"] for ours, theirs in pairs)
        assert side["peak_rss_bytes"] > 1e7
    assert [line.split(" | ")[0] for line in done.stdout.splitlines()[2:]] == [
        "| full, fp32, 8 reviews <= 512: **gemtune**", "| **gemtune**, bf16 widened", "| transformers, fp32",
        "| prediction, bf16, reviews <= 512: **gemtune**", "| transformers, amp", "| transformers, bf16"]


def test_a_row_that_is_none_is_said(folder):
    done = compare(folder, "--rows", "full-fp16")
    assert done.returncode == 2 and "--rows: 'full-fp16' is none of full-bf16, " in done.stderr


def test_a_side_that_fails_ends_it_with_its_message(folder):
    done = compare(folder, "--rows", "head", "--gemtune", "false")
    assert done.returncode == 1 and "ended with 1" in done.stderr
