"""Policies of buckets and of access points: read, and judged on every request.

Written from "Policy evaluation logic" and "Condition operators" of the AWS IAM user guide. What this does not know
is refused when the policy is put, never ignored.
"""

import fnmatch
import ipaddress
import json
import re

from errors import refuse

LIMIT = 20 * 1024
ELEMENTS = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource",
            "Condition"}
POSITIVE = {"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike", "Bool", "IpAddress",
            "NumericEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan",
            "NumericGreaterThanEquals"}
NEGATIVE = {"StringNotEquals": "StringEquals", "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
            "StringNotLike": "StringLike", "ArnNotEquals": "ArnEquals", "ArnNotLike": "ArnLike",
            "NotIpAddress": "IpAddress", "NumericNotEquals": "NumericEquals"}


def _list(value):
    return value if isinstance(value, list) else [value]


def _malformed(why):
    return refuse("MalformedPolicy", why)


def parse(data, own, below):
    """The statements of a policy for the resource `own` and what begins with `below`, or MalformedPolicy."""
    if len(data) > LIMIT:
        raise _malformed("Policy exceeds the maximum allowed document size")
    try:
        document = json.loads(data)
    except ValueError as error:
        raise _malformed("Policies must be valid JSON and the first byte must be '{'") from error
    if not isinstance(document, dict) or not document.keys() <= {"Version", "Id", "Statement"}:
        raise _malformed("Unknown field")
    statements = _list(document.get("Statement", []))
    if not statements:
        raise _malformed("Missing required field Statement")
    for statement in statements:
        _check(statement, own, below)
    return statements


def _check(statement, own, below):
    if not isinstance(statement, dict) or not statement.keys() <= ELEMENTS:
        raise _malformed("Unknown field in a statement")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise _malformed("Invalid effect")
    if not re.fullmatch("[A-Za-z0-9]*", statement.get("Sid", "")):
        raise _malformed("A Sid holds letters and digits only")
    if "Principal" not in statement or "Action" not in statement or "Resource" not in statement:
        raise _malformed("Missing required field")  # the Not... forms are not served here
    for name in _accounts(statement["Principal"]):
        if not re.fullmatch(r"\*|\d{12}|arn:aws:(iam|sts)::\d{12}:.+", name):
            raise _malformed("Invalid principal in policy")
    for resource in _list(statement["Resource"]):
        if resource != own and not resource.startswith(below):
            raise _malformed("Policy has invalid resource")
    for operator in statement.get("Condition", {}):
        base = operator.split(":")[-1].removesuffix("IfExists")
        if operator.rpartition(":")[0] not in ("", "ForAllValues", "ForAnyValue"):
            raise _malformed(f"Invalid Condition type : {operator}")
        if base not in POSITIVE and base not in NEGATIVE and base != "Null":
            raise _malformed(f"Invalid Condition type : {operator}")


def _accounts(principal):
    if isinstance(principal, str):
        return [principal]
    return _list(principal.get("AWS", []))


def is_public(statements):
    """Does a statement let in who is not named, on no condition that names an account, an address or a network?"""
    narrow = {"s3:dataaccesspointaccount", "s3:dataaccesspointarn", "aws:principalarn", "aws:principalaccount",
              "aws:sourceip", "aws:sourcevpc", "aws:sourceaccount", "aws:sourcearn"}
    return any(statement["Effect"] == "Allow" and "*" in _accounts(statement["Principal"]) and
               not any(key.lower() in narrow for tests in statement.get("Condition", {}).values() for key in tests)
               for statement in statements)


def _glob(pattern, text):
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text, re.DOTALL) is not None


def _arn(pattern, text):
    if pattern == "*":
        return True
    ours, theirs = pattern.split(":", 5), text.split(":", 5)
    return len(ours) == len(theirs) and all(map(_glob, ours, theirs))


def _compare(operator, wanted, found):
    if operator == "StringEquals":
        return wanted == found
    if operator == "StringEqualsIgnoreCase":
        return wanted.lower() == found.lower()
    if operator == "StringLike":
        return _glob(wanted, found)
    if operator in ("ArnEquals", "ArnLike"):
        return _arn(wanted, found)
    if operator == "Bool":
        return wanted.lower() == found.lower()
    if operator == "IpAddress":
        return ipaddress.ip_address(found) in ipaddress.ip_network(wanted, strict=False)
    left, right = float(found), float(wanted)
    return {"NumericEquals": left == right, "NumericLessThan": left < right,
            "NumericLessThanEquals": left <= right, "NumericGreaterThan": left > right,
            "NumericGreaterThanEquals": left >= right}[operator]


