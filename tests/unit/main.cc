// The one slow translation unit: Catch2's main, with its TAP reporter for prove.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#include <catch2/catch_reporter_tap.hpp>
