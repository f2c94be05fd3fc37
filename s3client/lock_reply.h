// What a reply about a lock is called.
#pragma once

#include <string_view>

namespace coffer::s3 {

// Whether an element of this name is the answer `asked` for ("Retention", "LegalHold": API
// reference, GetObjectRetention, GetObjectLegalHold). versitygw 1.8 says ObjectLockRetention.
// Servers that do not know the question answer it with the object, so that anything else is no
// answer.
constexpr bool AnswersLock(std::string_view root, std::string_view asked) {
  constexpr std::string_view kPrefix = "ObjectLock";
  if (root.starts_with(kPrefix)) root.remove_prefix(kPrefix.size());
  return root == asked;
}

}  // namespace coffer::s3
