"""Instruction tuning and continued pre-training against transformers and peft: tokens and masks, ten losses, what is saved."""
import json
import math

import numpy as np
import pytest
import torch

from conftest import ROOT, run

GOLDEN_CHATS = json.loads((ROOT / "tests" / "text" / "golden" / "chat_golden.json").read_text())
QUESTIONS = [("How many legs have two dogs?", "Two dogs have 2*4 = <<2*4=8>>8 legs.\n#### 8"),
             ("Ann has 3 apples and eats one. How many are left?", "3-1 = <<3-1=2>>2 are left.\n#### 2")]
FULL, LORA = 2e-6, 1e-4  # learning rates; at five times as much the steps overshoot, and rounding alone moves the losses by a thousandth
STEP = ["--lr-scheduler-type", "constant", "--warmup-ratio", 0, "--dtype", "fp32", "--no-cache"]


def messages_of(chat):
    return [{"role": role, "content": content} for role, content in chat["messages"]]


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def losses_of(out):
    lines = [json.loads(line) for line in (out / "train_log.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if "step" in line and "loss" in line]


def tokenize(model, path, *arguments):
    done = run("tokenize", "--model", model, "--task", "sft", "--input-file", path, "--no-cache", *arguments)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def questions(tmp_path_factory):
    return write_rows(tmp_path_factory.mktemp("qa") / "qa.jsonl", [{"question": q, "answer": a} for q, a in QUESTIONS])


COLUMNS = ["--prompt-column", "question", "--completion-column", "answer"]


def test_tokens_and_masks_are_those_of_the_chat_template(gguf, tmp_path):
    import pyarrow
    import pyarrow.parquet as pq
    chats = [messages_of(chat) for chat in GOLDEN_CHATS]
    expected = [{"input_ids": chat["ids"], "assistant_masks": chat["is_target"]} for chat in GOLDEN_CHATS]
    lines = write_rows(tmp_path / "a.jsonl", [{"messages": chat} for chat in chats])
    assert tokenize(gguf, lines) == expected
    (tmp_path / "a.json").write_text(json.dumps([{"messages": chat} for chat in chats]))
    assert tokenize(gguf, tmp_path / "a.json") == expected
    pq.write_table(pyarrow.table({"id": range(len(chats)), "messages": chats}), tmp_path / "a.parquet")
    assert tokenize(gguf, tmp_path / "a.parquet") == expected
    shares = [[{"from": {"user": "human", "assistant": "gpt"}.get(m["role"], m["role"]), "value": m["content"]} for m in chat] for chat in chats]
    assert tokenize(gguf, write_rows(tmp_path / "b.jsonl", [{"chat": chat} for chat in shares]), "--messages-column", "chat") == expected


def test_the_last_answer_alone_can_be_learnt(gguf, tmp_path):
    chat = [message for q, a in QUESTIONS for message in ({"role": "user", "content": q}, {"role": "assistant", "content": a})]
    lines = write_rows(tmp_path / "a.jsonl", [{"messages": chat}])
    all_answers, last = tokenize(gguf, lines)[0], tokenize(gguf, lines, "--train-on", "last")[0]
    assert all_answers["input_ids"] == last["input_ids"]
    masks = "".join(map(str, all_answers["assistant_masks"])), "".join(map(str, last["assistant_masks"]))
    assert len(masks[0].replace("0", " ").split()) == 2
    assert masks[1].replace("0", " ").split() == masks[0].replace("0", " ").split()[1:]
    assert last["input_ids"][np.flatnonzero(last["assistant_masks"])[-1]] == 106  # <end_of_turn>


def batch_of(tokens):
    """transformers' arguments: padded on the right, -100 where nothing is learnt."""
    length = max(len(row["input_ids"]) for row in tokens)
    ids = torch.zeros(len(tokens), length, dtype=torch.long)
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
    for i, row in enumerate(tokens):
        n = len(row["input_ids"])
        ids[i, :n] = torch.tensor(row["input_ids"])
        mask[i, :n] = 1
        labels[i, :n] = torch.where(torch.tensor(row["assistant_masks"]) == 1, ids[i, :n], -100)
    return dict(input_ids=ids, attention_mask=mask, labels=labels)


def losses_in_transformers(model, batch, learning_rate, steps=10):
    decayed = [p for p in model.parameters() if p.requires_grad and p.dim() >= 2]
    plain = [p for p in model.parameters() if p.requires_grad and p.dim() < 2]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}], lr=learning_rate)
    losses = []
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


