/* provider/preset_table.c - the presets; see preset.h.
 *
 * Ways stand with the one to prefer first: a port that is encrypted from the first octet
 * (RFC 8314 section 3), then STARTTLS; one that nobody has documented comes last.  Domains
 * are those in wide use, not all.  Sorted by what they are, then by id.
 */
#include "provider/preset.h"

#define IMPLICIT(number) { (number), PRESET_IMPLICIT }
#define STARTTLS(number) { (number), PRESET_STARTTLS }

/* The two ports of RFC 8314. */
#define USUAL { IMPLICIT(465), STARTTLS(587) }

/* How notes begin. */
#define TAKES_APP "takes no account password but one made for programs: "
#define SWITCHED_OFF "keeps programs out until they are let in: "

/* Notes of several. */
#define ACCOUNT_PASSWORD "takes the password of the mailbox; if that is refused, see whether its " \
	"settings want a separate one for programs"
#define PASSWORD_OR_APP "takes the account's password; with two-factor login make an app password " \
	"in the account's settings"
#define MAILBOX_PASSWORD "takes the password of the mailbox, not that of the customer account; set " \
	"it in the mailbox's settings"
#define TAKES_CODE TAKES_APP "switch SMTP on in the mail settings and take the authorization code " \
	"shown there"
#define ZOHO_PASSWORD "takes the account's password at the server of its region only; with " \
	"two-factor login make an app-specific password, and enable SMTP access in the settings"
#define MAILGUN_CREDENTIALS "takes SMTP credentials of a sending domain, as " \
	"postmaster@mg.example.com: make them on the page of the domain"

