#include "fs/sealed_mount.h"

#include <algorithm>
#include <utility>

#include "crypto/header.h"
#include "crypto/multi_key_source.h"
#include "fs/volume_signs.h"
#include "s3client/kms_key.h"

namespace coffer::fs {
namespace {

constexpr std::uint64_t kLargestDescriptor = 1u << 20;

// The message at the descriptor's place, before anything of it is believed.
struct Claim {
  std::string etag;
  Header header;
};

Result<std::optional<Claim>> ReadClaim(s3::ObjectStore& store, const std::string& prefix) {
  auto fetched = store.Get(DescriptorKey(prefix), {0, kLargestDescriptor}, {});
  if (!fetched && fetched.error().code == Code::kNotFound) return std::optional<Claim>();
  if (!fetched && fetched.error().code == Code::kDenied) {
    const auto holds = HoldsVolume(store, prefix);
    if (holds && !*holds) return std::optional<Claim>();
  }
  if (!fetched) return std::move(fetched).error();
  auto header = ParseHeader(fetched->body, kHeaderLimits);
  if (header && header->frame_size > kLargestDescriptor) {
    return Error{Code::kCorrupt, "what stands at the volume descriptor's place is none"};
  }
  if (!header) {
    return Error{Code::kCorrupt, "the volume descriptor " + DescriptorKey(prefix) +
                                     " is damaged: " + header.error().what +
                                     " (put back an older version of it, or coffer init "
                                     "--rebuild-descriptor makes it again; until then coffer open "
                                     "reads each object)"};
  }
  return std::optional<Claim>(Claim{fetched->info.etag, std::move(*header)});
}

// ---- No descriptor ----

Status RefuseMissing(const SealedRequest& request, const std::optional<KeyPin>& pin) {
  if (pin) {
    return Error{Code::kNotPermitted,
                 "this was the sealed volume " + pin->volume +
                     " when this machine used it last, and has no descriptor now. If " +
                     DescriptorKey(request.prefix) +
                     " was lost, put back an older version of it, or coffer init "
                     "--rebuild-descriptor makes it again from the files; until then coffer open "
                     "reads each object, and --sealed=no shows them as they are"};
  }
  if (request.mode == SealedMode::kYes || request.keys.any()) {
    return Error{Code::kNotFound,
                 "there is no sealed volume here: coffer init makes one (keys were named, or "
                 "--sealed=yes)"};
  }
  return Ok();
}

// The same as RefuseInside, by what this machine remembers: the descriptor above may be gone.
Status RefuseBelowPinned(const SealedRequest& request) {
  const std::string bucket =
      request.address.substr(0, request.address.size() - request.prefix.size());
  for (std::string above = request.prefix; !above.empty();) {
    above.pop_back();
    above.resize(above.rfind('/') + 1);
    COFFER_ASSIGN(const auto pin, LoadPin(request.state_directory, bucket + above));
    if (!pin) continue;
    return Error{Code::kNotPermitted, "this prefix lies inside the sealed volume " + pin->volume +
                                          " at \"" + above + "\": mount that"};
  }
  return Ok();
}

// ---- Keys ----

bool HasKey(const std::vector<KeyName>& keys, const KeyName& key) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](const KeyName& other) { return SameKey(other, key); });
}

std::vector<KeyName> NamesOf(const std::vector<KeyMaterial>& given) {
  std::vector<KeyName> names;
  names.reserve(given.size());
  for (const KeyMaterial& material : given) names.push_back(material.name);
  return names;
}

// The keys that the header itself names: for the first sight of a volume, as ssh takes a host key.
std::vector<KeyName> ClaimedKeys(const Header& header) {
  std::vector<KeyName> names;
  for (const EncryptedDataKey& key : header.encrypted) {
    if (key.provider != "aws-kms") continue;
    names.push_back({KeyName::Kind::kKms, key.provider, key.info, "", ""});
  }
  return names;
}

bool PrivateRsa(const KeyMaterial& material) { return material.rsa && material.rsa->is_private(); }

bool IsAlias(const KeyName& key) {
  if (key.kind != KeyName::Kind::kKms) return false;
  const auto id = s3::ParseKmsKeyId(key.name, "us-east-1");  // any: only the form counts
  return id && id->is_alias();
}

