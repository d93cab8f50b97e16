"""The peer: a prompt decision transformer on Hugging Face's GPT-2, as in the reference.

Sizes and weights equal those of a given `PromptDT`. All tokens pass through all layers.
"""

import logging

import torch
from torch import Tensor, nn

from trajprompt.models.prompt_dt import PromptDT
from trajprompt.trajectories.segments import Segments

logging.getLogger("transformers").setLevel(logging.ERROR)


class PeerPromptDT(nn.Module):
    """Embeddings and head of ``model`` around ``transformers.GPT2Model``."""

    def __init__(self, model: PromptDT):
        from transformers import GPT2Config, GPT2Model

        super().__init__()
        sizes = model.config
        self.embed_context, self.embed_prompt = model.embed_context, model.embed_prompt
        self.norm_context, self.predict_action = model.norm_context, model.predict_action
        self.returns = sizes.uses_returns
        config = GPT2Config(
            vocab_size=1,
            n_embd=sizes.width,
            n_layer=sizes.layers,
            n_head=1,
            n_inner=sizes.inner,
            n_positions=1024,
            activation_function="relu",
            bos_token_id=0,
            eos_token_id=0,
        )
        self.gpt2 = GPT2Model(config)  # dropout 0.1 and default attention
        self.gpt2.wpe.weight.data.zero_()
        self.gpt2.wpe.requires_grad_(False)
        self.gpt2.ln_f.load_state_dict(model.norm_final.state_dict())
        for theirs, ours in zip(self.gpt2.h, model.blocks, strict=True):
            theirs.ln_1.load_state_dict(ours.norm_attention.state_dict())
            theirs.ln_2.load_state_dict(ours.norm_mlp.state_dict())
            _copy(theirs.attn.c_attn, ours.query, ours.key, ours.value)
            _copy(theirs.attn.c_proj, ours.project)
            _copy(theirs.mlp.c_fc, ours.expand)
            _copy(theirs.mlp.c_proj, ours.contract)

    def forward(self, context: Segments, prompt: Segments) -> Tensor:
        """Actions (B, K, A) for contexts (B, K, ..) and prompts (B, P, ..)."""
        tokens = self.norm_context(self.embed_context(context, self.returns))
        per_step = tokens.shape[1] // context.length
        visible = context.mask.repeat_interleave(per_step, dim=1)
        tokens = torch.cat([self.embed_prompt(prompt), tokens], dim=1)
        visible = torch.cat([prompt.mask.repeat_interleave(3, dim=1), visible], dim=1)
        hidden = self.gpt2(inputs_embeds=tokens, attention_mask=visible).last_hidden_state
        of_context = hidden[:, -context.length * per_step :]
        states = of_context.unflatten(1, (context.length, per_step))[:, :, per_step - 2]
        return torch.tanh(self.predict_action(states))


def _copy(convolution: nn.Module, *linears: nn.Linear) -> None:
    weight = torch.cat([linear.weight.data for linear in linears])
    convolution.weight.data = weight.t().contiguous()
    convolution.bias.data = torch.cat([linear.bias.data for linear in linears])
