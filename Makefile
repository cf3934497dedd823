# chartfs. `make help` tells the targets; everything that is built goes below .build.

VERSION = 0.1.0
B = .build
PREFIX = /usr/local
BINDIR = $(PREFIX)/bin
MANDIR = $(PREFIX)/share/man

CC = gcc
CFLAGS = -O2 -g
# SAN=address,undefined or SAN=thread builds with those sanitizers (give it a B of its own).
SAN =

PACKAGES = fuse3 libcurl libcjson libssl libcrypto zlib yaml-0.1
OUR_CPPFLAGS = -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DCHARTFS_VERSION='"$(VERSION)"' \
	$(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
OUR_CFLAGS = -std=gnu11 -pthread -fno-common -Wall -Wextra -Wshadow -Wvla -Wformat=2 -Wundef \
	-Wcast-qual -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	$(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
OUR_LDFLAGS = -pthread $(if $(SAN),-fsanitize=$(SAN))
LIBS = $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)

# The layers, from the bottom up; each archive is linked only with those below it.
CACHE_OBJ = $(patsubst %.c,$(B)/obj/%.o,$(wildcard cache/base/*.c cache/*.c))
CLIENT_OBJ = $(patsubst %.c,$(B)/obj/%.o,$(wildcard client/*.c))
FS_OBJ = $(patsubst %.c,$(B)/obj/%.o,$(filter-out fs/main.c,$(wildcard fs/*.c)))
CACHE_LIB = $(B)/libcache.a
CLIENT_LIB = $(B)/libclient.a $(CACHE_LIB)
FS_LIB = $(B)/libfs.a $(CLIENT_LIB)

# Fuzz harnesses: $(B)/fuzz/NAME replays files, $(B)/fuzzer/NAME is libFuzzer's.
HARNESSES = $(patsubst tests/fuzz/%.c,%,$(filter-out tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c)))
FUZZ_SECONDS = 10

UNITS = $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*-*.c))

all: $(B)/chartfs

$(B)/chartfs: $(B)/obj/fs/main.o $(FS_LIB)
	@echo LD $@
	@$(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/libcache.a: $(CACHE_OBJ)
$(B)/libclient.a: $(CLIENT_OBJ)
$(B)/libfs.a: $(FS_OBJ)
$(B)/lib%.a:
	@mkdir -p $(@D)
	@rm -f $@
	@$(AR) rcs $@ $^

# Rebuilds everything when the flags change.
$(B)/flags: force
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(OUR_CPPFLAGS) $(OUR_CFLAGS)' | cmp -s - $@ || \
		echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(OUR_CPPFLAGS) $(OUR_CFLAGS)' > $@

$(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	@echo CC $<
	@$(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# A unit test is named after its layer and links only that layer and those below.
$(B)/unit/cache-%: $(B)/obj/tests/unit/cache-%.o $(CACHE_LIB)
	@mkdir -p $(@D)
	@echo LD $@
	@$(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)
$(B)/unit/client-%: $(B)/obj/tests/unit/client-%.o $(CLIENT_LIB)
	@mkdir -p $(@D)
	@echo LD $@
	@$(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)
$(B)/unit/fs-%: $(B)/obj/tests/unit/fs-%.o $(FS_LIB)
	@mkdir -p $(@D)
	@echo LD $@
	@$(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# Prints the manifest's digest of an archive, to be compared with helm's (tests/parity/charts.py).
$(B)/parity/manifest: $(B)/obj/tests/parity/manifest.o $(CLIENT_LIB)
	@mkdir -p $(@D)
	@echo LD $@
	@$(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

units: $(UNITS)
test-programs: all units fuzz-replay $(if $(wildcard tests/parity/manifest.c),$(B)/parity/manifest)

$(B)/fuzz/%: $(B)/obj/tests/fuzz/%.o $(B)/obj/tests/fuzz/replay.o $(CLIENT_LIB)
	@mkdir -p $(@D)
	@echo LD $@
	@$(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)
$(B)/fuzzer/%: $(B)/obj/tests/fuzz/%.o $(CLIENT_LIB)
	@mkdir -p $(@D)
	@echo LD $@
	@$(CC) -fsanitize=fuzzer $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

fuzz-replay: $(HARNESSES:%=$(B)/fuzz/%)

# Builds with clang in a folder of its own; what is found besides the seeds stays there.
fuzz:
	@contrib/install-deps.sh lint
	@$(BUILD) B=.build/libfuzzer CC=clang SAN=address,undefined \
		CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' $(HARNESSES:%=run-fuzzer-%)
run-fuzzer-%: $(B)/fuzzer/%
	@mkdir -p $(B)/corpus/$*
	@echo FUZZ $* for $(FUZZ_SECONDS) s
	@$< -max_total_time=$(FUZZ_SECONDS) -timeout=10 -max_len=65536 \
		-artifact_prefix=$(B)/corpus/$*- $(B)/corpus/$* tests/fuzz/corpus/$* \
		> $(B)/corpus/$*.log 2>&1 || { cat $(B)/corpus/$*.log; exit 1; }

# The targets below install what is missing and build by themselves. A build with other flags has a
# folder of its own below .build.
BUILD = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

demo:
	@contrib/install-deps.sh demo
	@$(BUILD) all
	@tests/peers.sh registry
	@contrib/demo.sh start

demo-stop:
	@contrib/demo.sh stop

test:
	@contrib/install-deps.sh test
	@$(BUILD) test-programs
	@tests/peers.sh registry nginx helm-3 helm-4
	@tests/run.sh

test-distribution3:
	@contrib/install-deps.sh test
	@$(BUILD) test-programs
	@tests/peers.sh distribution registry nginx helm-3 helm-4
	@REGISTRY_KIND=distribution-3 tests/run.sh mount

test-zot:
	@contrib/install-deps.sh test
	@$(BUILD) test-programs
	@tests/peers.sh registry nginx helm-3 helm-4
	@REGISTRY_KIND=zot tests/run.sh mount

peers:
	@contrib/install-deps.sh test
	@tests/peers.sh

lint:
	@contrib/install-deps.sh lint
	@tests/lint.sh

layers:
	@tests/layers.sh

sanitize:
	@contrib/install-deps.sh test
	@tests/peers.sh registry nginx helm-3 helm-4
	@tests/sanitize.sh

format:
	@contrib/install-deps.sh lint
	@clang-format -i $$(find fs client cache tests -name '*.[ch]')

install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1
	install -m 755 $(B)/chartfs $(DESTDIR)$(BINDIR)/chartfs
	install -m 644 contrib/chartfs.1 $(DESTDIR)$(MANDIR)/man1/chartfs.1

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/chartfs $(DESTDIR)$(MANDIR)/man1/chartfs.1

clean: demo-stop
	rm -rf --one-file-system $(B)

help:
	@echo 'make                     the program, $(B)/chartfs'
	@echo 'make install, uninstall  with PREFIX ($(PREFIX)) and DESTDIR'
	@echo 'make demo, demo-stop     a registry, a mount, a chart copied in and out; ends both'
	@echo 'make test                all tests: units, fuzz corpora, real mounts of a real registry'
	@echo 'make test-distribution3  the mounts again, of distribution 3 (needs Go 1.25 or newer)'
	@echo 'make test-zot            and of zot, if one is on PATH or named by ZOT='
	@echo 'make sanitize            the tests under address, undefined and thread sanitizers'
	@echo 'make lint                format, layers, warnings, clang-tidy, cppcheck, shellcheck, ...'
	@echo 'make layers              which layer includes what'
	@echo 'make fuzz                each fuzz harness for FUZZ_SECONDS ($(FUZZ_SECONDS))'
	@echo 'make peers               the programs that tests run beside chartfs, into .build/peers'
	@echo 'make units               the unit tests, built only; tests/run.sh runs chosen ones'
	@echo 'make format              clang-format over the source'
	@echo 'make clean               removes $(B)'

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

.PHONY: all units test-programs fuzz-replay fuzz demo demo-stop test test-distribution3 test-zot peers \
	lint layers sanitize format install uninstall clean help force
.SECONDARY:
