"""The decision table of policies.t: what `coffer policy test` says of a request, and what the server does with it.

Usage: policy_table.py COFFER URL BUCKET. One line of TAP's words for each request, "same" or "DIFFERS".
"""

import itertools
import json
import os
import subprocess
import sys

COFFER, URL, BUCKET = sys.argv[1:]
ACCOUNT = "123456789012"
ARN = f"arn:aws:s3:::{BUCKET}"
# who: (ARN, access key or None, what his IAM policy allows)
WHO = {
    "admin": (f"arn:aws:iam::{ACCOUNT}:user/coffertestaccesskey1", "COFFERTESTACCESSKEY1", True),
    "bare": (f"arn:aws:iam::{ACCOUNT}:user/bare", "BARE", False),
    "other": ("arn:aws:iam::999988887777:user/other", "OTHER", True),
    "nobody": ("*", None, False),
}
SECRETS = {"COFFERTESTACCESSKEY1": os.environ["AWS_SECRET_ACCESS_KEY"], "BARE": "secret", "OTHER": "secret"}
fresh = itertools.count()


def statement(effect, action, resource, principal="*", **condition):
    """One statement; an operator is given as Operator={key: value}."""
    return {"Effect": effect, "Principal": principal, "Action": action, "Resource": resource,
            **({"Condition": condition} if condition else {})}


BARE = {"AWS": WHO["bare"][0]}
OTHER = {"AWS": "999988887777"}
POLICIES = {
    "none": None,
    "grant": [statement("Allow", "s3:GetObject", f"{ARN}/team/*", BARE),
              statement("Allow", "s3:ListBucket", ARN, BARE, StringLike={"s3:prefix": ["team/", "team/*"]})],
    "grant to an account": [statement("Allow", ["s3:Get*", "S3:pUTobject"], [ARN, f"{ARN}/*"], OTHER)],
    "root": [statement("Allow", "s3:*", [ARN, f"{ARN}/*"], {"AWS": f"arn:aws:iam::{ACCOUNT}:root"})],
    "public": [statement("Allow", "s3:GetObject", f"{ARN}/team/*")],
    "deny wins": [statement("Allow", "s3:*", f"{ARN}/*", BARE), statement("Deny", "s3:DeleteObject", f"{ARN}/*")],
    "deny one": [statement("Deny", "s3:*", f"{ARN}/team/?", {"AWS": WHO["admin"][0]})],
    "by address": [statement("Deny", "s3:GetObject", f"{ARN}/*", IpAddress={"aws:SourceIp": ["10.0.0.0/8", "::1"]})],
    "not by address": [statement("Deny", "s3:GetObject", f"{ARN}/*", NotIpAddress={"aws:SourceIp": "10.0.0.0/8"})],
    "arn": [statement("Deny", "s3:GetObject", f"{ARN}/*", ArnNotLike={"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/b*"})],
    "if exists": [statement("Deny", "s3:PutObject", f"{ARN}/*", StringNotEqualsIfExists={"s3:x-amz-storage-class": "STANDARD"})],
    "null": [statement("Deny", "s3:PutObject", f"{ARN}/*", Null={"s3:x-amz-storage-class": "true"})],
    "case": [statement("Deny", "s3:PutObject", f"{ARN}/*", StringEqualsIgnoreCase={"s3:x-amz-storage-class": "standard"})],
    "of none, all": [statement("Deny", "S3:putOBJECT", f"{ARN}/*", **{"ForAllValues:StringEquals": {"s3:x-amz-storage-class": "STANDARD"}})],
    "of none, any": [statement("Deny", "s3:PutObject", f"{ARN}/*", **{"ForAnyValue:StringNotEquals": {"s3:x-amz-storage-class": "STANDARD"}})],
}
RULES = {
    "rule tls": ["tls", "--lock-me-out"],
    "rule encryption": ["encryption", "--sse", "aws:kms"],
    "rule names": ["names", "--prefix", "team/"],
    "rule only-access-points": ["only-access-points", "--except", WHO["admin"][0]],
    "rule delegate": ["delegate"],
    "rule retention-bounds": ["retention-bounds", "--min", "2d", "--max", "30d"],
}
# (what, action, key, headers of the request)
REQUESTS = [
    ("read team", "s3:GetObject", "team/a", []),
    ("read another", "s3:GetObject", "team-b/a", []),
    ("list team", "s3:ListBucket", "team/", []),
    ("list all", "s3:ListBucket", "", []),
    ("write team", "s3:PutObject", "team/new", []),
    ("delete team", "s3:DeleteObject", "team/none", []),
    ("read by http", "s3:GetObject", "team/a", ["http"]),
    ("read by TLS 1.1", "s3:GetObject", "team/a", ["s3:TlsVersion=1.1"]),
    ("read from 10.1.2.3", "s3:GetObject", "team/a", ["aws:SourceIp=10.1.2.3"]),
    ("write once", "s3:PutObject", "team/new", ["if-none-match=*"]),
    # curl 7.88 sorts the two SSE headers wrongly when it signs, so that each goes alone.
    ("write encrypted", "s3:PutObject", "team/new", ["x-amz-server-side-encryption=aws:kms"]),
    ("write otherwise encrypted", "s3:PutObject", "team/new", ["x-amz-server-side-encryption=AES256"]),
    ("write standard", "s3:PutObject", "team/new", ["x-amz-storage-class=STANDARD"]),
    ("write rarely read", "s3:PutObject", "team/new", ["x-amz-storage-class=STANDARD_IA"]),
    ("lock for long", "s3:PutObject", "team/new", ["x-amz-object-lock-mode=GOVERNANCE",
     "x-amz-object-lock-retain-until-date=2099-01-01T00:00:00Z"]),
]
METHODS = {"s3:GetObject": "GET", "s3:PutObject": "PUT", "s3:DeleteObject": "DELETE", "s3:ListBucket": "GET"}
# which requests each policy is asked about: those that it could mean, and one that it does not
FOCUS = {
    "none": None, "grant": None, "rule tls": ("read team", "read by http", "read by TLS 1.1", "list all"),
    "root": ("read team", "write team"), "grant to an account": ("read another", "write team", "delete team"),
    "public": ("read team", "read another", "write team"), "deny wins": ("read another", "delete team", "list all"),
    "deny one": ("read team", "read another", "delete team"),
    "by address": ("read team", "read from 10.1.2.3"), "not by address": ("read team", "read from 10.1.2.3"),
    "arn": ("read team", "write team"),
    "if exists": ("write team", "write standard", "write rarely read"), "null": ("write team", "write standard"),
    "case": ("write team", "write standard"),
    "of none, all": ("write team", "write standard", "write rarely read"),
    "of none, any": ("write team", "write standard", "write rarely read"),
    "rule encryption": ("write team", "write encrypted", "write otherwise encrypted", "read team"),
    "rule names": ("write team", "write once", "delete team", "read team"),
    "rule only-access-points": ("read team", "write team", "list all"),
    "rule delegate": ("read team", "list all"), "rule retention-bounds": ("write team", "lock for long"),
}


