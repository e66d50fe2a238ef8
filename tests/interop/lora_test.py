"""Adapters between gemtune and the real peft: what one trains the other loads, with the same logits."""
import json
import os
import pathlib
import subprocess

import numpy as np
import pytest
import torch

from conftest import ROOT, SAMPLE, predict, run, write_texts

TEXTS = ["good and long enough", "bad", "a thing of the other kind", "gh"]
VARIANTS = {"lora": [], "rslora": ["--use-rslora", "--lora-target-modules", "q_proj,v_proj"],
            "dora": ["--use-dora", "--lora-target-modules", r".*\.mlp\..*", "--modules-to-save", "model.norm"]}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A tiny random Gemma 3 as transformers saves it, with the tokenizer of gemtune's own tests."""
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig
    folder = tmp_path_factory.mktemp("tiny") / "base"
    program = pathlib.Path(os.environ.get("GEMTUNE_BIN", ROOT / "build" / "gemtune"))
    subprocess.run([program.with_name("gemtune_make_tiny_model"), folder], check=True)
    (folder / "model.safetensors").unlink()
    torch.manual_seed(2)
    model = Gemma3ForCausalLM(Gemma3TextConfig(
        vocab_size=288, hidden_size=16, intermediate_size=32, num_hidden_layers=7, num_attention_heads=4, num_key_value_heads=2,
        head_dim=8, query_pre_attn_scalar=8, sliding_window=8, pad_token_id=0, bos_token_id=2, eos_token_id=1))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.1 if parameter.dim() == 1 else 0.25)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "data.jsonl"
    path.write_text("".join(json.dumps({"text": word + tail, "label": word}) + "\n"
                            for tail in ("h", "hh", "ijk", "x", "yz", "the") for word in ("good", "bad")))
    return path


@pytest.fixture(scope="module", params=VARIANTS)
def trained(request, base, data, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / request.param
    run("train", "--model", base, "--method", "lora", "--lora-r", 4, *VARIANTS[request.param], "--train-file", data, "--max-steps", 6,
        "--learning-rate", 2e-2, "--dtype", "fp32", "--output-dir", out, "--no-cache")
    return out


def classifier(folder, **kwargs):
    from transformers import AutoModelForSequenceClassification
    return AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2, dtype=torch.float32, pad_token_id=0, **kwargs)


def logits(model, folder):
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    model.eval()
    with torch.no_grad():
        return np.array([model(input_ids=torch.tensor([tokenizer.encode(text).ids])).logits[0].tolist() for text in TEXTS])


def gemtune_logits(folder, tmp_path, *arguments):
    lines = predict(folder, "--input-file", write_texts(tmp_path / "texts.jsonl", TEXTS), "--logits", "--dtype", "fp32", *arguments)
    return np.array([line["logits"] for line in lines])


def test_peft_loads_gemtunes_adapter_with_the_same_logits(trained, base, tmp_path):
    from peft import AutoPeftModelForSequenceClassification, PeftModel, get_peft_model_state_dict
    from safetensors.numpy import load_file
    ours = gemtune_logits(trained, tmp_path)
    assert np.abs(ours).max() > 0.05 and np.ptp(ours, axis=0).max() > 0.01
    model = PeftModel.from_pretrained(classifier(base), trained)
    assert get_peft_model_state_dict(model).keys() == load_file(trained / "adapter_model.safetensors").keys()
    assert np.abs(logits(model, base) - ours).max() <= 5e-5
    assert np.abs(logits(model.merge_and_unload(), base) - ours).max() <= 5e-5
    auto = AutoPeftModelForSequenceClassification.from_pretrained(trained, num_labels=2, dtype=torch.float32, pad_token_id=0)
    assert np.abs(logits(auto, base) - ours).max() <= 5e-5


def test_transformers_loads_it_in_spite_of_the_labels_beside_it(trained, base, tmp_path):
    """As it loads what peft itself saves: transformers 5.24 does not use a norm of modules_to_save, in either."""
    from peft import PeftModel
    assert json.loads((trained / "classifier.json").read_text())["id2label"] == {"0": "bad", "1": "good"}
    PeftModel.from_pretrained(classifier(base), trained).save_pretrained(tmp_path / "by_peft")
    ours = logits(classifier(trained), base)
    assert np.abs(ours - logits(classifier(tmp_path / "by_peft"), base)).max() <= 1e-6
    if trained.name != "dora":
        assert np.abs(ours - gemtune_logits(trained, tmp_path)).max() <= 5e-5


def test_merged_it_is_a_plain_model_of_transformers(trained, base, tmp_path):
    from transformers import AutoModelForSequenceClassification
    run("merge", "--model", trained, "--output-dir", tmp_path / "merged", "--dtype", "fp32")
    model, info = AutoModelForSequenceClassification.from_pretrained(tmp_path / "merged", output_loading_info=True, dtype=torch.float32)
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"], info
    assert model.config.id2label == {0: "bad", 1: "good"}
    assert np.abs(logits(model, base) - gemtune_logits(trained, tmp_path)).max() <= 5e-5


def peft_trains(base, folder, settings):
    from peft import LoraConfig, get_peft_model
    torch.manual_seed(1)
    model = get_peft_model(classifier(base), LoraConfig(task_type="SEQ_CLS", r=4, lora_alpha=8, lora_dropout=0.1, **settings))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-2)
    for _ in range(5):
        loss = model(input_ids=torch.randint(3, 288, (4, 9)), labels=torch.tensor([0, 1, 0, 1])).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    return model


