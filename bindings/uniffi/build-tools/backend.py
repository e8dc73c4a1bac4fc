"""The build backend: maturin, with the uniffi-bindgen that stands beside this file before any other."""

import os
from pathlib import Path

from maturin import *  # noqa: F403

os.environ["PATH"] = os.pathsep.join([str(Path(__file__).resolve().parent), os.environ.get("PATH", "")])
