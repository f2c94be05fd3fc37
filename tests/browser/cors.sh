#!/usr/bin/env bash
# coffer cors and coffer share before a real browser: a page of one origin loads a shared file from a bucket on another.
# `coffer cors check` is asked before each request, and must have said what the browser does. Not part of `make check`,
# hence no .t: `make browser` installs Chromium first.
. "${0%/*}/../lib/tap.sh"
. tests/lib/system.sh
need_commands chromium chromedriver curl jq python3

# ---- a browser, by W3C WebDriver
# port_in LOG: where what writes it listens; fails until it says so
port_in() { grep -som1 'port [1-9][0-9]*[^0-9]' "$1" | tr -cd 0-9 | grep .; }

# serve_page NAME: on a port of its own, which makes it an origin of its own; sets NAME to that
serve_page() {
  local log=$WORK/log/page-$1.log
  python3 -u -m http.server 0 --bind 127.0.0.1 --directory tests/browser >"$log" 2>&1 &
  within 60 port_in "$log" >/dev/null || bail "no page is served"
  printf -v "$1" 'http://127.0.0.1:%s' "$(port_in "$log")"
}

# driver METHOD PATH [JSON]: the value that it answers
driver() {
  curl -sS --max-time 120 -X "$1" -H 'Content-Type: application/json' ${3:+--data-binary "$3"} "$DRIVER/session$2" |
    jq -c .value
}

start_browser() {
  local log=$WORK/log/chromedriver.log answer
  TMPDIR=$WORK chromedriver --port=0 >"$log" 2>&1 &
  within 60 port_in "$log" >/dev/null || bail "chromedriver does not start"
  DRIVER=http://127.0.0.1:$(port_in "$log")
  # its sandbox does not work for root, nor in most containers; no name is looked up, so that nothing goes outside
  answer=$(driver POST "" "$(jq -nc --arg binary "$(command -v chromium)" --arg profile "$WORK/profile" \
    '{capabilities: {alwaysMatch: {"goog:chromeOptions": {binary: $binary, args: ["--headless=new", "--no-sandbox",
      "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--no-proxy-server",
      "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
      "--user-data-dir=" + $profile]}}}}')")
  SESSION=/$(jq -r .sessionId <<<"$answer")
  [[ $SESSION != /null ]] || bail "Chromium does not start: $answer"
  note "$(jq -r '.capabilities | "\(.browserName) \(.browserVersion)"' <<<"$answer")"
}

