"""gemtune's logits against transformers' on the real Gemma 3 270M."""
import numpy as np
import pytest
import torch

from conftest import predict, sample, write_texts


def reviews():
    """20 reviews of many lengths: the shortest, the longest (beyond the window of 512), and between."""
    texts = sorted(sample("test")[0], key=len)
    return [texts[round(i * (len(texts) - 1) / 19)] for i in range(20)]


def transformers_logits(folder, tokenizer, texts, dtype):
    from transformers import AutoModelForSequenceClassification
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=dtype).eval()
    rows = []
    with torch.no_grad():
        for text in texts:
            rows.append(model(**tokenizer(text, return_tensors="pt")).logits[0].double().numpy())
    return np.array(rows)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, real_tokenizer):
    texts = reviews()
    lengths = [len(ids) for ids in real_tokenizer(texts)["input_ids"]]
    assert min(lengths) < 64 and max(lengths) > 600, lengths
    return texts, write_texts(tmp_path_factory.mktemp("reviews") / "reviews.jsonl", texts)


def gemtune_logits(model, path, dtype, *arguments):
    lines = predict(model, "--input-file", path, "--logits", "--dtype", dtype, "--max-length", 0, *arguments)
    return np.array([line["logits"] for line in lines])


def test_fp32_logits_equal_transformers(hf_classifier, real_tokenizer, inputs):
    texts, path = inputs
    expected = transformers_logits(hf_classifier, real_tokenizer, texts, torch.float32)
    difference = np.abs(gemtune_logits(hf_classifier, path, "fp32") - expected).max()
    print(f"largest difference {difference:.2e} on logits up to {np.abs(expected).max():.2f}")
    assert np.abs(expected).max() > 1
    assert difference <= 5e-5


def test_packing_changes_nothing(hf_classifier, inputs):
    _, path = inputs
    packed = gemtune_logits(hf_classifier, path, "fp32", "--batch-tokens", 4096)
    one_by_one = gemtune_logits(hf_classifier, path, "fp32", "--batch-tokens", 1)
    assert np.abs(packed - one_by_one).max() <= 5e-5


def test_packed_equals_transformers_with_padding(hf_classifier, real_tokenizer, inputs):
    from transformers import AutoModelForSequenceClassification
    texts, path = inputs
    model = AutoModelForSequenceClassification.from_pretrained(hf_classifier, dtype=torch.float32).eval()
    batch = real_tokenizer(texts[:8], return_tensors="pt", padding=True)
    with torch.no_grad():
        expected = model(**batch).logits.numpy()
    assert np.abs(gemtune_logits(hf_classifier, path, "fp32")[:8] - expected).max() <= 5e-5


def test_bf16_is_no_further_from_the_truth_than_transformers(hf_classifier, real_tokenizer, inputs):
    texts, path = inputs
    truth = transformers_logits(hf_classifier, real_tokenizer, texts, torch.float64)
    theirs = np.abs(transformers_logits(hf_classifier, real_tokenizer, texts, torch.bfloat16) - truth)
    ours = np.abs(gemtune_logits(hf_classifier, path, "bf16") - truth)
    print(f"bf16 from float64: ours {ours.max():.3f} at worst, {ours.mean():.4f} on average; "
          f"transformers {theirs.max():.3f}, {theirs.mean():.4f}")
    assert ours.mean() <= theirs.mean()
    assert np.square(ours).mean() <= np.square(theirs).mean()
    assert ours.max() <= theirs.max() * 1.5  # of 60 numbers: on one processor ours, on another theirs


def test_the_gguf_gives_the_logits_of_its_dequantised_twin(gguf, hf_base, tmp_path):
    """Trained for no length of time (a learning rate of 0) both give one model: the loader's two ways are the same."""
    from conftest import SAMPLE, run
    for name, model in (("gguf", gguf), ("hf", hf_base)):
        run("train", "--model", model, "--train-file", SAMPLE / "train.parquet", "--max-train-samples", 8, "--max-steps", 1,
            "--learning-rate", 0, "--dtype", "fp32", "--max-length", 32, "--output-dir", tmp_path / name, "--no-cache")
    from safetensors.numpy import load_file
    ours, theirs = (load_file(tmp_path / name / "model.safetensors") for name in ("gguf", "hf"))
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
