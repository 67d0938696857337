"""A key of 2048 bits and a token that is signed with it (RS256), made by openssl for one run."""

import base64
import json
import pathlib
import subprocess
import time

ISSUER, AUDIENCE = "https://issuer.lab", "lab"
# Longer than any run.
LIFE_SECONDS = 24 * 3600


class Issuer:
    """What lies in a run's folder: made once, by whoever asks first."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.key, self.public_key = folder / "token.key", folder / "token.pem"
        self.file = folder / "token.jwt"
        if not self.public_key.is_file():
            openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
                    "-out", str(self.key))
            openssl("pkey", "-in", str(self.key), "-pubout", "-out", str(self.public_key))

    def token(self):
        """The same token for all requests of the run."""
        if not self.file.is_file():
            self.file.write_text(self.signed(claims(time.time())))
        return self.file.read_text()

    def signed(self, content):
        """A compact JWS (RFC 7515 section 7.1) of these claims."""
        head = {"alg": "RS256", "typ": "JWT"}
        text = ".".join(base64url(json.dumps(part).encode()) for part in (head, content))
        signature = openssl("dgst", "-sha256", "-sign", str(self.key), given=text.encode())
        return f"{text}.{base64url(signature)}"


def claims(now):
    """What the token says."""
    return {"iss": ISSUER, "aud": AUDIENCE, "sub": "lab", "iat": int(now),
            "exp": int(now) + LIFE_SECONDS, "scope": "read write", "roles": ["reader"]}


def base64url(content):
    """RFC 7515 section 2: without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def openssl(*arguments, given=None):
    """What openssl writes to its output."""
    stdin = {"stdin": subprocess.DEVNULL} if given is None else {"input": given}
    done = subprocess.run(["openssl", *arguments], check=False, capture_output=True, timeout=60,
                          **stdin)
    if done.returncode != 0:
        raise SystemExit(f"openssl {arguments[0]}: {done.stderr.decode(errors='replace')}")
    return done.stdout
