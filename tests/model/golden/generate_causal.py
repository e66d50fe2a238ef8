"""Makes tests/model/golden/causal: what transformers' Gemma3ForCausalLM computes with the trunk of tests/model/golden/tiny
and its embedding as the head: logits, the summed loss of some next tokens, and every gradient; and in
tests/model/golden/causal_lora an adapter of it as peft saves it, with its logits for the same tokens.

    python tests/model/golden/generate_causal.py        (transformers and torch from PyPI)
"""
import json
import pathlib
import shutil

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import Gemma3ForCausalLM

from generate_tiny import LENGTHS, padded, tiny_config

HERE = pathlib.Path(__file__).parent


def main():
    torch.set_num_threads(1)
    model = Gemma3ForCausalLM(tiny_config())
    model.set_attn_implementation("eager")
    trunk = {name: value for name, value in load_file(HERE / "tiny" / "model.safetensors").items() if name != "score.weight"}
    missing, unexpected = model.load_state_dict(trunk, strict=False)
    assert missing == ["lm_head.weight"] and not unexpected
    assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()

    torch.manual_seed(11)
    sequences = [torch.randint(3, 96, (n,)) for n in LENGTHS]
    is_target = [torch.rand(n) < 0.6 for n in LENGTHS]
    ids, mask = padded(sequences)
    labels = torch.full_like(ids, -100)
    for row, (sequence, targets) in enumerate(zip(sequences, is_target)):
        labels[row, :len(sequence)] = torch.where(targets, sequence, -100)
    logits = model(input_ids=ids, attention_mask=mask).logits
    # The loss of transformers' ForCausalLMLoss, not divided by the number of targets.
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), reduction="sum")
    loss.backward()
    golden = {"ids": torch.cat(sequences), "is_target": torch.cat(is_target).to(torch.uint8),
              "cu_seqlens": torch.tensor([0] + LENGTHS).cumsum(0).to(torch.int32), "logits": logits[mask.bool()], "loss": loss}
    for name, parameter in model.named_parameters():
        golden[f"grad.{name}"] = parameter.grad
    (HERE / "causal").mkdir(exist_ok=True)
    save_file({k: v.detach().contiguous() for k, v in golden.items()}, HERE / "causal" / "golden.safetensors")
    print("loss", loss.item())

    model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", r=3, lora_alpha=4, target_modules="all-linear"))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.2)
        logits = model(input_ids=ids, attention_mask=mask).logits
    folder = HERE / "causal_lora"
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "README.md").unlink()
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "tiny"
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file({"logits": logits[mask.bool()].contiguous()}, folder / "golden.safetensors")
    for path in [*folder.iterdir(), HERE / "causal" / "golden.safetensors"]:
        path.chmod(0o644)


if __name__ == "__main__":
    main()