// May these keys stand in the descriptor? RSA keys only add readers, whose public half is no
// secret, so they are judged by the key that opened the descriptor.
Status CheckAllowedKeys(const VolumeDescriptor& descriptor, const std::vector<KeyName>& allowed) {
  for (const KeyName& key : descriptor.keys) {
    if (key.kind == KeyName::Kind::kRsa || HasKey(allowed, key)) continue;
    const bool by_alias = std::any_of(allowed.begin(), allowed.end(), IsAlias);
    return Error{Code::kNotPermitted,
                 "the volume is also sealed under " + Describe(key) + ", which was not named: " +
                     (by_alias ? "an alias does not do here, since it can be pointed at another "
                                 "key at any time; give --kms-key the ARN"
                               : "name all of its keys (--kms-key, --key-file, --aes-key)")};
  }
  return Ok();
}

}  // namespace

Status RefuseInside(const std::string& prefix, s3::ObjectStore& store,
                    std::vector<std::string>& notes) {
  std::string above = prefix;
  while (!above.empty()) {
    above.pop_back();
    above.resize(above.rfind('/') + 1);
    const auto there = HoldsVolume(store, above);
    if (there && *there) {
      return Error{Code::kNotPermitted,
                   "this prefix lies inside the sealed volume at \"" + above +
                       "\": mount that, or with --sealed=no see the objects as they are"};
    }
    if (!there && there.error().code == Code::kDenied) {
      notes.push_back("whether \"" + above +
                      "\" is a sealed volume cannot be told: " + there.error().what);
    } else if (!there) {
      return there.error();
    }
  }
  return Ok();
}

// One opening of one volume.
class SealedOpening {
 public:
  SealedOpening(const SealedRequest& request, const SealedParts& parts, SealedFinding& finding)
      : request_(request), parts_(parts), finding_(finding) {}

  Status ChooseKeys(const Claim& claim);
  Result<VolumeDescriptor> OpenDescriptor(const Claim& claim);
  Result<std::unique_ptr<MultiKeySource>> VolumeKeys(const VolumeDescriptor& descriptor);
  Status Pin(const VolumeDescriptor& descriptor);
  const std::vector<KeyName>& allowed() const { return allowed_; }
  const std::optional<KeyPin>& pin() const { return pin_; }
  std::vector<KeyMaterial> TakeGiven() { return std::move(given_); }
  Status LoadPinned() {
    COFFER_ASSIGN(pin_, LoadPin(request_.state_directory, request_.address));
    return Ok();
  }

 private:
  std::string OtherKeys() const;
  void NoteChange(const VolumeDescriptor& descriptor);
  Result<std::unique_ptr<MultiKeySource>> Source(const std::vector<KeyName>& names,
                                                 const KeyWorkshop& workshop);

  const SealedRequest& request_;
  const SealedParts& parts_;
  SealedFinding& finding_;
  std::optional<KeyPin> pin_;
  std::vector<KeyMaterial> given_;
  std::vector<KeyName> allowed_;
  bool first_sight_ = false;
};

Status SealedOpening::ChooseKeys(const Claim& claim) {
  COFFER_ASSIGN(given_, NamedKeys(request_.keys, parts_.workshop.arena));
  const auto vol = claim.header.context.find("vol");
  if (pin_ && (vol == claim.header.context.end() || vol->second != pin_->volume)) {
    return Error{Code::kNotPermitted, "another volume is here than this machine knows (" +
                                          pin_->volume +
                                          "): if that is right, remove its file below " +
                                          request_.state_directory + "/volumes"};
  }
  allowed_ = NamesOf(given_);
  const bool only_recovery =
      !given_.empty() && std::all_of(given_.begin(), given_.end(), PrivateRsa);
  if (only_recovery) {
    finding_.read_only = true;
    finding_.notes.push_back(
        "mounted read-only by a recovery key: what it opens is readable, not authentic, since "
        "whoever has its public half can make such files");
    return Ok();
  }
  // Beside other keys only the public half of an RSA key serves: what its private half opens may be
  // anybody's.
  std::erase_if(given_, PrivateRsa);
  allowed_ = NamesOf(given_);
  if (!request_.keys.kms_keys.empty()) return Ok();
  // Local keys have to be named each time; that does not replace what is known of KMS keys.
  first_sight_ = !pin_ && given_.empty();
  std::vector<KeyName> known;
  if (pin_) known = pin_->keys;
  if (first_sight_) known = ClaimedKeys(claim.header);
  for (KeyName& key : known) {
    if (key.kind == KeyName::Kind::kKms && !HasKey(allowed_, key))
      allowed_.push_back(std::move(key));
  }
  if (!allowed_.empty()) return Ok();
  return Error{Code::kKeyMissing,
               "the volume is sealed under local keys: name one by --key-file, --aes-key or "
               "--recovery-private-key"};
}

