"""Where a request came from."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The address of the client, as far as trusted proxies vouch for it; "" when it is none.

    With N trusted proxies the N-th entry of X-Forwarded-For from the right is the last one a trusted proxy wrote;
    everything left of it is the client's own claim.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    proxies = settings.PORTAL_TRUSTED_PROXIES
    if proxies:
        chain = [part.strip() for part in str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",") if part.strip()]
        if len(chain) >= proxies:
            address = chain[-proxies]
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return ""
