# rlaif: the only build file. Plain `make` prints the targets.
#
# Knobs: SAN=address,undefined   sanitizers        CC=clang   another compiler
#        OPT=-O0                 optimisation      WERROR=    warnings stay warnings
#        V=1                     shows commands    PREFIX=, DESTDIR=   where `make install` puts things
# Objects live under build/<knobs>/, so that changing a knob never needs `make clean`.

CC      ?= cc
OPT     ?= -O2
SAN     ?=
WERROR  ?= -Werror
PREFIX  ?= /usr/local

# A line for every file compiled; V=1 shows the commands instead.
Q   := $(if $(V),,@)
SAY := @$(if $(V),:,printf '  cc  %s\n')

comma := ,
KNOBS := $(notdir $(CC))$(OPT)$(if $(SAN),-san-$(subst $(comma),-,$(SAN)))
B     := build/$(KNOBS)

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
        -Wpointer-arith -Wwrite-strings -Wformat=2 -Wcast-qual -Wold-style-definition -Wno-format-truncation \
        -Wno-unknown-warning-option -fno-common $(WERROR)
# -ffp-contract=off: a fused multiply-add happens where the source says so and nowhere else,
# or the bytes of a result would depend on the compiler and the CPU level (docs/architecture.md).
CFLAGS_ALL := -std=c11 -D_GNU_SOURCE $(OPT) -g -ffp-contract=off -fno-math-errno -fno-strict-aliasing -fvisibility=hidden -fopenmp -Isrc -Wa,-I$(B)/gen \
              -include base/banned.h $(WARN) $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer) $(CFLAGS)
LIBS := -lsqlite3 -ljansson -lyaml -lpcre2-8 -lutf8proc -lz -lzstd -lcrypto -lcurl -lmicrohttpd -lm

# Kernels: every file of tensor/cpu/ is compiled once per CPU level and chosen at run time.
LEVELS := plain avx2 avx512
FLAGS_plain  :=
FLAGS_avx2   := -mavx2 -mfma -mf16c
FLAGS_avx512 := -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -mf16c -mprefer-vector-width=512

