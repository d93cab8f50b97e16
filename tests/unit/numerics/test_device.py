"""Choice of the number type."""

from types import SimpleNamespace

import pytest
import torch

from trajprompt.numerics import device

AMD, INTEL = "AuthenticAMD", "GenuineIntel"


@pytest.mark.parametrize(
    ("vendor", "flags", "expected"),
    [
        (AMD, "avx512f avx512_bf16", torch.bfloat16),
        (AMD, "avx2", torch.float32),
        (INTEL, "avx512_bf16 amx_bf16", torch.bfloat16),
        (INTEL, "avx512_bf16 avx512_fp16", torch.float32),  # AMX hidden from the machine
        (INTEL, "avx512f", torch.float32),
    ],
)
def test_bfloat16_where_it_is_faster(vendor, flags, expected, tmp_path, monkeypatch):
    block = f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: fpu {flags} sse\n\n"
    (tmp_path / "cpuinfo").write_text(2 * block)
    monkeypatch.setattr(device, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(device, "_fast_bfloat16", device._fast_bfloat16.__wrapped__)
    assert device.resolve_precision("auto", "cpu") is expected
    assert device.resolve_precision("fp32", "cpu") is torch.float32


def test_float32_where_the_processor_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(device, "CPUINFO", tmp_path / "missing")
    assert not device._fast_bfloat16.__wrapped__("cpu")


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
