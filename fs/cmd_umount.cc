#include "fs/cmd_umount.h"

#include <unistd.h>

#include <string>

#include "fs/control.h"
#include "fs/exit_code.h"
#include "fs/mount_point.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kUsersShown = 8;

int Fail(Console& console, const std::string& what) {
  console.err << "coffer umount: " << what << "\n";
  return kExitFailed;
}

std::string InUse(const std::string& directory) {
  std::string users;
  for (const std::string& user : UsersOf(directory, kUsersShown))
    users += (users.empty() ? " by " : ", ") + Printable(user);
  return directory + " is in use" + users + "; nothing was changed";
}

// Nobody answers for the mount: what it had acknowledged is stored, of the rest nothing is known.
int DetachDead(const std::string& directory, Console& console) {
  const Status detached = Detach(directory, true);
  if (!detached) return Fail(console, detached.error().what);
  return Fail(console, directory +
                           " is detached; its process had died, so what it had not acknowledged "
                           "may be lost (its log says more)");
}

}  // namespace

int RunUmount(const UmountOptions& options, const Environment& environment, Console& console) {
  const auto real = RealDirectory(options.directory);
  if (!real) return Fail(console, real.error().what);
  const auto mount = FindMount(CofferMounts(), *real);
  const uid_t owner = mount ? OwnerOf(*mount).value_or(geteuid()) : geteuid();
  auto client = ControlClient::Connect(ControlSockets(*real, owner, environment));
  if (!client) {
    if (!mount) return Fail(console, *real + " is no mount of coffer");
    if (!IsAlive(*real)) return DetachDead(*real, console);
    return Fail(console, "the process of " + *real + " cannot be asked: " + client.error().what +
                             "; 'fusermount3 -u' unmounts without waiting");
  }
  std::string last;
  const Status done = (*client)->Drain([&](const std::string& line) {
    // A terminal sees each step, a log each change.
    if (line != last) console.err << line << (console.interactive ? "\r\x1b[K" : "\n");
    console.err.flush();
    last = line;
  });
  if (done) return kExitOk;
  const auto still = FindMount(CofferMounts(), *real);
  if (still && mount && still->id == mount->id && !UsersOf(*real, 1).empty())
    return Fail(console, InUse(*real));
  return Fail(console, done.error().what);
}

}  // namespace coffer::fs
