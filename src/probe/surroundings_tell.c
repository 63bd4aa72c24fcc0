/* probe/surroundings_tell.c - what was found around us, in words and as JSON; see
 * surroundings.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "probe/surroundings.h"

enum {
	MEGABYTE = 1 << 20,
	DAY = 86400,
	OPEN_FEW = 64,             /* descriptors: sockets, files of the queue, children */
	MEMORY_LITTLE = 64 * MEGABYTE,
	FILE_SMALL = 32 * MEGABYTE,
	CAPABILITY_DAC_OVERRIDE = 1
};

/* ---- places */

static const char *trouble_name(enum place_trouble trouble)
{
	static const char *const names[] = {
		[PLACE_FINE] = "ok", [PLACE_ABSENT] = "absent", [PLACE_DENIED] = "denied",
		[PLACE_POLICY] = "policy", [PLACE_HIDDEN] = "hidden", [PLACE_READ_ONLY] = "read-only",
		[PLACE_OTHER] = "other",
	};

	return names[trouble];
}

static const char *unit_of(const struct surroundings *s)
{
	return s->confinement.unit[0] ? s->confinement.unit : "the service";
}

/* Behind "WHAT: ". */
static void place_words(const struct surroundings *s, const struct place *p, struct buf *out)
{
	switch (p->trouble) {
	case PLACE_FINE:
		break;
	case PLACE_ABSENT:
		buf_add_text(out, "it does not exist");
		break;
	case PLACE_POLICY:
		buf_add_text(out, "permission denied although its mode allows it: ");
		confinement_blame(&s->confinement, out);
		break;
	case PLACE_HIDDEN:
		buf_printf(out, "something is mounted over %s, as ProtectHome= does: set ProtectHome=no "
			"in %s, or keep what it needs elsewhere", p->mount, unit_of(s));
		break;
	case PLACE_READ_ONLY:
		buf_printf(out, "the file system mounted on %s can only be read here: add "
			"ReadWritePaths=%s to %s, or mount it writable", p->mount, p->path, unit_of(s));
		break;
	case PLACE_DENIED:
	case PLACE_OTHER:
		buf_add_text(out, p->words);
		break;
	}
}

static void tell_place(const struct surroundings *s, const struct place *p, const char *what,
	struct report_stage *stage)
{
	struct buf words = BUF_INIT(4096);

	if (p->trouble == PLACE_FINE)
		return;
	place_words(s, p, &words);
	report_more(stage, MARK_WARNING, "%s%s%s: %s", what, p->path ? " " : "",
		p->path ? p->path : "", buf_text(&words));
	buf_release(&words);
}

static json_t *place_json(const struct place *p)
{
	json_t *object = json_object();

	if (p->path)
		json_object_set_new(object, "path", report_string(p->path));
	json_object_set_new(object, "state", json_string(trouble_name(p->trouble)));
	return object;
}

/* ---- who */

static void user_words(uid_t uid, const char *name, struct buf *out)
{
	buf_printf(out, "uid %lu", (unsigned long)uid);
	if (name[0])
		buf_printf(out, " (%s)", name);
}

static void tell_who(const struct surroundings *s, struct report_stage *stage)
{
	struct buf real = BUF_INIT(256);

	report_number(stage, "uid", s->uid);
	report_text(stage, "user", s->user[0] ? s->user : NULL);
	report_number(stage, "gid", s->gid);
	report_text(stage, "group", s->group[0] ? s->group : NULL);
	report_text(stage, "stdin", s->input);
	report_bool(stage, "terminal", !s->no_terminal);
	if (s->uid != s->real_uid || s->gid != s->real_gid) {
		user_words(s->real_uid, s->real_user, &real);
		report_number(stage, "real_uid", s->real_uid);
		report_number(stage, "real_gid", s->real_gid);
		report_more(stage, MARK_WARNING, "it was started by %s: HOME, XDG_* and SENDOFF_* are "
			"not obeyed", buf_text(&real));
	}
	buf_release(&real);
	if (!s->user[0])
		report_more(stage, MARK_WARNING, "uid %lu has no entry in passwd: give it one, or give "
			"from, a HOME of its own and queue_dir", (unsigned long)s->uid);
	if (!s->uid && s->confinement.status_known &&
			!(s->confinement.capabilities >> CAPABILITY_DAC_OVERRIDE & 1))
		report_more(stage, MARK_WARNING, "this root may not read the files of others "
			"(CAP_DAC_OVERRIDE is taken away): what it shall read must be its own");
}

/* ---- where files are sought */

static void tell_home(const struct surroundings *s, struct report_stage *stage)
{
	json_t *ignored = json_object();

	report_text(stage, "home", s->home.path);
	if (s->home.path) {
		report_text(stage, "home_from", s->home_of_passwd ? "passwd" : "HOME");
		report_text(stage, "home_state", trouble_name(s->home.trouble));
	}
	for (size_t i = 0; i < COUNT(s->ignored); i++) {
		if (!s->ignored[i].value)
			continue;
		report_more(stage, MARK_WARNING, "%s is ignored: %s %s", s->ignored[i].name,
			s->ignored[i].value, s->ignored[i].why);
		json_object_set_new(ignored, s->ignored[i].name, report_string(s->ignored[i].value));
	}
	if (json_object_size(ignored))
		report_json(stage, "ignored", ignored);
	else
		json_decref(ignored);
	if (s->home.path)
		tell_place(s, &s->home, "the home directory", stage);
	else
		report_more(stage, MARK_WARNING, "there is no home directory, and so no personal "
			"configuration: set HOME to a directory of this user, or name a file with -C");
}

