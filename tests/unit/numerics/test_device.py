"""Choice of the number type."""

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
