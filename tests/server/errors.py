"""Service errors: one exception type and the table of codes, as in the Amazon S3 API reference.

Every refusal of the server is a ServiceError. `refuse(code)` makes one from the table; the XML body
is written by xmlout, so that the same exception serves S3 and STS.
"""

# code: (HTTP status, default message)
TABLE = {
    "AccessDenied": (403, "Access Denied"),
    "AccessForbidden": (403, "CORSResponse: This CORS request is not allowed."),
    "AuthorizationHeaderMalformed": (400, "The authorization header is malformed."),
    "AuthorizationQueryParametersError": (400, "Error parsing the X-Amz-Credential parameter."),
    "BadDigest": (400, "The Content-MD5 you specified did not match what we received."),
    "BadRequest": (400, "An error occurred when parsing the HTTP request."),
    "BucketAlreadyExists": (409, "The requested bucket name is not available."),
    "BucketAlreadyOwnedByYou": (
        409, "Your previous request to create the named bucket succeeded and you already own it."),
    "BucketNotEmpty": (409, "The bucket you tried to delete is not empty"),
    "ConditionalRequestConflict": (
        409, "The conditional request cannot succeed due to a conflicting operation against this"
             " resource."),
    "EntityTooLarge": (400, "Your proposed upload exceeds the maximum allowed size"),
    "EntityTooSmall": (400, "Your proposed upload is smaller than the minimum allowed size"),
    "ExpiredToken": (400, "The provided token has expired."),
    "IllegalLocationConstraintException": (
        400, "The unspecified location constraint is incompatible for the region specific endpoint"
             " this request was sent to."),
    "InternalError": (500, "We encountered an internal error. Please try again."),
    "InvalidAccessKeyId": (
        403, "The AWS Access Key Id you provided does not exist in our records."),
    "InvalidAccessPoint": (400, "The specified access point name or account is not valid."),
    "InvalidAccessPointAliasError": (400, "The specified access point alias name is not valid."),
    "InvalidArgument": (400, "Invalid Argument"),
    "InvalidBucketName": (400, "The specified bucket is not valid."),
    "InvalidBucketState": (409, "The request is not valid with the current state of the bucket."),
    "InvalidDigest": (400, "The Content-MD5 you specified was invalid."),
    "InvalidLocationConstraint": (400, "The specified location-constraint is not valid"),
    "InvalidObjectState": (403, "The operation is not valid for the object's storage class"),
    "InvalidPart": (
        400, "One or more of the specified parts could not be found.  The part may not have been"
             " uploaded, or the specified entity tag may not match the part's entity tag."),
    "InvalidPartOrder": (
        400, "The list of parts was not in ascending order. Parts must be ordered by part number."),
    "InvalidRange": (416, "The requested range is not satisfiable"),
    "InvalidTargetBucketForLogging": (
        400, "The target bucket for logging does not exist or is not owned by you"),
    "InvalidRequest": (400, "Invalid Request"),
    "InvalidRetentionPeriod": (
        400, "The retention period specified is invalid"),
    "InvalidStorageClass": (400, "The storage class you specified is not valid"),
    "InvalidTag": (400, "The tag provided was not a valid tag."),
    "InvalidToken": (400, "The provided token is malformed or otherwise invalid."),
    "InvalidURI": (400, "Couldn't parse the specified URI."),
    "KeyTooLongError": (400, "Your key is too long"),
    "MalformedXML": (
        400, "The XML you provided was not well-formed or did not validate against our published"
             " schema"),
    "MetadataTooLarge": (
        400, "Your metadata headers exceed the maximum allowed metadata size"),
    "MethodNotAllowed": (405, "The specified method is not allowed against this resource."),
    "MissingContentLength": (411, "You must provide the Content-Length HTTP header."),
    "MissingSecurityHeader": (400, "Your request was missing a required header"),
    "NoSuchAccessPoint": (404, "The specified accesspoint does not exist"),
    "NoSuchCORSConfiguration": (404, "The CORS configuration does not exist"),
    "NoSuchLifecycleConfiguration": (404, "The lifecycle configuration does not exist"),
    "NoSuchBucket": (404, "The specified bucket does not exist"),
    "MalformedPolicy": (400, "Policy is malformed"),
    "NoSuchBucketPolicy": (404, "The bucket policy does not exist"),
    "NoSuchKey": (404, "The specified key does not exist."),
    "NoSuchObjectLockConfiguration": (
        404, "The specified object does not have a ObjectLock configuration"),
    "NoSuchUpload": (
        404, "The specified upload does not exist. The upload ID may be invalid, or the upload may"
             " have been aborted or completed."),
    "NoSuchVersion": (404, "The specified version does not exist."),
    "NotImplemented": (
        501, "A header you provided implies functionality that is not implemented"),
    "ObjectLockConfigurationNotFoundError": (
        404, "Object Lock configuration does not exist for this bucket"),
    "PermanentRedirect": (
        301, "The bucket you are attempting to access must be addressed using the specified"
             " endpoint. Please send all future requests to this endpoint."),
    "PreconditionFailed": (
        412, "At least one of the pre-conditions you specified did not hold"),
    "RequestHeaderSectionTooLarge": (
        400, "Your request header section exceeds the maximum allowed size."),
    "RequestTimeTooSkewed": (
        403, "The difference between the request time and the current time is too large."),
    "RequestTimeout": (
        400, "Your socket connection to the server was not read from or written to within the"
             " timeout period. Idle connections will be closed."),
    "ServiceUnavailable": (503, "Service is unable to handle request."),
    "RestoreAlreadyInProgress": (409, "Object restore is already in progress"),
    "SignatureDoesNotMatch": (
        403, "The request signature we calculated does not match the signature you provided. Check"
             " your key and signing method."),
    "SlowDown": (503, "Please reduce your request rate."),
    "XAmzContentSHA256Mismatch": (
        400, "The provided 'x-amz-content-sha256' header does not match what was computed."),
}

NOT_MODIFIED = 304


class ServiceError(Exception):
    """A refusal: code, HTTP status, message, extra XML elements and extra reply headers."""

    def __init__(self, code, status, message, fields=None, headers=None):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.status = status
        self.message = message
        self.fields = list(fields or [])
        self.headers = list(headers or [])


def refuse(code, message=None, fields=None, headers=None, status=None):
    """The ServiceError for `code`; `message` and `status` replace those of the table."""
    table_status, table_message = TABLE[code]
    return ServiceError(code, status or table_status, message or table_message, fields, headers)


def not_implemented(what):
    """501 that names what the client asked for: nothing unknown is ever ignored."""
    return refuse("NotImplemented",
                  f"{what}: implies functionality that is not implemented by this server",
                  [("Header", what)])