static void tell_queue(const struct surroundings *s, struct report_stage *stage)
{
	json_t *object;

	if (s->by_runner)
		return;
	object = place_json(&s->queue);
	json_object_set_new(object, "exists", json_boolean(s->queue.path && !s->queue_to_be_made));
	if (s->queue_free)
		json_object_set_new(object, "free", json_integer((json_int_t)s->queue_free));
	report_json(stage, "queue", object);
	tell_place(s, &s->queue, s->queue_to_be_made ? "the queue cannot be made:" :
		"the queue cannot be used:", stage);
	if (s->queue_free && s->queue_free < s->queue_least)
		report_more(stage, MARK_WARNING, "%" PRIu64 " MB are free for the queue, less than "
			"min_free (%" PRIu64 " MB): make room", s->queue_free / MEGABYTE,
			s->queue_least / MEGABYTE);
}

/* ---- the system's runner */

static void tell_runner(const struct surroundings *s, struct report_stage *stage)
{
	json_t *object = place_json(&s->runner);

	if (s->runner_is_there)
		json_object_set_new(object, "owner", json_integer(s->runner_owner));
	if (s->runner_peer != (uid_t)-1)
		json_object_set_new(object, "served_by", json_integer(s->runner_peer));
	report_json(stage, "runner", object);
	if (!s->by_runner)
		return;
	if (!s->runner_is_there && s->runner.trouble == PLACE_ABSENT)
		report_more(stage, MARK_WARNING, "the system's runner is not there (%s): run "
			"`systemctl enable --now sendoff-smtp.socket`", s->runner.path);
	else if (s->runner.trouble == PLACE_OTHER)
		report_more(stage, MARK_WARNING, "nobody answers at %s (%s): run `systemctl restart "
			"sendoff-smtp.socket`", s->runner.path, s->runner.words);
	else
		tell_place(s, &s->runner, "the system's runner cannot be reached:", stage);
	if (s->runner_is_strange)
		report_more(stage, MARK_WARNING, "%s belongs to uid %lu, neither root nor the runner: "
			"find out who made it", s->runner.path, (unsigned long)s->runner_owner);
}

/* ---- what else an attempt needs */

static void tell_roots(const struct surroundings *s, struct report_stage *stage)
{
	report_text(stage, "trusted_roots", s->roots);
	if (s->roots_fault[0])
		report_more(stage, MARK_WARNING, "%s", s->roots_fault);
}

static void tell_network(const struct surroundings *s, struct report_stage *stage)
{
	if (s->no_sockets)
		report_more(stage, MARK_WARNING, "this process may have no sockets of the internet (%s): "
			"look at RestrictAddressFamilies= of %s", strerror(s->no_sockets), unit_of(s));
	else if (s->no_network)
		report_more(stage, MARK_WARNING, "no network but loopback is up: connect it, or set "
			"PrivateNetwork=no in %s", unit_of(s));
	if (s->resolver)
		report_more(stage, MARK_WARNING, "/etc/resolv.conf %s: names can be found only in "
			"/etc/hosts or by a server on this machine", s->resolver);
	report_bool(stage, "network", !s->no_sockets && !s->no_network);
}

static void tell_limits(const struct surroundings *s, struct report_stage *stage)
{
	if (s->file_limit >= 0)
		report_number(stage, "file_limit", s->file_limit);
	if (s->open_limit >= 0)
		report_number(stage, "open_limit", s->open_limit);
	if (s->memory_limit >= 0)
		report_number(stage, "memory_limit", s->memory_limit);
	if (s->file_limit >= 0 && s->file_limit < FILE_SMALL)
		report_more(stage, MARK_WARNING, "files may have at most %" PRId64 " octets here, and so "
			"may a message in the queue: raise `ulimit -f` or LimitFSIZE=", s->file_limit);
	if (s->open_limit >= 0 && s->open_limit < OPEN_FEW)
		report_more(stage, MARK_WARNING, "only %" PRId64 " files may be open at once: raise "
			"`ulimit -n` or LimitNOFILE= to %d", s->open_limit, OPEN_FEW);
	if (s->memory_limit >= 0 && s->memory_limit < MEMORY_LITTLE)
		report_more(stage, MARK_WARNING, "only %" PRId64 " MB of memory may be used: raise "
			"`ulimit -v` or LimitAS=", s->memory_limit / MEGABYTE);
}

static void date_words(int64_t when, char out[32])
{
	time_t seconds = (time_t)when;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(out, 32, "%Y-%m-%d %H:%M UTC", &tm))
		snprintf(out, 32, "%" PRId64, when);
}

