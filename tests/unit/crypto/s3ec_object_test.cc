#include "crypto/s3ec_object.h"

#include "tests/support/s3ec_bench.h"

namespace coffer::test::s3ec_object_test {

S3ecFields FieldsOf(const std::string& name) { return TheS3ecVectors().Find(name).metadata; }
S3ecFields V3() { return FieldsOf("V3 kms+context 115 300"); }
S3ecFields V2() { return FieldsOf("V2 kms+context AES/GCM/NoPadding 300"); }
S3ecFields V1() { return FieldsOf("V1 AES/ECB AES/CBC/PKCS5Padding 300"); }

Status Judge(const S3ecFields& fields) {
  COFFER_ASSIGN(const S3ecPlace place, LocateS3ec(fields));
  if (place != S3ecPlace::kHere) return Error{Code::kNotFound, "it is elsewhere"};
  COFFER_TRY(ReadS3ec(fields));
  return Ok();
}

void CheckRefused(const S3ecFields& fields) {
  const Status judged = Judge(fields);
  REQUIRE_FALSE(judged);
  CHECK(judged.error().code == Code::kCorrupt);
}

S3ecFields Changed(S3ecFields fields, const std::string& name, const std::string& value) {
  fields[name] = value;
  return fields;
}
S3ecFields Without(S3ecFields fields, const std::string& name) {
  REQUIRE(fields.erase(name) == 1);
  return fields;
}

TEST_CASE("S3EC object: version, wrapping and cipher are told, and what policy they need") {
  for (const S3ecVector& vector : TheS3ecVectors().objects) {
    INFO(vector.name);
    const S3ecObject object = vector.Object();
    CHECK(object.version == static_cast<S3ecVersion>(vector.name[1] - '0'));
    CHECK(object.Needs() == vector.needs);
    CHECK(object.wrapped_key == vector.blob);
    CHECK(object.context == vector.context);
    const auto place = LocateS3ec(vector.metadata);
    REQUIRE(place);
    CHECK((*place == S3ecPlace::kHere) == !vector.instruction);
    CHECK(S3ecPlainSize(object, vector.metadata, vector.body.size()) ==
          (vector.instruction && object.cipher == S3ecCipher::kCbc ? vector.body.size()
                                                                   : vector.plain.size()));
  }
}

TEST_CASE("S3EC object: keys of two versions together are refused") {
  const std::vector<S3ecFields> all = {V1(), V2(), V3()};
  for (const S3ecFields& one : all) {
    REQUIRE(Judge(one));
    for (const S3ecFields& other : all) {
      if (one == other) continue;
      for (const char* name : {"x-amz-key", "x-amz-key-v2", "x-amz-3"}) {
        if (other.contains(name)) CheckRefused(Changed(one, name, other.at(name)));
      }
    }
  }
  for (const char* name : {"x-amz-c", "x-amz-d", "x-amz-i", "x-amz-w"}) {
    CheckRefused(Changed(V2(), name, V3().at(name)));
    CheckRefused(Changed(V1(), name, V3().at(name)));
  }
  for (const char* name : {"x-amz-iv", "x-amz-cek-alg", "x-amz-wrap-alg"}) {
    CheckRefused(Changed(V3(), name, V2().at(name)));
  }
}

TEST_CASE("S3EC object: whatever is missing or cannot be is refused, and nothing is guessed") {
  for (const char* name : {"x-amz-c", "x-amz-d", "x-amz-i", "x-amz-w", "x-amz-t"}) {
    CheckRefused(Without(V3(), name));
  }
  for (const char* name : {"x-amz-iv", "x-amz-cek-alg", "x-amz-wrap-alg", "x-amz-key-v2"}) {
    CheckRefused(Without(V2(), name));
  }
  CheckRefused(Without(V1(), "x-amz-iv"));
  for (const char* name : {"x-amz-3", "x-amz-d", "x-amz-i", "x-amz-c", "x-amz-w", "x-amz-t"}) {
    for (const char* value : {"", "116", "AES/GCM/NoPadding", "A", "QUJD", "{", "[]"}) {
      if (std::string(name) == "x-amz-3" && std::string(value) == "QUJD") continue;  // some blob
      CheckRefused(Changed(V3(), name, value));
    }
  }
  CheckRefused(Changed(V2(), "x-amz-cek-alg", "AES/CTR/NoPadding"));
  CheckRefused(Changed(V2(), "x-amz-cek-alg", "AES/CBC/PKCS5Padding"));  // its IV is too short
  CheckRefused(Changed(V2(), "x-amz-wrap-alg", "none"));
  CheckRefused(Changed(V2(), "x-amz-wrap-alg", ""));
  CheckRefused(Changed(V2(), "x-amz-tag-len", "96"));
  CheckRefused(Changed(V2(), "x-amz-matdesc", R"({"a":"b","a":"c"})"));
  CheckRefused(Changed(V1(), "x-amz-cek-alg", "AES/GCM/NoPadding"));
  CheckRefused(Changed(V3(), "x-amz-w", "kms+context"));
}

TEST_CASE("S3EC object: what is plain, what is split, and what is half") {
  CHECK(*LocateS3ec({}) == S3ecPlace::kElsewhere);
  CHECK(*LocateS3ec({{"mode", "33188"}, {"x-amz-unencrypted-content-length", "3"}}) ==
        S3ecPlace::kElsewhere);
  const S3ecVector& split = TheS3ecVectors().Find("V3 AES/GCM 115 300 split");
  CHECK(*LocateS3ec(split.metadata) == S3ecPlace::kSplit);
  for (const char* name : {"x-amz-iv", "x-amz-cek-alg", "x-amz-c", "x-amz-w", "x-amz-m"}) {
    const auto half = LocateS3ec({{name, "x"}});
    REQUIRE_FALSE(half);
    CHECK(half.error().code == Code::kCorrupt);
  }
}

TEST_CASE("S3EC object: an instruction file says what it may and no more") {
  const S3ecVector& v3 = TheS3ecVectors().Find("V3 AES/GCM 115 300 split");
  REQUIRE(ReadS3ec(v3.metadata, *v3.instruction));
  for (const auto& [name, value] : v3.metadata) {
    CHECK_FALSE(ReadS3ec(v3.metadata, Changed(*v3.instruction, name, value)));
  }
  for (const auto& [name, value] : V2()) {
    if (name == "x-amz-matdesc" || name == "x-amz-tag-len") continue;
    CHECK_FALSE(ReadS3ec(v3.metadata, Changed(*v3.instruction, name, value)));
  }
  CHECK_FALSE(ReadS3ec(Changed(v3.metadata, "x-amz-w", "02"), *v3.instruction));
  CHECK_FALSE(ReadS3ec(v3.metadata, Without(*v3.instruction, "x-amz-3")));
  CHECK_FALSE(ReadS3ec(v3.metadata, {}));
  // Version 3 is never whole in the file.
  S3ecFields whole = v3.metadata;
  whole.insert(v3.instruction->begin(), v3.instruction->end());
  CHECK_FALSE(ReadS3ec({}, whole));

  const S3ecVector& v2 = TheS3ecVectors().Find("V2 AES/GCM AES/GCM/NoPadding 300 split");
  REQUIRE(ReadS3ec({}, *v2.instruction));
  for (const char* name : {"x-amz-key-v2", "x-amz-iv", "x-amz-cek-alg", "x-amz-wrap-alg"}) {
    CHECK_FALSE(ReadS3ec({}, Without(*v2.instruction, name)));
    CHECK_FALSE(ReadS3ec({{name, "x"}}, *v2.instruction));
  }
}

TEST_CASE("S3EC object: a context that S3 encoded twice is decoded") {
  const S3ecVector& vector = TheS3ecVectors().Find("V3 kms+context 115 300 context");
  const EncryptionContext expected = vector.context;
  REQUIRE(expected.at("where") == "Ærøskøbing 愛");
  const auto context_of = [&](const std::string& text) {
    auto object = ReadS3ec(Changed(vector.metadata, "x-amz-t", text));
    return object ? object->context : EncryptionContext{{"refused", ""}};
  };
  const std::string text =
      R"({"aws:x-amz-cek-alg":"115","purpose":"test","where":"Ærøskøbing 愛"})";
  std::string twice;  // its bytes taken for Latin-1
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      twice += c;
    } else {
      twice += static_cast<char>(0xC0 | byte >> 6);
      twice += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  CHECK(context_of(text) == expected);
  CHECK(context_of(twice) == expected);
  // A single Latin-1 letter is what it looks like: it was not encoded twice.
  CHECK(context_of(R"({"where":"ø"})").at("where") == "ø");
  CHECK(context_of("{\"where\":\"\xF8\"}").contains("refused"));
}

TEST_CASE("S3EC object: a size that CBC metadata claims counts only where the padding allows it") {
  const S3ecVector& vector = TheS3ecVectors().Find("V2 AESWrap AES/CBC/PKCS5Padding 300");
  const S3ecObject object = vector.Object();
  for (const char* said : {"303", "287", "304", "-1", "x", "", "99999999999999999999"}) {
    const auto fields = Changed(vector.metadata, "x-amz-unencrypted-content-length", said);
    const std::string text = said;
    const std::uint64_t expected = text == "303" ? 303 : 304;
    CHECK(S3ecPlainSize(object, fields, 304) == expected);
  }
  const auto gcm = TheS3ecVectors().Find("V3 AES/GCM 115 16").Object();
  CHECK(S3ecPlainSize(gcm, {}, 3) == 0);
}

}  // namespace coffer::test::s3ec_object_test