@pytest.mark.parametrize("settings", [
    {"target_modules": "all-linear"}, {"target_modules": ["q_proj", "down_proj"], "use_rslora": True},
    {"target_modules": "all-linear", "use_dora": True, "modules_to_save": ["embed_tokens"]},
    {"target_modules": r".*layers\.[0-3]\..*proj"},
    {"target_modules": ["q_proj", "v_proj"], "rank_pattern": {"v_proj": 2, r"0\..*q_proj": 5}, "alpha_pattern": {"v_proj": 64}, "use_dora": True},
    {"target_modules": "all-linear", "exclude_modules": ["down_proj"], "bias": "all"},
    {"target_modules": ["q_proj"], "exclude_modules": r".*layers\.6.*", "layers_to_transform": [0, 5, 6], "layers_pattern": "layers"}],
    ids=["lora", "rslora", "dora", "pattern", "ranks", "exclude", "layers"])
def test_gemtune_loads_what_peft_trained(settings, base, data, tmp_path):
    model = peft_trains(base, tmp_path / "adapter", settings)
    expected = logits(model, base)
    assert np.abs(gemtune_logits(tmp_path / "adapter", tmp_path) - expected).max() <= 5e-5
    line = predict(tmp_path / "adapter", TEXTS[0], "--dtype", "fp32")[0]
    assert line["label"] in ("LABEL_0", "LABEL_1")  # peft keeps no names
    run("merge", "--model", tmp_path / "adapter", "--output-dir", tmp_path / "merged", "--dtype", "fp32")
    assert np.abs(gemtune_logits(tmp_path / "merged", tmp_path) - expected).max() <= 5e-5
    renamed = tmp_path / "data.jsonl"
    renamed.write_text(data.read_text().replace('"bad"}', '"LABEL_0"}').replace('"good"}', '"LABEL_1"}'))
    metrics = json.loads(run("evaluate", "--model", tmp_path / "adapter", "--test-file", renamed, "--no-cache").stdout)
    assert 0 <= metrics["accuracy"] <= 1


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_an_adapter_of_halves_is_read_too(dtype, base, tmp_path):
    from peft import PeftModel
    from safetensors.torch import load_file, save_file
    peft_trains(base, tmp_path, {"target_modules": "all-linear"})
    halves = {name: tensor.to(dtype) for name, tensor in load_file(tmp_path / "adapter_model.safetensors").items()}
    save_file(halves, tmp_path / "adapter_model.safetensors")
    expected = logits(PeftModel.from_pretrained(classifier(base), tmp_path).float(), base)
    assert np.abs(gemtune_logits(tmp_path, tmp_path) - expected).max() <= 5e-5


def test_an_adapter_without_its_head_is_an_error(base, tmp_path):
    from safetensors.torch import load_file, save_file
    peft_trains(base, tmp_path, {"target_modules": ["q_proj"]})
    tensors = load_file(tmp_path / "adapter_model.safetensors")
    del tensors["base_model.model.score.weight"]
    save_file(tensors, tmp_path / "adapter_model.safetensors")
    done = run("predict", "--model", tmp_path, "text", check=False)
    assert done.returncode == 2 and "head was not saved" in done.stderr


def test_ten_losses_equal_peft(base, data, tmp_path):
    """One batch, seen ten times, from the adapter that gemtune starts with (a step with a learning rate of 0 saves it)."""
    from peft import PeftModel
    from tokenizers import Tokenizer
    rows = [json.loads(line) for line in data.read_text().splitlines()]
    common = ("train", "--model", base, "--method", "lora", "--lora-r", 4, "--train-file", data, "--per-device-train-batch-size", len(rows),
              "--lr-scheduler-type", "constant", "--warmup-ratio", 0, "--dtype", "fp32", "--no-cache")
    run(*common, "--max-steps", 1, "--learning-rate", 0, "--output-dir", tmp_path / "start")
    run(*common, "--max-steps", 10, "--learning-rate", 5e-3, "--output-dir", tmp_path / "ours")
    ours = [json.loads(line)["loss"] for line in (tmp_path / "ours" / "train_log.jsonl").read_text().splitlines()
            if '"step"' in line and '"loss"' in line]

    model = PeftModel.from_pretrained(classifier(base), tmp_path / "start", is_trainable=True)
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.enable_padding(pad_id=0)
    encoded = tokenizer.encode_batch([row["text"] for row in rows])
    batch = {"input_ids": torch.tensor([e.ids for e in encoded]), "attention_mask": torch.tensor([e.attention_mask for e in encoded]),
             "labels": torch.tensor([["bad", "good"].index(row["label"]) for row in rows])}
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=5e-3, weight_decay=0.0)
    theirs = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        theirs.append(loss.item())
    print("ours", ours, "\ntheirs", theirs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_the_base_may_be_a_gguf(gguf, hf_base, tmp_path):
    """The real model: an adapter on the GGUF, on peft's side on the same weights dequantised by transformers."""
    from peft import PeftModel
    from transformers import AutoTokenizer
    out = tmp_path / "adapter"
    run("train", "--model", gguf, "--method", "lora", "--train-file", SAMPLE / "train.parquet", "--max-train-samples", 16,
        "--num-train-epochs", 1, "--max-length", 48, "--learning-rate", 1e-3, "--dtype", "fp32", "--output-dir", out, "--no-cache")
    ours = gemtune_logits(out, tmp_path)
    model = PeftModel.from_pretrained(classifier(hf_base), out).eval()
    tokenizer = AutoTokenizer.from_pretrained(out)
    with torch.no_grad():
        theirs = np.array([model(**tokenizer(text, return_tensors="pt")).logits[0].tolist() for text in TEXTS])
    assert np.abs(theirs).max() > 0.01
    assert np.abs(ours - theirs).max() <= 5e-5
