"""Writes tiny.gguf, a Gemma 3 of random weights, and what transformers makes of it: tiny_config.json (AutoConfig)
and tiny.safetensors (the weights of AutoModelForCausalLM in float32).

Run from this folder with torch, transformers (5.24) and gguf (0.19): python generate_gguf.py
"""

import json

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

LAYERS, HIDDEN, INTERMEDIATE, HEADS, KV_HEADS, HEAD_DIM, VOCAB = 2, 32, 64, 2, 1, 32, 48

rng = np.random.default_rng(3)
writer = gguf.GGUFWriter("tiny.gguf", "gemma3")
writer.add_name("tiny")
writer.add_context_length(512)
writer.add_embedding_length(HIDDEN)
writer.add_block_count(LAYERS)
writer.add_feed_forward_length(INTERMEDIATE)
writer.add_head_count(HEADS)
writer.add_head_count_kv(KV_HEADS)
writer.add_key_length(HEAD_DIM)
writer.add_value_length(HEAD_DIM)
writer.add_layer_norm_rms_eps(1e-6)
writer.add_rope_freq_base(1000000.0)
writer.add_sliding_window(16)
writer.add_tokenizer_model("llama")
writer.add_token_list([f"t{i}" for i in range(VOCAB)])
writer.add_token_scores([0.0] * VOCAB)
writer.add_token_types([1] * VOCAB)
writer.add_bos_token_id(2)
writer.add_eos_token_id(1)
writer.add_pad_token_id(0)


def matrix(name, rows, columns, kind):
    values = rng.normal(0, 0.05, (rows, columns)).astype(np.float32)
    writer.add_tensor(f"{name}.weight", gguf.quants.quantize(values, kind), raw_dtype=kind)


def norm(name, size):
    writer.add_tensor(f"{name}.weight", rng.normal(1, 0.3, size).astype(np.float32))


norm("output_norm", HIDDEN)
matrix("token_embd", VOCAB, HIDDEN, Type.Q8_0)
for i in range(LAYERS):
    norm(f"blk.{i}.attn_norm", HIDDEN)
    matrix(f"blk.{i}.attn_q", HEADS * HEAD_DIM, HIDDEN, Type.Q4_0)
    matrix(f"blk.{i}.attn_k", KV_HEADS * HEAD_DIM, HIDDEN, Type.F16)
    matrix(f"blk.{i}.attn_v", KV_HEADS * HEAD_DIM, HIDDEN, Type.BF16)
    norm(f"blk.{i}.attn_q_norm", HEAD_DIM)
    norm(f"blk.{i}.attn_k_norm", HEAD_DIM)
    matrix(f"blk.{i}.attn_output", HIDDEN, HEADS * HEAD_DIM, Type.F32)
    norm(f"blk.{i}.post_attention_norm", HIDDEN)
    norm(f"blk.{i}.ffn_norm", HIDDEN)
    matrix(f"blk.{i}.ffn_gate", INTERMEDIATE, HIDDEN, Type.Q5_0)
    matrix(f"blk.{i}.ffn_up", INTERMEDIATE, HIDDEN, Type.Q5_0)
    matrix(f"blk.{i}.ffn_down", HIDDEN, INTERMEDIATE, Type.Q8_0)
    norm(f"blk.{i}.post_ffw_norm", HIDDEN)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()

config = AutoConfig.from_pretrained(".", gguf_file="tiny.gguf").to_dict()
with open("tiny_config.json", "w") as file:
    json.dump(config, file, indent=1, sort_keys=True)
model = AutoModelForCausalLM.from_pretrained(".", gguf_file="tiny.gguf", dtype=torch.float32)
state = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if name != "lm_head.weight"}
save_file(state, "tiny.safetensors", metadata={"format": "pt"})
