# sendoff - build, test, install.  GNU make; see README for the two commands
# that a newcomer needs, `make help` for the rest.
#
# CFLAGS, CPPFLAGS, LDFLAGS and LDLIBS belong to whoever builds: they come from
# the environment or the command line, stand behind our own and so win.  What
# we need ourselves is in the OWN_ variables.  Nothing is written outside $(B).

VERSION = 0.1

CC           ?= cc
AR           ?= ar
PKG_CONFIG   ?= pkg-config
READELF      ?= readelf
INSTALL      ?= install
PROVE        ?= t/prove
CFLAGS       ?= -O2 -g
CLANG        ?= clang
GCC          ?= gcc
FUZZ_SECONDS ?= 20
# Tests wait more than they work.
JOBS         ?= $(shell expr 2 \* $$(nproc 2>/dev/null || echo 1))

DESTDIR     ?=
prefix      ?= /usr/local
exec_prefix ?= $(prefix)
bindir      ?= $(exec_prefix)/bin
sbindir     ?= $(exec_prefix)/sbin
libdir      ?= $(exec_prefix)/lib
datarootdir ?= $(prefix)/share
mandir      ?= $(datarootdir)/man
docdir      ?= $(datarootdir)/doc/sendoff
sysconfdir  ?= /etc
localstatedir ?= /var
rundir      ?= /run
bashdir     ?= $(datarootdir)/bash-completion/completions
zshdir      ?= $(datarootdir)/zsh/site-functions
fishdir     ?= $(datarootdir)/fish/vendor_completions.d
unitdir     ?= $(prefix)/lib/systemd/system
userunitdir ?= $(prefix)/lib/systemd/user
sysusersdir ?= $(prefix)/lib/sysusers.d
tmpfilesdir ?= $(prefix)/lib/tmpfiles.d
nmdir       ?= $(prefix)/lib/NetworkManager/dispatcher.d
apparmordir ?= $(docdir)/apparmor.d

B         = build
LIBRARIES = inih jansson nettle
LATE      = gnutls libidn2
SELDOM    = libcurl krb5-gssapi libgsasl
SANITIZE  =
WERROR    =

# --- flags -----------------------------------------------------------------

WARNINGS = -Wall -Wextra -Wshadow -Wpointer-arith -Wcast-qual -Wstrict-prototypes \
	-Wmissing-prototypes -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wimplicit-fallthrough \
	-Wconversion -Wno-sign-conversion -Wdate-time $(WERROR)

OWN_CPPFLAGS = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -Isrc -I. \
	-DSENDOFF_VERSION='"$(VERSION)"' -DSENDOFF_SYSCONFDIR='"$(sysconfdir)"' \
	-DSENDOFF_LOCALSTATEDIR='"$(localstatedir)"' -DSENDOFF_RUNDIR='"$(rundir)"' \
	-DSENDOFF_GNUTLS='"$(GNUTLS)"' -DSENDOFF_IDN='"$(IDN)"' -DSENDOFF_CURL='"$(CURL)"' \
	-DSENDOFF_GSSAPI='"$(GSSAPI)"' -DSENDOFF_GSASL='"$(GSASL)"'
OWN_CFLAGS   = -std=c11 $(WARNINGS) '-ffile-prefix-map=$(CURDIR)=.' -fstack-protector-strong -fPIE \
	-pthread
OWN_LDFLAGS  = -pie -Wl,-z,relro -Wl,-z,now -Wl,--as-needed

# Fortified unless the builder speaks of it, does not optimise (glibc would
# warn), or a sanitizer does the work better.
FORTIFY = $(if $(findstring FORTIFY,$(CPPFLAGS) $(CFLAGS))$(SANITIZE),,$(if \
	$(filter -O -O1 -O2 -O3 -Os -Og -Ofast,$(CFLAGS)),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2))

# pkg-config and the linker are asked once, and only when something is compiled:
# by then a bare machine has them.
PC_CFLAGS = $(eval PC_CFLAGS := $$(shell $$(PKG_CONFIG) --cflags $$(LIBRARIES) $$(LATE) $$(SELDOM)))$(PC_CFLAGS)
PC_LIBS   = $(eval PC_LIBS := $$(shell $$(PKG_CONFIG) --libs $$(LIBRARIES)))$(PC_LIBS)
PC_LATE   = $(eval PC_LATE := $$(shell $$(PKG_CONFIG) --libs $$(LATE)))$(PC_LATE)

