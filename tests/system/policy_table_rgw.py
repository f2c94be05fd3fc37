"""The decision table of policies_rgw.t: what `coffer policy test` says of a request, and what Ceph RGW does with it.

Usage: policy_table_rgw.py COFFER URL TLS_URL CA BUCKET. A line for each request: "same", or "DIFFERS", or "known" where
RGW 16.2 is known to differ from AWS, with the reason.
RGW's users have no account; the owner of the bucket is allowed whatever is not denied, and another user what a policy
allows him, which is what coffer calls a principal of another account whose own IAM allows everything.
"""

import itertools
import os
import sys

from policy_requests import curl, foretell, put_policy, statement

COFFER, URL, TLS_URL, CA, BUCKET = sys.argv[1:]
ACCOUNT = "123456789012"
ARN = f"arn:aws:s3:::{BUCKET}"
# who: (as coffer is asked, keys)
WHO = {
    "owner": (f"arn:aws:iam::{ACCOUNT}:user/coffer",
              os.environ["AWS_ACCESS_KEY_ID"] + ":" + os.environ["AWS_SECRET_ACCESS_KEY"]),
    "second": ("arn:aws:iam:::user/other",
               os.environ["COFFER_TEST_RGW_ACCESS_KEY_ID2"] + ":" + os.environ["COFFER_TEST_RGW_SECRET_ACCESS_KEY2"]),
    "nobody": ("*", None),
}
SECOND = {"AWS": WHO["second"][0]}
ALL = [ARN, f"{ARN}/*"]
IN_TEAM = f"{ARN}/team/*"
POLICIES = {
    "none": [],
    "grant": [statement("Allow", "s3:GetObject", IN_TEAM, SECOND),
              statement("Allow", "s3:ListBucket", ARN, SECOND, StringLike={"s3:prefix": ["team/", "team/*"]})],
    "grant all": [statement("Allow", "s3:*", ALL, SECOND)],
    "public": [statement("Allow", "s3:GetObject", IN_TEAM)],
    "public to read": [statement("Allow", ["s3:GetObject", "s3:ListBucket"], ALL)],
    "deny wins": [statement("Allow", "s3:*", ALL, SECOND), statement("Deny", "s3:DeleteObject", f"{ARN}/*")],
    "deny team": [statement("Allow", ["s3:GetObject", "s3:PutObject"], f"{ARN}/*", SECOND),
                  statement("Deny", "s3:GetObject", IN_TEAM)],
    "wildcards": [statement("Allow", ["s3:Get*", "s3:List*"], [ARN, f"{ARN}/team?b/*"], SECOND)],
    "by address": [statement("Allow", "s3:GetObject", f"{ARN}/*", SECOND, IpAddress={"aws:SourceIp": "127.0.0.0/8"})],
    "not by address": [statement("Deny", "s3:GetObject", f"{ARN}/*", NotIpAddress={"aws:SourceIp": "127.0.0.0/8"}),
                       statement("Deny", "s3:PutObject", f"{ARN}/*", IpAddress={"aws:SourceIp": "127.0.0.0/8"})],
    "tls": [statement("Allow", "s3:*", ALL, SECOND),
            statement("Deny", "s3:*", ALL, Bool={"aws:SecureTransport": "false"})],
    "not of the prefix": [statement("Allow", "s3:ListBucket", ARN, SECOND),
                          statement("Deny", "s3:ListBucket", ARN, StringNotLike={"s3:prefix": "team/*"})],
}
REQUESTS = [
    ("read team", "s3:GetObject", "team/a"), ("read another", "s3:GetObject", "team-b/a"),
    ("list team", "s3:ListBucket", "team/"), ("list all", "s3:ListBucket", ""),
    ("write team", "s3:PutObject", "team/new"), ("delete team", "s3:DeleteObject", "team/none"),
]
METHODS = {"s3:GetObject": "GET", "s3:PutObject": "PUT", "s3:DeleteObject": "DELETE", "s3:ListBucket": "GET"}
fresh = itertools.count()


def ask(who, action, key, tls):
    """Is it served?"""
    url = f"{TLS_URL if tls else URL}/{BUCKET}"
    url += f"?list-type=2&prefix={key.replace('/', '%2F')}" if action == "s3:ListBucket" else f"/{key}"
    body = None
    if action == "s3:PutObject":
        url, body = f"{url}{next(fresh)}", "x"
    return curl(url, WHO[who][1], METHODS[action], (), body, ["--cacert", CA]) not in (401, 403)


def predict(who, action, key, tls):
    """Is it allowed, as coffer says?"""
    words = ["--account", ACCOUNT, "--principal", WHO[who][0], "--action", action, "--header", "aws:SourceIp=127.0.0.1"]
    words += ["--key", key] if key else []
    words += [] if tls else ["--insecure"]
    verdict = foretell(COFFER, f"s3://{BUCKET}", words)
    return verdict in ("allowed", "not decided here"), verdict


def known(policy, what, who, tls):
    """Why RGW is known to answer otherwise; "" where it is not."""
    if policy == "tls" and not tls and who != "nobody":
        return "(RGW sets no aws:SecureTransport over http: that it is false never holds)"
    if policy == "not of the prefix" and what == "list all" and who != "nobody":
        return "(on RGW a negated operator does not match a key that is absent)"
    return ""


policy_url = f"{TLS_URL}/{BUCKET}?policy="
os.environ["CURL_CA_BUNDLE"] = CA
for policy, statements in POLICIES.items():
    put_policy(policy_url, WHO["owner"][1], statements)
    for what, action, key in REQUESTS:
        for tls in (True, False) if policy == "tls" else (True,):
            for who in WHO:
                expected, verdict = predict(who, action, key, tls)
                got = ask(who, action, key, tls)
                name = f"[{policy}] {who}: {what}{'' if tls else ' by http'}"
                why = known(policy, what, who, tls)
                word = "same" if expected == got else "known" if why else "DIFFERS"
                print(word, f"{name}: {verdict},", "served" if got else "refused", why, flush=True)
put_policy(policy_url, WHO["owner"][1], [])
