"""Greedy text of gemtune generate, token for token that of transformers' generate in fp32: past the window, batched, with an
adapter that is not merged, and of the real model out of its GGUF's blocks."""
import json
import os
import pathlib
import subprocess

import pytest

from conftest import ROOT, run, sample

NEW = 300
REAL = 100  # of the real model, with which transformers takes a second for four tokens of a long prompt; 300 were compared by hand


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A tiny random model with a window of 8, and what transformers generates with it."""
    from transformers import AutoModelForCausalLM
    folder = tmp_path_factory.mktemp("tiny")
    program = pathlib.Path(os.environ.get("GEMTUNE_BIN", ROOT / "build" / "gemtune"))
    subprocess.run([program.with_name("gemtune_make_tiny_model"), folder / "base"], check=True)
    import torch
    model = AutoModelForCausalLM.from_pretrained(folder / "base", dtype=torch.float32).eval()
    return folder / "base", greedy(model, encode(folder / "base", TEXTS, folder))


def write_prompts(folder, prompts):
    (folder / "prompts.jsonl").write_text("".join(json.dumps({"prompt": prompt}) + "\n" for prompt in prompts))
    return folder / "prompts.jsonl"


def generate(model, prompts, folder, *arguments, new=NEW):
    """The tokens that gemtune generates for each prompt."""
    done = run("generate", "--model", model, "--input-file", write_prompts(folder, prompts), "--dtype", "fp32",
               "--max-new-tokens", new, "--min-new-tokens", new, *arguments)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["prompt"] for row in rows] == prompts
    assert all(row["finish_reason"] == "length" for row in rows)
    return [row["tokens"] for row in rows]


def encode(model, prompts, folder):
    texts = folder / "texts.jsonl"
    texts.write_text("".join(json.dumps({"text": prompt}) + "\n" for prompt in prompts))
    done = run("tokenize", "--model", model, "--input-file", texts, "--no-cache")
    return [json.loads(line) for line in done.stdout.splitlines()]


def greedy(model, ids, new=NEW):
    """The tokens that transformers generates, one prompt after the other."""
    import torch
    with torch.no_grad():
        return [model.generate(torch.tensor([row]), do_sample=False, max_new_tokens=new, min_new_tokens=new, eos_token_id=1)[0, len(row):].tolist()
                for row in ids]


TEXTS = ["a", "the quick brown fox", "one two three four five six seven eight nine ten", "this", "what is that thing there", "z z z"]


@pytest.mark.parametrize("batch", [["--batch-size", "1"], ["--batch-size", "4"], ["--batch-size", "32", "--batch-tokens", "7"]])
def test_greedy_text_equals_transformers(tiny, tmp_path, batch):
    base, expected = tiny
    assert generate(base, TEXTS, tmp_path, *batch) == expected


def test_an_adapter_need_not_be_merged(tiny, tmp_path):
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import AutoModelForCausalLM
    base, _ = tiny
    adapted = get_peft_model(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32),
                             LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=16, target_modules="all-linear"))
    torch.manual_seed(2)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.1)
    adapted.save_pretrained(tmp_path / "adapter")
    ids = encode(base, TEXTS, tmp_path)
    expected = greedy(PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), tmp_path / "adapter").eval(), ids)
    assert expected != tiny[1]
    assert generate(tmp_path / "adapter", TEXTS, tmp_path) == expected


def test_a_seed_gives_the_same_whatever_the_batch(tiny, tmp_path):
    base, _ = tiny
    sampling = ["--temperature", "1.4", "--top-k", "40", "--top-p", "0.95"]
    together = generate(base, TEXTS, tmp_path, *sampling, "--seed", "3")
    assert generate(base, TEXTS, tmp_path, *sampling, "--seed", "3", "--batch-size", "2", "--threads", "1") == together
    assert generate(base, TEXTS, tmp_path, *sampling, "--seed", "4") != together


def test_the_real_models_greedy_text_equals_transformers(gguf, hf_base, real_tokenizer, tmp_path):
    """Prompts shorter and longer than the window of 512."""
    import torch
    from transformers import AutoModelForCausalLM
    review = max(sample("validation")[0], key=len)
    prompts = ["The history of the city of Lisbon begins", review[:3200]]
    ids = [real_tokenizer(prompt)["input_ids"] for prompt in prompts]
    assert len(ids[1]) > 600
    expected = greedy(AutoModelForCausalLM.from_pretrained(hf_base, dtype=torch.float32).eval(), ids, new=REAL)
    assert generate(gguf, prompts, tmp_path, new=REAL) == expected  # from its blocks, both at once
    assert generate(gguf, prompts, tmp_path, "--base-dtype", "expand", "--batch-size", "1", new=REAL) == expected
