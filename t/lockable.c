/* t/lockable.c - a PKCS#11 module before another: its token locks itself behind three wrong
 * PINs, as those in hardware do and SoftHSM's does not.
 *
 * LOCKABLE_MODULE is the other one.  LOCKABLE_LOG is a file that gets an octet with each PIN:
 * 'r' a right one, 'w' a wrong one, 'l' any at all once it is locked; it is what the token
 * remembers.  With LOCKABLE_MUTE it does not tell before how many tries are left.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

enum { TRIES = 3, LOG_MAX = 4096 };

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list);

static CK_FUNCTION_LIST ours, *theirs;

/* Wrong ones in a row. */
static unsigned wrong(void)
{
	char log[LOG_MAX];
	const char *path = getenv("LOCKABLE_LOG");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t len = fd < 0 ? 0 : read(fd, log, sizeof(log));
	unsigned count = 0;

	for (ssize_t i = 0; i < len; i++)
		count = log[i] == 'r' ? 0 : count + (log[i] == 'w');
	if (fd >= 0)
		close(fd);
	return count;
}

static void note(char what)
{
	const char *path = getenv("LOCKABLE_LOG");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

	if (fd < 0 || write(fd, &what, 1) != 1)
		abort();
	close(fd);
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info)
{
	CK_RV rv = theirs->C_GetTokenInfo(slot, info);
	unsigned count = wrong();

	if (rv != CKR_OK)
		return rv;
	info->flags &= ~(CK_FLAGS)(CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED);
	if (getenv("LOCKABLE_MUTE"))
		return rv;
	if (count)
		info->flags |= CKF_USER_PIN_COUNT_LOW;
	if (count == TRIES - 1)
		info->flags |= CKF_USER_PIN_FINAL_TRY;
	if (count >= TRIES)
		info->flags |= CKF_USER_PIN_LOCKED;
	return rv;
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE who, CK_UTF8CHAR_PTR pin, CK_ULONG len)
{
	CK_RV rv;

	if (wrong() >= TRIES) {
		note('l');
		return CKR_PIN_LOCKED;
	}
	rv = theirs->C_Login(session, who, pin, len);
	if (rv == CKR_OK || rv == CKR_PIN_INCORRECT)
		note(rv == CKR_OK ? 'r' : 'w');
	return rv;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
	CK_C_GetFunctionList get = NULL;
	const char *path = getenv("LOCKABLE_MODULE");
	void *module = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;

	if (module)
		*(void **)&get = dlsym(module, "C_GetFunctionList");
	if (!get || get(&theirs) != CKR_OK)
		return CKR_GENERAL_ERROR;
	ours = *theirs;
	ours.C_GetTokenInfo = get_token_info;
	ours.C_Login = login;
	*list = &ours;
	return CKR_OK;
}
