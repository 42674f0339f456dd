"""Every setting, read once from the environment. A bare checkout needs none of them.

DATABASE_URL        default: SQLite in var/
REDIS_URL           default: the embedded broker on a unix socket
EMAIL_URL           default: one file per mail in var/mail/
ALLOWED_HOSTS       comma-separated; set it and DEBUG is off unless asked for
SECRET_KEY          required when DEBUG is off, 50 characters or more; else made and kept in var/
SECRET_KEY_FALLBACKS  comma-separated: earlier keys, while what they sealed is still about
DJANGO_ADMIN        opens Django's own admin at /admin/, for superusers with a second step
SITE_URL            the address that mails link to
SITE_NAME           what pages and mails call the service; keep it neutral
DEFAULT_FROM_EMAIL  the sender of every mail
DEPLOYMENT_ID       any name; a copy of the database under another one sends nothing
EMAIL_BACKEND       instead of EMAIL_URL: a mail service's API, such as
                    anymail.backends.postmark.EmailBackend
ANYMAIL_…           django-anymail's settings. ANYMAIL_WEBHOOK_SECRET (user:password) opens
                    /mail/events/postmark/, ANYMAIL_MAILGUN_WEBHOOK_SIGNING_KEY the same for mailgun
AUDIT_ANCHOR        the file that knows the end of the audit trail; best on another disk
AUDIT_KEYS          comma-separated, what signs the trail: the first is in use, the others are still
                    believed. Default: SECRET_KEY. Add a new one in front, take none away
REMINDER_…          lease, grace and poll times in seconds; the receipt journal's path
  STALE_SECONDS     without work for so long, /readyz and audit_reminders say that the worker is off
  WEBHOOK_KEY       opens /mail/events/ for reports signed with this key, 22 characters or more
  BOUNCE_ADDRESS    mails leave as bounce+<id>@…, so that one that comes back says which it was
  RELAY_LOOKUP      a command that is asked which Message-IDs the mail relay has taken
"""

import os
import shlex
import tempfile
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import environ
from csp.constants import NONE, SELF

from ocrevus_tracker.keys import shared_secret, signing_key

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
VAR_DIR.mkdir(exist_ok=True)

# -- Who is served -----------------------------------------------------------

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
# With no allowed host Django answers this machine only, so that is where debugging may be on.
DEBUG = env.bool("DEBUG", default=not ALLOWED_HOSTS)

SECRET_KEY = signing_key(
    env.str("SECRET_KEY", default=""), made_up_in=VAR_DIR / "secret-key" if DEBUG else None
)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000").rstrip("/")
SITE_NAME = env.str("SITE_NAME", default="Clinic Visits")
DEPLOYMENT_ID = env.str("DEPLOYMENT_ID", default="")

# -- What it is made of ------------------------------------------------------

INSTALLED_APPS = [
    "ocrevus_tracker",
    "ocrevus_tracker.accounts",
    "ocrevus_tracker.audit",
    "schedules",
    "reminders",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",  # the stock widgets, for FORM_RENDERER
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "anymail",
    "crispy_forms",
    "crispy_bootstrap5",
]
DJANGO_ADMIN = env.bool("DJANGO_ADMIN", default=False)
if DJANGO_ADMIN:
    INSTALLED_APPS.append("django.contrib.admin")

MIDDLEWARE = [
    # What every answer says, whoever gives it: these three stand outside all others.
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "ocrevus_tracker.walls.Walls",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "ocrevus_tracker.accounts.middleware.DoorLanguage",
    "ocrevus_tracker.accounts.middleware.SessionLimits",
    "ocrevus_tracker.accounts.middleware.SecondStep",
]

ROOT_URLCONF = "ocrevus_tracker.urls"
WSGI_APPLICATION = "ocrevus_tracker.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "ocrevus_tracker.context.site",
                "reminders.context.standstill",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# -- Database ----------------------------------------------------------------

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'tracker.sqlite3'}")}
DATABASES["default"]["CONN_MAX_AGE"] = 60
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # Several processes write: take the lock when a transaction begins and wait for it.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # FULL: a recorded infusion outlives a power cut.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    # A server that is away is found out while somebody still waits for the page.
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Shared by all processes and there without Redis, so sign-in limits hold when Redis is away.
CACHES = {
    "default": {
        "BACKEND": "ocrevus_tracker.json_cache.JsonCache",
        "LOCATION": "cache",
    }
}

