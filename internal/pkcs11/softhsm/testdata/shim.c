// A PKCS #11 module that passes everything on to another one, REAL, and writes what is called to STATE/calls.
// Files in STATE make it fail as devices do:
//
//	gone      the token is pulled out
//	dropped   the next signature finds all sessions closed; the file goes away
//	reset     the next signature finds the module finalized; the file goes away
//	limit     the PIN locks after three wrong ones
//	wrong     signatures are wrong
//	single    the token has one session for writing, none besides it
//	readonly  the token has no sessions for writing
//	pinpad    the token asks for the PIN by itself; the file holds what is typed
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CK_PTR *
#define NULL_PTR 0
#define CK_DEFINE_FUNCTION(type, name) type name
#define CK_DECLARE_FUNCTION(type, name) type name
#define CK_DECLARE_FUNCTION_POINTER(type, name) type(*name)
#define CK_CALLBACK_FUNCTION(type, name) type(*name)
#include "pkcs11.h"

static CK_FUNCTION_LIST_PTR real;
static CK_FUNCTION_LIST shim;
static int wrong_pins;

static int is(const char *name) { return access(name, F_OK) == 0; }

static CK_RV called(const char *name, CK_RV rv) {
	char line[80];
	int n = snprintf(line, sizeof line, "%s 0x%lx\n", name, (unsigned long)rv);
	int fd = open(STATE "/calls", O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd >= 0) {
		if (write(fd, line, n) != n) { /* the test will see */ }
		close(fd);
	}
	return rv;
}

static CK_RV initialize(CK_VOID_PTR args) { return called("C_Initialize", real->C_Initialize(args)); }
static CK_RV finalize(CK_VOID_PTR args) { return called("C_Finalize", real->C_Finalize(args)); }

static CK_RV slot_list(CK_BBOOL present, CK_SLOT_ID_PTR list, CK_ULONG_PTR n) {
	if (is(STATE "/gone")) {
		*n = 0;
		return CKR_OK;
	}
	return real->C_GetSlotList(present, list, n);
}

static CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info) {
	if (is(STATE "/gone"))
		return CKR_TOKEN_NOT_PRESENT;
	CK_RV rv = real->C_GetTokenInfo(slot, info);
	if (is(STATE "/single"))
		info->ulMaxRwSessionCount = 1;
	if (is(STATE "/pinpad"))
		info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
	return rv;
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR app, CK_NOTIFY notify, CK_SESSION_HANDLE_PTR h) {
	if (is(STATE "/gone"))
		return called("C_OpenSession", CKR_TOKEN_NOT_PRESENT);
	if (flags & CKF_RW_SESSION && (is(STATE "/readonly") || is(STATE "/single")))
		return called("C_OpenSession", is(STATE "/single") ? CKR_SESSION_COUNT : CKR_TOKEN_WRITE_PROTECTED);
	return called("C_OpenSession", real->C_OpenSession(slot, flags, app, notify, h));
}

static CK_RV close_session(CK_SESSION_HANDLE h) { return called("C_CloseSession", real->C_CloseSession(h)); }

static CK_RV login(CK_SESSION_HANDLE h, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG n) {
	char typed[32];
	if (is(STATE "/limit") && wrong_pins >= 3)
		return called("C_Login", CKR_PIN_LOCKED);
	if (pin == NULL && is(STATE "/pinpad")) {
		int fd = open(STATE "/pinpad", O_RDONLY);
		n = read(fd, typed, sizeof typed);
		close(fd);
		pin = (CK_UTF8CHAR_PTR)typed;
	}
	CK_RV rv = real->C_Login(h, user, pin, n);
	if (rv == CKR_PIN_INCORRECT)
		wrong_pins++;
	return called("C_Login", rv);
}

static CK_RV sign_init(CK_SESSION_HANDLE h, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key) {
	CK_SESSION_INFO info;
	if (is(STATE "/gone"))
		return called("C_SignInit", CKR_DEVICE_REMOVED);
	if (is(STATE "/dropped")) {
		unlink(STATE "/dropped");
		real->C_GetSessionInfo(h, &info);
		real->C_CloseAllSessions(info.slotID);
	}
	if (is(STATE "/reset")) {
		unlink(STATE "/reset");
		real->C_Finalize(NULL);
	}
	return called("C_SignInit", real->C_SignInit(h, mechanism, key));
}

static CK_RV sign(CK_SESSION_HANDLE h, CK_BYTE_PTR data, CK_ULONG n, CK_BYTE_PTR sig, CK_ULONG_PTR len) {
	CK_RV rv = real->C_Sign(h, data, n, sig, len);
	if (sig != NULL && is(STATE "/wrong"))
		sig[*len - 1] ^= 1;
	return sig == NULL ? rv : called("C_Sign", rv);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list) {
	CK_C_GetFunctionList get = (CK_C_GetFunctionList)dlsym(dlopen(REAL, RTLD_NOW | RTLD_LOCAL), "C_GetFunctionList");
	CK_RV rv = get(&real);
	shim = *real;
	shim.C_GetFunctionList = C_GetFunctionList;
	shim.C_Initialize = initialize;
	shim.C_Finalize = finalize;
	shim.C_GetSlotList = slot_list;
	shim.C_GetTokenInfo = token_info;
	shim.C_OpenSession = open_session;
	shim.C_CloseSession = close_session;
	shim.C_Login = login;
	shim.C_SignInit = sign_init;
	shim.C_Sign = sign;
	*list = &shim;
	return rv;
}
