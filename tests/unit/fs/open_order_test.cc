#include "fs/open_order.h"

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

namespace coffer::fs::open_order_test {

using namespace std::chrono_literals;
using Kind = OpenOrder::Kind;
using Positions = std::vector<std::size_t>;

std::shared_ptr<Listing> Files(std::size_t count) {
  auto listing = std::make_shared<Listing>();
  for (std::size_t i = 0; i < count; ++i) {
    ListedName row;
    row.name = std::to_string(1000 + i);
    row.version.size = 10;
    listing->names.push_back(std::move(row));
  }
  return listing;
}

// A reader that opens one file after the other.
struct Reading {
  explicit Reading(std::shared_ptr<Listing> l, std::chrono::nanoseconds horizon = 1h)
      : listing(std::move(l)), order(horizon) {}

  OpenOrder::Plan Open(std::size_t position) {
    now += step;
    const auto look = [&](const ListedName& listed) {
      if (listed.directory) return Kind::kDirectory;
      if (listed.version.size == 0) return Kind::kNothing;
      return listed.version.size > 100 ? Kind::kLarge : Kind::kSmall;
    };
    OpenOrder::Plan plan = order.Next(listing, listing->names[position].name, now, look);
    if (plan.wants_inode_order) {
      ++sorted;
      order.TakeInodeOrder(listing, HeadAhead::OrderByInode(*listing, "d/"), look);
    }
    planned += plan.positions.size();
    return plan;
  }
  Positions Planned(std::size_t position) { return Open(position).positions; }

