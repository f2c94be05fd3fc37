// One thread at a time, in no order: not a mutex, since it is held across requests. Whoever has the
// turn may wait for the network.

#pragma once

#include "fs/mutex.h"

namespace coffer::fs {

class Turn {
 public:
  class Hold {
   public:
    explicit Hold(Turn& turn) : turn_(turn) {
      const Lock lock(turn_.mu_);
      while (turn_.taken_) turn_.free_.Wait(turn_.mu_);
      turn_.taken_ = true;
    }
    ~Hold() {
      {
        const Lock lock(turn_.mu_);
        turn_.taken_ = false;
      }
      turn_.free_.NotifyOne();
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    Turn& turn_;
  };

 private:
  Mutex mu_;
  Condition free_;
  bool taken_ GUARDED_BY(mu_) = false;
};

}  // namespace coffer::fs