KERNEL_SRC := $(sort $(wildcard src/tensor/cpu/*.c))
LIB_SRC    := $(sort $(foreach d,base tensor text text/* store net model model/* infer train rlaif rlaif/* rlaif/*/*,$(wildcard src/$d/*.c)))
SERVE_SRC  := $(sort $(wildcard src/serve/*.c))
CLI_SRC    := $(sort $(wildcard src/cli/*.c))
TEST_SRC   := $(sort $(wildcard tests/*/test_*.c tests/*/*/test_*.c))
FUZZ_SRC   := $(sort $(wildcard fuzz/fuzz_*.c))

KERNEL_OBJ := $(foreach l,$(LEVELS),$(KERNEL_SRC:src/%.c=$(B)/%.$(l).o))
LIB_OBJ    := $(LIB_SRC:src/%.c=$(B)/%.o) $(KERNEL_OBJ)
SERVE_OBJ  := $(SERVE_SRC:src/%.c=$(B)/%.o)
CLI_OBJ    := $(CLI_SRC:src/%.c=$(B)/%.o)
REPLAY_BIN := $(FUZZ_SRC:fuzz/fuzz_%.c=$(B)/tests/fuzz/%)
FUZZ_BIN   := $(FUZZ_SRC:fuzz/fuzz_%.c=$(B)/fuzz/%)
TEST_BIN   := $(TEST_SRC:%.c=$(B)/%) $(REPLAY_BIN)
SUPPORT_OBJ := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tests/*.c)))

.PHONY: help all test test-fast lint format bench fuzz fuzz-run install clean docs
help:                ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

all: rlaif           ## build the program as ./rlaif

rlaif: $(B)/bin/rlaif
	@cmp -s $< $@ || cp $< $@

$(B)/bin/rlaif: $(CLI_OBJ) $(B)/librlaif.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -o $@ $^ $(LIBS)

# All but the commands; what other programs link has no server in it ($(B)/public).
$(B)/librlaif.a: $(LIB_OBJ) $(SERVE_OBJ)
	@rm -f $@
	$(Q)ar rcs $@ $^

define KERNEL_RULE
$(B)/tensor/cpu/%.$(1).o: src/tensor/cpu/%.c
	@mkdir -p $$(@D)
	$$(SAY) "$$< ($(1))"
	$$(Q)$$(CC) $$(CFLAGS_ALL) $$(FLAGS_$(1)) -DCPU_LEVEL=$(1) -MMD -MP -c -o $$@ $$<
endef
$(foreach l,$(LEVELS),$(eval $(call KERNEL_RULE,$(l))))

$(B)/%.o: src/%.c
	@mkdir -p $(@D)
	$(SAY) "$<"
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# --- files that become part of the program (base/embed.h) ---
# dygraphs draws the report's curves. Its last line names a file for debuggers, which a page that loads nothing must not.
DYGRAPHS ?= /usr/share/javascript/dygraphs

$(DYGRAPHS)/dygraph.min.%:
	@echo "$@ is missing: tools/setup installs it (the Debian package libjs-dygraphs)" >&2; exit 1

$(B)/gen/dygraph.%: $(DYGRAPHS)/dygraph.min.%
	@mkdir -p $(@D)
	sed -E 's,(//|/\*)# sourceMappingURL.*,,' $< > $@

$(B)/rlaif/report/report.o: $(B)/gen/dygraph.js $(B)/gen/dygraph.css src/rlaif/report/report.js src/rlaif/report/report.css NOTICE
$(B)/rlaif/judge/prompt/builtin.o: $(wildcard src/rlaif/judge/prompt/*.yaml)
$(B)/store/store.o: src/store/schema.sql
$(B)/serve/pages.o: src/serve/rate.html src/serve/rate.js src/serve/dashboard.js src/serve/pages.css

# --- tests -------------------------------------------------------------------------------------
$(B)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(SAY) "$<"
	$(Q)$(CC) $(CFLAGS_ALL) -Itests -MMD -MP -c -o $@ $<

# What the tests share. It calls the library, so it stands before it.
$(B)/tests/libsupport.a: $(SUPPORT_OBJ)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(B)/tests/%: tests/%.c $(B)/tests/libsupport.a $(B)/librlaif.a
	@mkdir -p $(@D)
	$(SAY) "$<"
	$(Q)$(CC) $(CFLAGS_ALL) -Itests -MMD -MP -o $@ $< $(B)/tests/libsupport.a $(B)/librlaif.a $(LIBS) -lcmocka

# A fuzz target with every input of its corpus, as a test.
$(B)/tests/fuzz/%: fuzz/fuzz_%.c fuzz/replay.c $(B)/tests/libsupport.a $(B)/librlaif.a
	@mkdir -p $(@D)
	$(SAY) "$<"
	$(Q)$(CC) $(CFLAGS_ALL) -Itests -MMD -MP -MF $@.d -o $@ $< fuzz/replay.c $(B)/tests/libsupport.a $(B)/librlaif.a $(LIBS) -lcmocka

test: rlaif $(TEST_BIN) ## build and run all tests
	@B=$(B) tests/run.sh $(TEST_BIN)

test-fast: rlaif $(TEST_BIN) ## the tests that need no real model
	@RLAIF_TEST_MODELS=none B=$(B) tests/run.sh $(TEST_BIN)

lint:                ## layers, format, headers alone, sizes
	@CC="$(CC)" tools/lint.sh

format:              ## let clang-format decide
	@clang-format -i $$(git ls-files 'src/*.[ch]' 'tests/*.[ch]' 'fuzz/*.[ch]')

# tools/setup fuzz installs clang. What the fuzzer finds interesting stays in build/fuzz/NAME; what breaks a target,
# build/fuzz/NAME-..., is made small, mended, and becomes a file of fuzz/corpus/NAME. One target: make fuzz FUZZ=recipe.
SECONDS ?= 60
FUZZ    ?= $(FUZZ_SRC:fuzz/fuzz_%.c=%)

fuzz:                ## SECONDS=60 of clang's libFuzzer on every parser
	@$(MAKE) --no-print-directory CC=clang OPT=-O1 SAN=fuzzer-no-link,address,undefined fuzz-run

fuzz-run: $(FUZZ:%=$(B)/fuzz/%)
	@failed=; for name in $(FUZZ); do mkdir -p build/fuzz/$$name; echo "--- $$name"; \
	    $(B)/fuzz/$$name -max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=2048 -max_len=16384 -verbosity=0 -print_final_stats=1 \
	        -artifact_prefix=build/fuzz/$$name- build/fuzz/$$name fuzz/corpus/$$name || failed=1; done; [ -z "$$failed" ]

$(B)/fuzz/%: fuzz/fuzz_%.c $(B)/librlaif.a
	@mkdir -p $(@D)
	$(SAY) "$<"
	$(Q)$(CC) $(CFLAGS_ALL) -fsanitize=fuzzer -MMD -MP -MF $@.d -o $@ $< $(B)/librlaif.a $(LIBS)

bench: rlaif         ## measure this machine at real work, as a table (docs/numbers.md)
	@tools/bench.sh

# What other programs link: one object in which only the names of rlaif.h are visible.
$(B)/public/librlaif.a: $(LIB_OBJ)
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)ld -r -o $(B)/public/rlaif.o $^
	$(Q)objcopy --localize-hidden $(B)/public/rlaif.o
	$(Q)ar rcs $@ $(B)/public/rlaif.o

install: rlaif $(B)/public/librlaif.a ## the program, its man page, librlaif.a and rlaif.h under PREFIX
	install -D -m 755 rlaif "$(DESTDIR)$(PREFIX)/bin/rlaif"
	install -D -m 644 $(B)/public/librlaif.a "$(DESTDIR)$(PREFIX)/lib/librlaif.a"
	install -D -m 644 src/rlaif/public.h "$(DESTDIR)$(PREFIX)/include/rlaif.h"
	./rlaif help man >$(B)/public/rlaif.1
	install -D -m 644 $(B)/public/rlaif.1 "$(DESTDIR)$(PREFIX)/share/man/man1/rlaif.1"

docs: rlaif          ## write docs/reference.md anew
	@./rlaif help reference >docs/reference.md

clean:               ## remove build/ and ./rlaif
	rm -rf build rlaif

-include $(LIB_OBJ:.o=.d) $(SERVE_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(SUPPORT_OBJ:.o=.d) $(TEST_BIN:=.d) $(FUZZ_BIN:=.d)
