/* runner/confine.c - Landlock and seccomp, by the bare system calls; see confine.h.
 *
 * Landlock shuts the files away and is what counts.  It knows nothing of modes,
 * owners and other processes, which the filter of system calls adds.  The
 * filter names what is forbidden: what a C library needs tomorrow it cannot
 * know, and a list of what is allowed would stop mail some day.
 */
#include "runner/confine.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "base/idn.h"
#include "base/mem.h"
#include "base/process.h"

/* A leak checker stops its own process by ptrace(2) from a clone of it. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAKS_ARE_CHECKED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define LEAKS_ARE_CHECKED 1
#endif

/* ---- Landlock.  The numbers are the kernel's interface; the headers of an older
 * system lack the newer ones. */

enum { NR_CREATE_RULESET = 444, NR_ADD_RULE = 445, NR_RESTRICT_SELF = 446 };
enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

enum {
	FS_WRITE_FILE = 1 << 1, FS_READ_FILE = 1 << 2, FS_READ_DIR = 1 << 3,
	FS_REMOVE_FILE = 1 << 5, FS_MAKE_REG = 1 << 8, FS_REFER = 1 << 13,
	FS_TRUNCATE = 1 << 14, FS_IOCTL_DEV = 1 << 15,
	FS_OF_VERSION_2 = (1 << 14) - 1,
	FS_SPOOL = FS_WRITE_FILE | FS_READ_FILE | FS_READ_DIR | FS_REMOVE_FILE | FS_MAKE_REG |
		FS_REFER,
	NET_BIND_AND_CONNECT = 3,
	SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 3
};

struct ruleset {
	uint64_t fs, net, scoped;
};

struct path_beneath {
	uint64_t allowed;
	int32_t  directory;
} __attribute__((packed));

/* The version, or 0.  The first one forbids every rename from one directory into
 * another, of which a queue consists. */
static int restrict_files(int spool)
{
	long version = syscall(NR_CREATE_RULESET, NULL, (size_t)0, CREATE_RULESET_VERSION);
	struct ruleset handled = { .fs = FS_OF_VERSION_2 };
	struct path_beneath rule = { .allowed = FS_SPOOL, .directory = spool };
	bool good;
	int fd;

	if (version < 2)
		return 0;
	if (version >= 3) {
		handled.fs |= FS_TRUNCATE;
		rule.allowed |= FS_TRUNCATE;
	}
	if (version >= 4)
		handled.net = NET_BIND_AND_CONNECT;
	if (version >= 5)
		handled.fs |= FS_IOCTL_DEV;
	if (version >= 6)
		handled.scoped = SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS;
	fd = (int)syscall(NR_CREATE_RULESET, &handled, sizeof(handled), 0);
	if (fd < 0)
		return 0;
	good = syscall(NR_ADD_RULE, fd, RULE_PATH_BENEATH, &rule, 0) == 0 &&
		syscall(NR_RESTRICT_SELF, fd, 0) == 0;
	close(fd);
	return good ? (int)version : 0;
}

/* ---- seccomp */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define FOREIGN_CALLS 0x40000000U   /* x32, with numbers of its own */
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE

/* Numbers that are the same everywhere and that older headers lack. */
enum {
	NR_OPEN_TREE = 428, NR_MOVE_MOUNT, NR_FSOPEN, NR_FSCONFIG, NR_FSMOUNT, NR_FSPICK,
	NR_PIDFD_OPEN, NR_CLONE3, NR_PIDFD_GETFD = 438, NR_PROCESS_MADVISE = 440,
	NR_MOUNT_SETATTR = 442, NR_PROCESS_MRELEASE = 448, NR_FCHMODAT2 = 452, NR_SETXATTRAT = 463,
	NR_REMOVEXATTRAT = 466, NR_PIDFD_SEND_SIGNAL = 424, NR_IO_URING_SETUP = 425,
	NR_IO_URING_ENTER = 426, NR_IO_URING_REGISTER = 427
};

