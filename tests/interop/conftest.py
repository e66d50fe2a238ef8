"""What the interop tests share: the program, the real Gemma 3 270M as transformers reads it, texts.

Environment, set by scripts/test.sh: GEMTUNE_BIN (the program), GEMTUNE_REAL_GGUF (the real model; without it the tests that
need it are left out, visibly), GEMTUNE_SHARED_DATA (optional: a folder with the whole imdb/ and gemma3-tokenizer/).
"""
import json
import lzma
import os
import pathlib
import subprocess

import pyarrow.parquet as pq
import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

ROOT = pathlib.Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "imdb-sample"


def run(*arguments, check=True, **kwargs):
    """Runs the program; returns its finished process."""
    binary = os.environ.get("GEMTUNE_BIN", ROOT / "build" / "gemtune")
    done = subprocess.run([str(binary), *map(str, arguments)], capture_output=True, text=True, **kwargs)
    if check:
        assert done.returncode == 0, f"gemtune {' '.join(map(str, arguments))}\n{done.stderr}"
    return done


def predict(model, *arguments, **kwargs):
    """JSON lines of gemtune predict."""
    done = run("predict", "--model", model, "--no-cache", *arguments, **kwargs)
    return [json.loads(line) for line in done.stdout.splitlines()]


def write_texts(path, texts):
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


def sample(split):
    table = pq.read_table(SAMPLE / f"{split}.parquet")
    return table["text"].to_pylist(), table["label"].to_pylist()


@pytest.fixture(scope="session")
def gguf():
    path = os.environ.get("GEMTUNE_REAL_GGUF")
    if not path:
        pytest.skip("GEMTUNE_REAL_GGUF is not set: scripts/test.sh fetches the real model")
    return pathlib.Path(path)


@pytest.fixture(scope="session")
def real_tokenizer(gguf, tmp_path_factory):
    """Hugging Face's own tokenizer files where there are some, else those that gemtune makes from the GGUF."""
    folder = tmp_path_factory.mktemp("tokenizer")
    shared = os.environ.get("GEMTUNE_SHARED_DATA")
    if shared and (pathlib.Path(shared) / "gemma3-tokenizer").is_dir():
        for packed in (pathlib.Path(shared) / "gemma3-tokenizer").glob("*.xz"):
            (folder / packed.stem).write_bytes(lzma.decompress(packed.read_bytes()))
    else:
        run("tokenize", "--model", gguf, "--save-tokenizer", folder)
    from transformers import AutoTokenizer
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="session")
def hf_base(gguf, real_tokenizer, tmp_path_factory):
    """The real 270M as a Hugging Face directory, dequantised by transformers: the truth to compare with."""
    import torch
    from transformers import AutoModelForCausalLM
    folder = tmp_path_factory.mktemp("hf_base")
    loaded = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    config = loaded.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    fresh = type(loaded)(config)
    fresh.load_state_dict(loaded.state_dict())
    fresh.tie_weights()
    fresh.save_pretrained(folder)
    real_tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def hf_classifier(hf_base, real_tokenizer, tmp_path_factory):
    """transformers' classifier over the real trunk, with a random head of a size that gives logits of a few units."""
    import torch
    from transformers import AutoModelForSequenceClassification
    folder = tmp_path_factory.mktemp("hf_classifier")
    torch.manual_seed(11)
    model = AutoModelForSequenceClassification.from_pretrained(hf_base, num_labels=3, dtype=torch.float32)
    model.config.pad_token_id = 0
    with torch.no_grad():
        model.score.weight.normal_(0, 0.02)
    model.save_pretrained(folder)
    real_tokenizer.save_pretrained(folder)
    return folder