# -- Broker and worker -------------------------------------------------------


def _broker_socket() -> Path:
    """A unix socket in var/, or in a private folder under the system's temporary one when
    the checkout's path is too long for a socket (about 100 bytes) or needs quoting in a URL.
    """
    beside = VAR_DIR / "broker.sock"
    longest = 100
    if len(os.fsencode(beside)) < longest and quote(str(beside)) == str(beside):
        return beside
    mark = sha256(os.fsencode(beside)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"clinic-visits-{os.getuid()}-{mark}" / "broker.sock"


BROKER_SOCKET = _broker_socket()
REDIS_URL = env.str("REDIS_URL", default="")
EMBEDDED_BROKER = not REDIS_URL

CELERY_BROKER_URL = REDIS_URL or f"redis+socket://{BROKER_SOCKET}"
# Redis only wakes; when it hangs, that is noticed and tried again for ever. A call is taken off
# the queue before it is done: what a dead worker leaves, the next one finds in the database.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    "socket_keepalive": True,
}
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CHANNEL_ERROR_RETRY = True  # out of memory, read only: that passes as well
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = CELERY_RESULT_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# The call carries nothing: Redis only wakes the worker, the database says what is to be done.
# One that is older than a minute has been followed by a newer one.
CELERY_BEAT_SCHEDULE = {
    "remind": {
        "task": "reminders.tasks.remind",
        "schedule": timedelta(seconds=60),
        "options": {"expires": 60},
    },
    "tidy": {
        "task": "ocrevus_tracker.accounts.tasks.tidy",
        "schedule": timedelta(days=1),
        "options": {"expires": 60 * 60},
    },
}

# -- Mail --------------------------------------------------------------------

_email = env.email_url("EMAIL_URL", default=f"filemail:///{VAR_DIR / 'mail'}")
EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="") or _email["EMAIL_BACKEND"]
EMAIL_FILE_PATH = _email["EMAIL_FILE_PATH"]
EMAIL_HOST = _email["EMAIL_HOST"] or "localhost"
EMAIL_PORT = _email["EMAIL_PORT"] or 25
EMAIL_HOST_USER = _email["EMAIL_HOST_USER"] or ""
EMAIL_HOST_PASSWORD = _email["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS = _email.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _email.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 30
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="appointments@clinic.example.org")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# django-anymail's own settings, each under its own name: keys, and how its reports are proven.
ANYMAIL = {
    name.removeprefix("ANYMAIL_"): value
    for name, value in os.environ.items()
    if name.startswith("ANYMAIL_")
}
for _name in ("WEBHOOK_SECRET", "MAILGUN_WEBHOOK_SIGNING_KEY"):
    shared_secret(f"ANYMAIL_{_name}", ANYMAIL.get(_name, ""), debug=DEBUG)

REMINDER_LEASE_SECONDS = env.int("REMINDER_LEASE_SECONDS", default=120)
REMINDER_GRACE_SECONDS = env.int("REMINDER_GRACE_SECONDS", default=15 * 60)
# Connections to the mail server at once, and mails that share one look at the database.
REMINDER_CONNECTIONS = env.int("REMINDER_CONNECTIONS", default=4)
REMINDER_GROUP = env.int("REMINDER_GROUP", default=250)
REMINDER_POLL_SECONDS = env.int("REMINDER_POLL_SECONDS", default=30)
REMINDER_STALE_SECONDS = env.int("REMINDER_STALE_SECONDS", default=5 * 60)
REMINDER_JOURNAL = Path(env.str("REMINDER_JOURNAL", default=str(VAR_DIR / "mail-receipts.journal")))
REMINDER_WEBHOOK_KEY = shared_secret(
    "REMINDER_WEBHOOK_KEY", env.str("REMINDER_WEBHOOK_KEY", default=""), debug=DEBUG
)
REMINDER_BOUNCE_ADDRESS = env.str("REMINDER_BOUNCE_ADDRESS", default="")
REMINDER_RELAY_LOOKUP = shlex.split(env.str("REMINDER_RELAY_LOOKUP", default=""))

# -- Audit trail ---------------------------------------------------------------

AUDIT_ANCHOR = Path(env.str("AUDIT_ANCHOR", default=str(VAR_DIR / "audit-anchor.jsonl")))
AUDIT_KEYS = env.list("AUDIT_KEYS", default=[SECRET_KEY])

# -- Sign-in -----------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "ocrevus_tracker.accounts.hashers.OneLaneArgon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",  # until its owner signs in again
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_request_login_code"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_request_login_code"

