"""Makes tests/infer/golden/sampling.json: the tokens that can be next, and their probabilities, as transformers' generate
computes them from given scores: the processors of GenerationMixin._get_logits_processor, in its order, then the softmax.

    python tests/infer/golden/generate_sampling.py        (transformers and torch from PyPI)
"""
import json
import pathlib
from types import SimpleNamespace

import torch
from transformers import GenerationConfig, LogitsProcessorList
from transformers.generation import GenerationMixin

HERE = pathlib.Path(__file__).parent
SETTINGS = [
    {"temperature": 0.7, "top_k": 0},
    {"temperature": 1.9, "top_k": 5},
    {"top_k": 7},
    {"top_k": 0, "top_p": 0.8},
    {"top_k": 0, "top_p": 0.05},
    {"top_k": 0, "min_p": 0.2},
    {"top_k": 0, "min_p": 1.0},
    {"top_k": 0, "repetition_penalty": 1.8},
    {"top_k": 0, "repetition_penalty": 0.6, "min_p": 0.02},
    {"temperature": 1.3, "top_k": 12, "top_p": 0.9, "min_p": 0.1, "repetition_penalty": 1.2},
    {"temperature": 0.6, "top_k": 50, "top_p": 0.95},
]


class Processors(GenerationMixin):
    """As much of a model as the list of processors asks for."""
    device, config = torch.device("cpu"), SimpleNamespace(is_encoder_decoder=False)

    def of(self, config, context):
        return self._get_logits_processor(config, input_ids_seq_length=context.shape[1], encoder_input_ids=context,
                                          prefix_allowed_tokens_fn=None, logits_processor=LogitsProcessorList())


def main():
    torch.manual_seed(5)
    scores = (torch.randn(40) * 1.6).round(decimals=3)
    scores[[3, 17, 30]] = scores[8].item()  # equal ones
    context = torch.randint(0, 40, (12,))
    cases = []
    for setting in SETTINGS:
        config = GenerationConfig(do_sample=True, **{"temperature": 1.0, "top_k": 50, "top_p": 1.0, **setting})
        processed = Processors().of(config, context[None])(context[None], scores[None].clone())[0]
        probabilities = processed.softmax(-1)
        kept = (processed > -float("inf")).nonzero().flatten()
        cases.append({"setting": setting, "ids": kept.tolist(), "probabilities": probabilities[kept].tolist()})
        print(setting, len(kept))
    (HERE / "sampling.json").write_text(json.dumps({"scores": scores.tolist(), "context": context.tolist(), "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
