"""What gemtune trains loads in transformers as its own, and what transformers trains loads in gemtune."""
import json

import numpy as np
import pytest
import torch

from conftest import SAMPLE, predict, run, sample, write_texts


@pytest.fixture(scope="module", params=["fp32", "bf16"])
def trained(request, gguf, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / request.param
    run("train", "--model", gguf, "--train-file", SAMPLE / "train.parquet", "--max-train-samples", 32, "--num-train-epochs", 1,
        "--max-length", 64, "--learning-rate", 1e-4, "--dtype", request.param, "--output-dir", out, "--no-cache")
    return request.param, out


def test_a_trained_model_loads_in_transformers_with_the_same_logits(trained, tmp_path):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    dtype, out = trained
    model, info = AutoModelForSequenceClassification.from_pretrained(out, output_loading_info=True, dtype=torch.float32)
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"], info
    assert model.config.id2label == {0: "negative", 1: "positive"}
    assert model.config.problem_type == "single_label_classification"
    tokenizer = AutoTokenizer.from_pretrained(out)
    texts = sample("validation")[0][:6]
    with torch.no_grad():
        expected = [model.eval()(**tokenizer(text, return_tensors="pt")).logits[0].tolist() for text in texts]
    lines = predict(out, "--input-file", write_texts(tmp_path / "t.jsonl", texts), "--logits", "--dtype", "fp32", "--max-length", 0)
    assert np.abs(np.array([line["logits"] for line in lines]) - np.array(expected)).max() <= 5e-5
    assert np.abs(np.array(expected)).max() > 0.01  # the head did move


def test_the_saved_directory_is_complete(trained):
    dtype, out = trained
    config = json.loads((out / "config.json").read_text())
    assert config["architectures"] == ["Gemma3TextForSequenceClassification"]
    assert config["dtype"] == {"fp32": "float32", "bf16": "bfloat16"}[dtype]
    for name in ("model.safetensors", "tokenizer.json", "tokenizer_config.json", "run.toml", "train_log.jsonl", "all_results.json"):
        assert (out / name).is_file(), name
    assert not list(out.parent.rglob("*.tmp-*"))


def test_transformers_pipeline_agrees_with_predict(trained):
    from transformers import pipeline
    _, out = trained
    text = "An absolute delight from beginning to end."
    theirs = pipeline("text-classification", str(out), dtype=torch.float32)(text)[0]
    ours = predict(out, text, "--dtype", "fp32")[0]
    assert ours["label"] == theirs["label"]
    assert abs(ours["score"] - theirs["score"]) < 1e-5


def test_ten_losses_equal_transformers_with_torchs_adamw(hf_base, tmp_path):
    """The real model, batches in the same order, ten steps: the losses are those of the plain PyTorch loop."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    texts, labels = sample("train")
    rows = [(t, y) for t, y in zip(texts, labels)][:2]  # one batch of two, seen ten times: the order cannot differ
    data = tmp_path / "two.jsonl"
    data.write_text("".join(json.dumps({"text": t, "label": y}) + "\n" for t, y in rows))
    out = tmp_path / "ours"
    run("train", "--model", hf_base, "--train-file", data, "--max-steps", 10, "--per-device-train-batch-size", 2, "--learning-rate", 1e-4,
        "--lr-scheduler-type", "constant", "--warmup-ratio", 0, "--weight-decay", 0.01, "--max-length", 48, "--dtype", "fp32",
        "--output-dir", out, "--no-cache")
    ours = [json.loads(line)["loss"] for line in (out / "train_log.jsonl").read_text().splitlines() if '"step"' in line and '"loss"' in line]

    model = AutoModelForSequenceClassification.from_pretrained(hf_base, num_labels=2, dtype=torch.float32)
    model.config.pad_token_id = 0
    with torch.no_grad():
        model.score.weight.zero_()  # as gemtune starts its head
    decayed = [p for p in model.parameters() if p.dim() >= 2]
    plain = [p for p in model.parameters() if p.dim() < 2]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}], lr=1e-4)
    batch = AutoTokenizer.from_pretrained(hf_base)([t for t, _ in rows], truncation=True, max_length=48, padding=True, return_tensors="pt")
    theirs = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = model(**batch, labels=torch.tensor([y for _, y in rows])).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        theirs.append(loss.item())
    print("ours", ours, "\ntheirs", theirs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