# The late ones are loaded when they are first needed, by the name that the linker
# would have written down; only tests are linked with them.  What few ever need is not
# linked with anything.
soname = $(or $(shell LC_ALL=C $(READELF) -d "$$($(CC) -print-file-name=$1.so)" 2>/dev/null | \
	sed -n 's/.*(SONAME).*\[\(.*\)\].*/\1/p'),$2)
GNUTLS = $(eval GNUTLS := $$(call soname,libgnutls,libgnutls.so.30))$(GNUTLS)
IDN    = $(eval IDN := $$(call soname,libidn2,libidn2.so.0))$(IDN)
CURL   = $(eval CURL := $$(call soname,libcurl,libcurl.so.4))$(CURL)
GSSAPI = $(eval GSSAPI := $$(call soname,libgssapi_krb5,libgssapi_krb5.so.2))$(GSSAPI)
GSASL  = $(eval GSASL := $$(call soname,libgsasl,libgsasl.so.18))$(GSASL)

# Each step is one short line; V=1 shows the commands.
say = $(if $(V),,@echo '  $1'; )

COMPILE = $(CC) $(OWN_CPPFLAGS) $(FORTIFY) $(PC_CFLAGS) $(CPPFLAGS) $(OWN_CFLAGS) $(CFLAGS) $(SANITIZE)
LINK    = $(CC) $(OWN_CFLAGS) $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS) $(SANITIZE)
LINK_LIBS = $(PC_LIBS) $(LDLIBS)
TEST_LIBS = $(PC_LIBS) $(PC_LATE) $(LDLIBS)

# --- files -----------------------------------------------------------------

