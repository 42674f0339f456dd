"""`.ci/venv` on machines where something is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.machine.stack import ROOT

TOOLS = ("cmp", "cp", "rm")


@pytest.fixture
def machine(tmp_path):
    """A folder with the script, an empty lock and a PATH that has no Python."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for tool in TOOLS:
        (programs / tool).symlink_to(shutil.which(tool))
    (tmp_path / "lock.txt").touch()
    return tmp_path


def _add_python(machine: Path, script: str) -> None:
    program = machine / "programs" / "python3"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def _add_real_python(machine: Path) -> None:
    real = Path(sys.base_prefix) / "bin" / "python3"
    _add_python(machine, f'exec "{real}" "$@"')


def _run(machine, *arguments, **environment):
    return subprocess.run(
        ["/bin/sh", ROOT / ".ci" / "venv", "lock.txt", *arguments],
        cwd=machine,
        env={"PATH": str(machine / "programs"), "HOME": os.environ.get("HOME", "/"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_no_python_at_all(machine):
    result = _run(machine)
    assert result.returncode == 1
    assert "no python3 was found. Install it" in result.stderr


def test_a_python_that_is_too_old_is_named(machine):
    _add_python(machine, 'test "$1" = -V && echo Python 3.9.2')
    result = _run(machine)
    assert result.returncode == 1
    assert "Python 3.11 or newer is needed; found only Python 3.9.2." in result.stderr


def test_a_python_without_venv_names_the_package(machine):
    _add_python(machine, 'case "$2" in *ensurepip*) exit 1;; *print*) echo 3.11;; esac')
    result = _run(machine)
    assert result.returncode == 1
    assert "apt install python3-venv python3.11-venv" in result.stderr
    assert not (machine / ".venv").exists()


def test_a_venv_that_fails_half_way_is_removed(machine):
    _add_python(machine, 'case "$*" in *"venv .venv"*) /bin/mkdir -p .venv/bin; exit 1;; esac')
    result = _run(machine)
    assert result.returncode == 1
    assert "could not make a virtual environment" in result.stderr
    assert not (machine / ".venv").exists()


def test_a_chosen_python_that_does_not_serve_is_named(machine):
    result = _run(machine, PYTHON="/nowhere/python 3")
    assert result.returncode == 1
    assert "PYTHON=/nowhere/python 3 is not a Python 3.11 or newer." in result.stderr


def test_a_venv_whose_python_is_gone_is_made_again(machine):
    _add_real_python(machine)
    (machine / ".venv" / "bin").mkdir(parents=True)
    (machine / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")
    assert _run(machine, "-c", "print('it runs')").stdout == "it runs\n"
    again = _run(machine, "-c", "print('it runs')")
    assert (again.stdout, again.stderr) == ("it runs\n", "")


def test_packages_that_cannot_be_had_are_tried_again_the_next_time(machine):
    _add_real_python(machine)
    (machine / "lock.txt").write_text(f"nowhere-to-be-had==1 --hash=sha256:{'0' * 64}\n")
    for _attempt in range(2):
        result = _run(machine, "-c", "print('it runs')", PIP_NO_INDEX="1")
        assert result.returncode == 1
        assert "The packages could not be installed: is the network up?" in result.stderr
        assert result.stdout == ""
