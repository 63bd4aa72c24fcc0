/* provider/oauth_table.c - the providers' sign-ins; see oauth.h.
 *
 * Google takes mail by the device flow from nobody, Microsoft by all but the service
 * account.  Of two rows for the same servers the presets choose: an app that is registered
 * for personal accounts alone is refused at the tenant `common`.
 */
#include "provider/oauth.h"

#include <stddef.h>

#define ENTRA "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/"
#define ENTRA_SERVERS .auth_url = ENTRA "authorize", .token_url = ENTRA "token", \
	.device_url = ENTRA "devicecode", \
	.scope = "https://outlook.office.com/SMTP.Send offline_access", \
	.redirect = "http://localhost:{port}/", .secret = OAUTH_SECRET_NONE, \
	.refresh_life = "90 days without use, a new password, or a rule of the organization"

/* Any port, on this machine (RFC 8252 section 7.3). */
#define LOOPBACK "http://127.0.0.1:{port}/"

#define APP_PASSWORD_INSTEAD(where) \
	"Without one, make an app password in " where " and use password_command instead of " \
	"the keys oauth_*.\n"

const struct oauth_provider oauth_providers[] = {
	{ .id = "google", .name = "Google", .presets = "google google-relay",
		.auth_url = "https://accounts.google.com/o/oauth2/v2/auth",
		.token_url = "https://oauth2.googleapis.com/token",
		.revoke_url = "https://oauth2.googleapis.com/revoke",
		.apps = "https://myaccount.google.com/connections",
		.scope = "https://mail.google.com/", .redirect = LOOPBACK,
		.more = "access_type=offline&prompt=consent", .secret = OAUTH_SECRET_WANTED,
		.flows = OAUTH_BY_CODE | OAUTH_BY_KEY,
		.steps =
			"Open https://console.cloud.google.com/ and make a project of any name.\n"
			"APIs & Services, Library: look for the Gmail API and enable it.\n"
			"Google Auth Platform, Branding: fill in a name and your address.\n"
			"Audience: Internal if your address belongs to an organization at Google, else "
			"External and Publish app: while it is in Testing, you are signed out every 7 "
			"days.\n"
			"Clients, Create client: of the type Desktop app.\n"
			"Set oauth_client_id and oauth_client_secret to what is shown then.\n"
			"At the sign-in Google may warn of an unverified app, which is yours: Advanced, "
			"Go to (its name).\n",
		.key_steps =
			"Open https://console.cloud.google.com/ and make a project of any name; APIs & "
			"Services, Library: enable the Gmail API.\n"
			"IAM & Admin, Service Accounts: create one; under Keys, add a key of the type "
			"JSON, and keep that file where only the user who sends reads it.\n"
			"An administrator opens https://admin.google.com/, Security, API controls, "
			"Domain-wide delegation, and adds the account's numeric client ID with the scope "
			"https://mail.google.com/: Google Workspace has this, single accounts have not.\n"
			"Set oauth_flow = service, oauth_service_account to the file, and user to the "
			"mailbox that is sent as.\n",
		.refresh_life = "6 months without use, a new password, or 7 days while the app is in "
			"Testing" },
	{ .id = "microsoft", .name = "Microsoft 365", .presets = "microsoft365",
		ENTRA_SERVERS, .apps = "https://myapps.microsoft.com/",
		.client_scope = "https://outlook.office365.com/.default",
		.tenant = "common", .flows = OAUTH_BY_CODE | OAUTH_BY_DEVICE | OAUTH_BY_CLIENT,
		.steps =
			"Open https://entra.microsoft.com/, App registrations, New registration.  Where "
			"that is forbidden to you, an administrator has to do it.\n"
			"Supported account types: those of your address.\n"
			"Redirect URI: of the type Public client/native, http://localhost\n"
			"Authentication: Allow public client flows, Yes.\n"
			"API permissions, Add, Microsoft Graph, Delegated: SMTP.Send and "
			"offline_access.\n"
			"Set oauth_client_id to the Application (client) ID.  There is no secret.\n"
			"If only accounts of one organization are supported, set oauth_tenant to the "
			"Directory (tenant) ID.\n",
		.client_steps =
			"Open https://entra.microsoft.com/, App registrations, New registration, without "
			"a redirect URI.\n"
			"API permissions, Add, APIs my organization uses, Office 365 Exchange Online, "
			"Application permissions: SMTP.SendAsApp; then Grant admin consent.\n"
			"Certificates & secrets: upload a certificate and set oauth_certificate to it with "
			"its key, or make a secret and set oauth_client_secret to its Value.\n"
			"In Exchange Online PowerShell: New-ServicePrincipal -AppId CLIENT -ObjectId "
			"OBJECT, where OBJECT is the id under Enterprise applications, not that under App "
			"registrations.\n"
			"For each mailbox: Add-MailboxPermission MAILBOX -User OBJECT -AccessRights "
			"FullAccess, and Set-CASMailbox MAILBOX -SmtpClientAuthenticationDisabled $false; "
			"it may take 90 minutes until that counts.\n"
			"Set oauth_flow = client, oauth_client_id to the Application (client) ID, "
			"oauth_tenant to the Directory (tenant) ID, and user to the mailbox.\n" },
	{ .id = "outlook", .name = "Outlook.com", .presets = "outlook",
		ENTRA_SERVERS, .apps = "https://account.live.com/consent/Manage",
		.tenant = "consumers", .flows = OAUTH_BY_CODE | OAUTH_BY_DEVICE,
		.steps =
			"Open https://entra.microsoft.com/ (it wants a free Azure account), App "
			"registrations, New registration.\n"
			"Supported account types: one with personal Microsoft accounts.\n"
			"Redirect URI: of the type Public client/native, http://localhost\n"
			"Authentication: Allow public client flows, Yes.\n"
			"API permissions, Add, Microsoft Graph, Delegated: SMTP.Send and "
			"offline_access.\n"
			"Set oauth_client_id to the Application (client) ID.  There is no secret.\n" },
	{ .id = "yahoo", .name = "Yahoo", .presets = "yahoo",
		.auth_url = "https://api.login.yahoo.com/oauth2/request_auth",
		.token_url = "https://api.login.yahoo.com/oauth2/get_token",
		.scope = "mail-w", .redirect = LOOPBACK, .secret = OAUTH_SECRET_WANTED,
		.flows = OAUTH_BY_CODE,
		.steps =
			"Yahoo gives no new client the right to send mail (scope mail-w).\n"
			APP_PASSWORD_INSTEAD("the account's security settings")
			"If you have a client with that right, set oauth_client_id, oauth_client_secret "
			"and, as it is registered, oauth_redirect.\n",
		.refresh_life = "a new password, or the access taken back in the account's settings" },
	{ .id = "aol", .name = "AOL", .presets = "aol",
		.auth_url = "https://api.login.aol.com/oauth2/request_auth",
		.token_url = "https://api.login.aol.com/oauth2/get_token",
		.scope = "mail-w", .redirect = LOOPBACK, .secret = OAUTH_SECRET_WANTED,
		.flows = OAUTH_BY_CODE,
		.steps =
			"AOL gives no new client the right to send mail (scope mail-w).\n"
			APP_PASSWORD_INSTEAD("the account's security settings")
			"If you have a client with that right, set oauth_client_id, oauth_client_secret "
			"and, as it is registered, oauth_redirect.\n",
		.refresh_life = "a new password, or the access taken back in the account's settings" },
	{ .id = "fastmail", .name = "Fastmail", .presets = "fastmail",
		.auth_url = "https://api.fastmail.com/oauth/authorize",
		.token_url = "https://api.fastmail.com/oauth/refresh",
		.scope = "https://www.fastmail.com/dev/protocol-smtp", .redirect = LOOPBACK,
		.secret = OAUTH_SECRET_NONE, .flows = OAUTH_BY_CODE,
		.steps =
			"Fastmail registers clients by hand: https://www.fastmail.com/developer/oauth/ "
			"says how to ask; name http://127.0.0.1/ as redirect URI.\n"
			APP_PASSWORD_INSTEAD("Settings, Privacy & Security")
			"Set oauth_client_id to what Fastmail gives you.  There is no secret.\n" },
	{ .id = "mail-ru", .name = "Mail.ru", .presets = "mail-ru",
		.auth_url = "https://o2.mail.ru/login", .token_url = "https://o2.mail.ru/token",
		.scope = "mail.imap", .redirect = LOOPBACK, .secret = OAUTH_SECRET_WANTED,
		.flows = OAUTH_BY_CODE,
		.steps =
			"Open https://o2.mail.ru/app/ and create an app.\n"
			"Set oauth_client_id and oauth_client_secret to its ID and its secret.\n"
			"Set oauth_redirect to the redirect URI that it was registered with.\n" },
	{ .id = "yandex", .name = "Yandex", .presets = "yandex",
		.auth_url = "https://oauth.yandex.com/authorize",
		.token_url = "https://oauth.yandex.com/token",
		.device_url = "https://oauth.yandex.com/device/code",
		.apps = "https://id.yandex.com/personal/data-access",
		.scope = "mail:smtp", .redirect = "https://oauth.yandex.com/verification_code",
		.secret = OAUTH_SECRET_WANTED, .flows = OAUTH_BY_CODE | OAUTH_BY_DEVICE,
		.device_by_code = true,
		.steps =
			"Open https://oauth.yandex.com/client/new and create an app for web services.\n"
			"Redirect URI: https://oauth.yandex.com/verification_code\n"
			"Data access: mail:smtp, sending mail by SMTP.\n"
			"Set oauth_client_id and oauth_client_secret to its ClientID and its secret.\n" },
	{ .id = "comcast", .name = "Xfinity (Comcast)", .presets = "comcast",
		.auth_url = "https://oauth.xfinity.com/oauth/authorize",
		.token_url = "https://oauth.xfinity.com/oauth/token",
		.scope = "https://email.comcast.net/ profile openid", .redirect = LOOPBACK,
		.secret = OAUTH_SECRET_WANTED, .flows = OAUTH_BY_CODE,
		.steps =
			"Comcast has no page where everybody may register a client: ask its support.\n"
			"Without one, allow third-party access in the security settings of Xfinity mail "
			"and use password_command instead of the keys oauth_*.\n"
			"Set oauth_client_id, oauth_client_secret and, as it is registered, "
			"oauth_redirect.\n" },
	{ .id = NULL }
};
