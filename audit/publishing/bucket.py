"""An S3-compatible bucket: one object a checkpoint, signed with Signature Version 4.

docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html; the tests hold it to the examples given there.
"""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.utils import timezone

from audit.lines import checkpoint_line
from audit.models import Checkpoint
from audit.publishing.sending import Unsent, send

ALGORITHM = "AWS4-HMAC-SHA256"


def put(bucket: str, prefix: str, checkpoint: Checkpoint) -> None:
    """Store a checkpoint under its number. Raises Unsent."""
    if not (settings.PORTAL_BUCKET_ENDPOINT and settings.PORTAL_BUCKET_KEY_ID and settings.PORTAL_BUCKET_SECRET):
        raise Unsent("PORTAL_BUCKET_ENDPOINT, PORTAL_BUCKET_KEY_ID and PORTAL_BUCKET_SECRET are not all set")
    name = "/".join(part for part in (bucket, prefix.strip("/"), f"checkpoint-{checkpoint.number:012}.jsonl") if part)
    address = f"{settings.PORTAL_BUCKET_ENDPOINT.rstrip('/')}/{quote(name)}"
    body = checkpoint_line(checkpoint).encode()
    send("PUT", address, body, signed("PUT", address, body, timezone.now()))


def signed(
    method: str, address: str, body: bytes, at: dt.datetime, further: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The headers of a request, its signature among them. `at` is aware; `address` has its path quoted."""
    parts, digest, moment = urlsplit(address), sha256(body).hexdigest(), at.astimezone(dt.UTC)
    stamp, scope = f"{moment:%Y%m%dT%H%M%SZ}", f"{moment:%Y%m%d}/{settings.PORTAL_BUCKET_REGION}/s3/aws4_request"
    headers = {"Host": parts.netloc, "x-amz-content-sha256": digest, "x-amz-date": stamp, **(further or {})}
    by_name = sorted((name.lower(), value.strip()) for name, value in headers.items())
    names = ";".join(name for name, _ in by_name)
    listed = "".join(f"{name}:{value}\n" for name, value in by_name)
    request = "\n".join((method, parts.path or "/", parts.query, listed, names, digest))
    text = "\n".join((ALGORITHM, stamp, scope, sha256(request.encode()).hexdigest()))
    signature = hmac.new(_key(scope), text.encode(), sha256).hexdigest()
    credential = f"{settings.PORTAL_BUCKET_KEY_ID}/{scope}"
    authorization = f"{ALGORITHM} Credential={credential},SignedHeaders={names},Signature={signature}"
    return {**headers, "Authorization": authorization}


def _key(scope: str) -> bytes:
    """The key of a day, a region and a service."""
    key = f"AWS4{settings.PORTAL_BUCKET_SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), sha256).digest()
    return key
