"""Settings for every test run: quiet kernels, and the book's tools and extension importable by name."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "_ext")]
os.environ.setdefault("NNDL_PROGRESS", "0")