ACCOUNT_ADAPTER = "ocrevus_tracker.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "confirm_login_code": "ocrevus_tracker.accounts.forms.ConfirmCodeForm",
    "login": "ocrevus_tracker.accounts.forms.StaffSignInForm",
    "request_login_code": "ocrevus_tracker.accounts.forms.RequestCodeForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
# Nobody signs up; without a password here allauth would leave it out of the staff sign-in too.
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # people are entered by the clinic; a code proves the address
# Everybody who asks gets one mail, with a code or with the reason why there is none.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 15 * 60
ACCOUNT_LOGIN_BY_CODE_MAX_ATTEMPTS = 5
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ALLAUTH_USER_CODE_FORMAT = {"numeric": True, "dashed": False, "length": 6}
# The second step outlives a code, so that who types an old one is sent a new one.
ACCOUNT_LOGIN_TIMEOUT = 30 * 60
ACCOUNT_SESSION_REMEMBER = False  # accounts/sessions.py decides
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_RATE_LIMITS = {
    # Twenty codes a day with five tries each: a day's guessing finds one code in ten thousand.
    "request_login_code": "20/m/ip,3/m/key,6/h/key,20/d/key",
    "login_failed": "10/m/ip,5/5m/key",
}

MFA_ADAPTER = "ocrevus_tracker.accounts.adapter.MFAAdapter"
MFA_FORMS = {
    "activate_totp": "ocrevus_tracker.accounts.forms.SetUpAppForm",
    "add_webauthn": "ocrevus_tracker.accounts.forms.AddPasskeyForm",
    "authenticate": "ocrevus_tracker.accounts.forms.SecondStepForm",
    "authenticate_webauthn": "ocrevus_tracker.accounts.forms.PasskeySecondStepForm",
    "login_webauthn": "ocrevus_tracker.accounts.forms.PasskeySignInForm",
    "reauthenticate": "ocrevus_tracker.accounts.forms.AgainByCodeForm",
    "reauthenticate_webauthn": "ocrevus_tracker.accounts.forms.AgainByPasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"  # a finger, a face or a PIN: two factors in one
MFA_TOTP_ISSUER = SITE_NAME
MFA_TOTP_TOLERANCE = 1  # a phone's clock may be half a minute off
MFA_RATE_LIMITS = {"webauthn_login": "60/m/ip"}  # nothing to guess; a whole clinic has one address

# A message may name a patient and a date: it waits in the database, never in a cookie.
MESSAGE_STORAGE = "ocrevus_tracker.telling.ToldOnceStorage"
# In the database, so that one can be ended; how long each lives, accounts/sessions.py says.
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
# For this host alone, which a browser sees to by the name.
_PREFIX = "" if DEBUG else "__Host-"
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_PREFIX}sessionid", f"{_PREFIX}csrftoken"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=not DEBUG)
# One proxy in front, which sets X-Forwarded-Proto and X-Forwarded-For itself.
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
ALLAUTH_TRUSTED_PROXY_COUNT = int(BEHIND_PROXY)
SECURE_HSTS_SECONDS = 0 if DEBUG else 365 * 24 * 60 * 60
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEBUG
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Only what we serve ourselves; nothing written into a page runs, or changes how it looks.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        "img-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    }
}
# No page of ours asks a device for anything. Passkeys stay possible: they are not named here.
PERMISSIONS_POLICY: dict[str, list[str]] = {
    feature: []
    for feature in (
        *("accelerometer", "autoplay", "bluetooth", "browsing-topics", "camera"),
        *("display-capture", "encrypted-media", "fullscreen", "geolocation", "gyroscope"),
        *("hid", "idle-detection", "interest-cohort", "local-fonts", "magnetometer"),
        *("microphone", "midi", "payment", "picture-in-picture", "serial", "sync-xhr"),
        *("usb", "web-share", "xr-spatial-tracking"),
    )
}

# -- Language, time, files ---------------------------------------------------

LANGUAGE_CODE = "en-us"
LANGUAGES = [("en", "English"), ("es", "Español")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"  # stored times are UTC; pages and mails use the clinic's or the patient's zone

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # whitenoise warns where collectstatic has not run yet
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_ALLOW_ALL_ORIGINS = False
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # bytes, files included
DATA_UPLOAD_MAX_NUMBER_FILES = 1

# -- Logs: ids, never people -------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
