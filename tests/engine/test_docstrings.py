"""The examples in the engine's docstrings are run, so that they stay true."""

import doctest
import importlib
import pkgutil

import pytest

from schedules import engine

MODULES = [f"{engine.__name__}.{module.name}" for module in pkgutil.iter_modules(engine.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_date_arithmetic_has_examples():
    assert doctest.testmod(importlib.import_module("schedules.engine.dates")).attempted >= 2