static void tell_clock(const struct surroundings *s, struct report_stage *stage)
{
	char now[32], newest[32];

	date_words(s->now, now);
	date_words(s->newest, newest);
	report_text(stage, "clock", now);
	if (s->now < CLOCK_LEAST)
		report_more(stage, MARK_WARNING, "the clock is wrong, it says %s: set it, or no "
			"certificate will be valid", now);
	else if (s->now < s->newest - DAY)
		report_more(stage, MARK_WARNING, "the clock may be behind, it says %s, but there are "
			"files of %s: set it", now, newest);
}

/* ---- confinement */

static void add_part(struct buf *out, const char *what, const char *name)
{
	buf_printf(out, "%s%s%s", out->len ? ", " : "", what, name);
}

static void list_confinement(const struct confinement *c, struct buf *out)
{
	if (c->unit[0])
		add_part(out, "unit ", c->unit);
	if (c->container[0])
		add_part(out, "container ", c->container);
	if (c->policy == POLICY_APPARMOR)
		add_part(out, "AppArmor profile ", c->label);
	if (c->policy == POLICY_SELINUX)
		add_part(out, "SELinux context ", c->label);
	if (c->policy != POLICY_NONE && !c->enforced)
		buf_add_text(out, " (which only watches)");
	if (c->no_new_privs)
		add_part(out, "no_new_privs", "");
	if (c->seccomp)
		add_part(out, "seccomp", c->seccomp == 2 ? " filter" : " strict");
}

static void confinement_json(const struct confinement *c, struct report_stage *stage)
{
	static const char *const modes[] = { "none", "strict", "filter" };
	char capabilities[17];

	report_text(stage, "unit", c->unit[0] ? c->unit : NULL);
	report_text(stage, "container", c->container[0] ? c->container : NULL);
	report_text(stage, "apparmor", c->policy == POLICY_APPARMOR ? c->label : NULL);
	report_text(stage, "selinux", c->policy == POLICY_SELINUX ? c->label : NULL);
	if (c->policy != POLICY_NONE)
		report_bool(stage, "enforced", c->enforced);
	if (!c->status_known)
		return;
	snprintf(capabilities, sizeof(capabilities), "%016" PRIx64, c->capabilities);
	report_text(stage, "capabilities", capabilities);
	report_bool(stage, "no_new_privs", c->no_new_privs);
	report_text(stage, "seccomp", modes[c->seccomp]);
}

/* Programs that a web server runs share its domain. */
static void tell_selinux(const struct surroundings *s, struct report_stage *stage)
{
	const struct confinement *c = &s->confinement;

	if (c->policy != POLICY_SELINUX || !c->enforced || strncmp(c->domain, "httpd_", 6) != 0)
		return;
	if (c->may_connect <= 0 && !s->by_runner)
		report_more(stage, MARK_WARNING, "SELinux %s the domain %s connect to servers: run "
			"`setsebool -P httpd_can_network_connect on`",
			c->may_connect ? "may not let" : "does not let", c->domain);
	if (c->may_send <= 0)
		report_more(stage, MARK_WARNING, "SELinux %s the domain %s run sendmail: run `setsebool "
			"-P httpd_can_sendmail on`", c->may_send ? "may not let" : "does not let",
			c->domain);
}

static void tell_confinement(const struct surroundings *s, struct report_stage *stage)
{
	struct buf list = BUF_INIT(2048);

	confinement_json(&s->confinement, stage);
	list_confinement(&s->confinement, &list);
	if (list.len)
		report_more(stage, MARK_NONE, "confined by %s", buf_text(&list));
	buf_release(&list);
	if (s->setuid_command)
		report_more(stage, MARK_WARNING, "password_command cannot work here: %s is set-uid, and "
			"no_new_privs is set (NoNewPrivileges= of %s): take another command, or "
			"password_file", s->setuid_command, unit_of(s));
	tell_selinux(s, stage);
}

/* ---- the stage */

static void tell_line(const struct surroundings *s, struct report_stage *stage)
{
	struct buf line = BUF_INIT(4096);

	user_words(s->uid, s->user, &line);
	buf_printf(&line, ", home %s", s->home.path ? s->home.path : "none");
	if (s->scope)
		buf_printf(&line, ", %s scope", s->scope);
	if (s->by_runner)
		buf_printf(&line, ", runner %s", s->runner.path);
	else if (s->queue.path)
		buf_printf(&line, ", queue %s %s", s->queue.path,
			s->queue.trouble != PLACE_FINE ? "not writable" :
			s->queue_to_be_made ? "to be made" : "writable");
	else
		buf_add_text(&line, ", no queue");
	report_say(stage, MARK_OK, "%s", buf_text(&line));
	report_text(stage, "scope", s->scope);
	buf_release(&line);
}

void surroundings_tell(const struct surroundings *s, struct report_stage *stage)
{
	tell_line(s, stage);
	tell_who(s, stage);
	tell_home(s, stage);
	tell_queue(s, stage);
	tell_runner(s, stage);
	tell_roots(s, stage);
	tell_network(s, stage);
	tell_limits(s, stage);
	tell_clock(s, stage);
	tell_confinement(s, stage);
}
