"""From Host and path to what is addressed: service, bucket, access point, key, signing rules.

Source: "Virtual hosting", "Access points" and "Endpoints" of the Amazon S3 user guide. Hosts that
we do not serve yet (Outposts, Object Lambda) are refused by name.
"""

import re
from urllib.parse import unquote_to_bytes

from errors import not_implemented, refuse

_SUFFIX = r"(?:amazonaws\.com(?:\.cn)?|c2s\.ic\.gov|sc2s\.sgov\.gov|amazonaws\.eu)"
_REGION = r"(?P<region>[a-z]{2,4}(?:-[a-z]+)+-\d+)"
_AP = r"(?P<name>[a-z0-9-]+)-(?P<account>\d{12})"


def _pattern(text):
    return re.compile("^" + text.replace("REGION", _REGION).replace("SUFFIX", _SUFFIX) + "$")


_S3 = _pattern(r"(?:(?P<bucket>.+)\.)?s3(?:-fips)?(?:\.dualstack)?[.-]REGION\.SUFFIX")
_S3_GLOBAL = _pattern(r"(?:(?P<bucket>.+)\.)?s3\.SUFFIX")
_S3_ACCELERATE = _pattern(r"(?P<bucket>[^.]+)\.s3-accelerate(?:\.dualstack)?\.SUFFIX")
_ACCESS_POINT = _pattern(_AP + r"\.s3-accesspoint(?:-fips)?(?:\.dualstack)?\.REGION\.SUFFIX")
_MRAP = _pattern(r"(?P<alias>[a-z0-9]+\.mrap)\.accesspoint\.s3-global\.SUFFIX")
_EXPRESS = _pattern(r"(?P<bucket>[^.]+)\.s3express-(?:fips-)?[a-z0-9-]+(?:\.dualstack)?"
                    r"\.REGION\.SUFFIX")
_EXPRESS_CONTROL = _pattern(r"s3express-control(?:-fips)?(?:\.dualstack)?\.REGION\.SUFFIX")
_STS = _pattern(r"sts(?:-fips)?(?:\.REGION)?\.SUFFIX")
_KMS = _pattern(r"kms(?:-fips)?\.REGION\.SUFFIX")
_CONTROL = _pattern(r"(?P<account>\d{12})\.s3-control(?:-fips)?(?:\.dualstack)?\.REGION\.SUFFIX")
_VPCE = _pattern(r"(?:(?P<label>.+)\.)?(?P<door>bucket|accesspoint|control)\.vpce-[a-z0-9-]+"
                 r"\.s3\.REGION\.vpce\.SUFFIX")
_UNSERVED = [
    ("Object Lambda access point", _pattern(r".+\.s3-object-lambda(?:-fips)?\.REGION\.SUFFIX")),
    ("Outposts", _pattern(r".+\.s3-outposts\.REGION\.SUFFIX")),
]
_AP_LABEL = re.compile("^" + _AP + "$")
_OUTPOST_LABEL = re.compile(r"^[a-z0-9-]+-\d{12}\.op-[a-z0-9]+$")
_IP = re.compile(r"^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]+\])$")
SOURCE_ARN = re.compile(
    r"^arn:[a-z-]+:s3:(?P<region>[a-z0-9-]*):(?P<account>\d{12}):accesspoint/(?P<name>[^/]+)"
    r"/object/(?P<key>.+)$", re.DOTALL)


class Address:
    """What one request is for."""

    def __init__(self, kind, *, bucket=None, raw_key="", region=None, style="path",
                 access_point=None, alias=False, services=("s3",), sigv4a=False, account=None):
        self.kind = kind  # "service", "bucket", "sts", "kms", "control"
        self.bucket = bucket
        self.raw_key = raw_key
        self.region = region
        self.style = style
        self.access_point = access_point
        self.alias = alias
        self.services = services
        self.sigv4a = sigv4a
        self.account = account  # S3 Control: of the host name

    @property
    def key(self):
        """The decoded key as bytes."""
        return unquote_to_bytes(self.raw_key)

    @property
    def level(self):
        """"service", "bucket" or "object": the first thing an operation depends on."""
        if self.kind != "bucket":
            return self.kind
        return "object" if self.raw_key else "bucket"


