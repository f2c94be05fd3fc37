#include "fs/head_ahead.h"

#include <catch2/catch.hpp>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "fs/path.h"

namespace coffer::fs::head_ahead_test {

std::shared_ptr<const Listing> Numbered(int count) {
  auto listing = std::make_shared<Listing>();
  for (int i = 0; i < count; ++i) {
    ListedName row;
    row.name = std::to_string(1000 + i);
    listing->names.push_back(std::move(row));
  }
  return listing;
}

TEST_CASE("head_ahead: who goes in the order of the listing needs no other") {
  const auto listing = Numbered(100);
  HeadAhead ahead;
  std::vector<std::size_t> asked;
  for (const auto& listed : listing->names) {
    const HeadAhead::Plan plan = ahead.Next(listing, listed.name);
    CHECK_FALSE(plan.wants_inode_order);
    asked.insert(asked.end(), plan.positions.begin(), plan.positions.end());
  }
  std::vector<std::size_t> expected(99);
  std::iota(expected.begin(), expected.end(), 1u);
  CHECK(asked == expected);
}

TEST_CASE("head_ahead: the order by st_ino is asked for once, and followed when it is there") {
  const auto listing = Numbered(500);
  const auto order = HeadAhead::OrderByInode(*listing, "d/");
  const auto name_at = [&](std::size_t rank) { return listing->names[order.positions[rank]].name; };
  for (std::size_t rank = 1; rank < 500; ++rank) {
    REQUIRE(InodeNumber("d/" + name_at(rank - 1)) < InodeNumber("d/" + name_at(rank)));
    REQUIRE(order.ranks[order.positions[rank]] == rank);
  }
  HeadAhead ahead;
  int wanted = 0;
  std::vector<std::size_t> asked;
  for (std::size_t rank = 0; rank < 20; ++rank) {
    const HeadAhead::Plan plan = ahead.Next(listing, name_at(rank));
    if (rank > 2) asked.insert(asked.end(), plan.positions.begin(), plan.positions.end());
    if (!plan.wants_inode_order) continue;
    ++wanted;
    ahead.TakeInodeOrder(Numbered(500), order);  // of another listing: ignored
    ahead.TakeInodeOrder(listing, order);
  }
  CHECK(wanted == 1);
  REQUIRE(asked.size() > 16);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    CHECK(order.ranks[asked[i]] == order.ranks[asked[0]] + i);
  }
}

}  // namespace coffer::fs::head_ahead_test
