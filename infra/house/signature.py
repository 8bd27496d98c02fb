"""Standard Webhooks: whether a delivery is rtr-sync's own, and of now. https://www.standardwebhooks.com"""

import base64
import binascii
import hmac
import re

WINDOW_S = 5 * 60  # a signature holds for so long, before and after its time


class Unbelieved(Exception):
    """Why a delivery is not believed."""


def verify(secrets: list, headers, body: bytes, now_s: float) -> str:
    """The delivery's id, if one of the secrets has signed it, and lately."""
    identity, stamp = headers.get("webhook-id") or "", headers.get("webhook-timestamp") or ""
    if not identity or not re.fullmatch("[0-9]{1,12}", stamp) or abs(now_s - int(stamp)) > WINDOW_S:
        raise Unbelieved("it is not signed, or for another time")
    signed = f"{identity}.{stamp}.".encode() + body
    ours = [base64.b64encode(hmac.digest(key(secret), signed, "sha256")) for secret in secrets]
    # Several, while a secret is replaced.
    given = (headers.get("webhook-signature") or "").split(" ")
    theirs = [one[len("v1,"):].encode() for one in given if one.startswith("v1,")]
    # All are compared, whichever it is, each in constant time.
    if not sum(hmac.compare_digest(one, other) for one in theirs for other in ours):
        raise Unbelieved("it is signed with none of the secrets")
    return identity


def key(secret: str) -> bytes:
    """A secret is base64, behind `whsec_` or without it; any other text is taken as it is."""
    try:
        return base64.b64decode(re.sub("^whsec_", "", secret), validate=True)
    except binascii.Error:
        return secret.encode()