def train_ten_steps(base, questions, out, learning_rate, *arguments):
    run("train", "--task", "sft", "--model", base, "--train-file", questions, *COLUMNS, "--max-steps", 10, "--weight-decay", 0.01, *STEP,
        "--learning-rate", learning_rate, "--per-device-train-batch-size", 2, "--output-dir", out, *arguments)
    return losses_of(out)


def load(folder):
    from transformers import AutoModelForCausalLM
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def test_ten_losses_equal_transformers_and_so_does_what_is_saved(hf_base, questions, tmp_path):
    out = tmp_path / "out"
    ours = train_ten_steps(hf_base, questions, out, FULL)
    theirs = losses_in_transformers(load(hf_base), batch_of(tokenize(hf_base, questions, *COLUMNS)), FULL)
    print("ours", ours, "\ntheirs", theirs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    assert ours[-1] < ours[0] - 1
    model = load(out)
    assert type(model).__name__ == "Gemma3ForCausalLM"
    with torch.no_grad():
        theirs = model.eval()(**batch_of(tokenize(out, questions, *COLUMNS))).loss.item()
    ours = json.loads(run("evaluate", "--task", "sft", "--model", out, "--test-file", questions, *COLUMNS, "--dtype", "fp32", "--no-cache").stdout)
    assert math.isclose(ours["loss"], theirs, rel_tol=1e-4)
    assert math.isclose(ours["perplexity"], math.exp(theirs), rel_tol=1e-3)
    assert 0 < ours["token_accuracy"] <= 1


def test_ten_losses_of_lora_equal_peft(hf_base, questions, tmp_path):
    from peft import PeftModel
    start, out = tmp_path / "start", tmp_path / "out"
    lora = ["--method", "lora", "--lora-r", 8, "--lora-alpha", 16]
    run("train", "--task", "sft", "--model", hf_base, "--train-file", questions, *COLUMNS, "--max-steps", 1, *lora, *STEP, "--learning-rate", 0,
        "--output-dir", start)
    ours = train_ten_steps(hf_base, questions, out, LORA, *lora)
    model = PeftModel.from_pretrained(load(hf_base), start, is_trainable=True)
    theirs = losses_in_transformers(model, batch_of(tokenize(hf_base, questions, *COLUMNS)), LORA)
    print("ours", ours, "\ntheirs", theirs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    assert ours[-1] < ours[0]
    merged = tmp_path / "merged"
    run("merge", "--model", out, "--output-dir", merged, "--dtype", "fp32")
    batch = batch_of(tokenize(merged, questions, *COLUMNS))
    with torch.no_grad():
        expected = PeftModel.from_pretrained(load(hf_base), out).eval()(**batch).loss.item()
        assert math.isclose(load(merged).eval()(**batch).loss.item(), expected, rel_tol=1e-4)
    evaluated = json.loads(run("evaluate", "--task", "sft", "--model", out, "--test-file", questions, *COLUMNS, "--dtype", "fp32", "--no-cache").stdout)
    assert math.isclose(evaluated["loss"], expected, rel_tol=1e-4)


def test_continued_pre_training_equals_transformers(hf_base, tmp_path):
    text = "The rain in Spain stays mainly in the plain.\nAnd where is that plain?\n" * 4
    (tmp_path / "a.txt").write_text(text)
    out = tmp_path / "out"
    run("train", "--task", "clm", "--model", hf_base, "--train-file", tmp_path / "a.txt", "--max-length", 40, "--max-steps", 3, *STEP, "--learning-rate", FULL,
        "--per-device-train-batch-size", 8, "--weight-decay", 0.01, "--output-dir", out)
    from transformers import AutoTokenizer
    ids = AutoTokenizer.from_pretrained(hf_base)(text, add_special_tokens=False)["input_ids"] + [1]
    blocks = [[2, *ids[i:i + 39]] for i in range(0, len(ids), 39)]
    theirs = losses_in_transformers(load(hf_base), batch_of([{"input_ids": b, "assistant_masks": [0] + [1] * (len(b) - 1)} for b in blocks]), FULL, steps=3)
    np.testing.assert_allclose(losses_of(out), theirs, rtol=1e-4)
