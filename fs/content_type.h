// The Content-Type that a file's name suggests (--infer-content-type). Pure.

#pragma once

#include <string>
#include <string_view>

namespace coffer::fs {

// "text/html" for "a/b.HTML"; "" for a name that says nothing.
std::string ContentTypeOf(std::string_view key);

}  // namespace coffer::fs