# load ORIGIN URL METHOD [HEADER VALUE]: GOT is what the page there is given
load() {
  local fetch
  fetch=$(jq -nc --arg url "$2" --arg method "$3" --arg header "${4:-}" --arg value "${5:-}" '
    {script: "return load(...arguments)", args: [$url, {$method}
      + if $header == "" then {} else {headers: {($header): $value}} end
      + if $method == "PUT" then {body: "dropped in"} else {} end]}')
  driver POST "$SESSION/url" "{\"url\": \"$1/page.html\"}" >/dev/null
  GOT=$(driver POST "$SESSION/execute/sync" "$fetch")
}
header() { jq -r --arg name "$1" '.headers[$name] // "not for the page"' <<<"$GOT"; }

# ---- what is the same on every server
cors() { "$COFFER" cors "$@"; }

# sees EXPECTED DESCRIPTION ORIGIN METHOD [HEADER VALUE]: the page there is given that status and body, or "blocked";
# then SENT is what the browser sent to the stand-in
sees() {
  local key=file link=$LINK code seen said
  [[ $4 == GET ]] || key=dropped link=$DROP
  cors check "s3://$BUCKET/$key" --origin "$3" --method "$4" ${5:+--header "$5"} >"$WORK/said" 2>&1
  code=$?
  server_forget
  load "$3" "$link" "${@:4}"
  SENT=$(server_requests 'map("\(.method) \(.status)") | join(", ")')
  seen=$(jq -r 'if .status then "\(.status) \(.body)" else "blocked" end' <<<"$GOT")
  is "$seen" "$1" "$SERVER: $2" || diag "$GOT"
  [[ $seen == blocked ]] && said=5 || said=0
  is "$code" "$said" "$SERVER: as coffer cors check said" || diag "$(cat "$WORK/said")"
}
# sent EXPECTED DESCRIPTION: nobody keeps such a log on RGW
sent() { [[ $SERVER != stand-in ]] || is "$SENT" "$1" "$SERVER: $2"; }
# dropped: what the page has put, or why there is none
dropped() {
  local code
  code=$(s3 GET "/$BUCKET/dropped" -o "$WORK/got" -w '%{http_code}' 2>/dev/null)
  if [[ $code == 200 ]]; then cat "$WORK/got"; else echo "$code"; fi
}

page_loads() { # SERVER
  SERVER=$1
  s3_put "/$BUCKET/file" "shared with a page" >/dev/null || bail "no file"
  LINK=$("$COFFER" share "s3://$BUCKET/file") || bail "no link"
  DROP=$("$COFFER" share --method PUT "s3://$BUCKET/dropped") || bail "no link to put by"
  is "$(curl -sS "$LINK")" "shared with a page" "$1: the link is good, whoever has it"

  # ---- no rules
  sees blocked "without rules the page gets nothing" "$PAGE" GET
  sent "GET 200" "although the server sent it"

  # ---- GET, and nothing beside it
  exits 0 "$1: allow" cors allow "s3://$BUCKET" --origin "$PAGE" --yes
  sees "200 shared with a page" "the page loads the file" "$PAGE" GET
  sent "GET 200" "without asking first"
  is "$(header etag)" "not for the page" "$1: it does not see the ETag"
  sees blocked "a page of another port gets nothing" "$OTHER" GET
  sees blocked "nor does ours with a header that is not allowed" "$PAGE" GET X-Page 1
  sent "OPTIONS 403" "the browser asks, and goes no further"
  sees blocked "nor the end of the file, a range that needs to be allowed" "$PAGE" GET Range bytes=-4
  sent "OPTIONS 403" "the browser asks here as well"
  load "$PAGE" "$LINK" GET Range bytes=0-3
  is "$(jq -r '"\(.status) \(.body)"' <<<"$GOT")" "206 shar" "$1: a simple range is not asked for by browsers of today"
  is "$(header content-range)" "not for the page" "$1: whose place in the file the page does not see"
  exits 5 "$1: coffer cors check speaks for older ones" cors check "s3://$BUCKET/file" --origin "$PAGE" --header range
  like "$OUTPUT" 'A browser of 2022 or later does not ask' "$1: and says so"
  sees blocked "the page puts nothing" "$PAGE" PUT
  sent "OPTIONS 403" "the browser asks, and goes no further"
  is "$(dropped)" 404 "$1: and nothing is there"

  # ---- more in the place of that rule
  exits 0 "$1: allow more" cors allow "s3://$BUCKET" --origin "$PAGE" --method GET --method PUT \
    --header range --header x-page --expose ETag --expose Content-Range --yes
  sees "200 shared with a page" "with a header that is allowed the file is loaded" "$PAGE" GET X-Page 1
  sent "OPTIONS 200, GET 200" "after the browser has asked"
  is "$(header etag)" "\"$(printf 'shared with a page' | md5sum | cut -d' ' -f1)\"" "$1: the page sees the exposed ETag"
  sees "206 page" "the end of the file" "$PAGE" GET Range bytes=-4
  sent "OPTIONS 200, GET 206" "after the browser has asked"
  is "$(header content-range)" "bytes 14-17/18" "$1: the page sees the exposed Content-Range"
  sees "206 shar" "a simple range" "$PAGE" GET Range bytes=0-3
  sent "GET 206" "for which the browser did not ask"
  is "$(header content-range)" "bytes 0-3/18" "$1: with its Content-Range"
  sees blocked "a header beside those allowed" "$PAGE" GET X-Other 1
  sees blocked "a page of another port still gets nothing" "$OTHER" GET
  sees blocked "and puts nothing" "$OTHER" PUT
  is "$(dropped)" 404 "$1: nothing is there"
  sees "200 " "our page puts" "$PAGE" PUT
  sent "OPTIONS 200, PUT 200" "after the browser has asked"
  is "$(dropped)" "dropped in" "$1: a file"
  LINK=$("$COFFER" share "s3://$BUCKET/dropped")
  s3 DELETE "/$BUCKET/dropped" >/dev/null
  load "$PAGE" "$LINK" GET
  is "$(jq .status <<<"$GOT")" 404 "$1: of a file that is gone the page is told so"
  exits 0 "$1: as coffer cors check said" cors check "s3://$BUCKET/dropped" --origin "$PAGE"

  # ---- none again
  LINK=$("$COFFER" share "s3://$BUCKET/file")
  exits 0 "$1: allow the other page as well" cors allow "s3://$BUCKET" --origin "$OTHER" --yes
  sees "200 shared with a page" "which loads the file now" "$OTHER" GET
  exits 0 "$1: remove" cors remove "s3://$BUCKET" --origin "$PAGE" --yes
  sees blocked "the page is out again" "$PAGE" GET
  sees "200 shared with a page" "the other is not" "$OTHER" GET
  sees blocked "with what it had to ask for" "$PAGE" GET Range bytes=-4
  sent "OPTIONS 403" "no older answer counts"
  sees blocked "and puts nothing any more" "$PAGE" PUT
  sent "OPTIONS 403" "the browser asks, and goes no further"
  is "$(dropped)" 404 "$1: nothing is there"
  exits 0 "$1: remove all" cors remove "s3://$BUCKET" --yes
  sees blocked "now the other is out, too" "$OTHER" GET
}

serve_page PAGE
serve_page OTHER
start_browser
start_server --bucket demo
BUCKET=demo
page_loads stand-in
is "$(server_control GET counters | jq .crashes)" 0 "the stand-in never crashed"
if [[ -n ${COFFER_TEST_RGW_URL:-} ]]; then
  need_rgw
  BUCKET=browser-$$
  s3 PUT "/$BUCKET" >/dev/null || bail "no bucket"
  page_loads RGW
else
  skip "no Ceph RGW"
fi
driver DELETE "$SESSION" >/dev/null
done_testing
