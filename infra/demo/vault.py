"""Secrets Manager of the local stack, over plain HTTP: it checks no signature, and needs no SDK to be called."""

import json
import urllib.error
import urllib.request

from failure import Failure


class Vault:
    def __init__(self, environment: dict):
        self.url = environment["AWS_ENDPOINT_URL"]
        self.region = environment["AWS_REGION"]

    def put(self, name: str, secret: dict) -> None:
        text = json.dumps(secret)
        try:
            self._call("CreateSecret", {"Name": name, "SecretString": text})
        except _Refused as refused:
            if "ResourceExistsException" not in str(refused):
                raise Failure(f"the secret {name} cannot be made: {refused}") from None
            self._call("PutSecretValue", {"SecretId": name, "SecretString": text})

    def get(self, name: str) -> dict:
        return json.loads(self._call("GetSecretValue", {"SecretId": name})["SecretString"])

    def _call(self, operation: str, body: dict) -> dict:
        # The scope names the service, by which the local AWS finds whom to ask.
        scope = f"test/20260101/{self.region}/secretsmanager/aws4_request"
        request = urllib.request.Request(
            self.url,
            data=json.dumps(body).encode(),
            headers={
                "X-Amz-Target": f"secretsmanager.{operation}",
                "Content-Type": "application/x-amz-json-1.1",
                "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise _Refused(error.read().decode(errors="replace")) from None
        except OSError as error:
            raise Failure(f"the local AWS does not answer at {self.url}: {error}") from None


class _Refused(Failure):
    pass
