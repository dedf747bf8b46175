"""Where executed notebooks are kept: a folder named after the state of `nndl_lib`, so a change there runs them anew."""

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "_build" / ".jupyter_cache"


def library_hash(root=ROOT):
    """A short hash of the library: the text of its modules, the names and sizes of its data files."""
    digest = hashlib.sha256()
    for file in sorted((root / "nndl_lib").rglob("*")):
        if file.is_file() and file.suffix != ".pyc":
            text = file.read_bytes() if file.suffix in {".py", ".mplstyle"} else str(file.stat().st_size).encode()
            digest.update(file.relative_to(root).as_posix().encode() + b"\0" + text + b"\0")
    return digest.hexdigest()[:16]


def path():
    """The folder for the present state of the library."""
    return FOLDER / library_hash()
