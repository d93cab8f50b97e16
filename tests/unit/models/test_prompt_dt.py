"""The model against one made of Hugging Face's GPT-2 with equal weights."""

import pytest
import torch
from torch import Tensor, nn

from support.model_inputs import ACTIONS, B, K, P, make_model, make_segments
from trajprompt.errors import TrajpromptError
from trajprompt.models.prompt_dt import (
    BackboneConfig,
    PromptDT,
    action_loss,
    backbone_inputs,
)
from trajprompt.settings.kinds import TRANSFORMERS
from trajprompt.settings.options import parse_options
from trajprompt.trajectories.segments import Segments


class HuggingFacePromptDT(nn.Module):
    """The published model on transformers' GPT2Model: every token through all layers."""

    def __init__(self, model: PromptDT):
        transformers = pytest.importorskip("transformers")
        super().__init__()
        self.model = model
        config = transformers.GPT2Config(
            vocab_size=1, n_embd=128, n_layer=3, n_head=1, n_inner=512, n_positions=1024,
            activation_function="relu", bos_token_id=0, eos_token_id=0,
        )  # fmt: skip
        self.gpt2 = transformers.GPT2Model(config).eval()
        self.gpt2.wpe.weight.data.zero_()
        self.gpt2.ln_f.load_state_dict(model.norm_final.state_dict())
        for theirs, ours in zip(self.gpt2.h, model.blocks, strict=True):
            theirs.ln_1.load_state_dict(ours.norm_attention.state_dict())
            theirs.ln_2.load_state_dict(ours.norm_mlp.state_dict())
            joined = [ours.query, ours.key, ours.value]
            self._copy(theirs.attn.c_attn, joined)
            self._copy(theirs.attn.c_proj, [ours.project])
            self._copy(theirs.mlp.c_fc, [ours.expand])
            self._copy(theirs.mlp.c_proj, [ours.contract])

    @staticmethod
    def _copy(conv, linears: list[nn.Linear]) -> None:
        conv.weight.data = torch.cat([x.weight.data for x in linears]).t().contiguous()
        conv.bias.data = torch.cat([x.bias.data for x in linears])

    @staticmethod
    def tokens(embedding, steps: Segments, returns: bool) -> list[Tensor]:
        """The tokens of each step one after the other, each (B, W)."""
        out = []
        for k in range(steps.mask.shape[1]):
            time = embedding.timesteps(steps.timesteps[:, k])
            if returns:
                out.append(embedding.returns(steps.returns_to_go[:, k]) + time)
            out.append(embedding.states(steps.states[:, k]) + time)
            out.append(embedding.actions(steps.actions[:, k]) + time)
        return out

    def forward(self, context: Segments, prompt: Segments | None) -> Tensor:
        returns = self.model.config.uses_returns
        per_step = 3 if returns else 2
        tokens = self.tokens(self.model.embed_context, context, returns)
        tokens = [self.model.norm_context(token) for token in tokens]
        mask = [context.mask[:, i // per_step] for i in range(len(tokens))]
        if self.model.config.uses_prompt:
            before = self.tokens(self.model.embed_prompt, prompt, True)
            mask = [prompt.mask[:, i // 3] for i in range(len(before))] + mask
            tokens = before + tokens
        hidden = self.gpt2(
            inputs_embeds=torch.stack(tokens, 1), attention_mask=torch.stack(mask, 1).long()
        ).last_hidden_state
        at_states = hidden[:, -K * per_step :].unflatten(1, (K, per_step))[:, :, -2]
        return torch.tanh(self.model.predict_action(at_states))


@pytest.mark.parametrize("name", TRANSFORMERS)
@pytest.mark.parametrize("padded", [False, True])
@torch.no_grad()
def test_equals_hugging_face(name, padded):
    model = make_model(name)
    context = make_segments(K, padded=padded)
    prompt = make_segments(P, seed=2) if model.config.uses_prompt else None
    ours, theirs = model(context, prompt), HuggingFacePromptDT(model)(context, prompt)
    assert ours.std() > 0.1
    torch.testing.assert_close(ours[context.mask], theirs[context.mask], atol=1e-5, rtol=0)


def test_gradients_equal_hugging_face():
    model, context, prompt = make_model("prompt-dt"), make_segments(K), make_segments(P)
    action_loss(model(context, prompt), context).backward()
    ours = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    reference = HuggingFacePromptDT(model)
    action_loss(reference(context, prompt), context).backward()
    theirs = torch.cat(
        [
            linear.grad.flatten()
            for block in reference.gpt2.h
            for linear in (
                block.attn.c_attn.weight,
                block.mlp.c_fc.weight,
                block.ln_1.weight,
            )
        ]
    )
    mine = torch.cat(
        [
            part.flatten()
            for i in range(3)
            for part in (
                torch.cat(
                    [ours[f"blocks.{i}.{x}.weight"] for x in ("query", "key", "value")]
                ).t(),
                ours[f"blocks.{i}.expand.weight"].t(),
                ours[f"blocks.{i}.norm_attention.weight"],
            )
        ]
    )
    torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=1e-4)
    shared = dict(model.named_parameters())
    for name in (
        "embed_prompt.states.weight",
        "norm_context.weight",
        "predict_action.bias",
    ):
        torch.testing.assert_close(ours[name], shared[name].grad, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize(
    "dims, expected", [((20, 6), 862_619), ((27, 8), 866_084), ((39, 4), 869_164)]
)
def test_parameter_counts_are_the_references(dims, expected):
    for name in TRANSFORMERS:  # prompt embeddings exist even if unused
        config = BackboneConfig(*dims, *backbone_inputs(name))
        assert sum(p.numel() for p in PromptDT(config).parameters()) == expected


def test_size_of_the_wide_model_in_the_papers():
    config = BackboneConfig(39, 4, width=512, layers=4, inner=2048)
    count = sum(p.numel() for p in PromptDT(config).parameters())
    assert count == 13_706_796  # "13.71M", Prompt Diffuser Table 1


@torch.no_grad()
def test_one_prompt_serves_a_whole_batch():
    model, context, prompt = make_model("prompt-dt"), make_segments(K), make_segments(P)
    one = prompt.select(slice(0, 1))
    each = one.map(lambda x: x.expand(B, *x.shape[1:]))
    torch.testing.assert_close(model(context, one), model(context, each))


@torch.no_grad()
def test_future_and_padding_are_not_seen():
    model, prompt = make_model("prompt-dt"), make_segments(P)
    context = make_segments(K, padded=True)
    other = Segments(*(x.clone() for x in context))
    for tensor in (other.returns_to_go, other.states, other.actions):
        tensor[:, 12:] = 9.0
        tensor[~context.mask] = -9.0
    other.actions[:, 11] = 9.0  # the action of a step comes after its state
    before, after = model(context, prompt), model(other, prompt)
    seen = context.mask & (torch.arange(K) < 12)
    torch.testing.assert_close(before[seen], after[seen])
    assert not torch.allclose(before[:, 12:], after[:, 12:])


def test_loss_is_over_real_context_steps_only():
    context = make_segments(K, padded=True)
    predicted = torch.zeros(B, K, ACTIONS)
    expected = context.actions[context.mask].square().mean()
    torch.testing.assert_close(action_loss(predicted, context), expected)
    predicted[~context.mask] = 1e3
    torch.testing.assert_close(action_loss(predicted, context), expected)


def test_prompt_mt_bc_ignores_only_the_returns_of_the_context():
    model, context, prompt = make_model("prompt-mt-bc"), make_segments(K), make_segments(P)
    with torch.no_grad():
        actions = model(context, prompt)
        same = model(context._replace(returns_to_go=context.returns_to_go + 5), prompt)
        other = model(context, prompt._replace(returns_to_go=prompt.returns_to_go + 5))
    torch.testing.assert_close(actions, same)
    assert not torch.allclose(actions, other)


def test_errors():
    with pytest.raises(TrajpromptError, match="prompt-dt, prompt-mt-bc, mt-orl"):
        backbone_inputs("decision-mamba")
    with pytest.raises(TrajpromptError, match="requires one"):
        make_model("prompt-dt")(make_segments(K), None)
    with pytest.raises(TrajpromptError, match="heads: found 4; expected 1"):
        parse_options(BackboneConfig, {"state_dim": 1, "action_dim": 1, "heads": 4}, "here")
