"""What a target and the login there are like, as a mark that tells one state from another and gives nothing away."""

import hashlib
import hmac
import json
from dataclasses import asdict
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.conf import settings

from executors.base import Access
from pods.models import Target


def target_mark(target: Target, access: Access) -> str:
    """Hexadecimal SHA-256 over what decides where a run goes and what it may use: the pod, the target, its limits."""
    facts = {
        "pod": target.pod_id,
        "identity": target.identity(access),
        "limits": asdict(target.limits_for(access)),
        "approvals": target.approvals_required,
        "active": target.active,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def login_mark(target: Target, access: Access) -> str:
    """The same over server, database, login and options, keyed, without the password; "" where none is set."""
    try:
        url = target.with_credential(access).url
    except KeyError:
        return ""
    return hmac.new(settings.SECRET_KEY.encode(), _without_password(url).encode(), hashlib.sha256).hexdigest()


def _without_password(url: str) -> str:
    """The address without what is renewed from time to time; all of it where it is written in another way."""
    parts = urlsplit(url)
    login, at, server = parts.netloc.rpartition("@")
    options = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if "password" not in name.lower()
    ]
    netloc = f"{login.partition(':')[0]}{at}{server}"
    return parts._replace(netloc=netloc, query=urlencode(options)).geturl() if parts.netloc else url
