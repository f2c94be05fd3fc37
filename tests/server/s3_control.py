"""S3 Control: access points and their policies, by the account's host name or by x-amz-account-id on a custom endpoint.

Source: Amazon S3 API reference, S3 Control, version 2018-08-20.
"""

import re
from urllib.parse import unquote

import policy
import sigv4
import xmlout
from errors import ServiceError, not_implemented, refuse
from http_layer import Reply
from store import AccessPoint, http_date, iso_date

NAMESPACE = "http://awss3control.amazonaws.com/doc/2018-08-20/"
_PATH = re.compile(r"^/v20180820/accesspoint(?:/(?P<name>[^/]+)(?P<below>/policy|/policyStatus)?)?$")
_NAME = re.compile(r"^[a-z0-9](?:[a-z0-9-]{1,48})[a-z0-9]$")
_OPERATIONS = {("PUT", ""): "CreateAccessPoint", ("GET", ""): "GetAccessPoint",
               ("DELETE", ""): "DeleteAccessPoint", ("PUT", "/policy"): "PutAccessPointPolicy",
               ("GET", "/policy"): "GetAccessPointPolicy", ("DELETE", "/policy"): "DeleteAccessPointPolicy",
               ("GET", "/policyStatus"): "GetAccessPointPolicyStatus"}
_FLAGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_QUERY = {"ListAccessPoints": {"bucket", "maxResults", "nextToken"}}


def is_for_control(request, address):
    """S3 Control by its host name, or by its path and the account's header on a custom endpoint."""
    if address.kind == "control":
        return True
    return address.style == "path" and address.bucket == "v20180820" and \
        request.header("x-amz-account-id") is not None


