"""What is in the wheel, and that the README tells the truth."""

import re
import runpy
from importlib import metadata
from pathlib import Path

import sis_integrations

HERE = Path(__file__).resolve().parent


def test_the_package_is_the_installed_one():
    assert "site-packages" in sis_integrations.__file__


def test_the_metadata():
    about = metadata.metadata("sis-integrations")
    assert about["License-Expression"] == "MIT OR Apache-2.0"
    assert about["Description-Content-Type"].startswith("text/markdown")
    assert about.get_payload().startswith("# sis-integrations for Python")
    assert about["Requires-Python"] == ">=3.10"
    assert not metadata.requires("sis-integrations")
    names = {file.name for file in metadata.files("sis-integrations")}
    assert {"py.typed", "__init__.pyi", "LICENSE-MIT", "LICENSE-APACHE"} <= names


def test_the_example_of_the_readme_runs(capsys):
    readme = (HERE.parent / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert code == (HERE / "example.py").read_text()
    runpy.run_path(str(HERE / "example.py"))
    printed = capsys.readouterr().out
    assert "permission_denied sendSms" in printed and "config.changed ok" in printed