def curl(access_key, method, path, headers=(), body=None):
    """The status of one request, which must have been understood: a bad signature is no answer."""
    command = ["curl", "-sS", "-w", "\\n%{http_code}", "-X", method]
    if access_key:
        command += ["--aws-sigv4", "aws:amz:us-east-1:s3", "--user", f"{access_key}:{SECRETS[access_key]}",
                    "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]
    for header in headers:
        command += ["-H", header]
    if body is not None:
        command += ["-H", "Content-Type: application/octet-stream", "--data-binary", body]
    reply = subprocess.run([*command, URL + path], check=True, capture_output=True, text=True).stdout
    for code in ("AuthorizationHeaderMalformed", "SignatureDoesNotMatch", "not signed", "NotImplemented", "InternalError"):
        assert code not in reply, (path, headers, reply)
    return int(reply.rpartition("\n")[2])


def predict(who, action, key, words):
    """Is the request allowed, as coffer says?"""
    arn, _, iam = WHO[who]
    command = [COFFER, "policy", "test", f"s3://{BUCKET}", "--json", "--account", ACCOUNT, "--principal", arn,
               "--action", action, "--header", "aws:SourceIp=" + ("127.0.0.1")]
    command += ["--key", key] if key else []
    for word in words:
        command += ["--insecure"] if word == "http" else ["--header", word]
    verdict = json.loads(subprocess.run(command, check=False, capture_output=True, text=True).stdout)["verdict"]
    return {"allowed": True, "denied": False, "not decided here": iam}[verdict], verdict


def ask(who, action, key, words):
    """Is it allowed, as the server does? What is wrong with the request otherwise is no denial."""
    headers = []
    for word in words:
        name, _, value = word.partition("=")
        headers.append({"http": "x-coffer-test-tls: none", "s3:TlsVersion": f"x-coffer-test-tls: {value}",
                        "aws:SourceIp": f"x-coffer-test-ip: {value}"}.get(name, f"{name}: {value}"))
    path = f"/{BUCKET}/{key}" if action != "s3:ListBucket" else f"/{BUCKET}?list-type=2&prefix={key.replace('/', '%2F')}"
    body = None
    if action == "s3:PutObject":
        path, body = f"{path}{next(fresh)}", "x"
    return curl(WHO[who][1], METHODS[action], path, headers, body) != 403


def install(name):
    """The policy, alone."""
    admin = WHO["admin"][1]
    assert curl(admin, "DELETE", f"/{BUCKET}?policy=") == 204
    if name in RULES:
        subprocess.run([COFFER, "policy", "add", f"s3://{BUCKET}", *RULES[name], "--yes", "--account", ACCOUNT],
                       check=True, capture_output=True)
    elif POLICIES[name]:
        body = json.dumps({"Version": "2012-10-17", "Statement": POLICIES[name]})
        import base64  # pylint: disable=import-outside-toplevel
        import hashlib  # pylint: disable=import-outside-toplevel
        md5 = base64.b64encode(hashlib.md5(body.encode()).digest()).decode()
        status = curl(admin, "PUT", f"/{BUCKET}?policy=", [f"Content-MD5: {md5}"], body)
        assert status == 204, (name, status)


for policy, focus in FOCUS.items():
    install(policy)
    for what, action, key, words in REQUESTS:
        if focus is not None and what not in focus or (focus is None and words):
            continue
        for who in WHO:
            expected, verdict = predict(who, action, key, words)
            got = ask(who, action, key, words)
            print("same" if expected == got else "DIFFERS", f"[{policy}] {who}: {what}: {verdict},",
                  "served" if got else "refused")
assert curl(WHO["admin"][1], "DELETE", f"/{BUCKET}?policy=") == 204
