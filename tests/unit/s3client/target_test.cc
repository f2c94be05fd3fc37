// Every kind of address against the endpoint rules that AWS publishes for its SDKs: the rows were
// computed by those rules, not by this code. What Coffer does differently is in
// target_own_test.cc.

#include "s3client/target.h"

#include <catch2/catch.hpp>
#include <sstream>
#include <string>

#include "tests/support/address_row.h"

namespace coffer::s3::target_test {

// SOURCE | OPTIONS | URL SCHEME SIGNING-NAME REGION-OR-SET, or "refused: " and how the reason goes.
constexpr char kPublished[] = R"(
team-data | --region us-east-1 | https://team-data.s3.us-east-1.amazonaws.com sigv4 s3 us-east-1
team-data | --region eu-central-1 | https://team-data.s3.eu-central-1.amazonaws.com sigv4 s3 eu-central-1
team-data | --region cn-north-1 | https://team-data.s3.cn-north-1.amazonaws.com.cn sigv4 s3 cn-north-1
team-data | --region us-gov-west-1 | https://team-data.s3.us-gov-west-1.amazonaws.com sigv4 s3 us-gov-west-1
team-data | --region us-iso-east-1 | https://team-data.s3.us-iso-east-1.c2s.ic.gov sigv4 s3 us-iso-east-1
team-data | --region us-isob-east-1 | https://team-data.s3.us-isob-east-1.sc2s.sgov.gov sigv4 s3 us-isob-east-1
team-data | --region eu-isoe-west-1 | https://team-data.s3.eu-isoe-west-1.cloud.adc-e.uk sigv4 s3 eu-isoe-west-1
team-data | --region us-isof-south-1 | https://team-data.s3.us-isof-south-1.csp.hci.ic.gov sigv4 s3 us-isof-south-1
team-data | --region eusc-de-east-1 | https://team-data.s3.eusc-de-east-1.amazonaws.eu sigv4 s3 eusc-de-east-1
team-data | --region garage | https://team-data.s3.garage.amazonaws.com sigv4 s3 garage
team-data | --region mx-central-1 | https://team-data.s3.mx-central-1.amazonaws.com sigv4 s3 mx-central-1
team-data | --region us-gov-east-1 | https://team-data.s3.us-gov-east-1.amazonaws.com sigv4 s3 us-gov-east-1
team-data | --region cn-northwest-1 | https://team-data.s3.cn-northwest-1.amazonaws.com.cn sigv4 s3 cn-northwest-1
team-data | --region il-central-1 | https://team-data.s3.il-central-1.amazonaws.com sigv4 s3 il-central-1
team-data | --region aws-global | https://team-data.s3.amazonaws.com sigv4 s3 us-east-1
team-data | --region eu-west-1 --fips | https://team-data.s3-fips.eu-west-1.amazonaws.com sigv4 s3 eu-west-1
team-data | --region eu-west-1 --dual-stack | https://team-data.s3.dualstack.eu-west-1.amazonaws.com sigv4 s3 eu-west-1
team-data | --region eu-west-1 --fips --dual-stack | https://team-data.s3-fips.dualstack.eu-west-1.amazonaws.com sigv4 s3 eu-west-1
team-data | --region eu-west-1 --transfer-acceleration | https://team-data.s3-accelerate.amazonaws.com sigv4 s3 eu-west-1
team-data | --region eu-west-1 --transfer-acceleration --dual-stack | https://team-data.s3-accelerate.dualstack.amazonaws.com sigv4 s3 eu-west-1
team-data | --region eu-west-1 --transfer-acceleration --fips | refused: --transfer-acceleration: does not go with
team-data | --region eu-west-1 --force-path-style | https://s3.eu-west-1.amazonaws.com/team-data sigv4 s3 eu-west-1
team-data | --region eu-west-1 --force-path-style --fips | https://s3-fips.eu-west-1.amazonaws.com/team-data sigv4 s3 eu-west-1
team-data | --region eu-west-1 --force-path-style --dual-stack | https://s3.dualstack.eu-west-1.amazonaws.com/team-data sigv4 s3 eu-west-1
team-data | --region eu-west-1 --force-path-style --fips --dual-stack | https://s3-fips.dualstack.eu-west-1.amazonaws.com/team-data sigv4 s3 eu-west-1
team-data | --region eu-west-1 --force-path-style --transfer-acceleration | refused: --transfer-acceleration needs the bucket in
team-data | --region cn-north-1 --fips | refused: --fips: the Region cn-north-1 has no FIPS
team-data | --region cn-north-1 --dual-stack | https://team-data.s3.dualstack.cn-north-1.amazonaws.com.cn sigv4 s3 cn-north-1
team-data | --region cn-north-1 --transfer-acceleration | refused: --transfer-acceleration: not offered in the
team-data | --region cn-north-1 --force-path-style | https://s3.cn-north-1.amazonaws.com.cn/team-data sigv4 s3 cn-north-1
team-data | --region eusc-de-east-1 --fips | https://team-data.s3-fips.eusc-de-east-1.amazonaws.eu sigv4 s3 eusc-de-east-1
team-data | --region eusc-de-east-1 --dual-stack | https://team-data.s3.dualstack.eusc-de-east-1.amazonaws.eu sigv4 s3 eusc-de-east-1
team-data | --region eusc-de-east-1 --transfer-acceleration | https://team-data.s3-accelerate.amazonaws.eu sigv4 s3 eusc-de-east-1
team-data | --region aws-global --fips | https://team-data.s3-fips.us-east-1.amazonaws.com sigv4 s3 us-east-1
team-data | --region aws-global --dual-stack | https://team-data.s3.dualstack.us-east-1.amazonaws.com sigv4 s3 us-east-1
team-data | --region aws-global --force-path-style | https://s3.amazonaws.com/team-data sigv4 s3 us-east-1
team-data | --region aws-global --fips --dual-stack | https://team-data.s3-fips.dualstack.us-east-1.amazonaws.com sigv4 s3 us-east-1
team.data | --region eu-west-1 | https://s3.eu-west-1.amazonaws.com/team.data sigv4 s3 eu-west-1
Team-Data | --region eu-west-1 | https://s3.eu-west-1.amazonaws.com/Team-Data sigv4 s3 eu-west-1
td | --region eu-west-1 | https://s3.eu-west-1.amazonaws.com/td sigv4 s3 eu-west-1
xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx | --region eu-west-1 | https://xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.s3.eu-west-1.amazonaws.com sigv4 s3 eu-west-1
xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx | --region eu-west-1 | https://s3.eu-west-1.amazonaws.com/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx sigv4 s3 eu-west-1
10.0.0.1 | --region eu-west-1 | https://s3.eu-west-1.amazonaws.com/10.0.0.1 sigv4 s3 eu-west-1
team_data | --region eu-west-1 | https://s3.eu-west-1.amazonaws.com/team_data sigv4 s3 eu-west-1
-team | --region eu-west-1 | https://s3.eu-west-1.amazonaws.com/-team sigv4 s3 eu-west-1
team- | --region eu-west-1 | https://s3.eu-west-1.amazonaws.com/team- sigv4 s3 eu-west-1
team data | --region eu-west-1 | https://s3.eu-west-1.amazonaws.com/team%20data sigv4 s3 eu-west-1
a..b | --region eu-west-1 | https://s3.eu-west-1.amazonaws.com/a..b sigv4 s3 eu-west-1
123 | --region eu-west-1 | https://123.s3.eu-west-1.amazonaws.com sigv4 s3 eu-west-1
team.data | --region eu-west-1 --fips | https://s3-fips.eu-west-1.amazonaws.com/team.data sigv4 s3 eu-west-1
team.data | --region eu-west-1 --dual-stack | https://s3.dualstack.eu-west-1.amazonaws.com/team.data sigv4 s3 eu-west-1
team.data | --region eu-west-1 --transfer-acceleration | refused: --transfer-acceleration needs a bucket name
team-data | --region eu-west-1 --endpoint-url https://s3.example.net | https://team-data.s3.example.net sigv4 s3 eu-west-1
team_data | --region eu-west-1 --endpoint-url https://s3.example.net | https://s3.example.net/team_data sigv4 s3 eu-west-1
team-data | --region eu-west-1 --endpoint-url http://s3.example.net:8080 | http://team-data.s3.example.net:8080 sigv4 s3 eu-west-1
team_data | --region eu-west-1 --endpoint-url http://s3.example.net:8080 | http://s3.example.net:8080/team_data sigv4 s3 eu-west-1
team-data | --region eu-west-1 --endpoint-url https://s3.example.net/base | https://team-data.s3.example.net/base sigv4 s3 eu-west-1
team_data | --region eu-west-1 --endpoint-url https://s3.example.net/base | https://s3.example.net/base/team_data sigv4 s3 eu-west-1
team-data | --region eu-west-1 --endpoint-url http://192.0.2.7:9000 | http://192.0.2.7:9000/team-data sigv4 s3 eu-west-1
team_data | --region eu-west-1 --endpoint-url http://192.0.2.7:9000 | http://192.0.2.7:9000/team_data sigv4 s3 eu-west-1
team-data | --region eu-west-1 --endpoint-url https://192.0.2.7 | https://192.0.2.7/team-data sigv4 s3 eu-west-1
team_data | --region eu-west-1 --endpoint-url https://192.0.2.7 | https://192.0.2.7/team_data sigv4 s3 eu-west-1
team-data | --region eu-west-1 --endpoint-url http://[2001:db8::7]:9000 | http://[2001:db8::7]:9000/team-data sigv4 s3 eu-west-1
team_data | --region eu-west-1 --endpoint-url http://[2001:db8::7]:9000 | http://[2001:db8::7]:9000/team_data sigv4 s3 eu-west-1
team-data | --region eu-west-1 --endpoint-url http://localhost:9000 | http://team-data.localhost:9000 sigv4 s3 eu-west-1
team_data | --region eu-west-1 --endpoint-url http://localhost:9000 | http://localhost:9000/team_data sigv4 s3 eu-west-1
team.data | --region eu-west-1 --endpoint-url http://s3.example.net | http://team.data.s3.example.net sigv4 s3 eu-west-1
team.data | --region eu-west-1 --endpoint-url https://s3.example.net | https://s3.example.net/team.data sigv4 s3 eu-west-1
team.data | --region eu-west-1 --endpoint-url http://s3.example.net --force-path-style | http://s3.example.net/team.data sigv4 s3 eu-west-1
team-data | --region eu-west-1 --endpoint-url https://s3.example.net/base --force-path-style | https://s3.example.net/base/team-data sigv4 s3 eu-west-1
team-data | --region eu-west-1 --endpoint-url https://s3.example.net --fips | refused: --endpoint-url: does not go with --fips, which
team-data | --region eu-west-1 --endpoint-url https://s3.example.net --dual-stack | refused: --endpoint-url: does not go with --dual-stack,
team-data | --region eu-west-1 --endpoint-url https://s3.example.net --transfer-acceleration | refused: --endpoint-url: does not go with
reports-abcdefghij1234567890-s3alias | --region us-west-2 | https://reports-abcdefghij1234567890-s3alias.s3.us-west-2.amazonaws.com sigv4 s3 us-west-2
reports-abcdefghij1234567890-s3alias | --region us-west-2 --force-path-style | https://s3.us-west-2.amazonaws.com/reports-abcdefghij1234567890-s3alias sigv4 s3 us-west-2
reports-abcdefghij1234567890-s3alias | --region us-west-2 --fips --dual-stack | https://reports-abcdefghij1234567890-s3alias.s3-fips.dualstack.us-west-2.amazonaws.com sigv4 s3 us-west-2
volume-abcdefghij1234567890-ext-s3alias | --region us-west-2 | https://volume-abcdefghij1234567890-ext-s3alias.s3.us-west-2.amazonaws.com sigv4 s3 us-west-2
volume-abcdefghij1234567890-ext-s3alias | --region us-west-2 --force-path-style | https://s3.us-west-2.amazonaws.com/volume-abcdefghij1234567890-ext-s3alias sigv4 s3 us-west-2
volume-abcdefghij1234567890-ext-s3alias | --region us-west-2 --fips --dual-stack | https://volume-abcdefghij1234567890-ext-s3alias.s3-fips.dualstack.us-west-2.amazonaws.com sigv4 s3 us-west-2
shrink-abcdefghij1234567890--ol-s3 | --region us-west-2 | https://shrink-abcdefghij1234567890--ol-s3.s3.us-west-2.amazonaws.com sigv4 s3 us-west-2
shrink-abcdefghij1234567890--ol-s3 | --region us-west-2 --force-path-style | https://s3.us-west-2.amazonaws.com/shrink-abcdefghij1234567890--ol-s3 sigv4 s3 us-west-2
shrink-abcdefghij1234567890--ol-s3 | --region us-west-2 --fips --dual-stack | https://shrink-abcdefghij1234567890--ol-s3.s3-fips.dualstack.us-west-2.amazonaws.com sigv4 s3 us-west-2
reports-abcdefghij1234567890-s3alias | --region us-west-2 --endpoint-url https://bucket.vpce-0a1b-2c3d.s3.us-west-2.vpce.amazonaws.com | https://reports-abcdefghij1234567890-s3alias.bucket.vpce-0a1b-2c3d.s3.us-west-2.vpce.amazonaws.com sigv4 s3 us-west-2
reports-abcdefghij1234567890-s3alias | --region us-west-2 --endpoint-url https://accesspoint.vpce-0a1b-2c3d.s3.us-west-2.vpce.amazonaws.com | https://reports-abcdefghij1234567890-s3alias.accesspoint.vpce-0a1b-2c3d.s3.us-west-2.vpce.amazonaws.com sigv4 s3 us-west-2
team-data | --region us-west-2 --endpoint-url https://bucket.vpce-0a1b-2c3d.s3.us-west-2.vpce.amazonaws.com | https://team-data.bucket.vpce-0a1b-2c3d.s3.us-west-2.vpce.amazonaws.com sigv4 s3 us-west-2
arn:aws:s3:us-east-1:123456789012:accesspoint/reports | --region us-east-1 | https://reports-123456789012.s3-accesspoint.us-east-1.amazonaws.com sigv4 s3 us-east-1
arn:aws:s3:eu-central-1:123456789012:accesspoint/reports | --region eu-central-1 | https://reports-123456789012.s3-accesspoint.eu-central-1.amazonaws.com sigv4 s3 eu-central-1
arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/reports | --region cn-north-1 | https://reports-123456789012.s3-accesspoint.cn-north-1.amazonaws.com.cn sigv4 s3 cn-north-1
arn:aws-us-gov:s3:us-gov-west-1:123456789012:accesspoint/reports | --region us-gov-west-1 | https://reports-123456789012.s3-accesspoint.us-gov-west-1.amazonaws.com sigv4 s3 us-gov-west-1
arn:aws-iso:s3:us-iso-east-1:123456789012:accesspoint/reports | --region us-iso-east-1 | https://reports-123456789012.s3-accesspoint.us-iso-east-1.c2s.ic.gov sigv4 s3 us-iso-east-1
arn:aws-iso-b:s3:us-isob-east-1:123456789012:accesspoint/reports | --region us-isob-east-1 | https://reports-123456789012.s3-accesspoint.us-isob-east-1.sc2s.sgov.gov sigv4 s3 us-isob-east-1
arn:aws-iso-e:s3:eu-isoe-west-1:123456789012:accesspoint/reports | --region eu-isoe-west-1 | https://reports-123456789012.s3-accesspoint.eu-isoe-west-1.cloud.adc-e.uk sigv4 s3 eu-isoe-west-1
arn:aws-iso-f:s3:us-isof-south-1:123456789012:accesspoint/reports | --region us-isof-south-1 | https://reports-123456789012.s3-accesspoint.us-isof-south-1.csp.hci.ic.gov sigv4 s3 us-isof-south-1
arn:aws-eusc:s3:eusc-de-east-1:123456789012:accesspoint/reports | --region eusc-de-east-1 | https://reports-123456789012.s3-accesspoint.eusc-de-east-1.amazonaws.eu sigv4 s3 eusc-de-east-1
arn:aws:s3:eu-central-1:123456789012:accesspoint/reports | --region eu-central-1 --dual-stack | https://reports-123456789012.s3-accesspoint.dualstack.eu-central-1.amazonaws.com sigv4 s3 eu-central-1
arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/reports | --region cn-north-1 --dual-stack | https://reports-123456789012.s3-accesspoint.dualstack.cn-north-1.amazonaws.com.cn sigv4 s3 cn-north-1
arn:aws-us-gov:s3:us-gov-west-1:123456789012:accesspoint/reports | --region us-gov-west-1 --dual-stack | https://reports-123456789012.s3-accesspoint.dualstack.us-gov-west-1.amazonaws.com sigv4 s3 us-gov-west-1
arn:aws-iso:s3:us-iso-east-1:123456789012:accesspoint/reports | --region us-iso-east-1 --dual-stack | https://reports-123456789012.s3-accesspoint.dualstack.us-iso-east-1.c2s.ic.gov sigv4 s3 us-iso-east-1
arn:aws-iso-b:s3:us-isob-east-1:123456789012:accesspoint/reports | --region us-isob-east-1 --dual-stack | https://reports-123456789012.s3-accesspoint.dualstack.us-isob-east-1.sc2s.sgov.gov sigv4 s3 us-isob-east-1
arn:aws-iso-e:s3:eu-isoe-west-1:123456789012:accesspoint/reports | --region eu-isoe-west-1 --dual-stack | https://reports-123456789012.s3-accesspoint.dualstack.eu-isoe-west-1.cloud.adc-e.uk sigv4 s3 eu-isoe-west-1
arn:aws-iso-f:s3:us-isof-south-1:123456789012:accesspoint/reports | --region us-isof-south-1 --dual-stack | https://reports-123456789012.s3-accesspoint.dualstack.us-isof-south-1.csp.hci.ic.gov sigv4 s3 us-isof-south-1
arn:aws-eusc:s3:eusc-de-east-1:123456789012:accesspoint/reports | --region eusc-de-east-1 --dual-stack | https://reports-123456789012.s3-accesspoint.dualstack.eusc-de-east-1.amazonaws.eu sigv4 s3 eusc-de-east-1
arn:aws:s3:us-west-2:123456789012:accesspoint/reports | --region us-west-2 --fips | https://reports-123456789012.s3-accesspoint-fips.us-west-2.amazonaws.com sigv4 s3 us-west-2
arn:aws:s3:us-west-2:123456789012:accesspoint/reports | --region us-west-2 --dual-stack | https://reports-123456789012.s3-accesspoint.dualstack.us-west-2.amazonaws.com sigv4 s3 us-west-2
arn:aws:s3:us-west-2:123456789012:accesspoint/reports | --region us-west-2 --fips --dual-stack | https://reports-123456789012.s3-accesspoint-fips.dualstack.us-west-2.amazonaws.com sigv4 s3 us-west-2
arn:aws:s3:us-west-2:123456789012:accesspoint/reports | --region us-west-2 --transfer-acceleration | refused: an access point does not work with
arn:aws:s3:us-west-2:123456789012:accesspoint/reports | --region us-west-2 --force-path-style | refused: an access point is found by its host name;
arn:aws-us-gov:s3:us-gov-west-1:123456789012:accesspoint/reports | --region us-gov-west-1 --fips | https://reports-123456789012.s3-accesspoint-fips.us-gov-west-1.amazonaws.com sigv4 s3 us-gov-west-1
arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/reports | --region cn-north-1 --fips | refused: --fips: the Region cn-north-1 has no FIPS
arn:aws:s3:us-west-2:123456789012:accesspoint:reports | --region us-west-2 | https://reports-123456789012.s3-accesspoint.us-west-2.amazonaws.com sigv4 s3 us-west-2
arn:aws:s3:us-west-2:123456789012:accesspoint/reports | --region us-east-1 | https://reports-123456789012.s3-accesspoint.us-west-2.amazonaws.com sigv4 s3 us-west-2
arn:aws:s3:us-west-2:123456789012:accesspoint/reports | --region us-east-1 --no-use-arn-region | refused: the ARN's Region us-west-2 is not us-east-1,
arn:aws:s3:us-west-2:123456789012:accesspoint/reports | --region us-west-2 --no-use-arn-region | https://reports-123456789012.s3-accesspoint.us-west-2.amazonaws.com sigv4 s3 us-west-2
arn:aws:s3:us-west-2:123456789012:accesspoint/reports | --region cn-north-1 | refused: the Region us-west-2 is in the partition aws,
arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/reports | --region us-west-2 | refused: the Region cn-north-1 is in the partition
arn:aws:s3:us-west-2:123456789012:accesspoint | --region us-west-2 | refused: the access point's name is missing
arn:aws:s3:us-west-2:123456789012:accesspoint/ | --region us-west-2 | refused: the access point's name is missing
arn:aws:s3:us-west-2:123456789012:accesspoint/re_ports | --region us-west-2 | refused: the access point's name may hold letters,
arn:aws:s3:us-west-2:123456789012:accesspoint/re.ports | --region us-west-2 | refused: the access point's name may hold letters,
arn:aws:s3:us-west-2:123456789012:accesspoint/reports/object/key | --region us-west-2 | refused: more stands behind the access point's name:
arn:aws:s3:us-west-2:123456789012:accesspoint:reports:more | --region us-west-2 | refused: more stands behind the access point's name:
arn:aws:s3:us-west-2:123456789012:bucket/reports | --region us-west-2 | refused: not an access point; expected
arn:aws:s3:us_west:123456789012:accesspoint/reports | --region us-west-2 | refused: the Region us_west is not the name of
arn:aws:s3:us-west-2::accesspoint/reports | --region us-west-2 | refused: the account id is missing before the
arn:aws:s3:us-west-2:1234_6789012:accesspoint/reports | --region us-west-2 | refused: the account id 1234_6789012 is not 12
arn:aws:sns:us-west-2:123456789012:topic | --region us-west-2 | refused: not an ARN of S3 but of sns
arn:aws:s3 | --region us-west-2 | refused: not a whole ARN; expected
arn:aws:s3:us-west-2:123456789012: | --region us-west-2 | refused: the partition, the service or the resource is
arn:aws:s3:us-west-2:123456789012:accesspoint/reports | --region us-west-2 --endpoint-url https://s3.example.net | https://reports-123456789012.s3.example.net sigv4 s3 us-west-2
arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/shrink | --region us-west-2 --endpoint-url https://s3.example.net | https://shrink-123456789012.s3.example.net sigv4 s3-object-lambda us-west-2
arn:aws:s3:us-west-2:123456789012:accesspoint/reports | --region us-west-2 --endpoint-url http://s3.example.net:8080/base | http://reports-123456789012.s3.example.net:8080/base sigv4 s3 us-west-2
arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/shrink | --region us-west-2 --endpoint-url http://s3.example.net:8080/base | http://shrink-123456789012.s3.example.net:8080/base sigv4 s3-object-lambda us-west-2
arn:aws:s3:us-west-2:123456789012:accesspoint/reports | --region us-west-2 --endpoint-url https://accesspoint.vpce-0a1b-2c3d.s3.us-west-2.vpce.amazonaws.com | https://reports-123456789012.accesspoint.vpce-0a1b-2c3d.s3.us-west-2.vpce.amazonaws.com sigv4 s3 us-west-2
arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/shrink | --region us-west-2 --endpoint-url https://accesspoint.vpce-0a1b-2c3d.s3.us-west-2.vpce.amazonaws.com | https://shrink-123456789012.accesspoint.vpce-0a1b-2c3d.s3.us-west-2.vpce.amazonaws.com sigv4 s3-object-lambda us-west-2
arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-0fedcba9876543210/accesspoint/reports | --region us-west-2 --endpoint-url https://s3.example.net | https://reports-123456789012.op-0fedcba9876543210.s3.example.net sigv4a s3-outposts *
arn:aws:s3-object-lambda:us-east-1:123456789012:accesspoint/shrink | --region us-east-1 | https://shrink-123456789012.s3-object-lambda.us-east-1.amazonaws.com sigv4 s3-object-lambda us-east-1
arn:aws-us-gov:s3-object-lambda:us-gov-west-1:123456789012:accesspoint/shrink | --region us-gov-west-1 | https://shrink-123456789012.s3-object-lambda.us-gov-west-1.amazonaws.com sigv4 s3-object-lambda us-gov-west-1
arn:aws-cn:s3-object-lambda:cn-north-1:123456789012:accesspoint/shrink | --region cn-north-1 | https://shrink-123456789012.s3-object-lambda.cn-north-1.amazonaws.com.cn sigv4 s3-object-lambda cn-north-1
arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint:shrink | --region us-west-2 | https://shrink-123456789012.s3-object-lambda.us-west-2.amazonaws.com sigv4 s3-object-lambda us-west-2
arn:aws-us-gov:s3-object-lambda:us-gov-west-1:123456789012:accesspoint/shrink | --region us-gov-west-1 --fips | https://shrink-123456789012.s3-object-lambda-fips.us-gov-west-1.amazonaws.com sigv4 s3-object-lambda us-gov-west-1
arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/shrink | --region us-east-1 | https://shrink-123456789012.s3-object-lambda.us-west-2.amazonaws.com sigv4 s3-object-lambda us-west-2
arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/shrink | --region us-west-2 --fips | https://shrink-123456789012.s3-object-lambda-fips.us-west-2.amazonaws.com sigv4 s3-object-lambda us-west-2
arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/shrink | --region us-west-2 --dual-stack | refused: an Object Lambda access point does not work
arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/shrink | --region us-west-2 --transfer-acceleration | refused: an Object Lambda access point does not work
arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/shrink | --region us-west-2 --force-path-style | refused: an access point is found by its host name;
arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint | --region us-west-2 | refused: the access point's name is missing
arn:aws:s3-object-lambda:us-west-2:123456789012:bucket/shrink | --region us-west-2 | refused: not an access point; expected
arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/sh.rink | --region us-west-2 | refused: the access point's name may hold letters,
arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/shrink/more | --region us-west-2 | refused: more stands behind the access point's name:
arn:aws:s3-object-lambda::123456789012:accesspoint/shrink | --region us-west-2 | refused: the Region is missing in the ARN
arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/shrink | --region us-east-1 --no-use-arn-region | refused: the ARN's Region us-west-2 is not us-east-1,
arn:aws-cn:s3-object-lambda:cn-north-1:123456789012:accesspoint/shrink | --region us-west-2 | refused: the Region cn-north-1 is in the partition
arn:aws:s3-outposts:us-east-1:123456789012:outpost/op-0fedcba9876543210/accesspoint/reports | --region us-east-1 | https://reports-123456789012.op-0fedcba9876543210.s3-outposts.us-east-1.amazonaws.com sigv4a s3-outposts *
arn:aws-us-gov:s3-outposts:us-gov-west-1:123456789012:outpost/op-0fedcba9876543210/accesspoint/reports | --region us-gov-west-1 | https://reports-123456789012.op-0fedcba9876543210.s3-outposts.us-gov-west-1.amazonaws.com sigv4a s3-outposts *
arn:aws-cn:s3-outposts:cn-north-1:123456789012:outpost/op-0fedcba9876543210/accesspoint/reports | --region cn-north-1 | https://reports-123456789012.op-0fedcba9876543210.s3-outposts.cn-north-1.amazonaws.com.cn sigv4a s3-outposts *
arn:aws:s3-outposts:us-west-2:123456789012:outpost:op-0fedcba9876543210:accesspoint:reports | --region us-west-2 | https://reports-123456789012.op-0fedcba9876543210.s3-outposts.us-west-2.amazonaws.com sigv4a s3-outposts *
arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-0fedcba9876543210/accesspoint/reports | --region us-east-1 | https://reports-123456789012.op-0fedcba9876543210.s3-outposts.us-west-2.amazonaws.com sigv4a s3-outposts *
arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-0fedcba9876543210/accesspoint/reports | --region us-west-2 --fips | refused: S3 on Outposts does not work with --fips;
arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-0fedcba9876543210/accesspoint/reports | --region us-west-2 --dual-stack | refused: S3 on Outposts does not work with
arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-0fedcba9876543210/accesspoint/reports | --region us-west-2 --transfer-acceleration | refused: S3 on Outposts does not work with
arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-0fedcba9876543210/accesspoint/reports | --region us-west-2 --force-path-style | refused: an access point is found by its host name;
arn:aws:s3-outposts:us-west-2:123456789012:outpost | --region us-west-2 | refused: an access point on Outposts is
arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-1 | --region us-west-2 | refused: an access point on Outposts is
arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-1/reports | --region us-west-2 | refused: an access point on Outposts is
arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-1/bucket/reports | --region us-west-2 | refused: an access point on Outposts is
arn:aws:s3-outposts:us-west-2:123456789012:outpost/op_1/accesspoint/reports | --region us-west-2 | refused: the Outpost id may hold letters, digits and
arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-1/accesspoint/re.ports | --region us-west-2 | refused: the access point's name may hold letters,
arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-1/accesspoint/reports/more | --region us-west-2 | refused: more stands behind the access point's name:
arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-0fedcba9876543210/accesspoint/reports | --region us-east-1 --no-use-arn-region | refused: the ARN's Region us-west-2 is not us-east-1,
arn:aws-cn:s3-outposts:cn-north-1:123456789012:outpost/op-0fedcba9876543210/accesspoint/reports | --region us-west-2 | refused: the Region cn-north-1 is in the partition
reports-o0fedcba9876543210xxxxxxxxxxxxxxxxxxxxusw20--op-s3 | --region us-west-2 | https://reports-o0fedcba9876543210xxxxxxxxxxxxxxxxxxxxusw20--op-s3.op-0fedcba9876543210.s3-outposts.us-west-2.amazonaws.com sigv4a s3-outposts *
reports-e0fedcba9876543210xxxxxxxxxxxxxxxxxxxxusw20--op-s3 | --region us-west-2 | https://reports-e0fedcba9876543210xxxxxxxxxxxxxxxxxxxxusw20--op-s3.ec2.s3-outposts.us-west-2.amazonaws.com sigv4a s3-outposts *
reports-h0fedcba9876543210xxxxxxxxxxxxxxxxxxxxusw20--op-s3 | --region us-west-2 | refused: not the alias of an access point on Outposts;
reports-o0fedcba9876543210xxxxxxxxxxxxxxxxxxxxusw20--op-s3 | --region cn-north-1 | https://reports-o0fedcba9876543210xxxxxxxxxxxxxxxxxxxxusw20--op-s3.op-0fedcba9876543210.s3-outposts.cn-north-1.amazonaws.com.cn sigv4a s3-outposts *
reports-o0fedcba9876543210xxxxxxxxxxxxxxxxxxxxusw20--op-s3 | --region us-west-2 --force-path-style | https://reports-o0fedcba9876543210xxxxxxxxxxxxxxxxxxxxusw20--op-s3.op-0fedcba9876543210.s3-outposts.us-west-2.amazonaws.com sigv4a s3-outposts *
reports-o0fedcba9876543210xxxxxxxxxxxxxxxxxxxxbeta0--op-s3 | --region us-west-2 | refused: an alias of a test installation; add its
reports-o0fedcba9876543210xxxxxxxxxxxxxxxxxxxxbeta0--op-s3 | --region us-west-2 --endpoint-url https://s3.example.net | https://reports-o0fedcba9876543210xxxxxxxxxxxxxxxxxxxxbeta0--op-s3.op-0fedcba9876543210.s3.example.net sigv4a s3-outposts *
arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap | --region us-west-2 | https://mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com sigv4a s3 *
arn:aws:s3::123456789012:accesspoint:mfzwi23gnjvgw.mrap | --region eu-west-1 | https://mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com sigv4a s3 *
arn:aws-cn:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap | --region cn-north-1 | https://mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com.cn sigv4a s3 *
arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap | --region cn-north-1 | refused: the Region cn-north-1 of --region, AWS_REGION
arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap | --region us-west-2 --fips | refused: a multi-Region access point does not work with
arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap | --region us-west-2 --dual-stack | refused: a multi-Region access point does not work with
arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap | --region us-west-2 --transfer-acceleration | refused: a multi-Region access point does not work with
arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap | --region us-west-2 --force-path-style | refused: an access point is found by its host name;
arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap | --region us-west-2 --disable-multi-region-access-points | refused: a multi-Region access point, and
fast--use1-az4--x-s3 | --region us-east-1 | https://fast--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com sigv4-s3express s3express us-east-1
fast--use1-az4--x-s3 | --region us-east-1 --fips | https://fast--use1-az4--x-s3.s3express-fips-use1-az4.us-east-1.amazonaws.com sigv4-s3express s3express us-east-1
fast--use1-az4--x-s3 | --region us-east-1 --dual-stack | https://fast--use1-az4--x-s3.s3express-use1-az4.dualstack.us-east-1.amazonaws.com sigv4-s3express s3express us-east-1
fast--use1-az4--x-s3 | --region us-east-1 --fips --dual-stack | https://fast--use1-az4--x-s3.s3express-fips-use1-az4.dualstack.us-east-1.amazonaws.com sigv4-s3express s3express us-east-1
fast--use1-az4--x-s3 | --region us-east-1 --transfer-acceleration | refused: a directory bucket does not work with
fast--use1-az4--x-s3 | --region us-east-1 --force-path-style | https://fast--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com sigv4-s3express s3express us-east-1
fast--usw2-az12--x-s3 | --region us-west-2 | https://fast--usw2-az12--x-s3.s3express-usw2-az12.us-west-2.amazonaws.com sigv4-s3express s3express us-west-2
fast--usw2-lax1-az1--x-s3 | --region us-west-2 | https://fast--usw2-lax1-az1--x-s3.s3express-usw2-lax1-az1.us-west-2.amazonaws.com sigv4-s3express s3express us-west-2
fast--test-long-zone1-ab12--x-s3 | --region us-west-2 | https://fast--test-long-zone1-ab12--x-s3.s3express-test-long-zone1-ab12.us-west-2.amazonaws.com sigv4-s3express s3express us-west-2
fast--usaz1--x-s3 | --region us-west-2 | refused: not the name of a directory bucket or of its
fast--two--use1-az4--x-s3 | --region us-east-1 | https://fast--two--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com sigv4-s3express s3express us-east-1
my.fast--use1-az4--x-s3 | --region us-east-1 | refused: not the name of a directory bucket or of its
fast--use1-az4--x-s3 | --region cn-north-1 | https://fast--use1-az4--x-s3.s3express-use1-az4.cn-north-1.amazonaws.com.cn sigv4-s3express s3express cn-north-1
fast--use1-az4--x-s3 | --region cn-north-1 --fips | refused: --fips: the Region cn-north-1 has no FIPS
fast--use1-az4--x-s3 | --region us-east-1 --endpoint-url https://s3.example.net | https://fast--use1-az4--x-s3.s3.example.net sigv4-s3express s3express us-east-1
fast--use1-az4--x-s3 | --region us-east-1 --endpoint-url https://192.0.2.7 | https://192.0.2.7/fast--use1-az4--x-s3 sigv4-s3express s3express us-east-1
door--use1-az4--xa-s3 | --region us-east-1 | https://door--use1-az4--xa-s3.s3express-use1-az4.us-east-1.amazonaws.com sigv4-s3express s3express us-east-1
door--use1-az4--xa-s3 | --region us-east-1 --fips | https://door--use1-az4--xa-s3.s3express-fips-use1-az4.us-east-1.amazonaws.com sigv4-s3express s3express us-east-1
door--use1-az4--xa-s3 | --region us-east-1 --dual-stack | https://door--use1-az4--xa-s3.s3express-use1-az4.dualstack.us-east-1.amazonaws.com sigv4-s3express s3express us-east-1
door--use1-az4--xa-s3 | --region us-east-1 --fips --dual-stack | https://door--use1-az4--xa-s3.s3express-fips-use1-az4.dualstack.us-east-1.amazonaws.com sigv4-s3express s3express us-east-1
door--use1-az4--xa-s3 | --region us-east-1 --transfer-acceleration | refused: a directory bucket does not work with
door--use1-az4--xa-s3 | --region us-east-1 --force-path-style | https://door--use1-az4--xa-s3.s3express-use1-az4.us-east-1.amazonaws.com sigv4-s3express s3express us-east-1
door--usw2-az12--xa-s3 | --region us-west-2 | https://door--usw2-az12--xa-s3.s3express-usw2-az12.us-west-2.amazonaws.com sigv4-s3express s3express us-west-2
door--usw2-lax1-az1--xa-s3 | --region us-west-2 | https://door--usw2-lax1-az1--xa-s3.s3express-usw2-lax1-az1.us-west-2.amazonaws.com sigv4-s3express s3express us-west-2
door--test-long-zone1-ab12--xa-s3 | --region us-west-2 | https://door--test-long-zone1-ab12--xa-s3.s3express-test-long-zone1-ab12.us-west-2.amazonaws.com sigv4-s3express s3express us-west-2
door--usaz1--xa-s3 | --region us-west-2 | refused: not the name of a directory bucket or of its
door--two--use1-az4--xa-s3 | --region us-east-1 | https://door--two--use1-az4--xa-s3.s3express-use1-az4.us-east-1.amazonaws.com sigv4-s3express s3express us-east-1
my.door--use1-az4--xa-s3 | --region us-east-1 | refused: not the name of a directory bucket or of its
door--use1-az4--xa-s3 | --region cn-north-1 | https://door--use1-az4--xa-s3.s3express-use1-az4.cn-north-1.amazonaws.com.cn sigv4-s3express s3express cn-north-1
door--use1-az4--xa-s3 | --region cn-north-1 --fips | refused: --fips: the Region cn-north-1 has no FIPS
door--use1-az4--xa-s3 | --region us-east-1 --endpoint-url https://s3.example.net | https://door--use1-az4--xa-s3.s3.example.net sigv4-s3express s3express us-east-1
door--use1-az4--xa-s3 | --region us-east-1 --endpoint-url https://192.0.2.7 | https://192.0.2.7/door--use1-az4--xa-s3 sigv4-s3express s3express us-east-1
team-data | --region=eu west | refused: --region eu west: not the name of a Region; it
team-data | --region -eu | refused: --region -eu: not the name of a Region; it
)";

TEST_CASE("addresses mean what the published endpoint rules say", "[target]") {
  std::istringstream lines(kPublished);
  std::string line;
  int rows = 0;
  while (std::getline(lines, line)) {
    if (line.empty()) continue;
    ++rows;
    const auto row = test::ParseAddressRow(line);
    INFO(line);
    REQUIRE(row);
    const auto target = ParseTarget(row->source, row->options);
    const std::string got = test::Summary(target);
    if (target) {
      CHECK(got == row->expected);
    } else {
      CHECK(target.error().code == Code::kInvalid);
      CHECK_THAT(row->expected, Catch::StartsWith("refused: "));
      CHECK_THAT(got, Catch::Contains(row->expected.substr(9)));
    }
  }
  CHECK(rows == 220);
}

}  // namespace coffer::s3::target_test