Result<std::unique_ptr<MultiKeySource>> SealedOpening::Source(const std::vector<KeyName>& names,
                                                              const KeyWorkshop& workshop) {
  COFFER_ASSIGN(auto rings, MakeKeyrings(names, given_, workshop));
  return std::make_unique<MultiKeySource>(std::move(rings),
                                          [&clock = parts_.clock] { return clock.Steady(); });
}

// Before the error that names the keys of the descriptor. Those are the bucket's word: only
// somebody who knows them can say that they are right.
std::string SealedOpening::OtherKeys() const {
  std::string known;
  for (const KeyName& key : allowed_) known += (known.empty() ? "" : ", ") + Describe(key);
  return "the volume's descriptor opens under none of the keys that this machine expects (" +
         known +
         "). If whoever looks after the volume has changed its keys, name the new ones once, all "
         "of "
         "them: coffer mount --kms-key ARN (or --key-file FILE) SOURCE DIR takes them over; if "
         "not, "
         "somebody else put it there";
}

Result<VolumeDescriptor> SealedOpening::OpenDescriptor(const Claim& claim) {
  const auto vol = claim.header.context.find("vol");
  const auto kind = claim.header.context.find("kind");
  if (vol == claim.header.context.end() || kind == claim.header.context.end() ||
      kind->second != "volume") {
    return Error{Code::kCorrupt, "what stands at the volume descriptor's place is none"};
  }
  COFFER_ASSIGN(const auto keys, Source(allowed_, parts_.quick));
  COFFER_ASSIGN(const Layout layout, Layout::Make(static_cast<std::uint32_t>(claim.header.size),
                                                  claim.header.frame_size));
  SealedStore store(
      {parts_.store, *keys, parts_.workshop.arena, parts_.pool},
      {vol->second, request_.prefix, layout, claim.header.context, BindingPolicy::kStrict, true});
  auto fetched = store.Get(DescriptorKey(request_.prefix), {0, kLargestDescriptor},
                           {.etag = claim.etag, .version_id = {}});
  if (!fetched) {
    for (const KeyringCounts& counts : keys->Counts()) {
      finding_.keys_failed = finding_.keys_failed || counts.failures > 0;
    }
    if (fetched.error().code != Code::kKeyMissing || !pin_) return std::move(fetched).error();
    return std::move(fetched).error().While(OtherKeys());
  }
  COFFER_ASSIGN(VolumeDescriptor descriptor, ParseDescriptor(AsText(fetched->body)));
  if (descriptor.id != vol->second || descriptor.header_size != layout.header_size() ||
      descriptor.frame_size != layout.frame_size() ||
      DescriptorContext(descriptor) != claim.header.context) {
    return Error{Code::kCorrupt, "the volume descriptor contradicts its own header"};
  }
  return descriptor;
}

Result<std::unique_ptr<MultiKeySource>> SealedOpening::VolumeKeys(
    const VolumeDescriptor& descriptor) {
  return Source(finding_.read_only ? allowed_ : descriptor.keys, parts_.workshop);
}

void SealedOpening::NoteChange(const VolumeDescriptor& descriptor) {
  finding_.notes.push_back("the volume's keys have changed since this machine used it last:");
  for (const KeyName& key : descriptor.keys) {
    if (!HasKey(pin_->keys, key)) finding_.notes.push_back("  new:  " + Describe(key));
  }
  for (const KeyName& key : pin_->keys) {
    if (!HasKey(descriptor.keys, key)) finding_.notes.push_back("  gone: " + Describe(key));
  }
}

// The descriptor opened under a key that was expected. Where that was a pinned one, its own list of
// keys is what is expected from now on.
Status SealedOpening::Pin(const VolumeDescriptor& descriptor) {
  if (finding_.read_only) return Ok();
  if (first_sight_) {
    finding_.notes.push_back("the sealed volume " + descriptor.id +
                             " is new to this machine; its keys are remembered:");
    for (const KeyName& key : descriptor.keys) finding_.notes.push_back("  " + Describe(key));
  } else if (!pin_ || !request_.keys.kms_keys.empty()) {
    COFFER_TRY(CheckAllowedKeys(descriptor, allowed_));
  }
  if (pin_ && pin_->keys == descriptor.keys) return Ok();
  if (pin_) NoteChange(descriptor);
  if (!request_.remember) return Ok();
  return SavePin(request_.state_directory, {request_.address, descriptor.id, descriptor.keys});
}