SRC    = $(sort $(wildcard src/*/*.c))
CMD    = $(sort $(wildcard cmd/*.c))
UNIT   = $(sort $(wildcard t/unit/*.c))
SERVER = $(sort $(wildcard t/server/*.c))
TOKEN  = $(sort $(wildcard t/token/*.c))
REPLAY = t/fuzz/replay.c
FUZZ   = $(sort $(filter-out $(REPLAY),$(wildcard t/fuzz/*.c)))
LINTC  = $(sort $(wildcard t/lint/*.c))
BENCH  = $(sort $(wildcard t/bench/*.c))
MAN    = $(sort $(wildcard man/*.[1-8]))

LIB      = $(B)/libsendoff.a
object   = $(1:%.c=$(B)/obj/%.o)
OBJECTS  = $(call object,$(SRC) $(CMD) $(UNIT) $(SERVER) $(TOKEN) $(FUZZ) $(REPLAY) $(LINTC) $(BENCH))
UNITS    = $(UNIT:%.c=$(B)/%)
FUZZERS  = $(FUZZ:%.c=$(B)/%)
REPLAYS  = $(FUZZ:t/fuzz/%.c=$(B)/t/replay/%)
STICKS   = $(BENCH:%.c=$(B)/%)
TESTS    = $(PROGRAMS) $(SERVERS) $(LOADED) $(UNITS) $(REPLAYS) $(STICKS)
LOADED   = $(B)/t/hurry.so $(B)/t/spy.so $(B)/t/lockable.so
SERVERS  = $(B)/t/server $(B)/t/token
PROGRAMS = $(B)/sendoff $(B)/sendmail

# Units and the like, with the paths still to be put in.
TEMPLATES = $(sort $(wildcard cmd/systemd/*.socket cmd/systemd/*.service cmd/systemd/*/* cmd/hooks/* cmd/apparmor/*))
FILLED   = $(TEMPLATES:cmd/%=$(B)/%)

# $(call some,FILES,WHAT) - the files, or the end: a check that finds nothing
# to run has checked nothing.
some = $(or $(strip $1),$(error no $2 in the tree))

# --- what a bare machine lacks ---------------------------------------------

# The targets for newcomers and for CI set themselves up; a plain `make`, as
# packagers use it, never installs anything.
NEEDS = $(sort $(foreach g,$(MAKECMDGOALS),$(NEEDS_$(g))))
NEEDS_demo               = build test
NEEDS_check              = build test
NEEDS_check-asan         = build test
NEEDS_check-valgrind     = build test valgrind
NEEDS_check-faults       = build test faults
NEEDS_check-interop      = build test interop
NEEDS_check-oauth        = build test interop oauth
NEEDS_check-fuzz         = build fuzz
NEEDS_check-reproducible = build
NEEDS_bench              = build test bench
NEEDS_check-install      = build units
NEEDS_check-bare         = bare
NEEDS_deb                = build deb
NEEDS_check-deb          = build test deb bare
NEEDS_check-callers      = build test deb bare
NEEDS_lint               = build test lint
SETUP_FIRST = $(if $(SET_UP),,$(if $(NEEDS),setup))

# --- build -----------------------------------------------------------------

all: $(PROGRAMS) $(FILLED)

$(B)/sendoff: $(call object,$(CMD)) $(LIB) $(B)/sources
	$(call say,LINK $@)$(LINK) -o $@ $(filter %.o %.a,$^) $(LINK_LIBS)

$(B)/sendmail: $(B)/sendoff
	$(call say,LN $@)ln -sf sendoff $@

$(LIB): $(call object,$(SRC)) $(B)/sources
	@rm -f $@
	$(call say,AR $@)$(AR) rcsD $@ $(filter %.o,$^)

$(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC $@)$(COMPILE) -MMD -MP -c -o $@ $<

$(UNITS) $(LINTC:%.c=$(B)/%): $(B)/%: $(B)/obj/%.o $(LIB)
	@mkdir -p $(@D)
	$(call say,LINK $@)$(LINK) -o $@ $(filter %.o,$^) $(LIB) $(TEST_LIBS)

# What is of cmd and has a unit test.
$(B)/t/unit/cmd_screen: $(call object,cmd/screen.c)

$(FUZZERS): $(B)/%: $(B)/obj/%.o $(LIB)
	@mkdir -p $(@D)
	$(call say,LINK $@)$(LINK) -fsanitize=fuzzer -o $@ $(filter %.o %.a,$^) $(TEST_LIBS)

$(REPLAYS): $(B)/t/replay/%: $(B)/obj/t/fuzz/%.o $(B)/obj/t/fuzz/replay.o $(LIB)
	@mkdir -p $(@D)
	$(call say,LINK $@)$(LINK) -o $@ $(filter %.o %.a,$^) $(TEST_LIBS)

# The token server has in common with it what any server needs.
COMMON = front journal wire secure mood fault issued word
$(B)/t/server: $(call object,$(SERVER)) $(LIB) $(B)/sources
$(B)/t/token: $(call object,$(TOKEN) $(COMMON:%=t/server/%.c)) $(LIB) $(B)/sources
$(SERVERS):
	@mkdir -p $(@D)
	$(call say,LINK $@)$(LINK) -o $@ $(filter %.o %.a,$^) $(TEST_LIBS)

# Loaded into programs with sanitizers and without; GnuTLS has the headers of modules with it.
$(B)/t/spy.so $(B)/t/lockable.so: LOADED_CFLAGS = $(shell $(PKG_CONFIG) --cflags p11-kit-1)
$(LOADED): $(B)/t/%.so: t/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,LINK $@)$(CC) $(OWN_CPPFLAGS) $(LOADED_CFLAGS) -std=c11 $(WARNINGS) -O2 -fPIC -shared -o $@ $< -ldl

$(B)/t/bench/bare: $(B)/obj/t/bench/bare.o
	@mkdir -p $(@D)
	$(call say,LINK $@)$(LINK) -o $@ $< $(TEST_LIBS)

# Linked with the libraries of sendoff although it needs none.
$(B)/t/bench/empty: $(B)/obj/t/bench/empty.o
	@mkdir -p $(@D)
	$(call say,LINK $@)$(LINK) -Wl,--no-as-needed -o $@ $< $(LINK_LIBS)

PATHS = bindir sysconfdir localstatedir rundir
$(FILLED): $(B)/%: cmd/% $(B)/paths
	@mkdir -p $(@D)
	$(call say,FILL $@)sed $(foreach p,$(PATHS),-e 's|@$p@|$($p)|g') $< >$@

# Stamps that are rewritten only when what they hold has changed: other flags
# compile everything again, a file that came or went links again.
define stamp
@mkdir -p $(@D)
@printf '%s\n' $1 | cmp -s - $@ || printf '%s\n' $1 >$@
endef
quote = '$(subst ','\'',$1)'

$(B)/flags: FORCE | $(SETUP_FIRST)
	$(call stamp,$(call quote,$(COMPILE)) $(call quote,$(LINK) $(LINK_LIBS) $(TEST_LIBS)))

$(B)/sources: FORCE
	$(call stamp,$(SRC) $(CMD) $(SERVER) $(TOKEN))

$(B)/paths: FORCE
	$(call stamp,$(foreach p,$(PATHS),$(call quote,$($p))))

-include $(OBJECTS:.o=.d)

# --- set-up and other builds ----------------------------------------------

setup:
	@CC='$(CC)' PKG_CONFIG='$(PKG_CONFIG)' t/setup.sh $(or $(NEEDS),build test)

# Another build of the same tree, in a directory of its own.
AGAIN = +$(MAKE) --no-print-directory SET_UP=yes

# --- check -----------------------------------------------------------------

export B

# The tests find the binaries in the directory that B names.
check: $(TESTS) | $(SETUP_FIRST)
	$(PROVE) -j$(JOBS) $(call some,$(UNITS),unit tests) $(REPLAYS) \
		$(call some,$(sort $(wildcard t/*.t)),tests)

check-asan: | $(SETUP_FIRST)
	$(AGAIN) B=$(B)/asan CFLAGS='-O1 -g -fno-omit-frame-pointer' \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all' check

check-valgrind: $(TESTS) | $(SETUP_FIRST)
	t/valgrind.sh $(call some,$(UNITS),unit tests) $(REPLAYS)

check-faults: $(PROGRAMS) $(SERVERS) | $(SETUP_FIRST)
	$(PROVE) -j$(JOBS) $(call some,$(sort $(wildcard t/faults/*.t)),tests with faults)

check-interop: $(PROGRAMS) $(SERVERS) $(LOADED) | $(SETUP_FIRST)
	t/interop/fetch.sh $(B)/interop postfix dovecot-core dovecot-submissiond dovecot-lmtpd bsd-mailx \
		microsocks dante-server tinyproxy-bin socat \
		dovecot-gssapi krb5-kdc krb5-admin-server krb5-user
	$(PROVE) -j$(JOBS) $(call some,$(sort $(wildcard t/interop/*.t)),interoperation tests)

# From sign-in to delivery with real parts only: an OAuth server, a browser, a mail server.
check-oauth: $(PROGRAMS) $(SERVERS) $(B)/t/hurry.so $(B)/oauth/done | $(SETUP_FIRST)
	t/interop/fetch.sh $(B)/interop postfix dovecot-core dovecot-submissiond bsd-mailx
	$(PROVE) $(call some,$(sort $(wildcard t/oauth/*.t)),tests with an OAuth server)

$(B)/oauth/done: t/oauth/package.json t/oauth/package-lock.json | $(SETUP_FIRST)
	@mkdir -p $(@D)
	cp t/oauth/package.json t/oauth/package-lock.json $(@D)
	cd $(@D) && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@

check-fuzz: | $(SETUP_FIRST)
	$(AGAIN) B=$(B)/fuzz CC='$(CLANG)' CFLAGS='-O1 -g -fno-omit-frame-pointer' \
		SANITIZE='-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all' fuzz

fuzz: $(FUZZERS)
	t/fuzz/run $(FUZZ_SECONDS) $(call some,$(FUZZERS),fuzz targets)

check-reproducible: | $(SETUP_FIRST)
	t/reproducible.sh

bench: $(PROGRAMS) $(B)/t/server $(STICKS) | $(SETUP_FIRST)
	t/bench/run

check-install: $(PROGRAMS) | $(SETUP_FIRST)
	t/install.sh
	t/units.sh

# The package where it belongs: in Debian systems of its own.
check-deb: deb $(B)/t/server | $(SETUP_FIRST)
	$(PROVE) t/debian/package.t t/debian/systemd.t t/debian/credentials.t t/debian/token.t

# CALLERS="cron php mutt" tries some of them.
export CALLERS
check-callers: deb $(B)/t/server | $(SETUP_FIRST)
	$(PROVE) t/debian/callers.t

RELEASES ?= bookworm trixie
check-bare: | $(SETUP_FIRST)
	for release in $(RELEASES); do t/bare.sh $$release || exit 1; done

# --- lint ------------------------------------------------------------------

LINTS = lint-gcc lint-clang lint-layers lint-purity lint-banned lint-names lint-docs lint-man \
	lint-scripts lint-cppcheck lint-size

lint: $(LINTS)
everything: $(TESTS) $(LINTC:%.c=$(B)/%)

lint-gcc: | $(SETUP_FIRST)
	$(AGAIN) B=$(B)/gcc CC='$(GCC)' CFLAGS='-O2 -g' WERROR=-Werror everything
lint-clang: | $(SETUP_FIRST)
	$(AGAIN) B=$(B)/clang CC='$(CLANG)' CFLAGS='-O2 -g' WERROR=-Werror everything
lint-layers: lint-gcc
	$(call say,LINT layers)t/lint/layers $(B)/gcc/obj/src
lint-purity: lint-gcc
	$(call say,LINT purity)t/lint/purity $(B)/gcc/obj/src
lint-banned: | $(SETUP_FIRST)
	$(call say,LINT banned)t/lint/banned $(SRC) $(CMD) $(wildcard src/*/*.h cmd/*.h)
lint-names: | $(SETUP_FIRST)
	$(call say,LINT names)t/lint/names
lint-docs: lint-gcc
	$(call say,LINT docs)B=$(B)/gcc t/lint/docs
lint-man: | $(SETUP_FIRST)
	$(call say,LINT man)t/lint/man $(call some,$(MAN),man pages)
lint-scripts: | $(SETUP_FIRST)
	$(call say,LINT scripts)t/lint/scripts
lint-cppcheck: | $(SETUP_FIRST)
	@mkdir -p $(B)/cppcheck
	$(call say,LINT cppcheck)cppcheck -q -j$(JOBS) --cppcheck-build-dir=$(B)/cppcheck --std=c11 --language=c \
		--enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
		$(OWN_CPPFLAGS) src cmd t/server t/token
lint-size:
	$(call say,LINT size)t/lint/size $(SRC) $(CMD) $(UNIT) $(SERVER) $(TOKEN) $(wildcard src/*/*.h)

format:
	clang-format -i $(SRC) $(CMD) $(UNIT) $(SERVER) $(TOKEN) $(FUZZ) $(LINTC) $(BENCH) \
		$(wildcard src/*/*.h cmd/*.h t/*/*.h)

# --- demo ------------------------------------------------------------------

demo: $(PROGRAMS) $(B)/t/server | $(SETUP_FIRST)
	@t/demo.sh

# --- install ---------------------------------------------------------------

# $(call link,PATH) - PATH becomes a relative link to the program, unless it
# is another program's sendmail.
define link
@at='$(DESTDIR)$1'; top=$$(dirname '$1'); up=; \
while case '$(bindir)/' in "$$top"/*) false; esac; do top=$${top%/*}; up=../$$up; done; \
program='$(bindir)/sendoff'; to=$$up$${program#"$$top"/}; \
if [ -e "$$at" ] || [ -L "$$at" ] && [ "$$(basename "$$(readlink "$$at")" .)" != sendoff ]; then \
	echo "install: $$at is another program's and is left alone" >&2; \
else \
	echo "ln -sfn $$to $$at"; ln -sfn "$$to" "$$at"; \
fi
endef
define unlink
@at='$(DESTDIR)$1'; if [ "$$(basename "$$(readlink "$$at")" .)" = sendoff ]; then \
	echo "rm -f $$at"; rm -f "$$at"; \
fi
endef

# $(call to,FILE) - where a file besides the program goes, $(call mode,FILE) with
# which rights.
DATA_FILES = config.example $(MAN) $(wildcard $(COMPLETIONS)) $(FILLED)
COMPLETIONS = cmd/completions/sendoff.bash cmd/completions/_sendoff cmd/completions/sendoff.fish
config.example_to             = $(docdir)/config.example
cmd/completions/sendoff.bash_to = $(bashdir)/sendoff
cmd/completions/_sendoff_to   = $(zshdir)/_sendoff
cmd/completions/sendoff.fish_to = $(fishdir)/sendoff.fish
systemd/sysusers.d/sendoff.conf_to = $(sysusersdir)/sendoff.conf
systemd/tmpfiles.d/sendoff.conf_to = $(tmpfilesdir)/sendoff.conf
apparmor/sendoff_to           = $(apparmordir)/sendoff
hooks/networkmanager_to       = $(nmdir)/90-sendoff
hooks/cron_to                 = $(docdir)/cron.example
place = $(or $($1_to),$(patsubst systemd/%,$(unitdir)/%,$(patsubst systemd/user/%,$(userunitdir)/%,\
	$(patsubst man/%,$(mandir)/man$(patsubst .%,%,$(suffix $1))/%,$1))))
to = $(DESTDIR)$(strip $(call place,$(patsubst $(B)/%,%,$1)))
mode = $(if $(filter %/90-sendoff,$(call to,$1)),755,644)

# The other names of the program.
LINKS = $(sbindir)/sendmail $(libdir)/sendmail $(bindir)/mailq $(bindir)/newaliases

define newline


endef

install: all
	$(INSTALL) -d '$(DESTDIR)$(bindir)' '$(DESTDIR)$(sbindir)' '$(DESTDIR)$(libdir)'
	$(INSTALL) -m 755 $(B)/sendoff '$(DESTDIR)$(bindir)/sendoff'
	$(foreach l,$(LINKS),$(call link,$l)$(newline))
	$(foreach f,$(DATA_FILES),$(INSTALL) -d "$$(dirname '$(call to,$f)')"$(newline)\
	$(INSTALL) -m $(call mode,$f) $f '$(call to,$f)'$(newline))

uninstall:
	rm -f '$(DESTDIR)$(bindir)/sendoff'
	$(foreach l,$(LINKS),$(call unlink,$l)$(newline))
	$(foreach f,$(DATA_FILES),rm -f '$(call to,$f)'$(newline))
	@rmdir '$(DESTDIR)$(docdir)' 2>/dev/null || true

# --- Debian's package ------------------------------------------------------

deb: | $(SETUP_FIRST)
	+@MAKE='$(MAKE)' cmd/debian/build $(B)

# Linked with all that sendoff loads late, for dpkg-shlibdeps.
$(B)/late.so: $(B)/obj/cmd/debian/late.o
	$(call say,LINK $@)$(CC) $(CFLAGS) $(LDFLAGS) -shared -o $@ $< $(PC_LATE)

# --- the rest --------------------------------------------------------------

dist:
	@mkdir -p $(B)
	git archive --format=tar --prefix=sendoff-$(VERSION)/ HEAD | gzip -9n >$(B)/sendoff-$(VERSION).tar.gz
	@echo $(B)/sendoff-$(VERSION).tar.gz

clean distclean:
	rm -rf $(B)

help:
	@echo 'make                     build $(B)/sendoff and $(B)/sendmail'
	@echo 'make demo                see it work: sends a mail to a throw-away server on this machine'
	@echo 'make check               all tests'
	@echo 'make install             below $(prefix); DESTDIR, prefix, bindir, ... are obeyed'
	@echo 'make uninstall           what install put there, nothing else'
	@echo 'make deb                 a package for this Debian, in $(B)'
	@echo 'make lint                warnings of two compilers, layers, banned calls, manuals, ...'
	@echo 'make check-asan          the tests under AddressSanitizer and UBSan'
	@echo 'make check-valgrind      the unit tests and a session under valgrind'
	@echo 'make check-faults        killed and refused at every system call; full disks; crowds'
	@echo 'make check-interop       against servers of other makers'
	@echo 'make check-oauth         from sign-in to delivery: an OAuth server, a browser, a mail server'
	@echo 'make check-fuzz          FUZZ_SECONDS=$(FUZZ_SECONDS) for each target'
	@echo 'make check-reproducible  two builds, one result'
	@echo 'make bench               what a mail costs: ratios against a bare client, with bounds'
	@echo 'make check-install       install and uninstall below a directory of its own'
	@echo 'make check-deb           the package in Debian systems of its own, with systemd and without'
	@echo 'make check-callers       programs that send mail, with the package: CALLERS="cron php mutt"'
	@echo 'make check-bare          the README, followed on bare Debian: RELEASES="$(RELEASES)"'
	@echo 'make format dist clean   reformat the source; a tarball; remove $(B)'
	@echo
	@echo 'demo, check*, and lint first install what they need with apt-get (t/setup.sh).'
	@echo 'CC CFLAGS CPPFLAGS LDFLAGS LDLIBS PKG_CONFIG are obeyed and come last; V=1 shows commands.'

FORCE:
.PHONY: all everything setup check check-asan check-valgrind check-interop check-oauth check-fuzz fuzz \
	check-reproducible check-install check-bare bench lint $(LINTS) format demo install uninstall \
	deb check-deb check-callers dist clean distclean help FORCE
.DELETE_ON_ERROR:
.SECONDARY:
