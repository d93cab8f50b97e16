"""Precision auto on GPUs."""

from types import SimpleNamespace

import pytest
import torch

from trajprompt.numerics import device


@pytest.mark.parametrize(("major", "expected"), [(7, torch.float32), (8, torch.bfloat16)])
def test_auto_is_bfloat16_only_on_gpus_that_do_not_emulate_it(monkeypatch, major, expected):
    capability = SimpleNamespace(major=major)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: capability)
    monkeypatch.setattr(torch.cuda, "_check_bf16_tensor_supported", lambda _: True)
    device._fast_bfloat16.cache_clear()
    try:
        assert device.resolve_precision("auto", "cuda") is expected
    finally:
        device._fast_bfloat16.cache_clear()
