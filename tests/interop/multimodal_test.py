"""Adapters of a multimodal base (4B and larger), of which gemtune trains the text part, between gemtune and the real peft."""
import json
import shutil
import warnings

import numpy as np
import pytest
import torch

from conftest import run
from lora_test import base, data, gemtune_logits, logits  # noqa: F401 (base and data are fixtures)

# Names as q_proj are those of the vision tower's modules too.
PEFT = {
    "names": {"target_modules": ["q_proj", "v_proj"]},
    "pattern": {"target_modules": r".*language_model.*\.(q_proj|down_proj)"},
    "all-linear": {"target_modules": "all-linear", "bias": "all"},
    "paths": {"target_modules": ["language_model.layers.0.mlp.up_proj", "model.language_model.layers.6.self_attn.o_proj"]},
    "ranks": {"target_modules": ["q_proj", "up_proj"], "rank_pattern": {r"language_model\.layers\.[0-2]\..*q_proj": 2, "up_proj": 3},
              "alpha_pattern": {"up_proj": 20}, "exclude_modules": r".*vision_tower.*", "use_rslora": True},
    "layers": {"target_modules": ["q_proj"], "layers_to_transform": [0, 5], "layers_pattern": "layers"},
    "saved": {"target_modules": ["k_proj"], "use_dora": True, "modules_to_save": ["norm", "multi_modal_projector"]},
}


def classifier(folder):
    from transformers import AutoModelForSequenceClassification
    return AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2, dtype=torch.float32)


@pytest.fixture(scope="module")
def multimodal(base, tmp_path_factory):  # noqa: F811
    """A tiny random Gemma3ForConditionalGeneration as transformers saves it."""
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration
    text = json.loads((base / "config.json").read_text())
    vision = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 7, "num_attention_heads": 2, "image_size": 28, "patch_size": 14}
    torch.manual_seed(4)
    model = Gemma3ForConditionalGeneration(Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=4))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.1 if parameter.dim() == 1 else 0.25)
    folder = tmp_path_factory.mktemp("multimodal") / "base"
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        if (base / name).exists():
            shutil.copy(base / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def text_only(multimodal, base, tmp_path_factory):  # noqa: F811
    """The text part of it, as a model of its own."""
    from transformers import Gemma3ForCausalLM, Gemma3ForConditionalGeneration
    whole = Gemma3ForConditionalGeneration.from_pretrained(multimodal)
    folder = tmp_path_factory.mktemp("text_only") / "base"
    shutil.copytree(base, folder)
    model = Gemma3ForCausalLM.from_pretrained(base)
    model.model.load_state_dict(whole.model.language_model.state_dict())
    model.save_pretrained(folder)
    return folder


def peft_adapter(base, folder, settings, **kwargs):  # noqa: F811
    """One that has left its start, and its model."""
    from peft import LoraConfig, get_peft_model
    model = get_peft_model(classifier(base), LoraConfig(task_type="SEQ_CLS", r=4, lora_alpha=8, **settings))
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.2 * torch.randn_like(parameter))
    model.save_pretrained(folder, **kwargs)
    return model


@pytest.mark.parametrize("name", PEFT)
def test_gemtune_loads_what_peft_trained(name, multimodal, text_only, tmp_path):
    settings = PEFT[name]
    expected = logits(peft_adapter(multimodal, tmp_path / "adapter", settings), multimodal)
    assert np.abs(gemtune_logits(tmp_path / "adapter", tmp_path) - expected).max() <= 5e-5
    assert np.abs(gemtune_logits(tmp_path / "adapter", tmp_path, "--base-model", text_only) - expected).max() <= 5e-5
    run("merge", "--model", tmp_path / "adapter", "--output-dir", tmp_path / "merged", "--dtype", "fp32")
    assert np.abs(gemtune_logits(tmp_path / "merged", tmp_path) - expected).max() <= 5e-5
    merged = classifier(tmp_path / "merged")
    assert type(merged).__name__ == "Gemma3TextForSequenceClassification"
    assert np.abs(logits(merged, multimodal) - expected).max() <= 5e-5


def test_gemtune_reads_the_embedding_that_peft_saves_along(multimodal, text_only, tmp_path):
    """As after resize_token_embeddings and training of it: not that of the base."""
    from peft import LoraConfig, get_peft_model
    model = classifier(multimodal)
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(1.5)
    model = get_peft_model(model, LoraConfig(task_type="SEQ_CLS", r=4, target_modules=["q_proj"]))
    model.save_pretrained(tmp_path / "adapter", save_embedding_layers=True)
    for more in ((), ("--base-model", text_only)):
        assert np.abs(gemtune_logits(tmp_path / "adapter", tmp_path, *more) - logits(model, multimodal)).max() <= 5e-5


