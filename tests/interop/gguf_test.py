"""What gemtune export writes, as others read it: the gguf package, transformers, llama.cpp.

llama.cpp is llama-cpp-python, which PyPI has as sources only; building it takes a quarter of an hour, so its tests are left out,
visibly, where it is not installed.
"""
import functools
import json
import pathlib

import gguf as gguf_package
import numpy as np
import pytest
import torch

from conftest import run, sample

PROMPTS = [" ".join(text.split()[:12 + i]) for i, text in enumerate(sample("train")[0][:20])]
GREEDY_TOKENS = 200


def export(model, file, *arguments):
    run("export", "--model", model, "--outfile", file, *arguments)
    return file


@pytest.fixture(scope="module")
def f32(gguf, tmp_path_factory):
    """The real model, dequantised and written again."""
    return export(gguf, tmp_path_factory.mktemp("f32") / "model.gguf", "--outtype", "f32")


@functools.cache  # reading 262,144 tokens takes the package ten seconds
def reader(path):
    return gguf_package.GGUFReader(path)


def tensors(path):
    return {tensor.name: tensor for tensor in reader(path).tensors}


def fields(path):
    """Without the texts of the 262,144 tokens, which the package takes half a minute to decode."""
    left_out = {"tokenizer.ggml.tokens", "tokenizer.ggml.merges"}
    return {name: name if name in left_out else field.contents() for name, field in reader(path).fields.items()
            if not name.startswith("GGUF.")}


def some(name, data):
    """The gguf package is slow: of the embedding its first rows, and two layers."""
    return data[:1024] if name.startswith("token_embd") else data if name.startswith(("blk.0.", "blk.17.")) else None


def test_blocks_are_those_of_the_gguf_package(gguf, f32, tmp_path):
    kind = gguf_package.GGMLQuantizationType.Q8_0
    numbers, written = tensors(f32), tensors(export(gguf, tmp_path / "m.gguf", "--outtype", "q8_0"))
    for name, tensor in written.items():
        expected = gguf_package.GGMLQuantizationType.F32 if tensor.shape.size == 1 else kind
        assert tensor.tensor_type == expected, name
        if expected == kind and (part := some(name, np.asarray(numbers[name].data))) is not None:
            blocks = gguf_package.quants.quantize(part, kind)
            assert blocks.tobytes() == np.asarray(some(name, tensor.data)).tobytes(), name


def test_metadata_are_those_of_llama_cpps_own_file(gguf, tmp_path):
    original, written = fields(gguf), fields(export(gguf, tmp_path / "m.gguf", "--outtype", "q4_k_m"))
    # What the file's maker added by hand, or the script leaves out since.
    by_hand = {"general.basename", "general.license", "general.tags", "tokenizer.ggml.add_sep_token"}
    assert original.keys() - by_hand <= written.keys()
    for name in original.keys() - by_hand - {"general.name", "general.size_label"}:
        if name == "tokenizer.ggml.token_type":
            differ = [token for token, (old, new) in enumerate(zip(original[name], written[name])) if old != new]
            assert differ == [255_999, 256_000]  # <start_of_image> and <end_of_image>, special since
        elif name == "tokenizer.ggml.scores":
            # Other numbers in the same order, of all pieces that a merge makes.
            old, new = np.array(original[name]), np.array(written[name])
            is_normal = np.array(original["tokenizer.ggml.token_type"]) == 1
            merged = np.flatnonzero(is_normal & (new > new[is_normal].min()))
            assert len(merged) > 200_000
            assert (np.diff(old[merged[np.argsort(-new[merged])]]) < 0).all()
        else:
            assert written[name] == original[name], name
    types = lambda path: {name: tensor.tensor_type for name, tensor in tensors(path).items()}
    assert types(tmp_path / "m.gguf") == types(gguf)


def test_transformers_reads_the_same_model(f32, hf_base):
    from transformers import AutoModelForCausalLM
    expected = AutoModelForCausalLM.from_pretrained(hf_base, dtype=torch.float32)
    read = AutoModelForCausalLM.from_pretrained(f32.parent, gguf_file=f32.name, dtype=torch.float32)
    ids = torch.tensor([[2, 818, 5279, 529, 7001, 563]])
    with torch.no_grad():
        assert torch.equal(read(ids).logits, expected(ids).logits)


@pytest.mark.parametrize("source", ["gguf", "transformers"])
def test_sentencepiece_reads_the_tokenizer_model_with_the_same_ids(source, gguf, real_tokenizer, tmp_path):
    import sentencepiece
    real_tokenizer.save_pretrained(tmp_path / "transformers")  # without a tokenizer.model and a list of added tokens
    run("tokenize", "--model", gguf if source == "gguf" else tmp_path / source, "--save-tokenizer", tmp_path / "saved")
    model = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "saved" / "tokenizer.model"))
    golden = json.loads((pathlib.Path(__file__).parents[1] / "text" / "golden" / "gemma3_golden.json").read_text())
    texts = sample("validation")[0][:500] + [entry["text"] for entry in golden]
    same = 0
    for text in texts:
        # SentencePiece never finds control tokens in a text, and cuts long runs of spaces otherwise.
        if any(token in text for token in ("<pad>", "<eos>", "<bos>", "<unk>", "<image_soft_token>", "\u2581", " " * 32)):
            continue
        assert model.encode(text) == real_tokenizer(text, add_special_tokens=False)["input_ids"], repr(text)
        same += 1
    assert same > 200
    assert (model.bos_id(), model.pad_id(), model.unk_id()) == (2, 0, 3)
    added = json.loads((tmp_path / "saved" / "tokenizer_config.json").read_text())["added_tokens_decoder"]
    assert added["105"] == {"content": "<start_of_turn>", "lstrip": False, "normalized": False, "rstrip": False,
                            "single_word": False, "special": True}


def llama(path, **options):
    llama_cpp = pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed; it is built from sources")
    return llama_cpp.Llama(str(path), n_ctx=512, n_batch=512, verbose=False, n_threads=2, **options)


def greedy(model, ids, count):
    generated = []
    for token in model.generate(ids, temp=0.0, top_k=1, repeat_penalty=1.0):
        generated.append(token)
        if len(generated) == count or token in (1, 106):
            return generated


def transformers_greedy(model, ids, count):
    with torch.no_grad():
        out = model.generate(torch.tensor([ids]), max_new_tokens=count, do_sample=False, eos_token_id=[1, 106], pad_token_id=0)
    return out[0, len(ids):].tolist()


def test_llama_cpp_finds_the_same_ids(f32, real_tokenizer):
    model = llama(f32, vocab_only=True)
    for text in sample("validation")[0][:200]:
        assert model.tokenize(text.encode(), add_bos=True) == real_tokenizer(text)["input_ids"], text


def test_llama_cpp_generates_the_same_200_tokens(f32, hf_base, real_tokenizer):
    from transformers import AutoModelForCausalLM
    model = llama(f32)
    expected = AutoModelForCausalLM.from_pretrained(hf_base, dtype=torch.float32).eval()
    for prompt in PROMPTS:
        ids = real_tokenizer(prompt)["input_ids"]
        assert greedy(model, ids, GREEDY_TOKENS) == transformers_greedy(expected, ids, GREEDY_TOKENS), prompt
