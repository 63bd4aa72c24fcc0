# sendoff - build, test, install.  GNU make; see README for the two commands
# that a newcomer needs, `make help` for the rest.

VERSION = 0.1

CC         ?= cc
PKG_CONFIG ?= pkg-config
INSTALL    ?= install
CFLAGS     ?= -O2 -g
DESTDIR    ?=
prefix     ?= /usr/local
exec_prefix ?= $(prefix)
bindir     ?= $(exec_prefix)/bin
sbindir    ?= $(exec_prefix)/sbin
libdir     ?= $(exec_prefix)/lib
datarootdir ?= $(prefix)/share
mandir     ?= $(datarootdir)/man
docdir     ?= $(datarootdir)/doc/sendoff
sysconfdir ?= /etc

LIBRARIES = gnutls inih libidn2 jansson
B         = build

WARNINGS = -Wall -Wextra -Wshadow -Wpointer-arith -Wcast-qual -Wstrict-prototypes \
	-Wmissing-prototypes -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wimplicit-fallthrough \
	-Wconversion -Wno-sign-conversion

OWN_CPPFLAGS = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -Isrc -I. \
	-DSENDOFF_VERSION='"$(VERSION)"' -DSENDOFF_SYSCONFDIR='"$(sysconfdir)"'
OWN_CFLAGS   = -std=c11 $(WARNINGS) -ffile-prefix-map=$(CURDIR)=.
HARDENING    = -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2
HARDENING_LD = -pie -Wl,-z,relro -Wl,-z,now -Wl,--as-needed

# What the environment asks for comes last and so wins.
ALL_CPPFLAGS = $(OWN_CPPFLAGS) $(shell $(PKG_CONFIG) --cflags $(LIBRARIES) 2>/dev/null) $(CPPFLAGS)
ALL_CFLAGS   = $(OWN_CFLAGS) $(if $(findstring FORTIFY,$(CPPFLAGS) $(CFLAGS))$(SANITIZE),,$(HARDENING)) $(CFLAGS) $(SANITIZE)
ALL_LDFLAGS  = $(if $(SANITIZE),,$(HARDENING_LD)) $(LDFLAGS) $(SANITIZE)
LDLIBS_ALL   = $(shell $(PKG_CONFIG) --libs $(LIBRARIES)) $(LDLIBS)

SRC  = $(sort $(wildcard src/*/*.c))
CMD  = $(sort $(wildcard cmd/*.c))
UNIT = $(sort $(wildcard t/unit/*.c))
LIB  = $(B)/libsendoff.a

all: $(B)/sendoff $(B)/sendmail

$(B)/sendoff: $(CMD:%.c=$(B)/%.o) $(LIB)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS_ALL)

$(B)/sendmail: $(B)/sendoff
	ln -sf sendoff $@

$(LIB): $(SRC:%.c=$(B)/%.o)
	rm -f $@
	$(AR) rcsD $@ $^

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/t/unit/%: $(B)/t/unit/%.o $(LIB)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS_ALL)

$(B)/t/server: $(patsubst %.c,$(B)/%.o,$(sort $(wildcard t/server/*.c))) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS_ALL)

-include $(shell find $(B) -name '*.d' 2>/dev/null)

clean:
	rm -rf $(B)

.PHONY: all clean
.SECONDARY:
