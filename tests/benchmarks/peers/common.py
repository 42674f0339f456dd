"""Settings that all peers share: those of the product, where they bear on speed."""

import os
from pathlib import Path

import environ

SECRET_KEY = "of no use"
INSTALLED_APPS = ["django.contrib.contenttypes", "tests.benchmarks.peers"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": environ.Env().db("DATABASE_URL")}
DATABASES["default"]["CONN_MAX_AGE"] = 60
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
EMAIL_HOST = "127.0.0.1"
EMAIL_PORT = int(os.environ.get("BENCH_PORT", "25"))
DEFAULT_FROM_EMAIL = "Clinic Visits <appointments@clinic.example.org>"
USE_I18N = USE_TZ = True
# Where a peer keeps its lock file.
LOCKS = Path(os.environ.get("BENCH_FOLDER", "."))
# django-post-office brings a handler of its own where its logger has none.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"nowhere": {"class": "logging.NullHandler"}},
    "root": {"level": "ERROR", "handlers": ["nowhere"]},
    "loggers": {"post_office": {"level": "ERROR", "handlers": ["nowhere"]}},
}
