"""A database that was made once and is copied for each process: see tests/mutants.py.

As a pytest plugin (by PYTEST_PLUGINS) it takes the place of pytest-django's own making of a test
database, which would run every migration for each of some thousand processes.
"""

import os
import shutil

import pytest
from django.db import connections


@pytest.fixture(scope="session")
def django_db_setup(django_db_modify_db_settings: None) -> None:
    """A copy of the SQLite file PREPARED_DATABASE, for this process alone."""
    database = connections["default"]
    own = database.settings_dict["TEST"]["NAME"]
    shutil.copy(os.environ["PREPARED_DATABASE"], own)
    database.close()
    database.settings_dict["NAME"] = own