@pytest.mark.parametrize("on", ["multimodal", "text_only"])
def test_gemtune_loads_what_peft_trained_on_the_text_part(on, multimodal, text_only, tmp_path):
    settings = {"target_modules": r"model\.layers\.[0-3]\..*proj", "rank_pattern": {r"^model\.layers\.1\..*": 2}}
    expected = logits(peft_adapter(text_only, tmp_path, settings), multimodal)
    assert np.abs(gemtune_logits(tmp_path, tmp_path, "--base-model", {"multimodal": multimodal, "text_only": text_only}[on])
                  - expected).max() <= 5e-5


@pytest.mark.parametrize("options", [
    [], ["--lora-target-modules", "q_proj,o_proj", "--use-rslora"],
    ["--lora-target-modules", r".*language_model\.layers\.[02]\.mlp.*", "--use-dora", "--modules-to-save", "norm,embed_tokens"]],
    ids=["all", "names", "pattern"])
def test_peft_loads_what_gemtune_trained(options, multimodal, data, tmp_path):  # noqa: F811
    from peft import AutoPeftModelForSequenceClassification, PeftModel, get_peft_model_state_dict
    from safetensors.numpy import load_file
    run("train", "--model", multimodal, "--method", "lora", "--lora-r", 4, *options, "--train-file", data, "--max-steps", 6,
        "--learning-rate", 2e-2, "--dtype", "fp32", "--output-dir", tmp_path / "trained", "--no-cache")
    ours = gemtune_logits(tmp_path / "trained", tmp_path)
    assert np.ptp(ours, axis=0).max() > 0.01
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = PeftModel.from_pretrained(classifier(multimodal), tmp_path / "trained")
    assert not [str(w.message) for w in caught if "key" in str(w.message)]
    assert get_peft_model_state_dict(model).keys() == load_file(tmp_path / "trained" / "adapter_model.safetensors").keys()
    assert np.abs(logits(model, multimodal) - ours).max() <= 5e-5
    auto = AutoPeftModelForSequenceClassification.from_pretrained(tmp_path / "trained", num_labels=2, dtype=torch.float32)
    assert np.abs(logits(auto, multimodal) - ours).max() <= 5e-5


def follow(stderr):
    """Runs the line of Python that a message advises."""
    exec("import " + stderr.strip().split(": import ", 1)[1].replace("<number of labels>", "2"), {})


def test_an_adapter_that_gemtune_cannot_read_is_merged_as_it_says(multimodal, tmp_path):
    model = peft_adapter(multimodal, tmp_path / "adapter", {"target_modules": ["q_proj"], "trainable_token_indices": [100, 101, 102]})
    done = run("predict", "--model", tmp_path / "adapter", "x", check=False)
    assert done.returncode == 2 and "'trainable_token_indices' is [100,101,102]" in done.stderr
    follow(done.stderr)
    shutil.copy(multimodal / "tokenizer.json", tmp_path / "adapter-merged")
    assert np.abs(gemtune_logits(tmp_path / "adapter-merged", tmp_path) - logits(model, multimodal)).max() <= 5e-5


def test_pytorchs_files_are_converted_as_the_messages_say(text_only, tmp_path):
    from safetensors.torch import load_file
    expected = logits(peft_adapter(text_only, tmp_path / "adapter", {"target_modules": ["q_proj"]}), text_only)
    torch.save(load_file(tmp_path / "adapter" / "adapter_model.safetensors"), tmp_path / "adapter" / "adapter_model.bin")
    (tmp_path / "adapter" / "adapter_model.safetensors").unlink()
    done = run("predict", "--model", tmp_path / "adapter", "x", check=False)
    assert done.returncode == 2 and "has adapter_model.bin only" in done.stderr
    follow(done.stderr)
    assert np.abs(gemtune_logits(tmp_path / "adapter", tmp_path) - expected).max() <= 5e-5

    model = classifier(text_only)
    model.save_pretrained(tmp_path / "whole")
    shutil.copy(text_only / "tokenizer.json", tmp_path / "whole")
    torch.save(load_file(tmp_path / "whole" / "model.safetensors"), tmp_path / "whole" / "pytorch_model.bin")
    (tmp_path / "whole" / "model.safetensors").unlink()
    done = run("predict", "--model", tmp_path / "whole", "x", check=False)
    assert done.returncode == 2 and "has PyTorch weights only" in done.stderr
    follow(done.stderr)
    assert np.abs(gemtune_logits(tmp_path / "whole", tmp_path) - logits(model, text_only)).max() <= 5e-5
