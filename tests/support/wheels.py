"""Wheels with one empty module, made with the standard library only."""

import base64
import hashlib
import zipfile
from pathlib import Path


def write_wheel(folder, name, version):
    """Write a wheel with one empty module into ``folder`` and return its path."""
    path = Path(folder) / f"{name}-{version}-py3-none-any.whl"
    about = f"{name}-{version}.dist-info"
    contents = {
        f"{name}.py": "",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{file},{_hash(text)},{len(text)}" for file, text in contents.items()]
    contents[f"{about}/RECORD"] = "\n".join([*record, f"{about}/RECORD,,"])
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in contents.items():
            wheel.writestr(file, text)
    return path


def _hash(text):
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
    return f"sha256={digest.decode().rstrip('=')}"
