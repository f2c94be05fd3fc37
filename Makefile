# make             build/coffer
# make bench       Coffer beside s3fs, rclone and the wire itself, near and far; BENCH=quick takes 4 minutes of the 75;
#                  GEESEFS=, MOUNT_S3= name more programs, BENCH_LINES=, BENCH_PEERS= choose
# make bench-scale, bench-crypto  cost beside the number of objects; frames beside openssl speed
# make demo        a bucket behind an access point, mounted, on this machine alone
# make check       unit, model and mount tests; CHECK="tests/unit.t tests/system/read.t" narrows,
#                  RGW=0 leaves out the tests on Ceph
# make conformance the conformance suite on versitygw, MinIO and moto, tests of locks on the first two, where they can be had
# make fuzz        every parser on inputs that libFuzzer makes up, FUZZ_SECONDS=60 each; FUZZ="header xml" narrows
# make interop     official AWS Encryption SDKs and coffer, each opening what the other sealed
# make browser     shared files in Chromium: which pages load them before and after `coffer cors allow`
# make lint        layers, budgets, format, clang-tidy, shell and Python checks
# make format      clang-format on everything
# make install     honours DESTDIR, PREFIX, BINDIR, MANDIR; make uninstall takes it away again
# make deps        Debian packages for building, testing and lint; YES=1 does not ask
# make clean       takes build/ away
# BATCH=1 compiles each file by itself, PCH= reads all headers anew for each test: for who changes one file again and
#                  again, for ccache, and to see that a file includes what it uses
# V=1 shows the whole commands; CXX, CXXFLAGS, LDFLAGS are honoured
# SAN=address,undefined or SAN=thread builds and checks in a directory of its own
VERSION  := 0.1.0
PREFIX   ?= /usr/local
BINDIR   ?= $(PREFIX)/bin
MANDIR   ?= $(PREFIX)/share/man
INSTALL  ?= install
FUZZ_CXX ?= clang++
FUZZ_SAN := fuzzer-no-link,address,undefined
comma    := ,
B        := build$(if $(SAN),/$(if $(filter $(FUZZ_SAN),$(SAN)),fuzz,$(subst $(comma),-,$(SAN))))
PKGS     := fuse3 libcurl openssl zlib tinyxml2 spdlog fmt sqlite3

# debug information takes as long as the rest: CXXFLAGS="-O0 -g" for a debugger; sanitizers name lines
CXXFLAGS ?= $(if $(SAN),-O0 -g1,-O2)
override CXXFLAGS += -std=c++20 -Wall -Wextra -Wpedantic -Werror=return-type $(if $(SAN),,$(if $(filter true,$(CI)),-Werror)) \
  -fPIE -fstack-protector-strong $(if $(filter x86_64,$(shell uname -m)),-fcf-protection) -pthread
override CPPFLAGS += -I. -DFUSE_USE_VERSION=314 -DCOFFER_VERSION='"$(VERSION)"' -D_GLIBCXX_ASSERTIONS \
  $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
override LDFLAGS  += -pie -Wl,-z,relro,-z,now,-z,noexecstack -pthread
LDLIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
ifdef SAN
# the sanitizers check what _FORTIFY_SOURCE checks, and are blind where it has replaced a call; g++ says itself that
# it guesses wrong about uninitialized values in what they instrument
override CXXFLAGS += -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer \
  $(if $(findstring clang,$(CXX)),,-Wno-maybe-uninitialized)
override LDFLAGS  += -fsanitize=$(SAN)
else
override CPPFLAGS += $(if $(filter -O1 -O2 -O3 -Os,$(CXXFLAGS)),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif

SRC   := $(sort $(wildcard crypto/*.cc s3client/*.cc fs/*.cc))
# What is compiled: BATCH files of a layer at a time, as one source that includes them, since their headers take most of the
# time. So what a file has to itself has a name of its own in its layer; a unit test stands in a namespace of its file's name.
# A batch is called after its first file, and lies where clang's analyzer looks into what a source includes.
BATCH   ?= 12
ALONE   := crypto/bytes.cc fs/main.cc
batch    = $(B)/UnifiedSource/$(firstword $(1))$(eval $(B)/UnifiedSource/$(firstword $(1)): private FILES := $(1))
batches  = $(foreach n,$(shell seq 1 $(BATCH) $(words $(1))),$(call batch,$(wordlist $(n),$(shell expr $(n) + $(BATCH) - 1),$(1))))
BATCHES := $(foreach layer,crypto s3client fs,$(call batches,$(filter-out $(ALONE),$(filter $(layer)/%,$(SRC)))))
FUZZ_TARGETS := $(filter-out tests/fuzz/driver.cc tests/fuzz/replay_test.cc,$(sort $(wildcard tests/fuzz/*.cc)))
TEST  := $(sort $(wildcard tests/unit/*.cc tests/support/*.cc)) $(FUZZ_TARGETS) tests/fuzz/replay_test.cc
UNIT  := $(sort $(wildcard tests/unit/*/*.cc))
UNIT_BATCHES := $(foreach dir,$(sort $(dir $(UNIT))),$(call batches,$(filter $(dir)%,$(UNIT))))
BENCH_PROGRAMS := $(patsubst tests/bench/%.cc,$(B)/bench/%,$(sort $(wildcard tests/bench/*.cc)))
CXXALL := $(SRC) $(UNIT) $(TEST) tests/fuzz/driver.cc $(sort $(wildcard tests/bench/*.cc)) $(sort $(wildcard crypto/*.h s3client/*.h fs/*.h tests/*/*.h tests/unit/*/*.h))
MAN   := $(sort $(wildcard man/*.1 man/*.5 man/*.7))
obj    = $(1:%.cc=$(B)/%.o)
OBJ   := $(BATCHES:%.cc=%.o) $(B)/crypto/bytes.o
# the whole commands with V=1
Q     := $(if $(V),,@)
SUBMAKE = $(MAKE) --no-print-directory $(if $(V),,-s)

.PHONY: all unit check bench bench-scale bench-crypto bench-programs fuzz conformance interop browser demo deps lint tidy format install uninstall clean help FORCE
all: $(B)/coffer
unit: $(B)/unit
$(B)/coffer: $(OBJ) $(B)/fs/main.o
	$(if $(V),,@echo "  LINK $@")
	$Q$(CXX) $(CXXFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@
$(B)/unit: $(OBJ) $(UNIT_BATCHES:%.cc=%.o) $(call obj,$(TEST))
	$(if $(V),,@echo "  LINK $@")
	$Q$(CXX) $(CXXFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@
$(B)/fuzz: $(OBJ) $(call obj,$(wildcard tests/support/fake_store*.cc) $(FUZZ_TARGETS) tests/fuzz/driver.cc)
	$(if $(V),,@echo "  LINK $@")
	$Q$(CXX) $(CXXFLAGS) $(LDFLAGS) -fsanitize=fuzzer $^ $(LDLIBS) -o $@
bench-programs: $(BENCH_PROGRAMS)
$(B)/bench/frames: $(filter $(B)/UnifiedSource/crypto/%,$(OBJ)) $(B)/crypto/bytes.o
$(BENCH_PROGRAMS): $(B)/bench/%: $(B)/tests/bench/%.o
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LINK $@")
	$Q$(CXX) $(CXXFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@
define COMPILE
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CXX  $@")
	$Q$(CXX) $(CPPFLAGS) $(PREFIXED) -MMD -MP $(CXXFLAGS) -c $< -o $@
endef
$(B)/%.o: %.cc $(B)/flags
	$(COMPILE)
# g++ takes what a batch includes for headers
$(B)/UnifiedSource/%.o: private override CXXFLAGS += $(if $(findstring clang,$(CXX)),,-Wno-subobject-linkage)
$(B)/UnifiedSource/%.o: $(B)/UnifiedSource/%.cc $(B)/flags
	$(COMPILE)
$(BATCHES) $(UNIT_BATCHES): FORCE
	@mkdir -p $(@D)
	@printf '#include "%s"\n' $(FILES) | cmp -s - $@ || printf '#include "%s"\n' $(FILES) >$@

# nobody waits for the tests themselves, but for their compiler: a third of the time unoptimized
$(B)/tests/%.o $(B)/tests/%.gch $(B)/UnifiedSource/tests/%.o: private override CXXFLAGS += -O0
$(B)/tests/%.o $(B)/tests/%.gch $(B)/UnifiedSource/tests/%.o: private override CPPFLAGS += -U_FORTIFY_SOURCE
# but for what is measured with
$(B)/tests/bench/%.o: private override CXXFLAGS += -O2
# and what goes over all memory, or makes megabytes
OPTIMIZED := $(call obj,tests/support/memory_search.cc tests/support/noise.cc)
$(OPTIMIZED): private override CXXFLAGS += -O2

$(B)/crypto/bytes.o: private override CXXFLAGS += -O2

# What most of them include is read once, which halves that again; so it is in a sanitizer's build. (Not in an optimized
# one: g++ 12 warns there of what is right in strings that come from such a file.)
PCH   ?= 1
STD   := algorithm array atomic chrono filesystem fstream functional map memory mutex optional set span string string_view \
  thread utility variant vector
ifneq ($(PCH),)
ifdef SAN
$(B)/%.o: private PREFIXED = -include $(B)/std.h
$(B)/crypto/bytes.o: private PREFIXED =
$(OBJ) $(B)/fs/main.o: $(B)/std.h.gch
endif
$(B)/tests/%.o $(B)/UnifiedSource/tests/%.o: private PREFIXED = -include $(B)/tests/std.h
# not these: one reads Catch2 as its implementation, the others do without
$(B)/tests/unit/main.o $(B)/tests/bench/%.o $(OPTIMIZED): private PREFIXED =
$(UNIT_BATCHES:%.cc=%.o) $(call obj,$(TEST) tests/fuzz/driver.cc): $(B)/tests/std.h.gch
endif
$(B)/tests/std.h: private STD += catch2/catch.hpp
$(B)/std.h $(B)/tests/std.h: FORCE
	@mkdir -p $(@D)
	@printf '#include <%s>\n' $(STD) | cmp -s - $@ || printf '#include <%s>\n' $(STD) >$@
%.h.gch: %.h $(B)/flags
	$(if $(V),,@echo "  CXX  $@")
	$Q$(CXX) $(CPPFLAGS) $(CXXFLAGS) -x c++-header $< -o $@

# rewritten only when the compiler or its flags change, so that a change of flags rebuilds and nothing else does
$(B)/flags: FORCE
	@pkg-config --exists $(PKGS) || { echo "libraries are missing; 'make deps' installs them" >&2; exit 1; }
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(CXX) $(CPPFLAGS) $(CXXFLAGS))' | cmp -s - $@ || \
	  echo '$(subst ','\'',$(CXX) $(CPPFLAGS) $(CXXFLAGS))' > $@

# the packages come first, and only then can pkg-config be asked: hence a make of its own for the rest
check:
	@tests/deps.sh build test
	@$(SUBMAKE) all unit
	@B=$(B) tests/check.sh $(CHECK)
conformance:
	@RGW=0 tests/deps.sh build test conformance
	@$(SUBMAKE) all
	@B=$(B) tests/conformance.sh
bench:
	@tests/deps.sh build bench
	@$(SUBMAKE) all bench-programs
	@B=$(B) python3 tests/bench
bench-scale:
	@RGW=0 tests/deps.sh build bench
	@$(SUBMAKE) all bench-programs
	@B=$(B) python3 tests/bench scale
bench-crypto:
	@RGW=0 tests/deps.sh build bench
	@$(SUBMAKE) bench-programs
	@B=$(B) tests/bench/crypto.sh
# a build of its own: clang has the fuzzer, and code that is compiled for it
fuzz:
	@tests/deps.sh build fuzz
	@$(SUBMAKE) -j$(shell nproc) CXX="$(FUZZ_CXX)" SAN=$(FUZZ_SAN) build/fuzz/fuzz
	@tests/fuzz.sh build/fuzz/fuzz $(FUZZ)
interop:
	@tests/deps.sh build test interop
	@$(SUBMAKE) all
	@B=$(B) tests/interop.sh
browser:
	@tests/deps.sh build test browser
	@$(SUBMAKE) all
	@TEST_TIMEOUT=900 B=$(B) tests/check.sh tests/browser/cors.sh
demo:
	@tests/deps.sh build demo
	@$(SUBMAKE) all
	@B=$(B) tests/demo.sh
deps:
	@tests/deps.sh build test lint fuzz

lint:
	@tests/deps.sh build lint
	@tests/lint.sh $(CXXALL)
	@$(SUBMAKE) -k -j$(shell nproc) B=build/tidy BATCH=$(if $(filter file,$(origin BATCH)),32,$(BATCH)) tidy
TIDY  := $(BATCHES:=.ok) $(ALONE:%=$(B)/%.ok)
tidy: $(TIDY)
define TIDY_UP
	@mkdir -p $(@D)
	@$(CXX) $(CPPFLAGS) -std=c++20 -MM -MP -MT $@ -MF $(@:.ok=.d) $<
	@echo "clang-tidy $<"
	@clang-tidy --quiet --warnings-as-errors='*' $< -- $(CPPFLAGS) -std=c++20 -Wall -Wextra -Wthread-safety \
	  -Xclang -analyzer-config -Xclang max-nodes=50000 >$@.out 2>&1; status=$$?; \
	  grep -vE '^[0-9]+ warnings? (generated|treated as)' $@.out; [ $$? = 1 ] && [ $$status = 0 ]
	@touch $@
endef
$(B)/%.cc.ok: $(B)/%.cc .clang-tidy Makefile
	$(TIDY_UP)
$(ALONE:%=$(B)/%.ok): $(B)/%.ok: % .clang-tidy Makefile
	$(TIDY_UP)
format:
	clang-format -i $(CXXALL)

install: all
	$(INSTALL) -D -m 755 $(B)/coffer $(DESTDIR)$(BINDIR)/coffer
	for m in $(MAN); do $(INSTALL) -D -m 644 $$m $(DESTDIR)$(MANDIR)/man$${m##*.}/$${m#man/} || exit 1; done
uninstall:
	$(RM) $(DESTDIR)$(BINDIR)/coffer $(foreach m,$(MAN),$(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $m))/$(notdir $m))
clean:
	$(RM) -r build
help:
	@sed -n '/^#/!q;s/^# \{0,1\}//p' Makefile
-include $(OBJ:.o=.d) $(UNIT_BATCHES:.cc=.d) $(patsubst %.cc,$(B)/%.d,fs/main.cc $(TEST) tests/fuzz/driver.cc $(wildcard tests/bench/*.cc)) $(TIDY:.ok=.d)
