# chartfs. `make help` tells the targets; everything that is built goes to $(B).

VERSION = 0.1.0
B = .build
PREFIX = /usr/local
BINDIR = $(PREFIX)/bin
MANDIR = $(PREFIX)/share/man

CC = gcc
CFLAGS = -O2 -g
# SAN=address,undefined or SAN=thread builds with those sanitizers (give it a B of its own).
SAN =

PACKAGES = fuse3 libcurl libcjson libcrypto zlib yaml-0.1
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

$(B)/fuzz/%: $(B)/obj/tests/fuzz/%.o $(B)/obj/tests/fuzz/replay.o $(CLIENT_LIB)
	@mkdir -p $(@D)
	@echo LD $@
	@$(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)
$(B)/fuzzer/%: $(B)/obj/tests/fuzz/%.o $(CLIENT_LIB)
	@mkdir -p $(@D)
	@echo LD $@
	@$(CC) -fsanitize=fuzzer $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

fuzz-replay: $(HARNESSES:%=$(B)/fuzz/%)
replay: fuzz-replay
	@for name in $(HARNESSES); do $(B)/fuzz/$$name tests/fuzz/corpus/$$name/* || exit 1; done

# Builds with clang in a folder of its own; what is found besides the seeds stays there.
fuzz:
	@$(MAKE) B=$(B)-fuzz CC=clang SAN=address,undefined \
		CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' $(HARNESSES:%=run-fuzzer-%)
run-fuzzer-%: $(B)/fuzzer/%
	@mkdir -p $(B)/corpus/$*
	@echo FUZZ $* for $(FUZZ_SECONDS) s
	@$< -max_total_time=$(FUZZ_SECONDS) -timeout=10 -max_len=65536 \
		-artifact_prefix=$(B)/corpus/$*- $(B)/corpus/$* tests/fuzz/corpus/$* \
		> $(B)/corpus/$*.log 2>&1 || { cat $(B)/corpus/$*.log; exit 1; }

clean:
	rm -rf $(B)

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

.PHONY: all units fuzz-replay replay fuzz clean force
.SECONDARY:
