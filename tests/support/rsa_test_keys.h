// RSA keys made for the tests, and what another implementation (Python's cryptography) wrapped with
// them. They protect nothing.

#pragma once

#include <string_view>

namespace coffer::test {

// PKCS#8, 2048 bits.
inline constexpr std::string_view kRsaPrivate = R"(-----BEGIN PRIVATE KEY-----
MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQCgftwMRz+UWz7V
DTXtWs2nOIeZzSmGchCo7417drLiVDtjjUi47f/tp0F9uU5td6j+BTuYiQT1O59f
W7uNPXBbDzh5LQAksRSGp8YwPdQDQFWyXkpk412dwN0gaev2TdHShWU1tfjMddfb
Mb4Lm/Teh5gk8GtyAK7+ZGQpzxY8Ae823/oY+ToRIIHiX4IWaaM/P7rjagHdfrRD
RzTDgFJwNQUjrxjjcFrmfqjBGpq6j0fX+RYsHD/hyWM4qdHKgCHGIDbD5P9cMC11
Aek6OnRmPgBGHmAtfMl1+CWBBlCbK0GBvO+YuYcrvtFRbCdSaw4iUS+4R4VPcKRN
pJDmFcEdAgMBAAECggEACYZt5damqdXefUN681rDwMxkk9auw7lqTrRk57JsPG12
VtqwObV6Tm7yPpVsV6fV4jmKR2u+XRWMSFsH3wKJ9AWLuvlWPFc8Gh/D7eIFfqnn
TB43eRRbXnzvQri2ldgZf06GarEhknTd+jbSChtX5YsTlwGjxtDOke+AWFDfh3EX
3c+HZxO+yLq6AECLyNfM5Ky/RZwhz9z1drNAOMHaMhGjLPL1qzq9LQ8ZH7bJ6uBh
+bFhbLD5anJJ2z7L1pPSE5g6kOqEAH55Yu3U/8O85CMUfcwgqC9yqDBAKRGfUShy
x0/3VMrAoioy78Hq3JYDQHFWsBAehXSFN+8d7/PkawKBgQDTnfX4G9MXm0FYnC0x
BQ4yTzqkFBrYTTFlGSqRhIXLPX7h24oXpRzDDY0n8dO/1P2O3iiTLyW9oWQQosnt
uVNeCtJwRSkLVjjqDCBMSiOMCI6AwPROvKQfgEqaBmdZd1i8m/fL7EjlresZZ42P
Yv/3C02IZaPD9/tSycI7wsI2awKBgQDCKBvJBCYcX7ki007H2Bb5gxTbJ60wV+DA
409r7N2SOlMQtyNaBRIcOKACFstFzr5S/ErLUVDN6jGA88EVHCfzIFj8nvrQpTbz
SElyLrubiAqdcU/zE/hMyPXjlqx/oOR1ci1aYmv+3DBAjhh5CIlHTf/cR7GST0Lb
eSI3tnD4lwKBgHT4LhprPt4gihkxkmUzFyrF0nMZTdFbsb7hDz+KEe5KWpT7JbR2
JpTGK8z1hYbWcyUCNUlN2T2dNNNhN953/tXPg4xdHhfPG/x6oWup20YvAJ24ihHv
gYSMBDBo871nE5yFVY3ZWF3kKTxMmdm07ikejUekbsYGj1uue/dOas1rAoGBAICL
iYnXI1xZy/tQp7IMUXm03ZQTesitBfLvDGBKHJB56RECD3fEL69bliSL7t0y+jN7
MhHWrocGbOwRdl6Bm7mOSxxGLY0CNZVw4J+mbTOWKGEA6ovnRtefnZym32JIpblU
dM6IpzO/mHrFGVLY4frBm4q+NMTHkV45nvv/4F/VAoGBALM0wKgS0TvgnjAj6OA0
rcPryiyKzpkq8YVw0rjfrhLs0a1+gUl5c9arpTYTE9/D8ylAROcptf+52uETzEkn
xl/q4MXf63ODAoGs6RQosGs4HRyhDUgMMAJpEpE9kJ+45FJC3DTBLLHzFKVxnlO5
1WLbm3lOFIwXAur74CN7N4Xv
-----END PRIVATE KEY-----
)";

// The same as PKCS#1.
inline constexpr std::string_view kRsaPrivatePkcs1 = R"(-----BEGIN RSA PRIVATE KEY-----
MIIEpAIBAAKCAQEAoH7cDEc/lFs+1Q017VrNpziHmc0phnIQqO+Ne3ay4lQ7Y41I
uO3/7adBfblObXeo/gU7mIkE9TufX1u7jT1wWw84eS0AJLEUhqfGMD3UA0BVsl5K
ZONdncDdIGnr9k3R0oVlNbX4zHXX2zG+C5v03oeYJPBrcgCu/mRkKc8WPAHvNt/6
GPk6ESCB4l+CFmmjPz+642oB3X60Q0c0w4BScDUFI68Y43Ba5n6owRqauo9H1/kW
LBw/4cljOKnRyoAhxiA2w+T/XDAtdQHpOjp0Zj4ARh5gLXzJdfglgQZQmytBgbzv
mLmHK77RUWwnUmsOIlEvuEeFT3CkTaSQ5hXBHQIDAQABAoIBAAmGbeXWpqnV3n1D
evNaw8DMZJPWrsO5ak60ZOeybDxtdlbasDm1ek5u8j6VbFen1eI5ikdrvl0VjEhb
B98CifQFi7r5VjxXPBofw+3iBX6p50weN3kUW15870K4tpXYGX9OhmqxIZJ03fo2
0gobV+WLE5cBo8bQzpHvgFhQ34dxF93Ph2cTvsi6ugBAi8jXzOSsv0WcIc/c9Xaz
QDjB2jIRoyzy9as6vS0PGR+2yergYfmxYWyw+WpySds+y9aT0hOYOpDqhAB+eWLt
1P/DvOQjFH3MIKgvcqgwQCkRn1EocsdP91TKwKIqMu/B6tyWA0BxVrAQHoV0hTfv
He/z5GsCgYEA0531+BvTF5tBWJwtMQUOMk86pBQa2E0xZRkqkYSFyz1+4duKF6Uc
ww2NJ/HTv9T9jt4oky8lvaFkEKLJ7blTXgrScEUpC1Y46gwgTEojjAiOgMD0Tryk
H4BKmgZnWXdYvJv3y+xI5a3rGWeNj2L/9wtNiGWjw/f7UsnCO8LCNmsCgYEAwigb
yQQmHF+5ItNOx9gW+YMU2yetMFfgwONPa+zdkjpTELcjWgUSHDigAhbLRc6+UvxK
y1FQzeoxgPPBFRwn8yBY/J760KU280hJci67m4gKnXFP8xP4TMj145asf6DkdXIt
WmJr/twwQI4YeQiJR03/3Eexkk9C23kiN7Zw+JcCgYB0+C4aaz7eIIoZMZJlMxcq
xdJzGU3RW7G+4Q8/ihHuSlqU+yW0diaUxivM9YWG1nMlAjVJTdk9nTTTYTfed/7V
z4OMXR4Xzxv8eqFrqdtGLwCduIoR74GEjAQwaPO9ZxOchVWN2Vhd5Ck8TJnZtO4p
Ho1HpG7GBo9brnv3TmrNawKBgQCAi4mJ1yNcWcv7UKeyDFF5tN2UE3rIrQXy7wxg
ShyQeekRAg93xC+vW5Yki+7dMvozezIR1q6HBmzsEXZegZu5jkscRi2NAjWVcOCf
pm0zlihhAOqL50bXn52cpt9iSKW5VHTOiKczv5h6xRlS2OH6wZuKvjTEx5FeOZ77
/+Bf1QKBgQCzNMCoEtE74J4wI+jgNK3D68osis6ZKvGFcNK4364S7NGtfoFJeXPW
q6U2ExPfw/MpQETnKbX/udrhE8xJJ8Zf6uDF3+tzgwKBrOkUKLBrOB0coQ1IDDAC
aRKRPZCfuORSQtw0wSyx8xSlcZ5TudVi25t5ThSMFwLq++AjezeF7w==
-----END RSA PRIVATE KEY-----
)";

// Its public half.
inline constexpr std::string_view kRsaPublic = R"(-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAoH7cDEc/lFs+1Q017VrN
pziHmc0phnIQqO+Ne3ay4lQ7Y41IuO3/7adBfblObXeo/gU7mIkE9TufX1u7jT1w
Ww84eS0AJLEUhqfGMD3UA0BVsl5KZONdncDdIGnr9k3R0oVlNbX4zHXX2zG+C5v0
3oeYJPBrcgCu/mRkKc8WPAHvNt/6GPk6ESCB4l+CFmmjPz+642oB3X60Q0c0w4BS
cDUFI68Y43Ba5n6owRqauo9H1/kWLBw/4cljOKnRyoAhxiA2w+T/XDAtdQHpOjp0
Zj4ARh5gLXzJdfglgQZQmytBgbzvmLmHK77RUWwnUmsOIlEvuEeFT3CkTaSQ5hXB
HQIDAQAB
-----END PUBLIC KEY-----
)";

// The same as PKCS#1.
inline constexpr std::string_view kRsaPublicPkcs1 = R"(-----BEGIN RSA PUBLIC KEY-----
MIIBCgKCAQEAoH7cDEc/lFs+1Q017VrNpziHmc0phnIQqO+Ne3ay4lQ7Y41IuO3/
7adBfblObXeo/gU7mIkE9TufX1u7jT1wWw84eS0AJLEUhqfGMD3UA0BVsl5KZONd
ncDdIGnr9k3R0oVlNbX4zHXX2zG+C5v03oeYJPBrcgCu/mRkKc8WPAHvNt/6GPk6
ESCB4l+CFmmjPz+642oB3X60Q0c0w4BScDUFI68Y43Ba5n6owRqauo9H1/kWLBw/
4cljOKnRyoAhxiA2w+T/XDAtdQHpOjp0Zj4ARh5gLXzJdfglgQZQmytBgbzvmLmH
K77RUWwnUmsOIlEvuEeFT3CkTaSQ5hXBHQIDAQAB
-----END RSA PUBLIC KEY-----
)";

// The same, encrypted, as PKCS#8.
inline constexpr std::string_view kRsaEncrypted = R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIIFLTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQIzKx5r6CX2IwCAggA
MAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBBiTSWNcVd4TYDYoAOiYoV+BIIE
0BzwTEO+dsTMDdM96V38uOVJ2etH0NH1z5fs3uqlX+4RxVJWJyH5XaFp/N5lj5F7
NR2+QmaYSYbGvlr3mJGlCR4xMiQYXAWr1KkvLR2M8V6sQemM7xWMXlkUPr4+LNky
HXVLqNKQ3mDgKAyTvt6ko28BzCkKvENYp0NvnGZlHEj5TmasmOfLpaWZMTZZelOH
d6c6cYBhDYs+DfS9pDpaquXI6E1h0B5jAgc5SK8LrGV+F+T9UlBbKw9/cF1TUAbm
yrDuZ6qsbSjMmN/xRxsyiNs4R+PkhX8N1nuCyyLIo3oDm3Kw4pCDkHc3pFHSpcBc
vtv65Vu++IF6QIYMgJEBZ06tn1msFjJHEOmGwBSb08BeLjEfe2AYjdMlrMScn5Bb
vcYy95Re3IkuOG3DjhuRztgZCLZaOdq40V/Mp+zSjw4/6ifmuvPD/yg5lNKIrT8p
oaSTuEYurRMqGxbEOanFBCRSVaxiW2CjuXyYk7QmbbwzxaafEw/oqCSbQPOfOsHv
YS5kt+d07mWq9Uie5XK4SPU5hlVtG1+HZk/er0bLMag/6HrJKMbPduJIgroGeOpF
wV1TVS9PQHHwe3XQn/J+8pbeHhX/kv2MI5HH8IIVuWMiioAQGnx44Hby/rN94RMM
rKDiEGMGyzzM0vyiFKF20DgqpdrK9OXnwjOjI7/WpPiKzEu5/A+zO1JkcmVwPkdm
lX5AzpgAk/7VQW7L0iM1scBuWBb61b0cIBSeRdAEtXC4xYYbS9mEkSi+RDzW4TML
S6iVbCTxl7hlV44vLXxHmt1tlclC1q5eSA8yPMFx8JQDwaU8oTI9JMgzY1aQvVAn
SOtt5TNWe6yvJbtqgSLW+IbVN1d0rze7pjDMfpXHLjahJJpFiJrDvgdLftHo+Mj8
gr4ToJ9zw0o8NsUZFqueRerngUjCSjhkug27/OFEKQFdhBPFo4YBTDiSt83WVWRs
hjg0Afoid9H2moP42+y4g8sCnXEOJVHP4JsKaCV/HDQHqkQKP8CS3q11CXEYjlJI
QpUYqxxRC+bMltjs9SOkTSkGjseDBrA42lqlhR8yKiEgKtiA0isCJmZQsV+04huQ
buf5zq8IvQXRD5zRqhyA2KKw6ViMwB7XMCh09S8cZuo0RiwlZ39klICDLZ6beuoE
CoUVwa9kQKgrsvJND1MteYbnK7Kqb1ijyvhaxxUrpk60ZegZ4RWAnUA8y8ftQJve
CCh3u6O4jHj+cXlktaz2EfETC8rsHzmxQaEieKd71JEY4Nm/8PFikmhKjvVvnzWn
y+1RcYHBdoLhXPi7OaE0MQAG6YIR0Tusf1U3BSB9fSLVOXdcC7ZNKWu8H7ZcAV+z
Jegap5CvNkEGiVng9uJDPlPV27qDv+v5miTpwTw8dnW8sJuctt7xga1VAc8fG5W/
0S78zjxbfg723hlYHjsvaAy7EfnnmvcUT4PXwkQyStm7yZ0aYKozVjAejLIQJkaC
FmCUZW0h9/9Z9mucdtZzAV+zndRK8gsPUkyll2rLlPAPB5vAKldoLzo+Cvc3KEkW
GAt/gQqKSwre0w/WMw3khFNXLuaOqNboLwQcvgvit7gI4nXQRcapvlRqt2R5b7rC
GlSR98LDL+jxYiahVf3+oOXL7D4RRHKs7ipzMUAmyRRe
-----END ENCRYPTED PRIVATE KEY-----
)";

