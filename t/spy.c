/* t/spy.c - a PKCS#11 module that hands all on to another one, SPY_MODULE, and writes down
 * what is asked of the token that matters: a line with its name for each C_Login, C_SignInit and
 * C_Sign, into SPY_LOG.
 *
 * It talks on its standard output, as modules do that somebody has left debugging in, and
 * reads its standard input.  Without SPY_MODULE it is one that cannot be used.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

static CK_FUNCTION_LIST_PTR real;
static CK_FUNCTION_LIST list;

static void write_down(const char *word)
{
	const char *path = getenv("SPY_LOG");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	char line[64] = "";

	strncat(line, word, sizeof(line) - 2);
	strcat(line, "\n");
	if (fd >= 0 && write(fd, line, strlen(line)) < 0)
		abort();
	if (fd >= 0)
		close(fd);
}

static CK_RV spy_login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG len)
{
	write_down("C_Login");
	return real->C_Login(session, user, pin, len);
}

static CK_RV spy_sign_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
	write_down("C_SignInit");
	return real->C_SignInit(session, mechanism, key);
}

static CK_RV spy_sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG len, CK_BYTE_PTR signature,
	CK_ULONG_PTR size)
{
	write_down("C_Sign");
	return real->C_Sign(session, data, len, signature, size);
}

static void talk(void)
{
	static const char words[] = "the module talks\n";
	char data[16];

	if (write(STDOUT_FILENO, words, sizeof(words) - 1) < 0 || read(STDIN_FILENO, data, sizeof(data)) > 0)
		write_down("something to read");
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR out)
{
	const char *path = getenv("SPY_MODULE");
	void *module = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
	CK_C_GetFunctionList get = NULL;

	talk();
	if (module)
		*(void **)&get = dlsym(module, "C_GetFunctionList");
	if (!get || get(&real) != CKR_OK)
		return CKR_FUNCTION_FAILED;
	list = *real;
	list.C_Login = spy_login;
	list.C_SignInit = spy_sign_init;
	list.C_Sign = spy_sign;
	*out = &list;
	return CKR_OK;
}
