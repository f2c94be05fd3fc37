"""Command line of the stand-in server."""

import argparse
import os
import signal
import sys

import control
from http_layer import HttpServer
from identity import (DEFAULT_ACCESS_KEY, DEFAULT_ACCOUNT, DEFAULT_SECRET_KEY, Permissions, User)
from kms_keys import DEFAULT_ALIAS, DEFAULT_KEY
from record import Recorder
from sts import DEFAULT_ROLE, DEFAULT_WEB_TOKEN, Role
from world import MIN_PART, World

EPILOG = f"""
always there: user {DEFAULT_ACCESS_KEY} with secret {DEFAULT_SECRET_KEY}, who may do
everything, account {DEFAULT_ACCOUNT}; role {DEFAULT_ROLE};
web identity token {DEFAULT_WEB_TOKEN}; KMS key {DEFAULT_KEY}, which is
{DEFAULT_ALIAS}, in the Region of --region. The control endpoint and the words of
fault rules are described in README.md beside this file.
"""


def parse_arguments(arguments):
    """The options; wrong ones end the program with status 2."""
    parser = argparse.ArgumentParser(
        prog="tests/server", description="S3, STS and KMS on 127.0.0.1, for tests.", epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--port", type=int, default=0, help="0 takes a free one (default)")
    add("--port-file", metavar="F", help="written with the port once the server listens")
    add("--tls", nargs=2, metavar=("CERT", "KEY"), help="serve https")
    add("--region", default="us-east-1", help="Region of the buckets made here")
    add("--bucket", action="append", default=[], metavar="NAME[@REGION]", help="make a bucket")
    add("--versioned", action="store_true", help="buckets of --bucket have versioning")
    add("--lock-enabled", action="store_true", help="buckets of --bucket have Object Lock")
    add("--public", action="store_true", help="buckets of --bucket can be read by anybody")
    add("--access-point", action="append", default=[], metavar="NAME=BUCKET[@ACCOUNT]")
    add("--mrap", action="append", default=[], metavar="ALIAS.mrap=BUCKET")
    add("--endpoint", action="append", default=["localhost"], metavar="SUFFIX",
        help="host name that serves path style, and BUCKET.SUFFIX (localhost always does)")
    add("--user", action="append", default=[], metavar="AK:SK[:ro|:deny=A,..|:allow=A,..]")
    add("--role", action="append", default=[], metavar="ARN[|EXTERNAL_ID]")
    add("--web-token", action="append", default=[], metavar="TOKEN")
    add("--sts-seconds", type=float, help="life of STS credentials, whatever is asked for")
    add("--session-seconds", type=float, default=300, help="life of CreateSession credentials")
    add("--kms-key", action="append", default=[], metavar="ID[@REGION][=alias/NAME]",
        help="make a KMS key; ID mrk-... can have one in several Regions")
    add("--kms-per-second", type=int, default=0, metavar="N", help="quota of KMS (0: none)")
    add("--faults", metavar="FILE", help="fault rules (JSON)")
    add("--latency", type=float, default=0, metavar="MS", help="before every reply")
    add("--bandwidth", type=int, default=0, metavar="BYTES_PER_S", help="each connection, each way")
    add("--clock-offset", type=float, default=0, metavar="SECONDS")
    add("--min-part-size", type=int, default=MIN_PART, metavar="BYTES")
    add("--record", metavar="DIRECTORY", help="keep every request body there, also one that breaks off")
    add("--body-timeout", type=float, default=30, metavar="SECONDS")
    add("--ssec-over-http", action="store_true", help="accept SSE-C without TLS (S3 does not)")
    return parser.parse_args(arguments)


def _pair(text, separator, option):
    left, found, right = text.partition(separator)
    if not found or not left or not right:
        sys.exit(f"tests/server: {option}: cannot read {text!r}")
    return left, right


def build_world(options):
    """A World with everything the command line asks for."""
    world = World(options.endpoint, options.region)
    world.clock.offset = options.clock_offset
    world.latency_s = options.latency / 1000
    world.min_part_size = options.min_part_size
    world.session_seconds = options.session_seconds
    world.customer_keys_over_http = options.ssec_over_http
    world.sts.lifetime_s = options.sts_seconds
    world.directory.add(User(DEFAULT_ACCESS_KEY, DEFAULT_SECRET_KEY))
    for text in options.user:
        access_key, rest = _pair(text, ":", "--user")
        secret, _, rights = rest.partition(":")
        world.directory.add(User(access_key, secret, Permissions.parse(rights)))
    for text in options.bucket:
        name, _, region = text.partition("@")
        control.make_bucket(world, name, region=region or options.region, public=options.public,
                            versioning="Enabled" if options.versioned else None,
                            lock_enabled=options.lock_enabled)
    for text in options.access_point:
        name, bucket = _pair(text, "=", "--access-point")
        bucket, _, account = bucket.partition("@")
        control.make_access_point(world, name, bucket, account=account or DEFAULT_ACCOUNT)
    for text in options.mrap:
        alias, bucket = _pair(text, "=", "--mrap")
        control.make_access_point(world, alias.partition(".")[0], bucket, mrap=alias)
    for text in options.role:
        arn, _, external_id = text.partition("|")
        world.sts.add_role(Role(arn, external_id=external_id or None))
    for token in options.web_token:
        world.sts.set_web_token(token)
    world.kms.quota.per_second = options.kms_per_second
    for text in options.kms_key:
        place, _, alias = text.partition("=")
        key_id, _, region = place.partition("@")
        control.make_kms_key(world, key_id, region=region or options.region,
                             aliases=[alias] if alias else [])
    if options.faults:
        world.faults.load_file(options.faults)
    return world


def make_server(world, options):
    """The listening server for a World."""
    def application(exchange):
        if control.wants(exchange.request):
            control.handle(world, server, exchange)
        else:
            world.serve(exchange)

    server = HttpServer(application, options.port, options.tls, options.bandwidth,
                        options.body_timeout)
    server.snapshots = {}
    if options.record:
        server.recorder = Recorder(options.record)
    return server


def main(arguments):
    """Run until SIGTERM or SIGINT."""
    options = parse_arguments(arguments)
    try:
        world = build_world(options)
        server = make_server(world, options)
    except (OSError, ValueError, control.ControlError) as error:
        sys.exit(f"tests/server: {error}")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    if options.port_file:
        temporary = f"{options.port_file}.new"
        with open(temporary, "w", encoding="ascii") as file:
            file.write(f"{server.port}\n")
        os.replace(temporary, options.port_file)
    print(f"listening on 127.0.0.1:{server.port}", flush=True)
    server.serve_forever()
