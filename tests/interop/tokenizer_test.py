"""gemtune's token ids against Hugging Face's fast tokenizer."""
import json
import os
import pathlib

import pyarrow.parquet as pq
import pytest

from conftest import SAMPLE, run


def validation_file():
    """The whole IMDB validation file where it is at hand, else the sample of it that the repository ships."""
    shared = os.environ.get("GEMTUNE_SHARED_DATA")
    whole = pathlib.Path(shared) / "imdb" / "validation.parquet" if shared else None
    return whole if whole and whole.exists() else SAMPLE / "validation.parquet"


@pytest.mark.parametrize("source", ["gguf", "saved"])
def test_ids_of_every_validation_review_equal_hugging_faces(source, gguf, real_tokenizer, tmp_path):
    path = validation_file()
    texts = pq.read_table(path)["text"].to_pylist()
    model = gguf
    if source == "saved":
        run("tokenize", "--model", gguf, "--save-tokenizer", tmp_path)
        model = tmp_path
    ours = [json.loads(line) for line in run("tokenize", "--model", model, "--input-file", path, "--no-cache").stdout.splitlines()]
    theirs = real_tokenizer(texts)["input_ids"]
    assert len(ours) == len(texts)
    for i, (mine, expected) in enumerate(zip(ours, theirs)):
        assert mine == expected, f"review {i}"
    print(f"{len(texts)} reviews, {sum(map(len, ours))} tokens")


def test_hugging_face_loads_the_saved_tokenizer_with_the_same_ids(gguf, real_tokenizer, tmp_path):
    from tokenizers import Tokenizer
    from transformers import AutoTokenizer
    run("tokenize", "--model", gguf, "--save-tokenizer", tmp_path)
    golden = json.loads((pathlib.Path(__file__).parents[1] / "text" / "golden" / "gemma3_golden.json").read_text())
    fast, auto = Tokenizer.from_file(str(tmp_path / "tokenizer.json")), AutoTokenizer.from_pretrained(tmp_path)
    for entry in golden:
        text, ids = entry["text"], entry["ids"]
        if 262144 in ids:  # <image_soft_token>, which the GGUF does not have
            continue
        assert fast.encode(text, add_special_tokens=False).ids == ids, repr(text)
        assert auto(text, add_special_tokens=False)["input_ids"] == ids, repr(text)
