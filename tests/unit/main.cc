// The unit tests' main, and a reporter that prints TAP with one line for each test case.
#define CATCH_CONFIG_MAIN
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <catch2/catch.hpp>
#include <iostream>
#include <ostream>
#include <sstream>
#include <string>

namespace {

class CaseReporter : public Catch::StreamingReporterBase<CaseReporter> {
 public:
  using StreamingReporterBase::StreamingReporterBase;
  static std::string getDescription() { return "TAP, one line a test case"; }

  void assertionStarting(const Catch::AssertionInfo&) override {}
  bool assertionEnded(const Catch::AssertionStats& stats) override {
    const Catch::AssertionResult& result = stats.assertionResult;
    if (result.getResultType() == Catch::ResultWas::Warning) skipped_ = result.getMessage();
    if (result.isOk()) return true;
    failures_ << "# " << result.getSourceInfo() << ": " << result.getExpressionInMacro();
    if (result.hasExpandedExpression()) failures_ << ", with " << result.getExpandedExpression();
    if (result.hasMessage()) failures_ << ": " << result.getMessage();
    for (const auto& message : stats.infoMessages) failures_ << "; " << message.message;
    failures_ << '\n';
    return true;
  }
  // Flushed at once: a test that forks must not hand its child what was not written yet.
  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    stream << (stats.totals.assertions.failed == 0 ? "ok " : "not ok ") << ++count_ << " - "
           << stats.testInfo.name;
    // A WARN says what could not be tested. On stderr it is seen under prove as well.
    if (!skipped_.empty()) {
      stream << " # SKIP " << skipped_;
      std::cerr << "# SKIPPED: " << stats.testInfo.name << ": " << skipped_ << std::endl;
    }
    stream << '\n';
    skipped_.clear();
    std::istringstream lines(failures_.str());
    for (std::string line; std::getline(lines, line);) {
      stream << (line.starts_with('#') ? "" : "# ") << line << '\n';
    }
    stream.flush();
    failures_.str("");
  }
  void testRunEnded(const Catch::TestRunStats&) override {
    stream << "1.." << count_ << '\n';
    stream.flush();
  }

 private:
  int count_ = 0;
  std::ostringstream failures_;
  std::string skipped_;
};

CATCH_REGISTER_REPORTER("cases", CaseReporter)

}  // namespace
