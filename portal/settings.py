"""The one settings file. Everything a deployment may change comes from the environment (`portal/env.py`, README)."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from executors.base import Access, Language
from portal import csp, env, logs

BASE_DIR = Path(__file__).resolve().parent.parent

# --- deployment ------------------------------------------------------------------------------------

DEBUG = env.flag("PORTAL_DEBUG", default=False)
SECRET_KEY = env.text("PORTAL_SECRET_KEY")
ALLOWED_HOSTS = env.words("PORTAL_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("PORTAL_CSRF_TRUSTED_ORIGINS")
PORTAL_BASE_URL = env.text("PORTAL_BASE_URL", "http://127.0.0.1:8000").rstrip("/")
PORTAL_SECURE = env.flag("PORTAL_SECURE", default=not DEBUG)
PORTAL_RESULT_KEYS = env.keys("PORTAL_RESULT_KEYS")
# How many reverse proxies stand before the portal: that many entries of X-Forwarded-For are believed, from the right.
PORTAL_TRUSTED_PROXIES = env.integer("PORTAL_TRUSTED_PROXIES", 0, minimum=0, maximum=8)
# Runs at once, over all replicas: in all, and for one pod. A target has a number of its own.
PORTAL_PLACES = env.integer("PORTAL_PLACES", 16, minimum=1, maximum=256)
PORTAL_POD_PLACES = env.integer("PORTAL_POD_PLACES", 12, minimum=1, maximum=256)
# Of what runs outside a transaction, for up to hours; a target takes one at a time.
PORTAL_MAINTENANCE_PLACES = env.integer("PORTAL_MAINTENANCE_PLACES", 2, minimum=1, maximum=16)
# Runs scripts even where the operating system cannot confine them. Only for development on such a system.
PORTAL_SCRIPTS_UNCONFINED = env.flag("PORTAL_SCRIPTS_UNCONFINED", default=False)
PORTAL_RATE_LIMITS = env.flag("PORTAL_RATE_LIMITS", default=True)
PORTAL_METRICS_TOKEN = env.text("PORTAL_METRICS_TOKEN", "")
# Checkpoints of the audit log: who signs them, whose signatures of before are known, and how often there is one.
PORTAL_AUDIT_KEY = env.signing_key("PORTAL_AUDIT_KEY")
PORTAL_AUDIT_PUBLIC_KEYS = env.public_keys("PORTAL_AUDIT_PUBLIC_KEYS")
PORTAL_CHECKPOINT_ENTRIES = env.integer("PORTAL_CHECKPOINT_ENTRIES", 1000, minimum=1, maximum=1_000_000)
PORTAL_CHECKPOINT_MINUTES = env.integer("PORTAL_CHECKPOINT_MINUTES", 15, minimum=1, maximum=1440)
# Where checkpoints are sent: file:/path, https://…, s3://bucket/prefix, slack:CHANNEL, slack:pods.
PORTAL_CHECKPOINT_TO = env.words("PORTAL_CHECKPOINT_TO")
PORTAL_BUCKET_ENDPOINT = env.text("PORTAL_BUCKET_ENDPOINT", "")
PORTAL_BUCKET_REGION = env.text("PORTAL_BUCKET_REGION", "us-east-1")
PORTAL_BUCKET_KEY_ID = env.text("PORTAL_BUCKET_KEY_ID", "")
PORTAL_BUCKET_SECRET = env.text("PORTAL_BUCKET_SECRET", "")
# Where every entry is sent: syslog+tls://host:6514, syslog+tcp://host:601, https://…; what authorises there; whose
# certificates are believed beside the system's.
PORTAL_SIEM_TO = env.words("PORTAL_SIEM_TO")
PORTAL_SIEM_TOKEN = env.text("PORTAL_SIEM_TOKEN", "")
PORTAL_SIEM_CA = env.text("PORTAL_SIEM_CA", "")
CHECKPOINT_CHANNELS = "pods.membership.slack_channels"
REDIS_URL = env.text("PORTAL_REDIS_URL", "")

SECRET_KEY_LENGTH = 50
if len(SECRET_KEY) < SECRET_KEY_LENGTH:
    raise ImproperlyConfigured(f"PORTAL_SECRET_KEY is shorter than {SECRET_KEY_LENGTH} characters; make a random one.")

# --- applications ----------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",
    "guardian",
    "axes",
    "rest_framework",
    "rest_framework_simplejwt",
    "rest_framework_simplejwt.token_blacklist",
    "drf_spectacular",
    "csp",
    "portal.apps.PortalConfig",
    "portal.apps.PortalAdminConfig",
    "accounts",
    "audit",
    "pods",
    "queries",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.middleware.CompressionMiddleware",
    "portal.middleware.RequestContextMiddleware",
    "csp.middleware.CSPMiddleware",
    "portal.middleware.ResponseHeadersMiddleware",
    "portal.health.ProbesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.middleware.RefusalsMiddleware",
    "portal.middleware.TimeZoneMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.middleware.ErrorMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.navigation",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- data ------------------------------------------------------------------------------------------

DATABASES: dict[str, Any] = {
    "default": env.database("PORTAL_DATABASE_URL")
    | {"ENGINE": "portal.database", "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
}
# A session-level advisory lock marks a running execution, so a pooler in transaction mode must not stand between.
DATABASES["default"].setdefault("OPTIONS", {}).update(
    connect_timeout=5,
    application_name="query-portal",
    # Planning a statement costs more than running it here: the server keeps the plans of those that come again.
    server_side_binding=True,
    prepare_threshold=2,
)
# Who owns the tables, for `migrate` alone: what the portal runs with may not change the audit log (`portal/rights.py`).
PORTAL_MIGRATION_DATABASE = env.database_if_set("PORTAL_MIGRATION_DATABASE_URL")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "ratelimit": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {"BACKEND": "web.counters.CounterCache"}
    ),
}

# --- people ----------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
# Among whom a name must tell a person apart.
PEOPLE_BESIDE = "pods.membership.people_beside"
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "accounts:login"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
GUARDIAN_MONKEY_PATCH_USER = False
ANONYMOUS_USER_NAME = None

# Five wrong passwords of one person from one address lock that pair for a quarter of an hour; sign-in and tokens alike.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "accounts.typed.name_for_axes"
AXES_CLIENT_IP_CALLABLE = "web.addresses.client_address"
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_DISABLE_ACCESS_LOG = True

RATELIMIT_USE_CACHE = "ratelimit"
SILENCED_SYSTEM_CHECKS = [
    # The counter cache counts in one atomic statement of PostgreSQL; django-ratelimit only knows the stock backends.
    "django_ratelimit.E003",
    "django_ratelimit.W001",
    # The middleware only turns axes' flag into a response; accounts.signin asks axes itself, for page and API alike.
    "axes.W002",
]

SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = PORTAL_SECURE
SESSION_COOKIE_NAME = "__Host-portal_session" if PORTAL_SECURE else "portal_session"
CSRF_COOKIE_SECURE = PORTAL_SECURE
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_NAME = "__Host-portal_csrf" if PORTAL_SECURE else "portal_csrf"
CSRF_FAILURE_VIEW = "portal.errors.csrf_failure"

# --- transport and headers -------------------------------------------------------------------------

SECURE_SSL_REDIRECT = PORTAL_SECURE
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PORTAL_TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if PORTAL_SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PORTAL_SECURE
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = csp.POLICY
# The largest honest body is a statement of 2,000,000 bytes, percent-encoded, beside a reason.
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024

# --- pages -----------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}
WHITENOISE_USE_FINDERS = DEBUG

# --- notices ---------------------------------------------------------------------------------------

# A bot's token with chat:write; also channels:history (groups:history), to find a message whose posting was cut short.
PORTAL_SLACK_TOKEN = env.text("PORTAL_SLACK_TOKEN", "")
PORTAL_SLACK_API_URL = env.text("PORTAL_SLACK_API_URL", "https://slack.com/api/")

EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = env.text("PORTAL_EMAIL_HOST", "")
EMAIL_PORT = env.integer("PORTAL_EMAIL_PORT", 587, minimum=1, maximum=65535)
EMAIL_HOST_USER = env.text("PORTAL_EMAIL_USER", "")
EMAIL_HOST_PASSWORD = env.text("PORTAL_EMAIL_PASSWORD", "")
EMAIL_USE_TLS = env.flag("PORTAL_EMAIL_TLS", default=True)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("PORTAL_EMAIL_FROM", "query-portal@localhost")

# --- API -------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.tokens.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    # The format of an answer is negotiated by its Accept header alone.
    "URL_FORMAT_OVERRIDE": None,
    "EXCEPTION_HANDLER": "portal.errors.api_exception_handler",
    "COERCE_DECIMAL_TO_STRING": True,
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%fZ",
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=10),
    "REFRESH_TOKEN_LIFETIME": timedelta(hours=12),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "UPDATE_LAST_LOGIN": False,
    "CHECK_REVOKE_TOKEN": True,
    "LEEWAY": 5,
    "ISSUER": "query-portal",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Query Portal",
    "VERSION": "1",
    "DESCRIPTION": "Ask for a statement to be run on a production database, have it approved, read its result.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "ENUM_NAME_OVERRIDES": {"LanguageEnum": [*map(str, Language)], "AccessEnum": [*map(str, Access)]},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "portal.openapi.make_strict",
    ],
}

# --- logs ------------------------------------------------------------------------------------------

LOGGING = logs.configuration(
    env.choice("PORTAL_LOG_FORMAT", "line" if DEBUG else "json", logs.FORMATS),
    env.choice("PORTAL_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
)
# One line for each request that was answered; a proxy may do that as well.
PORTAL_LOG_REQUESTS = env.flag("PORTAL_LOG_REQUESTS", default=False)
# Where traces are sent by OTLP over HTTP; needs the packages of requirements-tracing.txt.
PORTAL_OTLP_ENDPOINT = env.text("PORTAL_OTLP_ENDPOINT", "").rstrip("/")