// Of 1024 bits.
inline constexpr std::string_view kRsaShort = R"(-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCU/Okqp68RiM4UmjZQC2W23Yey
UzM62p8rTgDtEgFI63DzisLw09vEesj6pW3CVMoG7J1Nku2twkczRk5Af3s4sctU
ZOwJmnBYTRDYOoj3QB46W2dPzyXHJMUm2lnHIj1wdZleuqZ7fovu2fo7Q85grWVM
bL6qLMJLlKyTrAxVvQIDAQAB
-----END PUBLIC KEY-----
)";

// No RSA key.
inline constexpr std::string_view kEcPublic = R"(-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEL9gfRjVmQ1i8by3ICMMvJlqO89Ct
tnIr6gnItLaMY4+BJ9UN4VlZvvPNOPNq1vDE4fIUMGMZMnJteojq57y4zA==
-----END PUBLIC KEY-----
)";

// No RSA key.
inline constexpr std::string_view kEcPrivate = R"(-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIOzZID4rYjlBCxRHAGvjwvg43zL/LQyaMkxyzwTtrajuoAoGCCqGSM49
AwEHoUQDQgAEL9gfRjVmQ1i8by3ICMMvJlqO89CttnIr6gnItLaMY4+BJ9UN4VlZ
vvPNOPNq1vDE4fIUMGMZMnJteojq57y4zA==
-----END EC PRIVATE KEY-----
)";

// The first 16 hex digits of the SHA-256 of the public half in DER, by openssl pkey and sha256sum.
inline constexpr std::string_view kRsaId = "20d38da52dbc631d";