const struct preset presets[] = {

	/* ---- mailboxes */

	{ .id = "aliyun", .name = "Aliyun Mail", .domains = "aliyun.com",
		.host = "smtp.aliyun.com", .ways = { IMPLICIT(465) }, .takes = PRESET_PASSWORD,
		.note = ACCOUNT_PASSWORD },
	{ .id = "aliyun-enterprise", .name = "Aliyun enterprise mail",
		.host = "smtp.qiye.aliyun.com", .ways = { IMPLICIT(465) }, .takes = PRESET_PASSWORD,
		.note = ACCOUNT_PASSWORD },
	{ .id = "aol", .name = "AOL", .domains = "aol.com aim.com verizon.net netscape.net cs.com",
		.host = "smtp.aol.com", .ways = USUAL, .takes = PRESET_APP_PASSWORD | PRESET_OAUTH,
		.note = TAKES_APP "generate an app password in the account's security settings" },
	{ .id = "att", .name = "AT&T", .domains = "att.net sbcglobal.net bellsouth.net",
		.host = "outbound.att.net", .hosts = "smtp.mail.att.net", .ways = { IMPLICIT(465) },
		.takes = PRESET_APP_PASSWORD | PRESET_OAUTH,
		.note = TAKES_APP "make a secure mail key in the account's profile" },
	{ .id = "bluewin", .name = "Bluewin", .domains = "bluewin.ch",
		.host = "smtpauths.bluewin.ch", .ways = { IMPLICIT(465) }, .takes = PRESET_PASSWORD,
		.note = ACCOUNT_PASSWORD },
	{ .id = "bt", .name = "BT Internet", .domains = "btinternet.com btopenworld.com",
		.host = "mail.btinternet.com", .ways = { IMPLICIT(465) }, .takes = PRESET_PASSWORD,
		.note = ACCOUNT_PASSWORD },
	{ .id = "comcast", .name = "Xfinity (Comcast)", .domains = "comcast.net",
		.host = "smtp.comcast.net", .ways = USUAL, .takes = PRESET_PASSWORD | PRESET_OAUTH,
		.note = SWITCHED_OFF "allow third-party access in the security settings of Xfinity mail" },
	{ .id = "daum", .name = "Daum (Kakao)", .domains = "daum.net hanmail.net",
		.host = "smtp.daum.net", .ways = { IMPLICIT(465) }, .takes = PRESET_PASSWORD,
		.note = SWITCHED_OFF "switch IMAP/POP3 on in the mail settings" },
	{ .id = "disroot", .name = "Disroot", .domains = "disroot.org",
		.host = "disroot.org", .hosts = "smtp.disroot.org", .ways = { STARTTLS(587) },
		.user = PRESET_USER_LOCAL, .takes = PRESET_PASSWORD,
		.note = "takes the account's password, and as user the address without its domain" },
	{ .id = "earthlink", .name = "EarthLink", .domains = "earthlink.net mindspring.com",
		.host = "smtpauth.earthlink.net", .ways = { STARTTLS(587) }, .takes = PRESET_PASSWORD,
		.note = ACCOUNT_PASSWORD },
	{ .id = "fastmail", .name = "Fastmail",
		.domains = "fastmail.com fastmail.fm fastmail.net fastmail.org fastmail.co.uk "
			"fastmail.de fastmail.es fastmail.in fastmail.jp fastmail.to fastmail.us "
			"messagingengine.com sent.com",
		.host = "smtp.fastmail.com", .ways = USUAL, .takes = PRESET_APP_PASSWORD | PRESET_OAUTH,
		.note = TAKES_APP "make an app password in Settings, Privacy & Security" },
	{ .id = "free-fr", .name = "Free", .domains = "free.fr",
		.host = "smtp.free.fr", .ways = { IMPLICIT(465) }, .user = PRESET_USER_LOCAL,
		.takes = PRESET_PASSWORD,
		.note = SWITCHED_OFF "switch authenticated SMTP on in the account; the user is "
			"the address without its domain" },
	{ .id = "freenet", .name = "freenet", .domains = "freenet.de",
		.host = "mx.freenet.de", .ways = USUAL, .takes = PRESET_PASSWORD,
		.note = SWITCHED_OFF "activate POP3/IMAP/SMTP on the provider's website" },
	{ .id = "gandi", .name = "Gandi", .host = "mail.gandi.net", .ways = USUAL,
		.takes = PRESET_PASSWORD, .note = ACCOUNT_PASSWORD },
	{ .id = "gmx", .name = "GMX", .domains = "gmx.net gmx.de gmx.at gmx.ch gmx.eu gmx.info gmx.org",
		.host = "mail.gmx.net", .ways = USUAL, .takes = PRESET_PASSWORD | PRESET_APP_PASSWORD,
		.note = SWITCHED_OFF "allow POP3 and IMAP in the mail settings; with two-factor login "
			"make an application password there" },
	{ .id = "gmx-com", .name = "GMX (international)",
		.domains = "gmx.com gmx.us gmx.co.uk gmx.fr gmx.es gmx.it",
		.host = "mail.gmx.com", .ways = USUAL, .takes = PRESET_PASSWORD | PRESET_APP_PASSWORD,
		.note = SWITCHED_OFF "enable POP3 and IMAP in the mail settings; with two-factor login "
			"make an application password there" },
	{ .id = "godaddy", .name = "GoDaddy (Workspace Email)",
		.host = "smtpout.secureserver.net", .ways = { IMPLICIT(465) }, .takes = PRESET_PASSWORD,
		.note = ACCOUNT_PASSWORD },
	{ .id = "google", .name = "Gmail", .domains = "gmail.com googlemail.com",
		.host = "smtp.gmail.com", .ways = USUAL, .takes = PRESET_APP_PASSWORD | PRESET_OAUTH,
		.max_recipients = 100,
		.note = TAKES_APP "make an app password at https://myaccount.google.com/apppasswords, "
			"which needs 2-Step Verification, or use OAuth" },
	{ .id = "google-relay", .name = "Google Workspace relay",
		.host = "smtp-relay.gmail.com", .ways = USUAL,
		.takes = PRESET_APP_PASSWORD | PRESET_OAUTH, .max_recipients = 100,
		.note = "takes what the administrator has allowed in the Admin console under SMTP relay "
			"service: addresses of servers, app passwords or OAuth" },
	{ .id = "hetzner", .name = "Hetzner webhosting",
		.host = "mail.your-server.de", .ways = USUAL, .takes = PRESET_PASSWORD,
		.note = ACCOUNT_PASSWORD },
	{ .id = "icloud", .name = "iCloud Mail", .domains = "icloud.com me.com mac.com",
		.host = "smtp.mail.me.com", .ways = { STARTTLS(587) }, .takes = PRESET_APP_PASSWORD,
		.note = TAKES_APP "make an app-specific password at https://account.apple.com, and with "
			"a domain of your own set user to the iCloud address" },
	{ .id = "infomaniak", .name = "Infomaniak", .domains = "ik.me ikmail.com etik.com",
		.host = "mail.infomaniak.com", .ways = USUAL, .takes = PRESET_PASSWORD | PRESET_APP_PASSWORD,
		.max_recipients = 100,
		.note = "takes the password of the mailbox; with two-factor login make an application "
			"password in the account's settings" },
	{ .id = "ionos", .name = "IONOS", .host = "smtp.ionos.com", .ways = USUAL,
		.takes = PRESET_PASSWORD, .max_recipients = 200,
		.note = MAILBOX_PASSWORD },
	{ .id = "ionos-de", .name = "IONOS (Germany)", .domains = "online.de onlinehome.de",
		.host = "smtp.ionos.de", .hosts = "smtp.1und1.de", .ways = USUAL,
		.takes = PRESET_PASSWORD, .max_recipients = 200,
		.note = MAILBOX_PASSWORD },
	{ .id = "kolab-now", .name = "Kolab Now", .host = "smtp.kolabnow.com", .domains = "kolabnow.com",
		.ways = { IMPLICIT(465) }, .takes = PRESET_PASSWORD, .note = ACCOUNT_PASSWORD },
	{ .id = "kpn", .name = "KPN", .domains = "kpnmail.nl",
		.host = "smtp.kpnmail.nl", .ways = USUAL, .takes = PRESET_PASSWORD,
		.note = ACCOUNT_PASSWORD },
	{ .id = "laposte", .name = "La Poste", .domains = "laposte.net",
		.host = "smtp.laposte.net", .ways = { IMPLICIT(465) }, .user = PRESET_USER_LOCAL,
		.takes = PRESET_PASSWORD,
		.note = SWITCHED_OFF "enable mail programs in the mail settings; the user is "
			"the address without its domain" },
	{ .id = "libero", .name = "Libero", .domains = "libero.it inwind.it iol.it blu.it giallo.it",
		.host = "smtp.libero.it", .ways = { IMPLICIT(465) }, .takes = PRESET_PASSWORD,
		.note = ACCOUNT_PASSWORD },
	{ .id = "mail-com", .name = "mail.com", .domains = "mail.com email.com usa.com",
		.host = "smtp.mail.com", .ways = USUAL, .takes = PRESET_PASSWORD | PRESET_APP_PASSWORD,
		.note = SWITCHED_OFF "enable POP3 and IMAP in the mail settings, which may need a paid "
			"plan" },
	{ .id = "mail-ru", .name = "Mail.ru", .domains = "mail.ru inbox.ru list.ru bk.ru internet.ru",
		.host = "smtp.mail.ru", .ways = USUAL, .takes = PRESET_APP_PASSWORD | PRESET_OAUTH,
		.note = TAKES_APP "make a password for external applications in the account's security "
			"settings" },
	{ .id = "mailbox-org", .name = "mailbox.org", .domains = "mailbox.org",
		.host = "smtp.mailbox.org", .ways = USUAL, .takes = PRESET_PASSWORD | PRESET_APP_PASSWORD,
		.note = "takes the account's password and its main address as user; with two-factor "
			"login make an application password in the settings" },
	{ .id = "microsoft365", .name = "Microsoft 365",
		.host = "smtp.office365.com", .ways = { STARTTLS(587) },
		.takes = PRESET_PASSWORD | PRESET_OAUTH, .max_connections = 3,
		.note = "takes passwords only where the administrator still allows them: have "
			"authenticated SMTP switched on for the mailbox, better use OAuth" },
	{ .id = "migadu", .name = "Migadu", .host = "smtp.migadu.com", .ways = USUAL,
		.takes = PRESET_PASSWORD, .note = "takes the password of the mailbox or of an identity; "
			"set it in the admin panel" },
	{ .id = "naver", .name = "Naver", .domains = "naver.com",
		.host = "smtp.naver.com", .ways = USUAL, .takes = PRESET_PASSWORD | PRESET_APP_PASSWORD,
		.note = SWITCHED_OFF "enable POP3/IMAP/SMTP in the mail settings; with two-step login "
			"make an application password" },
	{ .id = "netease-126", .name = "NetEase 126", .domains = "126.com",
		.host = "smtp.126.com", .ways = { IMPLICIT(465) }, .takes = PRESET_APP_PASSWORD,
		.note = TAKES_CODE },
	{ .id = "netease-163", .name = "NetEase 163", .domains = "163.com",
		.host = "smtp.163.com", .ways = { IMPLICIT(465) }, .takes = PRESET_APP_PASSWORD,
		.note = TAKES_CODE },
	{ .id = "netease-yeah", .name = "NetEase yeah.net", .domains = "yeah.net",
		.host = "smtp.yeah.net", .ways = { IMPLICIT(465) }, .takes = PRESET_APP_PASSWORD,
		.note = TAKES_CODE },
	{ .id = "o2-pl", .name = "o2.pl", .domains = "o2.pl tlen.pl",
		.host = "poczta.o2.pl", .ways = USUAL, .user = PRESET_USER_LOCAL, .takes = PRESET_PASSWORD,
		.note = SWITCHED_OFF "enable mail programs in the mail settings; the user is "
			"the address without its domain" },
	{ .id = "one-com", .name = "one.com", .host = "send.one.com", .ways = { IMPLICIT(465) },
		.takes = PRESET_PASSWORD, .note = ACCOUNT_PASSWORD },
	{ .id = "onet", .name = "Onet", .domains = "onet.pl onet.eu op.pl poczta.onet.pl vp.pl",
		.host = "smtp.poczta.onet.pl", .ways = USUAL, .takes = PRESET_PASSWORD,
		.note = ACCOUNT_PASSWORD },
	{ .id = "orange-fr", .name = "Orange (France)", .domains = "orange.fr wanadoo.fr",
		.host = "smtp.orange.fr", .ways = { IMPLICIT(465) }, .takes = PRESET_PASSWORD,
		.note = ACCOUNT_PASSWORD },
	{ .id = "outlook", .name = "Outlook.com",
		.domains = "outlook.com hotmail.com live.com msn.com passport.com windowslive.com "
			"outlook.at outlook.be outlook.cl outlook.cz outlook.de outlook.dk outlook.es "
			"outlook.fr outlook.hu outlook.ie outlook.in outlook.it outlook.jp outlook.kr "
			"outlook.lv outlook.ph outlook.pt outlook.sa outlook.sg outlook.sk outlook.co.id "
			"outlook.co.il outlook.co.nz outlook.co.th outlook.com.ar outlook.com.au "
			"outlook.com.br outlook.com.gr outlook.com.tr outlook.com.vn "
			"hotmail.be hotmail.ca hotmail.ch hotmail.cl hotmail.de hotmail.dk hotmail.es "
			"hotmail.fi hotmail.fr hotmail.gr hotmail.hu hotmail.it hotmail.nl hotmail.no "
			"hotmail.se hotmail.sg hotmail.co.id hotmail.co.il hotmail.co.jp hotmail.co.nz "
			"hotmail.co.th hotmail.co.uk hotmail.co.za hotmail.com.ar hotmail.com.au "
			"hotmail.com.br hotmail.com.hk hotmail.com.tr "
			"live.at live.be live.ca live.cl live.cn live.de live.dk live.fi live.fr live.hk "
			"live.ie live.in live.it live.jp live.nl live.no live.ru live.se live.co.uk "
			"live.co.za live.com.ar live.com.au live.com.mx live.com.pt live.com.sg",
		.host = "smtp-mail.outlook.com", .ways = { STARTTLS(587) }, .takes = PRESET_OAUTH,
		.note = "takes no passwords, not even app passwords: set auth = xoauth2 and let "
			"password_command print an OAuth access token" },
	{ .id = "ovh", .name = "OVHcloud", .host = "ssl0.ovh.net", .hosts = "*.mail.ovh.net",
		.ways = USUAL, .takes = PRESET_PASSWORD, .note = ACCOUNT_PASSWORD },
	{ .id = "pobox", .name = "Pobox", .domains = "pobox.com",
		.host = "smtp.pobox.com", .ways = USUAL, .takes = PRESET_PASSWORD | PRESET_APP_PASSWORD,
		.note = "takes the account's password, or an app password made in its settings" },
	{ .id = "posteo", .name = "Posteo",
		.domains = "posteo.de posteo.at posteo.be posteo.ch posteo.co posteo.es posteo.eu "
			"posteo.me posteo.net posteo.nl posteo.org posteo.pl posteo.us",
		.host = "posteo.de", .ways = USUAL, .takes = PRESET_PASSWORD | PRESET_APP_PASSWORD,
		.note = "takes the account's password unless additional mail account protection is on: "
			"then make an app password in the settings" },
	{ .id = "proton", .name = "Proton Mail (SMTP submission)",
		.host = "smtp.protonmail.ch", .ways = { STARTTLS(587) }, .takes = PRESET_APP_PASSWORD,
		.note = TAKES_APP "make an SMTP token for the address, which needs a paid plan with a "
			"domain of your own" },
	{ .id = "proton-bridge", .name = "Proton Mail Bridge",
		.domains = "proton.me protonmail.com protonmail.ch pm.me",
		.host = "127.0.0.1", .ways = { STARTTLS(1025) }, .takes = PRESET_APP_PASSWORD,
		.note = TAKES_APP "take the password and the port that Bridge shows on this machine, and "
			"set tls_pin to its own certificate" },
	{ .id = "proximus", .name = "Proximus", .domains = "proximus.be skynet.be belgacom.net",
		.host = "relay.proximus.be", .ways = { STARTTLS(587) }, .takes = PRESET_PASSWORD,
		.note = ACCOUNT_PASSWORD },
	{ .id = "purelymail", .name = "Purelymail", .domains = "purelymail.com",
		.host = "smtp.purelymail.com", .ways = USUAL, .takes = PRESET_PASSWORD | PRESET_APP_PASSWORD,
		.note = PASSWORD_OR_APP },
	{ .id = "qq", .name = "QQ Mail", .domains = "qq.com foxmail.com vip.qq.com",
		.host = "smtp.qq.com", .ways = USUAL, .takes = PRESET_APP_PASSWORD,
		.note = TAKES_CODE },
	{ .id = "qq-enterprise", .name = "QQ enterprise mail",
		.host = "smtp.exmail.qq.com", .ways = { IMPLICIT(465) },
		.takes = PRESET_PASSWORD | PRESET_APP_PASSWORD,
		.note = "takes the account's password, or with secure login a client password made in "
			"the settings" },
	{ .id = "rackspace", .name = "Rackspace", .host = "secure.emailsrvr.com",
		.ways = { IMPLICIT(465) }, .takes = PRESET_PASSWORD, .note = ACCOUNT_PASSWORD },
	{ .id = "rambler", .name = "Rambler",
		.domains = "rambler.ru lenta.ru autorambler.ru myrambler.ru ro.ru",
		.host = "smtp.rambler.ru", .ways = { IMPLICIT(465) }, .takes = PRESET_PASSWORD,
		.note = SWITCHED_OFF "enable mail programs in the mail settings" },
	{ .id = "runbox", .name = "Runbox", .domains = "runbox.com runbox.no",
		.host = "smtp.runbox.com", .ways = USUAL, .takes = PRESET_PASSWORD | PRESET_APP_PASSWORD,
		.note = PASSWORD_OR_APP },
	{ .id = "sapo", .name = "SAPO", .domains = "sapo.pt",
		.host = "smtp.sapo.pt", .ways = { IMPLICIT(465) }, .takes = PRESET_PASSWORD,
		.note = ACCOUNT_PASSWORD },
	{ .id = "seznam", .name = "Seznam", .domains = "seznam.cz email.cz post.cz spoluzaci.cz",
		.host = "smtp.seznam.cz", .ways = { IMPLICIT(465) },
		.takes = PRESET_PASSWORD | PRESET_APP_PASSWORD,
		.note = PASSWORD_OR_APP },
	{ .id = "sfr", .name = "SFR", .domains = "sfr.fr neuf.fr club-internet.fr",
		.host = "smtp.sfr.fr", .ways = { IMPLICIT(465) }, .takes = PRESET_PASSWORD,
		.note = ACCOUNT_PASSWORD },
	{ .id = "sky", .name = "Sky", .domains = "sky.com",
		.host = "smtp.tools.sky.com", .ways = { IMPLICIT(465) }, .takes = PRESET_PASSWORD,
		.note = ACCOUNT_PASSWORD },
	{ .id = "spectrum", .name = "Spectrum", .domains = "rr.com roadrunner.com twc.com",
		.host = "mail.twc.com", .ways = { STARTTLS(587) }, .takes = PRESET_PASSWORD,
		.note = ACCOUNT_PASSWORD },
	{ .id = "strato", .name = "Strato", .host = "smtp.strato.de", .ways = USUAL,
		.takes = PRESET_PASSWORD,
		.note = MAILBOX_PASSWORD },
	{ .id = "t-online", .name = "Telekom Mail", .domains = "t-online.de magenta.de",
		.host = "securesmtp.t-online.de", .ways = USUAL, .takes = PRESET_APP_PASSWORD,
		.note = TAKES_APP "set a password for e-mail programs in the customer centre" },
	{ .id = "telstra", .name = "Telstra", .domains = "bigpond.com bigpond.net.au telstra.com",
		.host = "smtp.telstra.com", .ways = { IMPLICIT(465) }, .takes = PRESET_PASSWORD,
		.note = ACCOUNT_PASSWORD },
	{ .id = "tim", .name = "TIM", .domains = "tim.it alice.it tin.it",
		.host = "smtp.tim.it", .ways = { STARTTLS(587) }, .takes = PRESET_PASSWORD,
		.note = ACCOUNT_PASSWORD },
	{ .id = "tuta", .name = "Tuta",
		.domains = "tuta.com tuta.io tutanota.com tutanota.de tutamail.com keemail.me",
		.note = "has no SMTP at all, so no program but its own can send from there: use an "
			"account of another provider" },
	{ .id = "uol", .name = "UOL", .domains = "uol.com.br bol.com.br",
		.host = "smtps.uol.com.br", .ways = { STARTTLS(587) }, .user = PRESET_USER_LOCAL,
		.takes = PRESET_PASSWORD,
		.note = "takes the account's password, and as user the address without its domain" },
	{ .id = "virgin-media", .name = "Virgin Media",
		.domains = "virginmedia.com virgin.net blueyonder.co.uk ntlworld.com",
		.host = "smtp.virginmedia.com", .ways = { IMPLICIT(465) }, .takes = PRESET_PASSWORD,
		.note = ACCOUNT_PASSWORD },
	{ .id = "vodafone-de", .name = "Vodafone (Germany)", .domains = "vodafonemail.de arcor.de",
		.host = "smtp.vodafonemail.de", .ways = { IMPLICIT(465) }, .takes = PRESET_PASSWORD,
		.note = ACCOUNT_PASSWORD },
	{ .id = "web-de", .name = "WEB.DE", .domains = "web.de email.de",
		.host = "smtp.web.de", .ways = USUAL, .user = PRESET_USER_LOCAL,
		.takes = PRESET_PASSWORD | PRESET_APP_PASSWORD,
		.note = SWITCHED_OFF "allow POP3 and IMAP in the mail settings; with two-factor login "
			"make an application password there" },
	{ .id = "wp-pl", .name = "WP", .domains = "wp.pl",
		.host = "smtp.wp.pl", .ways = { IMPLICIT(465) }, .user = PRESET_USER_LOCAL,
		.takes = PRESET_PASSWORD,
		.note = SWITCHED_OFF "enable mail programs in the mail settings; the user is "
			"the address without its domain" },
	{ .id = "xtra", .name = "Xtra", .domains = "xtra.co.nz",
		.host = "send.xtra.co.nz", .ways = { IMPLICIT(465) }, .takes = PRESET_PASSWORD,
		.note = ACCOUNT_PASSWORD },
	{ .id = "yahoo", .name = "Yahoo Mail",
		.domains = "yahoo.com ymail.com rocketmail.com yahoo.ca yahoo.de yahoo.es yahoo.fr "
			"yahoo.gr yahoo.ie yahoo.in yahoo.it yahoo.ro yahoo.se yahoo.co.id yahoo.co.in "
			"yahoo.co.nz yahoo.co.uk yahoo.com.ar yahoo.com.au yahoo.com.br yahoo.com.mx "
			"yahoo.com.ph yahoo.com.sg yahoo.com.tw",
		.host = "smtp.mail.yahoo.com", .ways = USUAL,
		.takes = PRESET_APP_PASSWORD | PRESET_OAUTH, .max_recipients = 100,
		.note = TAKES_APP "generate an app password in the account's security settings" },
	{ .id = "yahoo-japan", .name = "Yahoo! JAPAN", .domains = "yahoo.co.jp ymail.ne.jp",
		.host = "smtp.mail.yahoo.co.jp", .ways = { IMPLICIT(465) }, .user = PRESET_USER_LOCAL,
		.takes = PRESET_PASSWORD,
		.note = SWITCHED_OFF "allow access by mail programs in the mail settings; the user is "
			"the address without its domain" },
	{ .id = "yandex", .name = "Yandex Mail",
		.domains = "yandex.ru yandex.com yandex.by yandex.kz yandex.ua ya.ru narod.ru",
		.host = "smtp.yandex.com", .hosts = "smtp.yandex.ru", .ways = USUAL,
		.takes = PRESET_APP_PASSWORD | PRESET_OAUTH,
		.note = TAKES_APP "allow mail programs in the mail settings and make an app password" },
	{ .id = "zoho", .name = "Zoho Mail", .domains = "zoho.com zohomail.com",
		.host = "smtp.zoho.com", .hosts = "smtppro.zoho.com", .ways = USUAL,
		.takes = PRESET_PASSWORD | PRESET_APP_PASSWORD, .max_recipients = 100,
		.note = ZOHO_PASSWORD },
	{ .id = "zoho-au", .name = "Zoho Mail (Australia)", .domains = "zoho.com.au zohomail.com.au",
		.host = "smtp.zoho.com.au", .hosts = "smtppro.zoho.com.au", .ways = USUAL,
		.takes = PRESET_PASSWORD | PRESET_APP_PASSWORD, .max_recipients = 100,
		.note = ZOHO_PASSWORD },
	{ .id = "zoho-ca", .name = "Zoho Mail (Canada)", .domains = "zohocloud.ca zohomail.ca",
		.host = "smtp.zohocloud.ca", .hosts = "smtppro.zohocloud.ca", .ways = USUAL,
		.takes = PRESET_PASSWORD | PRESET_APP_PASSWORD, .max_recipients = 100,
		.note = ZOHO_PASSWORD },
	{ .id = "zoho-eu", .name = "Zoho Mail (Europe)", .domains = "zoho.eu zohomail.eu",
		.host = "smtp.zoho.eu", .hosts = "smtppro.zoho.eu", .ways = USUAL,
		.takes = PRESET_PASSWORD | PRESET_APP_PASSWORD, .max_recipients = 100,
		.note = ZOHO_PASSWORD },
	{ .id = "zoho-in", .name = "Zoho Mail (India)", .domains = "zoho.in zohomail.in",
		.host = "smtp.zoho.in", .hosts = "smtppro.zoho.in", .ways = USUAL,
		.takes = PRESET_PASSWORD | PRESET_APP_PASSWORD, .max_recipients = 100,
		.note = ZOHO_PASSWORD },
	{ .id = "zoho-jp", .name = "Zoho Mail (Japan)", .domains = "zoho.jp zohomail.jp",
		.host = "smtp.zoho.jp", .hosts = "smtppro.zoho.jp", .ways = USUAL,
		.takes = PRESET_PASSWORD | PRESET_APP_PASSWORD, .max_recipients = 100,
		.note = ZOHO_PASSWORD },

	/* ---- relays */

	{ .id = "amazon-ses", .name = "Amazon SES", .host = "email-smtp.REGION.amazonaws.com",
		.hosts = "email-smtp-fips.*.amazonaws.com",
		.ways = { IMPLICIT(465), STARTTLS(587), IMPLICIT(2465), STARTTLS(2587) },
		.user = PRESET_USER_OWN, .takes = PRESET_KEY, .max_recipients = 50,
		.note = "takes SMTP credentials, which are made for one region, not the access key and "
			"its secret: create them in the console under SMTP settings" },
	{ .id = "azure", .name = "Azure Communication Services", .host = "smtp.azurecomm.net",
		.ways = { STARTTLS(587) }, .user = PRESET_USER_OWN, .takes = PRESET_KEY,
		.note = "takes a client secret of an Entra application: set user to "
			"RESOURCE.APPLICATION-ID.TENANT-ID" },
	{ .id = "brevo", .name = "Brevo", .host = "smtp-relay.brevo.com",
		.hosts = "smtp-relay.sendinblue.com",
		.ways = { IMPLICIT(465), STARTTLS(587), STARTTLS(2525) },
		.user = PRESET_USER_OWN, .takes = PRESET_KEY,
		.note = "takes an SMTP key, not an API key: set user to the login that the page SMTP & "
			"API shows, and make the key there" },
	{ .id = "elastic-email", .name = "Elastic Email", .host = "smtp.elasticemail.com",
		.ways = { IMPLICIT(465), STARTTLS(2525), STARTTLS(587) }, .takes = PRESET_KEY,
		.note = "takes an API key as password, and as user the account's address: make SMTP "
			"credentials in the settings" },
	{ .id = "forward-email", .name = "Forward Email", .host = "smtp.forwardemail.net",
		.ways = USUAL, .takes = PRESET_KEY,
		.note = "takes a password that is generated for the alias: make one on the page of the "
			"domain's aliases" },
	{ .id = "loops", .name = "Loops", .host = "smtp.loops.so", .ways = { STARTTLS(587) },
		.user = PRESET_USER_OWN, .takes = PRESET_KEY,
		.note = "takes the credentials that its SMTP settings show: set user to the name given "
			"there" },
	{ .id = "mailersend", .name = "MailerSend", .host = "smtp.mailersend.net",
		.ways = { STARTTLS(587), STARTTLS(2525) }, .user = PRESET_USER_OWN, .takes = PRESET_KEY,
		.note = "takes a generated SMTP user: make it on the page of the domain, and set user "
			"to its name" },
	{ .id = "mailgun", .name = "Mailgun", .host = "smtp.mailgun.org",
		.ways = { IMPLICIT(465), STARTTLS(587), STARTTLS(2525) },
		.user = PRESET_USER_OWN, .takes = PRESET_KEY,
		.note = MAILGUN_CREDENTIALS },
	{ .id = "mailgun-eu", .name = "Mailgun (Europe)", .host = "smtp.eu.mailgun.org",
		.ways = { IMPLICIT(465), STARTTLS(587), STARTTLS(2525) },
		.user = PRESET_USER_OWN, .takes = PRESET_KEY,
		.note = MAILGUN_CREDENTIALS },
	{ .id = "mailjet", .name = "Mailjet", .host = "in-v3.mailjet.com",
		.ways = { IMPLICIT(465), STARTTLS(587), STARTTLS(2525) },
		.user = PRESET_USER_OWN, .takes = PRESET_KEY,
		.note = "takes an API key as user and its secret key as password: both are on the page "
			"of API keys" },
	{ .id = "mailtrap", .name = "Mailtrap", .host = "live.smtp.mailtrap.io",
		.hosts = "bulk.smtp.mailtrap.io",
		.ways = { STARTTLS(587), STARTTLS(2525), IMPLICIT(465) },
		.user = PRESET_USER_LITERAL, .literal = "api", .takes = PRESET_KEY,
		.note = "takes an API token as password: make one with the right to send from the "
			"domain" },
	{ .id = "mailtrap-sandbox", .name = "Mailtrap sandbox", .host = "sandbox.smtp.mailtrap.io",
		.ways = { STARTTLS(587), STARTTLS(2525), IMPLICIT(465) },
		.user = PRESET_USER_OWN, .takes = PRESET_KEY,
		.note = "takes the user and password of one inbox, and delivers nothing: both are on "
			"the inbox's page" },
	{ .id = "mandrill", .name = "Mandrill", .host = "smtp.mandrillapp.com",
		.ways = { IMPLICIT(465), STARTTLS(587), STARTTLS(2525) }, .takes = PRESET_KEY,
		.note = "takes an API key as password and anything as user: make a key in the settings" },
	{ .id = "oracle", .name = "Oracle Cloud Email Delivery",
		.host = "smtp.email.REGION.oci.oraclecloud.com", .ways = { STARTTLS(587) },
		.user = PRESET_USER_OWN, .takes = PRESET_KEY,
		.note = "takes generated SMTP credentials: make them on the page of your user in the "
			"console, and set user to the long name shown there" },
	{ .id = "postmark", .name = "Postmark", .host = "smtp.postmarkapp.com",
		.hosts = "smtp-broadcasts.postmarkapp.com",
		.ways = { STARTTLS(587), STARTTLS(2525) },
		.user = PRESET_USER_OWN, .takes = PRESET_KEY, .max_recipients = 50,
		.note = "takes an API token of the server as user and as password, or an SMTP token of a "
			"stream: both are on the server's pages" },
	{ .id = "resend", .name = "Resend", .host = "smtp.resend.com",
		.ways = { IMPLICIT(465), STARTTLS(587), IMPLICIT(2465), STARTTLS(2587) },
		.user = PRESET_USER_LITERAL, .literal = "resend", .takes = PRESET_KEY,
		.note = "takes an API key as password: make one with the right to send" },
	{ .id = "scaleway", .name = "Scaleway Transactional Email", .host = "smtp.tem.scaleway.com",
		.ways = { IMPLICIT(465), STARTTLS(587), IMPLICIT(2465), STARTTLS(2587) },
		.user = PRESET_USER_OWN, .takes = PRESET_KEY,
		.note = "takes the secret of an IAM API key as password: set user to the id of the "
			"project" },
	{ .id = "sendgrid", .name = "SendGrid", .host = "smtp.sendgrid.net",
		.ways = { IMPLICIT(465), STARTTLS(587), STARTTLS(2525) },
		.user = PRESET_USER_LITERAL, .literal = "apikey", .takes = PRESET_KEY,
		.note = "takes an API key as password, and the word apikey as user: make a key with the "
			"right to send mail" },
	{ .id = "sendpulse", .name = "SendPulse", .host = "smtp-pulse.com",
		.ways = { IMPLICIT(465), STARTTLS(587), STARTTLS(2525) }, .takes = PRESET_KEY,
		.note = "takes the address of the account and a password of its own for SMTP: it is in "
			"the SMTP settings" },
	{ .id = "smtp2go", .name = "SMTP2GO", .host = "mail.smtp2go.com",
		.hosts = "mail-us.smtp2go.com mail-eu.smtp2go.com mail-eu2.smtp2go.com mail-au.smtp2go.com",
		.ways = { IMPLICIT(465), STARTTLS(587), IMPLICIT(8465), IMPLICIT(443), STARTTLS(2525),
			STARTTLS(8025), STARTTLS(80) },
		.user = PRESET_USER_OWN, .takes = PRESET_KEY,
		.note = "takes an SMTP user, not the login of the website: add one in the settings and "
			"set user to its name" },
	{ .id = "sparkpost", .name = "SparkPost", .host = "smtp.sparkpostmail.com",
		.ways = { STARTTLS(587), STARTTLS(2525) },
		.user = PRESET_USER_LITERAL, .literal = "SMTP_Injection", .takes = PRESET_KEY,
		.note = "takes an API key as password: make one that may send via SMTP" },
	{ .id = "sparkpost-eu", .name = "SparkPost (Europe)", .host = "smtp.eu.sparkpostmail.com",
		.ways = { STARTTLS(587), STARTTLS(2525) },
		.user = PRESET_USER_LITERAL, .literal = "SMTP_Injection", .takes = PRESET_KEY,
		.note = "takes an API key as password: make one that may send via SMTP" },
	{ .id = NULL }
};