Result<OpenedDescriptor> OpenForChange(const SealedRequest& request, const SealedParts& parts,
                                       SealedFinding& finding) {
  SealedOpening opening(request, parts, finding);
  COFFER_TRY(opening.LoadPinned());
  COFFER_ASSIGN(const std::optional<Claim> claim, ReadClaim(parts.store, request.prefix));
  if (!claim) {
    COFFER_TRY(RefuseMissing(request, opening.pin()));
    return Error{Code::kNotFound, "there is no sealed volume here: coffer init makes one"};
  }
  COFFER_TRY(opening.ChooseKeys(*claim));
  if (finding.read_only) {
    return Error{Code::kUnsupported,
                 "a recovery key reads, and cannot change the volume: name a KMS or AES key"};
  }
  OpenedDescriptor opened;
  COFFER_ASSIGN(opened.descriptor, opening.OpenDescriptor(*claim));
  COFFER_TRY(opening.Pin(opened.descriptor));
  opened.etag = claim->etag;
  opened.free = claim->header.pad > 1 ? claim->header.pad - 1u : 0;
  opened.given = opening.TakeGiven();
  return opened;
}

Result<std::unique_ptr<SealedMount>> SealedMount::Open(const SealedRequest& request,
                                                       const SealedParts& parts,
                                                       SealedFinding& finding) {
  SealedOpening opening(request, parts, finding);
  COFFER_TRY(opening.LoadPinned());
  auto claim = ReadClaim(parts.store, request.prefix);
  if (request.mode == SealedMode::kNo) {
    finding.read_only = opening.pin() || !claim || claim->has_value();
    if (!finding.read_only) {
      // Below one, too; where that cannot be told, it may be.
      std::vector<std::string> doubts;
      const Status outside = RefuseInside(request.prefix, parts.store, doubts);
      finding.read_only = !outside || !doubts.empty();
    }
    if (finding.read_only) {
      finding.notes.push_back(
          "shown as it is, read-only: this is, was or may be in a sealed volume");
    }
    return std::unique_ptr<SealedMount>();
  }
  if (!claim && claim.error().code == Code::kDenied) {
    return std::move(claim).error().While(
        "whether this is a sealed volume cannot be told (--sealed=no shows it as it is)");
  }
  if (!claim) return std::move(claim).error();
  if (!*claim) {
    COFFER_TRY(RefuseMissing(request, opening.pin()));
    COFFER_TRY(RefuseInside(request.prefix, parts.store, finding.notes));
    finding.notes.push_back("plain volume: bytes are not encrypted by coffer");
    return std::unique_ptr<SealedMount>();
  }
  if (request.mode == SealedMode::kPlain) {
    return Error{Code::kInvalid,
                 "this is a sealed volume, and --s3ec reads objects of a plain one: leave it out"};
  }
  // What is seen for the first time, and under no key that was named, may have been put below a
  // volume by whoever can write there.
  if (!opening.pin() && !request.keys.any()) {
    COFFER_TRY(RefuseBelowPinned(request));
    COFFER_TRY(RefuseInside(request.prefix, parts.store, finding.notes));
  }
  COFFER_TRY(opening.ChooseKeys(**claim));
  std::unique_ptr<SealedMount> mount(new SealedMount());
  COFFER_ASSIGN(mount->descriptor_, opening.OpenDescriptor(**claim));
  COFFER_TRY(opening.Pin(mount->descriptor_));
  COFFER_ASSIGN(mount->source_, opening.VolumeKeys(mount->descriptor_));

  KeyCacheLimits limits;
  limits.max_age = request.keys.max_age;
  limits.max_messages = request.keys.max_messages;
  limits.max_bytes = request.keys.max_bytes;
  limits.max_entries = request.keys.cache_entries;
  mount->cache_ = std::make_unique<KeyCache>(
      *mount->source_, limits,
      KeyCacheParties{
          [&clock = parts.clock] { return clock.Steady(); },
          [&pool = parts.pool](std::function<void()> task) { pool.Submit(std::move(task)); }});
  COFFER_ASSIGN(const Layout layout,
                Layout::Make(mount->descriptor_.header_size, mount->descriptor_.frame_size));
  mount->store_ = std::make_unique<SealedStore>(
      SealedStore::Parts{.below = parts.store,
                         .keys = *mount->cache_,
                         .arena = parts.workshop.arena,
                         .pool = parts.pool,
                         .foreign_limit = request.foreign_limit},
      SealedVolume{mount->descriptor_.id, request.prefix, layout, ContextOf(mount->descriptor_),
                   request.binding.value_or(mount->descriptor_.binding)});
  return mount;
}

}  // namespace coffer::fs