def _text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def _holds(operator, key, wanted, keys):
    found = keys.get(key.lower())
    wanted = [_text(value) for value in _list(wanted)]
    if operator == "Null":
        return any((value.lower() == "true") == (found is None) for value in wanted)
    of_set, _, operator = operator.rpartition(":")
    base = operator.removesuffix("IfExists")
    if found is None and of_set:
        return of_set == "ForAllValues"
    if found is None:
        return base in NEGATIVE or operator.endswith("IfExists")
    if base in NEGATIVE:
        return not any(_compare(NEGATIVE[base], value, found) for value in wanted)
    return any(_compare(base, value, found) for value in wanted)


def _named(principal, user):
    """"direct", "account" or None."""
    names = _accounts(principal)
    if "*" in names:
        return "direct"
    if user is None:
        return None
    if user.arn in names:
        return "direct"
    root = f"arn:aws:iam::{user.account}:root"
    return "account" if root in names or user.account in names else None


def judge(statements, user, action, resource, keys):
    """"Deny", "Allow", "account" (its IAM decides) or None, which says nothing."""
    result = None
    for statement in statements:
        named = _named(statement["Principal"], user)
        applies = (named and
                   any(fnmatch.fnmatchcase(action.lower(), pattern.lower())
                       for pattern in _list(statement["Action"])) and
                   any(_arn(pattern, resource) for pattern in _list(statement["Resource"])) and
                   all(_holds(operator, key, wanted, keys)
                       for operator, tests in statement.get("Condition", {}).items()
                       for key, wanted in tests.items()))
        if applies and statement["Effect"] == "Deny":
            return "Deny"
        if applies and result != "Allow":
            result = "Allow" if named == "direct" else "account"
    return result


def asked_by_headers(context):
    """What the headers of a request ask for; those of a part, and of Complete, of the whole upload first."""
    keys = {}
    upload = context.bucket.uploads.get(context.text("uploadId"))
    if upload is not None:
        keys.update(upload.asked)
    for name, value in context.request.headers:
        if name in ("if-none-match", "if-match") or name.startswith("x-amz-"):
            keys["s3:" + name] = value
        if name.startswith("x-amz-object-lock-"):
            keys["s3:" + name.removeprefix("x-amz-")] = value
    return keys


def keys_of(context, action, point):
    """The condition keys of a request. Whether it came by TLS, and from where, the test says."""
    version = context.header("x-coffer-test-tls", context.world.tls_version)
    version = None if version == "none" else version
    keys = {"aws:securetransport": "true" if version else "false",
            "aws:principalisawsservice": "false", "s3:resourceaccount": context.bucket.account,
            "aws:sourceip": context.header("x-coffer-test-ip", "127.0.0.1")}
    if version:
        keys["s3:tlsversion"] = version
    if context.user is not None:
        keys["aws:principalarn"] = context.user.arn
        keys["aws:principalaccount"] = context.user.account
    vpc = context.header("x-coffer-test-vpc")
    if vpc is not None:
        keys["aws:sourcevpc"] = vpc
    keys.update(asked_by_headers(context))
    for name in ("prefix", "delimiter", "max-keys"):
        if name in context.query:
            keys["s3:" + name] = context.text(name)
    if "versionId" in context.query:
        keys["s3:versionid"] = context.text("versionId")
    if point is not None:
        keys["s3:dataaccesspointaccount"] = point.account
        keys["s3:dataaccesspointarn"] = point.arn
        keys["s3:accesspointnetworkorigin"] = "VPC" if point.vpc else "Internet"
    until = keys.get("s3:object-lock-retain-until-date")
    if until is not None:
        keys["s3:object-lock-remaining-retention-days"] = str(_days(until, context.now))
    if action == "s3:PutObject":
        made = context.operation.name not in ("CreateMultipartUpload", "UploadPart", "UploadPartCopy")
        keys["s3:objectcreationoperation"] = "true" if made else "false"
    return keys


def _days(until, now):
    import datetime  # pylint: disable=import-outside-toplevel
    moment = datetime.datetime.strptime(until, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
    return int((moment.timestamp() - now) // 86400)


def may(context, action, bucket, key, point):
    """What policies say of the caller's `action`: "Deny", "Allow" (each that has a say), "account", or None.

    Through an access point both its policy and the bucket's have a say, each about its own resource; what one of them
    does not mention, IAM has to allow. None where nothing is said.
    """
    if bucket is None:
        return None
    if point is not None and (context.header("x-coffer-test-tls") == "none" or
                              point.vpc and context.header("x-coffer-test-vpc") != point.vpc):
        return "Deny"  # they speak https alone, and those of a VPC there alone
    said = [_say(context, bucket.policy, action, f"arn:aws:s3:::{bucket.name}" + (f"/{key}" if key else ""), point)]
    if point is not None:
        said.append(_say(context, point.policy, action, point.arn + (f"/object/{key}" if key else ""), point))
    if "Deny" in said:
        return "Deny"
    if all(word == "Allow" for word in said):
        return "Allow"
    return None if None in said else "account"


def _say(context, document, action, resource, point):
    if document is None:
        return None
    return judge(document[1], context.user, action, resource, keys_of(context, action, point))
