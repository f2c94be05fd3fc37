"""What the decision tables share: statements of policies, signed requests, and what coffer foretells of them."""

import base64
import hashlib
import json
import subprocess

# A bad signature, or what a server does not know, is no answer to who may do what.
NO_ANSWERS = ("AuthorizationHeaderMalformed", "SignatureDoesNotMatch", "not signed", "NotImplemented", "InternalError")


def statement(effect, action, resource, principal="*", **condition):
    """One statement; an operator is given as Operator={key: value}."""
    return {"Effect": effect, "Principal": principal, "Action": action, "Resource": resource,
            **({"Condition": condition} if condition else {})}


def document(statements):
    """A policy as text."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def curl(url, keys, method, headers=(), body=None, options=()):
    """The status of one request; `keys` is "ACCESS:SECRET", or None for an unsigned one."""
    command = ["curl", "-sS", "-w", "\\n%{http_code}", "-X", method, *options]
    if keys:
        command += ["--aws-sigv4", "aws:amz:us-east-1:s3", "--user", keys, "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]
    for header in headers:
        command += ["-H", header]
    if body is not None:
        command += ["-H", "Content-Type: application/octet-stream", "--data-binary", body]
    reply = subprocess.run([*command, url], check=True, capture_output=True, text=True).stdout
    for code in NO_ANSWERS:
        assert code not in reply, (url, headers, reply)
    return int(reply.rpartition("\n")[2])


def put_policy(url, keys, statements):
    """Sets the policy at `url`, which ends in ?policy=; without statements removes it."""
    if not statements:
        assert curl(url, keys, "DELETE") in (204, 200, 404), url
        return
    text = document(statements)
    md5 = base64.b64encode(hashlib.md5(text.encode()).digest()).decode()
    status = curl(url, keys, "PUT", [f"Content-MD5: {md5}"], text)
    assert status in (200, 204), (status, text)


def foretell(coffer, source, words):
    """The verdict of coffer policy test."""
    reply = subprocess.run([coffer, "policy", "test", source, "--json", *words], check=False, capture_output=True, text=True)
    assert reply.stdout.startswith('{\n  "verdict"'), (words, reply)
    return json.loads(reply.stdout)["verdict"]