static const unsigned forbidden[] = {
	/* programs and other processes */
	__NR_execve, __NR_execveat, __NR_process_vm_readv, __NR_process_vm_writev, __NR_kcmp,
	__NR_tkill, __NR_rt_sigqueueinfo, __NR_setpriority, __NR_sched_setattr,
	__NR_sched_setscheduler, __NR_sched_setparam, __NR_migrate_pages, __NR_move_pages,
	NR_PIDFD_OPEN, NR_PIDFD_GETFD, NR_PIDFD_SEND_SIGNAL, NR_PROCESS_MADVISE,
	NR_PROCESS_MRELEASE,
#ifndef LEAKS_ARE_CHECKED
	__NR_ptrace,
#endif
	/* whoever else listens on this machine, by paths that Landlock does not look at; what
	 * clients come by is there already */
	__NR_socket, __NR_socketpair, __NR_connect, __NR_bind,
	/* nor does it look at modes and owners of what is ours elsewhere */
	__NR_fchmodat, NR_FCHMODAT2, __NR_fchownat, __NR_setxattr, __NR_lsetxattr,
	__NR_removexattr, __NR_lremovexattr, NR_SETXATTRAT, NR_REMOVEXATTRAT,
	__NR_open_by_handle_at, __NR_name_to_handle_at, __NR_chroot, __NR_pivot_root, __NR_mount,
	__NR_umount2, __NR_unshare, __NR_setns, NR_OPEN_TREE, NR_MOVE_MOUNT, NR_FSOPEN,
	NR_FSCONFIG, NR_FSMOUNT, NR_FSPICK, NR_MOUNT_SETATTR,
	/* large parts of the kernel that mail has no use for */
	__NR_bpf, __NR_perf_event_open, __NR_userfaultfd, NR_IO_URING_SETUP, NR_IO_URING_ENTER,
	NR_IO_URING_REGISTER, __NR_add_key, __NR_request_key, __NR_keyctl, __NR_personality,
	__NR_shmget, __NR_msgget, __NR_semget, __NR_mq_open, __NR_syslog, __NR_acct,
	__NR_init_module, __NR_finit_module, __NR_delete_module, __NR_kexec_load, __NR_reboot,
	__NR_swapon, __NR_swapoff, __NR_quotactl, __NR_settimeofday, __NR_clock_settime,
	__NR_adjtimex, __NR_clock_adjtime, __NR_fanotify_init, __NR_inotify_init1,
#ifdef __x86_64__
	__NR_fork, __NR_vfork, __NR_chmod, __NR_chown, __NR_lchown, __NR_iopl, __NR_ioperm,
	__NR_modify_ldt, __NR_inotify_init, __NR_kexec_file_load,
#endif
};

/* What is allowed with one value of its first argument only. */
static const struct {
	unsigned call, value;
	bool own_pid;
} with_value[] = {
	{ __NR_kill, 0, true }, { __NR_tgkill, 0, true }, { __NR_rt_tgsigqueueinfo, 0, true },
	{ __NR_prlimit64, 0, false },
};

enum { ROOM = 2 * COUNT(forbidden) + 5 * COUNT(with_value) + 32, THREAD = 0x10000 };

struct program {
	struct sock_filter code[ROOM];
	unsigned short count;
};

static void add(struct program *p, unsigned code, uint32_t value, unsigned yes, unsigned no)
{
	p->code[p->count++] = (struct sock_filter){ (uint16_t)code, (uint8_t)yes, (uint8_t)no, value };
}

static void answer(struct program *p, int number)
{
	add(p, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)number, 0, 0);
}

static void allow(struct program *p)
{
	add(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

static void load(struct program *p, size_t offset)
{
	add(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void write_program(struct program *p)
{
	const uint32_t self = (uint32_t)getpid();
	/* The lower half of it: both architectures are little-endian. */
	const size_t first = offsetof(struct seccomp_data, args);

	load(p, offsetof(struct seccomp_data, arch));
	add(p, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
	answer(p, EPERM);
	load(p, offsetof(struct seccomp_data, nr));
#ifdef FOREIGN_CALLS
	add(p, BPF_JMP | BPF_JGE | BPF_K, FOREIGN_CALLS, 0, 1);
	answer(p, EPERM);
#endif
	for (size_t i = 0; i < COUNT(forbidden); i++) {
		add(p, BPF_JMP | BPF_JEQ | BPF_K, forbidden[i], 0, 1);
		answer(p, EPERM);
	}
	/* Its flags cannot be seen; the C library goes on with clone(2) then. */
	add(p, BPF_JMP | BPF_JEQ | BPF_K, NR_CLONE3, 0, 1);
	answer(p, ENOSYS);
#ifndef LEAKS_ARE_CHECKED
	add(p, BPF_JMP | BPF_JEQ | BPF_K, __NR_clone, 0, 4);
	load(p, first);
	add(p, BPF_JMP | BPF_JSET | BPF_K, THREAD, 1, 0);
	answer(p, EPERM);
	allow(p);
#endif
	for (size_t i = 0; i < COUNT(with_value); i++) {
		add(p, BPF_JMP | BPF_JEQ | BPF_K, with_value[i].call, 0, 4);
		load(p, first);
		add(p, BPF_JMP | BPF_JEQ | BPF_K,
			with_value[i].own_pid ? self : with_value[i].value, 1, 0);
		answer(p, EPERM);
		allow(p);
	}
	allow(p);
}

static bool restrict_calls(void)
{
	struct program p = { .count = 0 };
	struct sock_fprog filter = { .filter = p.code };

	write_program(&p);
	filter.len = p.count;
	return syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0;
}

#else

static bool restrict_calls(void)
{
	return false;
}

#endif

void confine(int spool, struct confinement *got)
{
	struct err ignored;

	tzset();   /* its file is out of reach afterwards, and so is a library */
	idn_need(&ignored);
	process_hold_secret();   /* others of the same user may not look in either */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	got->landlock = restrict_files(spool);
	got->seccomp = restrict_calls();
}