class Call:
    """One S3 Control request."""

    def __init__(self, world, exchange, address):
        self._world = world
        self._exchange = exchange
        self._request = exchange.request
        self._address = address
        self._body = bytes(exchange.read_body())
        self._now = world.clock.now()
        self._user = None
        self._account = self._request.header("x-amz-account-id")
        match = _PATH.match(self._request.path)
        self.name = unquote(match["name"]) if match and match["name"] else ""
        self.operation = "?"
        if match and match["name"] is None:
            self.operation = "ListAccessPoints" if self._request.method == "GET" else "?"
        elif match:
            self.operation = _OPERATIONS.get((self._request.method, match["below"] or ""), "?")

    def execute(self):
        """The reply, errors included."""
        self._now = self._world.clock.now() + self._exchange.skew
        request_id = self._exchange.request_id
        try:
            reply = self._run()
        except ServiceError as error:
            inner = xmlout.node("Error", [xmlout.node("Code", error.code), xmlout.node("Message", error.message)])
            reply = Reply(error.status, [("Content-Type", "application/xml")],
                          xmlout.document("ErrorResponse", [inner, xmlout.node("RequestId", request_id)], NAMESPACE))
        reply.headers += [("x-amz-request-id", request_id), ("Date", http_date(self._now))]
        return reply

    def _run(self):
        if self.operation == "?":
            raise not_implemented(f"{self._request.method} {self._request.path} of S3 Control")
        query = {name.decode("latin-1"): value.decode() for name, value in sigv4.parse_query(self._request.query)}
        if query.keys() - _QUERY.get(self.operation, set()):
            raise not_implemented(f"query {sorted(query)} on {self.operation}")
        self._authenticate()
        point = self._world.store.access_point(self.name, self._account)
        self._demand(point)
        if self.operation == "ListAccessPoints":
            return self._list(query)
        if self.operation == "CreateAccessPoint":
            return self._create(point)
        if point is None:
            raise ServiceError("NoSuchAccessPoint", 404, "The specified accesspoint does not exist")
        return getattr(self, "_" + self.operation.lower())(point)

    def _authenticate(self):
        claim = sigv4.read(self._request)
        if claim is None:
            raise refuse("AccessDenied")
        if claim.service != "s3" or claim.algorithm != sigv4.SIGV4:
            raise refuse("AuthorizationHeaderMalformed", "S3 Control is signed for s3 by SigV4")
        region = self._address.region or self._world.region
        if claim.region != region:
            raise refuse("AuthorizationHeaderMalformed", f"the region '{claim.region}' is wrong; expecting '{region}'")
        sigv4.verify(self._request, claim, self._world.directory, self._now)
        sigv4.check_payload(claim.payload_hash, self._body)
        self._user = claim.user
        if not re.fullmatch(r"\d{12}", self._account or ""):
            raise refuse("InvalidRequest", "x-amz-account-id is missing or no account")
        if self._address.account not in (None, self._account):
            raise refuse("InvalidRequest", "x-amz-account-id is not the account of the host")
        if self._user.account != self._account:
            raise refuse("AccessDenied")  # there is no cross-account S3 Control

    def _demand(self, point):
        """IAM, and what the policy of the access point denies about itself."""
        action = "s3:" + self.operation
        if not self._user.permissions.permits(action, self.name):
            raise self._denied(action)
        if point is not None and point.policy is not None and policy.judge(
                point.policy[1], self._user, action, point.arn, {"aws:securetransport": "true"}) == "Deny":
            raise self._denied(action)

    def _denied(self, action):
        return refuse("AccessDenied", f"User: {self._user.arn} is not authorized to perform: {action}")

    def _xml(self, root, children):
        return Reply(200, [("Content-Type", "application/xml")], xmlout.document(root, children, NAMESPACE))

    def _parsed(self, root, *names):
        return xmlout.parse(self._body, root).only(*names)

    def _create(self, point):
        wanted = self._parsed("CreateAccessPointRequest", "Bucket", "VpcConfiguration",
                              "PublicAccessBlockConfiguration", "BucketAccountId")
        if not _NAME.match(self.name) or self.name.endswith("-s3alias"):
            raise refuse("InvalidRequest", "The specified access point name is not valid")
        if point is not None:
            raise ServiceError("AccessPointAlreadyOwnedByYou", 409, "Your previous request to create the named"
                               " accesspoint succeeded and you already own it.")
        bucket = self._world.store.bucket(wanted.value("Bucket") or "")
        if bucket is None or bucket.account != self._account:
            raise refuse("NoSuchBucket" if bucket is None else "AccessDenied")
        made = AccessPoint(self.name, bucket.name, self._account, bucket.region)
        made.created = self._now
        for vpc in wanted.all("VpcConfiguration"):
            made.vpc = vpc.only("VpcId").value("VpcId")
            if not re.fullmatch(r"vpc-[0-9a-f]+", made.vpc or ""):
                raise refuse("InvalidRequest", "The VPC id is not valid")
        for block in wanted.all("PublicAccessBlockConfiguration"):
            made.block = {flag: block.only(*_FLAGS).value(flag) == "true" for flag in _FLAGS}
        self._world.store.add_access_point(made)
        return self._xml("CreateAccessPointResult", [xmlout.node("AccessPointArn", made.arn),
                                                     xmlout.node("Alias", made.alias)])

    @staticmethod
    def _network(point):
        if point.vpc is None:
            return [xmlout.node("NetworkOrigin", "Internet")]
        return [xmlout.node("NetworkOrigin", "VPC"),
                xmlout.node("VpcConfiguration", [xmlout.node("VpcId", point.vpc)])]

    def _getaccesspoint(self, point):
        flags = [xmlout.node(flag, str(point.block[flag]).lower()) for flag in _FLAGS]
        return self._xml("GetAccessPointResult", [
            xmlout.node("Name", point.name), xmlout.node("Bucket", point.bucket), *self._network(point),
            xmlout.node("PublicAccessBlockConfiguration", flags),
            xmlout.node("CreationDate", iso_date(point.created)), xmlout.node("Alias", point.alias),
            xmlout.node("AccessPointArn", point.arn), xmlout.node("BucketAccountId", point.account)])

    def _list(self, query):
        with self._world.store.lock:
            points = sorted((point for point in self._world.store.access_points.values()
                             if point.account == self._account and point.mrap is None and
                             point.bucket == query.get("bucket", point.bucket)), key=lambda point: point.name)
        start = int(query.get("nextToken", "0"))
        end = start + min(int(query.get("maxResults", "1000")), self._world.access_points_per_page)
        rows = [xmlout.node("AccessPoint", [
            xmlout.node("Name", point.name), *self._network(point), xmlout.node("Bucket", point.bucket),
            xmlout.node("AccessPointArn", point.arn), xmlout.node("Alias", point.alias)])
                for point in points[start:end]]
        more = [xmlout.node("NextToken", end)] if end < len(points) else []
        return self._xml("ListAccessPointsResult", [xmlout.node("AccessPointList", rows), *more])

    def _deleteaccesspoint(self, point):
        self._world.store.remove_access_point(point)
        return Reply(204)

    def _getaccesspointpolicy(self, point):
        return self._xml("GetAccessPointPolicyResult", [xmlout.node("Policy", self._policy(point)[0].decode())])

    @staticmethod
    def _policy(point):
        if point.policy is None:
            raise ServiceError("NoSuchAccessPointPolicy", 404, "The specified accesspoint policy does not exist")
        return point.policy

    def _putaccesspointpolicy(self, point):
        text = (self._parsed("PutAccessPointPolicyRequest", "Policy").value("Policy") or "").encode()
        statements = policy.parse(text, point.arn, point.arn + "/object/")
        if point.block["BlockPublicPolicy"] and policy.is_public(statements):
            raise refuse("AccessDenied", "the policy is public, and public policies are blocked")
        point.policy = (text, statements)
        return Reply(200)

    def _deleteaccesspointpolicy(self, point):
        point.policy = None
        return Reply(204)

    def _getaccesspointpolicystatus(self, point):
        public = str(policy.is_public(self._policy(point)[1])).lower()
        return self._xml("GetAccessPointPolicyStatusResult",
                         [xmlout.node("PolicyStatus", [xmlout.node("IsPublic", public)])])