// The bytes 80 81 .. 9f, encrypted for it.
struct RsaVector {
  std::string_view padding;
  std::string_view base64;
};
inline constexpr RsaVector kRsaVectors[] = {
    {"pkcs1",
     "k3WqrnEvosLT7vfJdHAoe6ZH+XEUvK2nf9XVJCyIwF5NMAc5M0B8e3mGzxJt02WIexGnu8FTETTkBNWzc/bm7xfN"
     "Oc4bcBXB/2/LwJE2IPq2FvXxF1hM0goaIMzBKfd3WnSm3gUrsp4gfFGdNoJYE+02MJFU3a5FW23bpjH3IWwQVsTP"
     "+gQtj81RGFyy+V/spoddBPMrRITKvsNow471r5Vr0cw1o0OJMV7d0unr0EkAclI3lO18NoFC0jW1P7aUeHatlmuY"
     "x0kB6QVnN1YoSxogVmdoHpoFyKl5otE/jXqQ3y66sY1DwZuRUmQxusyYP4yxVC2rCY0fYIu1eyK6Dw=="},
    {"oaep-sha1",
     "eC5w5jxyTFXS1v91fkPai1FEOwPUD042W6FliihiDCSUj8oQAov1jLB/SXVs8rYw+K+qDdoPypHdR5+bnj1NjrGI"
     "w6ZbRfKbdKS7/cd713sohdKDxb+7Eqkwr/rWh0FPdihc5y9w2/lvuCcBi/V+nJ2TYxY2yD0qvSGELZHlNBf+d4v3"
     "NTau6MzbrMI326bH0HD59fxKlv1HwFH3+2cGe/fvtyEw6Abo2lPP1dv+/wXwh2aE1qUzuIm/syjpbEr92tqj7xOB"
     "pgKlCsKEGQDCpTTeTdw/EnRR5/ax4RddUVCPN/aMXiALoEuTeFNDw54LJ0KxEfm0cnvdClByJ3lVtw=="},
    {"oaep-sha256",
     "lcPai2iZZhbYUE4FYnIfNy5z8+SelvTxd5uk9TGtGYmkWkyaUNLThdZHVFKjnk5XozarYxF1rtRbIYcocWT/RIVa"
     "tZdpZAHzm/+rYI7EeXNiXXQR1sTsOuXqVCcz7oGe+FcGB3YV+2lb78GnBZs2qTb6g2Xh0AmmBmsbWfaFnOWzgKVT"
     "L9obVUmncOEkmJwbsPXtPqyhlJkuxgDKO6ng2tBMyliH2ZnPYLcdOG5VgylR/se6SMtkku/dabt5Ex2eVOzP3AHH"
     "qlMYSdioPcsLiwYtwhhlsw3vY+N9f2lXA7gBmIHshYjvWNotlruURbecPx3tmnExHATIp1nR416oOg=="},
    {"oaep-sha384",
     "mztPHlzafbCfAo/DC7EC0BeMy+GbNDAdX66ZdBRAiRPDJXW/nxmGIZjcqmw56FEHCNpqNaU24Ao2ELgfHTpRzB3X"
     "2a3bWpoLHVmXctrlY52/Ih9r4FMr2IRnExCi2ZU1QxKZmjI3vqe6WfcWWwPdiQ6qbP4I5gnOnvP7bYwW9ifDdVAb"
     "QEI75WbGU+ntTC75nsQGadu/Agp5Yeg0w85cuELQdOqzFTyqhUrRxXQ1d6SJfkbiVezocF1zA1jixO3SmN5389Pi"
     "WRRTDPs76/P1HlTWb7BQbEbvgNODCoi80qOE3ikW2eoJ0OiuCGrVNwzeO8JH3Hv8HHT0QbFs+J3VhA=="},
    {"oaep-sha512",
     "e2v1XdmlTDJgImPZDT9g2aOD/hyMHbpbLvAbD2Bbmgw/RFJiU2uml3L4mz9wUVdOGY+IKIeL4ZRtpfxCHEf/piLC"
     "g15/kQof8mGkLW4WreZia0ps9rY2ecr2ZyZoIDRJ3z5aN0I3i4567TJCBPejvpbIscpH3Qu6p/igMD4uVtKjL/UO"
     "hUPkYQ/yFf9vNhK8s/F9zoQ0G7cObNXsv6xYiTvZsuZ2GOQgUuxcdTXvjjiFZ2JugvncsGvpagRpv2bmdLzC8TA3"
     "ar+d7nMPyiwA1tktWJsojzmqKEZx9nrevR9xk7PPxyZ3dwADZe3WKIKi0LaUOvrEM570BU7hBxyE+A=="},
};

}  // namespace coffer::test
