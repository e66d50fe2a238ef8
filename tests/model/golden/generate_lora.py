"""Makes tests/model/golden/lora, rslora and dora: adapters of the tiny Gemma 3 (generate_tiny.py) as peft saves them, and in
golden.safetensors what peft computes with each: logits, loss, every gradient, ten AdamW losses.

    python tests/model/golden/generate_lora.py        (transformers, peft and torch from PyPI)
"""
import json
import pathlib
import shutil

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import Gemma3TextForSequenceClassification

from generate_tiny import LENGTHS, OUT, padded

CONFIGS = {
    "lora": {"target_modules": "all-linear"},
    "rslora": {"target_modules": ["q_proj", "v_proj", "gate_proj"], "use_rslora": True, "modules_to_save": ["model.norm"]},
    "dora": {"target_modules": r".*\.(self_attn|mlp)\.(q|k|o|up|down)_proj", "use_dora": True},
}


def main():
    torch.set_num_threads(1)
    golden = load_file(OUT / "golden.safetensors")
    ids, mask = padded(torch.split(golden["ids"], LENGTHS))
    for name, settings in CONFIGS.items():
        torch.manual_seed(5)
        base = Gemma3TextForSequenceClassification.from_pretrained(OUT, dtype=torch.float32)
        base.set_attn_implementation("eager")
        model = get_peft_model(base, LoraConfig(task_type="SEQ_CLS", r=3, lora_alpha=4, **settings))
        with torch.no_grad():
            for parameter_name, parameter in model.named_parameters():
                if "lora_B" in parameter_name:
                    parameter.normal_(0, 0.2)
                if "lora_magnitude_vector" in parameter_name:
                    parameter.mul_(torch.rand_like(parameter) + 0.5)
        folder = OUT.parent / name
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder)
        (folder / "README.md").unlink()
        config = json.loads((folder / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = "tiny"
        (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")

        trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
        output = model(input_ids=ids, attention_mask=mask, labels=golden["labels"])
        output.loss.backward()
        result = {"logits": output.logits, "loss": output.loss}
        for parameter_name, parameter in trained.items():
            key = parameter_name.replace("base_model.model.", "").replace("modules_to_save.", "").replace("default.", "")
            result["grad." + key] = parameter.grad.clone()
        optimizer = torch.optim.AdamW(trained.values(), lr=3e-3, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.0)
        losses = []
        for _ in range(10):
            optimizer.zero_grad()
            loss = model(input_ids=ids, attention_mask=mask, labels=golden["labels"]).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained.values(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        result["adamw_losses"] = torch.tensor(losses, dtype=torch.float64)
        save_file({k: v.detach().contiguous() for k, v in result.items()}, folder / "golden.safetensors")
        for path in folder.iterdir():
            path.chmod(0o644)
        print(name, losses)


if __name__ == "__main__":
    main()
