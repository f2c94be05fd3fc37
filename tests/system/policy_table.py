"""The decision table of policies.t: what `coffer policy test` says of a request, and what the server does with it, by
the bucket's own name and through the access point "door".

Usage: policy_table.py COFFER URL BUCKET. One line of TAP's words for each request, "same" or "DIFFERS".
"""

import itertools
import os
import subprocess
import sys
import tempfile

from policy_requests import curl, document, foretell, put_policy, statement

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
KEYS = {"COFFERTESTACCESSKEY1": "COFFERTESTACCESSKEY1:" + os.environ["AWS_SECRET_ACCESS_KEY"], "BARE": "BARE:secret",
        "OTHER": "OTHER:secret", None: None}
DOOR = f"arn:aws:s3:us-east-1:{ACCOUNT}:accesspoint/door"
DOOR_URL = f"http://door-{ACCOUNT}.s3-accesspoint.us-east-1.amazonaws.com"
TO_SERVER = ["--connect-to", "::" + URL.removeprefix("http://")]
fresh = itertools.count()


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


IN_DOOR = [f"{DOOR}/object/team/*"]
# (policy of the bucket, of the access point): each through the access point
DOORS = {
    "no policies": ([], []),
    "grant without delegate": ([], [statement("Allow", "s3:GetObject", IN_DOOR, BARE)]),
    "delegate without grant": (["delegate"], []),
    "grant": (["delegate"], [
        statement("Allow", ["s3:GetObject", "s3:PutObject"], IN_DOOR, BARE),
        statement("Allow", "s3:ListBucket", DOOR, BARE, StringLike={"s3:prefix": ["team/", "team/*"]})]),
    "grant, and closed": (["delegate", "only-access-points"], [
        statement("Allow", ["s3:GetObject", "s3:DeleteObject"], IN_DOOR, BARE)]),
    "another account": (["delegate"], [statement("Allow", "s3:GetObject", IN_DOOR, OTHER)]),
    "deny wins": (["delegate"], [statement("Allow", "s3:*", [DOOR, f"{DOOR}/object/*"], BARE),
                                 statement("Deny", "s3:PutObject", f"{DOOR}/object/*")]),
    "the bucket denies": (["delegate", "names"], [statement("Allow", "s3:*", [DOOR, f"{DOOR}/object/*"], BARE)]),
}


def predict(who, action, key, words, door):
    """Is the request allowed, as coffer says?"""
    arn, _, iam = WHO[who]
    asked = ["--account", ACCOUNT, "--principal", arn, "--action", action, "--header", "aws:SourceIp=127.0.0.1"]
    asked += ["--key", key] if key else []
    asked += ["--through", "door"] if door else []
    for word in words:
        asked += ["--insecure"] if word == "http" else ["--header", word]
    verdict = foretell(COFFER, f"s3://{BUCKET}", asked)
    return {"allowed": True, "denied": False, "not decided here": iam}[verdict], verdict


def ask(who, action, key, words, door):
    """Is it allowed, as the server does? What is wrong with the request otherwise is no denial."""
    headers = []
    for word in words:
        name, _, value = word.partition("=")
        headers.append({"http": "x-coffer-test-tls: none", "s3:TlsVersion": f"x-coffer-test-tls: {value}",
                        "aws:SourceIp": f"x-coffer-test-ip: {value}"}.get(name, f"{name}: {value}"))
    url = DOOR_URL if door else f"{URL}/{BUCKET}"
    url += f"/{key}" if action != "s3:ListBucket" else f"?list-type=2&prefix={key.replace('/', '%2F')}"
    body = None
    if action == "s3:PutObject":
        url, body = f"{url}{next(fresh)}", "x"
    return curl(url.replace(".com?", ".com/?"), KEYS[WHO[who][1]], METHODS[action], headers, body, TO_SERVER if door else ()) != 403


def rule(name):
    """A rule of coffer's, beside what is there."""
    subprocess.run([COFFER, "policy", "add", f"s3://{BUCKET}", *RULES["rule " + name], "--yes", "--account", ACCOUNT],
                   check=True, capture_output=True)


def install(name):
    """The policy of the bucket, alone."""
    put_policy(f"{URL}/{BUCKET}?policy=", KEYS[WHO["admin"][1]], POLICIES.get(name))
    if name in RULES:
        rule(name.removeprefix("rule "))


def install_door(rules, statements):
    """The policies of the bucket and of the access point."""
    install("none")
    for name in rules:
        rule(name)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(document(statements) if statements else '{"Version": "2012-10-17", "Statement": []}')
        file.flush()
        subprocess.run([COFFER, "access-point", "policy", "door", "--set", file.name, "--yes", "--lock-me-out"],
                       check=True, capture_output=True)


def compare(policy, what, action, key, words, door=False):
    """One request of everybody's."""
    for who in WHO:
        expected, verdict = predict(who, action, key, words, door)
        got = ask(who, action, key, words, door)
        print("same" if expected == got else "DIFFERS", f"[{policy}] {who}: {what}: {verdict},",
              "served" if got else "refused", flush=True)


for policy, focus in FOCUS.items():
    install(policy)
    for what, action, key, words in REQUESTS:
        if what in focus if focus is not None else not words:
            compare(policy, what, action, key, words)
for policy, (rules, statements) in DOORS.items():
    install_door(rules, statements)
    for what, action, key, words in REQUESTS:
        if not words or what == "read by http":
            compare("door: " + policy, what, action, key, words, door=True)
install_door([], [])