class Resolver:
    """Resolves requests against the endpoint suffixes and access points of this server."""

    def __init__(self, store, endpoints):
        self._store = store
        # The longest first: s3.localhost before localhost.
        self._endpoints = sorted((endpoint.lower() for endpoint in endpoints), key=len,
                                 reverse=True)

    def resolve(self, request):
        """The Address of a request, or a ServiceError."""
        hosts = request.values("host")
        if len(hosts) != 1 or not hosts[0]:
            raise refuse("BadRequest", "exactly one Host header is needed")
        host = re.sub(r":\d+$", "", hosts[0].lower())
        address = self._from_host(host, request.path)
        if address is None:
            raise refuse("InvalidRequest", f"host {host} is not served here (see --endpoint)")
        return address

    def _from_host(self, host, path):
        for name, pattern in _UNSERVED:
            if pattern.match(host):
                raise not_implemented(f"{name} host {host}")
        return (self._aws_access_point(host, path) or self._express(host, path) or
                self._aws_bucket(host, path) or self._vpce(host, path) or
                self._custom(host, path))

    def _aws_access_point(self, host, path):
        match = _ACCESS_POINT.match(host)
        if match:
            return self._by_access_point(match["name"], match["account"], match["region"], path)
        match = _MRAP.match(host)
        if match:
            found = self._store.by_mrap(match["alias"])
            if found is None:
                raise refuse("InvalidAccessPoint")
            return Address("bucket", bucket=found.bucket, raw_key=path[1:], style="vhost",
                           access_point=found, sigv4a=True)
        return None

    def _by_access_point(self, name, account, region, path):
        found = self._store.access_point(name, account)
        if found is None or (region is not None and region != found.region):
            raise refuse("InvalidAccessPoint", None,
                         [("AccessPoint", f"{name}-{account}"), ("Region", region or "")])
        return Address("bucket", bucket=found.bucket, raw_key=path[1:], region=region,
                       style="vhost", access_point=found)

    def _express(self, host, path):
        match = _EXPRESS.match(host)
        if match:
            return self._bucket(match["bucket"], path[1:], match["region"], "vhost")
        match = _EXPRESS_CONTROL.match(host)
        if match:
            return self._path_style(path, match["region"], services=("s3express",))
        return None

    def _aws_bucket(self, host, path):
        match = _STS.match(host)
        if match:
            return Address("sts", region=match["region"], services=("sts",))
        match = _KMS.match(host)
        if match:
            return Address("kms", region=match["region"], services=("kms",))
        match = _CONTROL.match(host)
        if match:
            return Address("control", region=match["region"], account=match["account"])
        for pattern in (_S3, _S3_GLOBAL, _S3_ACCELERATE):
            match = pattern.match(host)
            if match:
                region = match.groupdict().get("region")
                if match["bucket"]:
                    return self._bucket(match["bucket"], path[1:], region, "vhost")
                return self._path_style(path, region)
        return None

    def _vpce(self, host, path):
        match = _VPCE.match(host)
        if match is None:
            return None
        label = match["label"]
        if match["door"] == "control":
            return Address("control", region=match["region"], account=label)
        if label is None:
            return self._path_style(path, match["region"])
        point = _AP_LABEL.match(label)
        if match["door"] == "accesspoint" and point:
            return self._by_access_point(point["name"], point["account"], match["region"], path)
        return self._bucket(label, path[1:], match["region"], "vhost")

    def _custom(self, host, path):
        if _IP.match(host):
            return self._path_style(path, None, services=("s3", "sts", "kms"))
        for endpoint in self._endpoints:
            if host == endpoint:
                return self._path_style(path, None, services=("s3", "sts", "kms"))
            if host.endswith("." + endpoint):
                return self._custom_label(host[:-len(endpoint) - 1], path)
        return None

    def _custom_label(self, label, path):
        if _OUTPOST_LABEL.match(label):
            raise not_implemented("Outposts host")
        if re.fullmatch(r"\d{12}", label):
            return Address("control", account=label)
        point = _AP_LABEL.match(label)
        if point and self._store.access_point(point["name"], point["account"]):
            return self._by_access_point(point["name"], point["account"], None, path)
        return self._bucket(label, path[1:], None, "vhost")

    def _path_style(self, path, region, services=("s3",)):
        name, _, raw_key = path[1:].partition("/")
        name = unquote_to_bytes(name).decode("latin-1")
        if not name:
            if raw_key:
                raise refuse("InvalidURI")
            return Address("service", region=region, services=services)
        address = self._bucket(name, raw_key, region, "path")
        if "s3express" in services:
            address.services = services
        return address

    def _bucket(self, name, raw_key, region, style):
        if name.endswith("--x-s3"):
            return Address("bucket", bucket=name, raw_key=raw_key, region=region, style=style,
                           services=("s3express",))
        if name.endswith("-s3alias"):
            found = self._store.by_alias(name)
            if found is None:
                raise refuse("InvalidAccessPointAliasError", None, [("BucketName", name)])
            return Address("bucket", bucket=found.bucket, raw_key=raw_key, region=region,
                           style=style, access_point=found, alias=True)
        if name.endswith(("--xa-s3", "--ol-s3", "--op-s3")):
            raise not_implemented(f"access point alias {name}")
        return Address("bucket", bucket=name, raw_key=raw_key, region=region, style=style)

    def copy_source(self, text, region):
        """(bucket name, key bytes, access point or None) of a decoded x-amz-copy-source path.

        Forms: bucket/key and the access point ARN followed by /object/key.
        """
        match = SOURCE_ARN.match(text)
        if match:
            found = self._store.access_point(match["name"], match["account"])
            if found is None or found.region != match["region"]:
                raise refuse("InvalidAccessPoint")
            if found.region != region:
                raise refuse("InvalidRequest", "an access point copies inside its Region only")
            return found.bucket, match["key"].encode("latin-1"), found
        if text.startswith("arn:"):
            raise refuse("InvalidArgument", "Invalid copy source ARN",
                         [("ArgumentName", "x-amz-copy-source"), ("ArgumentValue", text)])
        bucket, slash, key = text.removeprefix("/").partition("/")
        if not slash or not key or not bucket:
            raise refuse("InvalidArgument", "Copy Source must mention the source bucket and key:"
                         " sourcebucket/sourcekey",
                         [("ArgumentName", "x-amz-copy-source"), ("ArgumentValue", text)])
        found = self._bucket(bucket, "", region, "path")
        return found.bucket, key.encode("latin-1"), found.access_point