  std::shared_ptr<Listing> listing;
  OpenOrder order;
  s3::SteadyTime now = s3::SteadyTime(1h);
  std::chrono::nanoseconds step = 0ns;
  std::size_t planned = 0;
  int sorted = 0;
};

TEST_CASE("open_order: from the third file in order on, in a window that doubles up to 32") {
  Reading reading(Files(200));
  CHECK(reading.Planned(10).empty());
  CHECK(reading.Planned(11).empty());
  CHECK(reading.Planned(12) == Positions{13, 14});
  CHECK(reading.Planned(13) == Positions{15, 16, 17});
  CHECK(reading.Planned(14).size() == 5);  // to 8 ahead
  CHECK(reading.Planned(15).size() == 9);
  CHECK(reading.Planned(16).size() == 17);
  CHECK(reading.Planned(17) == Positions{49});
  for (std::size_t at = 18; at < 200; ++at) reading.Open(at);
  CHECK(reading.planned == 200 - 13);
  CHECK(reading.sorted == 0);
}

TEST_CASE("open_order: a file that is opened again is no step") {
  Reading reading(Files(10));
  for (const std::size_t at : {1, 1, 2, 2}) CHECK(reading.Planned(at).empty());
  CHECK(reading.Planned(3) == Positions{4, 5});
  CHECK(reading.Planned(3).empty());
  CHECK(reading.Planned(4) == Positions{6, 7, 8});
}

TEST_CASE("open_order: ascending st_ino, which is sorted once for each listing") {
  Reading reading(Files(300));
  const HeadAhead::InodeOrder order = HeadAhead::OrderByInode(*reading.listing, "d/");
  CHECK(reading.Planned(order.positions[0]).empty());
  CHECK(reading.Planned(order.positions[1]).empty());
  CHECK(reading.Planned(order.positions[2]) == Positions{order.positions[3], order.positions[4]});
  for (std::size_t rank = 3; rank < 100; ++rank) reading.Open(order.positions[rank]);
  CHECK(reading.planned == 32 + 100 - 3);
  CHECK(reading.sorted == 1);

  SECTION("and goes on when the directory was listed again") {
    reading.listing = Files(300);
    CHECK(reading.Planned(order.positions[100]).empty());
    CHECK(reading.sorted == 2);
    CHECK(reading.Planned(order.positions[101]).size() == 32);  // what is here is found by Fetch
  }
}

TEST_CASE("open_order: who goes in no order costs nothing, and is told so once") {
  Reading reading(Files(500));
  std::size_t at = 0;
  for (int i = 0; i < 400; ++i) reading.Open(at = (at * 171 + 101) % 500);
  CHECK(reading.planned == 0);
  CHECK(reading.sorted == 1);
}

TEST_CASE("open_order: every other file is no order") {
  Reading reading(Files(200));
  for (std::size_t at = 0; at < 200; at += 2) reading.Open(at);
  CHECK(reading.planned == 0);
}

TEST_CASE("open_order: what is never opened lies in no reader's way") {
  Reading reading(Files(20));
  for (const std::size_t at : {1, 4, 5}) reading.listing->names[at].version.size = 0;
  reading.listing->names[7].directory = true;
  CHECK(reading.Planned(0).empty());
  CHECK(reading.Planned(2).empty());
  // The window ends where the reader may go down for a while, and goes on behind.
  CHECK(reading.Planned(3) == Positions{6});
  CHECK(reading.Planned(6).empty());
  CHECK(reading.Planned(8).size() == 8);
}

TEST_CASE("open_order: nothing is fetched past a large file before that is opened") {
  Reading reading(Files(20));
  reading.listing->names[4].version.size = 1'000;
  reading.Open(0);
  reading.Open(1);
  CHECK(reading.Planned(2) == Positions{3});
  CHECK(reading.Planned(3).empty());
  CHECK(reading.Planned(4).size() == 8);
}

TEST_CASE("open_order: given up after four unread, until there is much more of an order") {
  Reading reading(Files(400));
  for (std::size_t at = 0; at < 10; ++at) reading.Open(at);
  const std::size_t before = reading.planned;
  const BodyAhead::RunPtr run = reading.order.run();
  run->unread = 3;
  CHECK_FALSE(reading.Planned(10).empty());
  run->unread = 4;
  for (std::size_t at = 11; at < 27; ++at) CHECK(reading.Planned(at).size() == (at == 26 ? 2 : 0));
  CHECK(reading.order.run() != run);
  CHECK(reading.planned == before + 1 + 2);

  SECTION("and more again") {
    reading.order.run()->unread = 4;
    for (std::size_t at = 27; at < 27 + 127; ++at) CHECK(reading.Planned(at).empty());
    CHECK(reading.Planned(27 + 127).size() == 2);
  }
}

TEST_CASE("open_order: what the reader went past is said") {
  Reading reading(Files(100));
  for (std::size_t at = 0; at < 6; ++at) reading.Open(at);
  const OpenOrder::Plan plan = reading.Open(9);
  CHECK(plan.skipped == std::vector<std::string>{"1006", "1007", "1008"});
  CHECK(plan.positions.empty());
}

TEST_CASE("open_order: where reading is refused, hardly ever again") {
  Reading reading(Files(1'500));
  for (std::size_t at = 0; at < 5; ++at) reading.Open(at);
  reading.order.run()->refused = true;
  for (std::size_t at = 5; at < 1'004; ++at) CHECK(reading.Planned(at).empty());
  CHECK_FALSE(reading.Planned(1'004).empty());
}

TEST_CASE("open_order: files that cannot be read make no order") {
  Reading reading(Files(100));
  for (std::size_t at = 0; at < 50; ++at) {
    CHECK(reading.Planned(at).empty());
    reading.order.Broken();
  }
}

TEST_CASE("open_order: no more than the reader comes to within the horizon") {
  Reading reading(Files(200), 500ms);
  SECTION("100 ms a file: five") {
    reading.step = 100ms;
    for (std::size_t at = 0; at < 20; ++at) reading.Open(at);
    CHECK(reading.planned == 20 - 3 + 5);
  }
  SECTION("600 ms a file: none") {
    reading.step = 600ms;
    for (std::size_t at = 0; at < 20; ++at) CHECK(reading.Planned(at).empty());
  }
  SECTION("nothing after a long rest, and then again") {
    reading.step = 1ms;
    for (std::size_t at = 0; at < 20; ++at) reading.Open(at);
    reading.now += 10s;
    CHECK(reading.Planned(20).empty());
    for (std::size_t at = 21; at < 60; ++at) reading.Open(at);
    CHECK(reading.Planned(60).size() == 1);
  }
}

TEST_CASE("open_order: what found no room is planned once more") {
  Reading reading(Files(100));
  reading.Open(0);
  reading.Open(1);
  CHECK(reading.Planned(2) == Positions{3, 4});
  reading.order.Retreat(reading.listing, 4);
  CHECK(reading.Planned(3) == Positions{4, 5, 6, 7});
  reading.order.Retreat(Files(100), 5);  // of another listing: ignored
  CHECK(reading.Planned(4).front() == 8);
}

TEST_CASE("open_order: goes on with the next listing, of which it remembers nothing") {
  Reading reading(Files(100));
  for (std::size_t at = 0; at < 3; ++at) reading.Open(at);
  reading.order.ForgetListing();
  auto fewer = Files(100);
  fewer->names.erase(fewer->names.begin());
  reading.listing = fewer;
  CHECK(reading.Planned(2) == Positions{3, 4, 5, 6});
}

}  // namespace coffer::fs::open_order_test
