#!/bin/sh
# t/certs.sh - the certificates of the tests, made once per tree.
#
# usage: t/certs.sh DIRECTORY
#
# Makes DIRECTORY with NAME.crt and NAME.key for each NAME below, unless this
# very script has made it already.  Needs certtool (Debian: gnutls-bin).
#
#   ca           the authority that tests trust; ca.crl revokes `revoked`, oldlist.crl and
#                earlylist.crl nothing, oldknows.crl `revoked`, all three out of their time;
#                middle.crl revokes `intermediate`, forged.crl is in its name but not by it
#   muststaple   demands an OCSP response
#   responder    by ca, for OCSP responses in its name
#   server       good: localhost, smtp.example.test, 127.0.0.1, ::1
#   rsa          the same with an RSA key of 2048 bits
#   client       for clients: me@example.com
#   expired notyet wrongname cnonly selfsigned otherca clientonly ipindns
#   wildcard     *.example.test
#   partwild     s*.example.test
#   rsa1024 sha1 revoked
#   chain        signed by an intermediate authority, which comes along; behind.crl is by
#                that one and revokes it
#   missing      the same without it; says where that is to be had
#   constrained  by an intermediate authority that may only speak for other.test
#   excluded     by one that may not speak for example.test
#   oldmiddle    by one that has expired
#   smallcurve   by one with a key of 192 bits
#   bastard      by a certificate that may not issue any
#   topwild      *.test
#   allwild      *
#   idn          xn--bcher-kva.test
#   critical     with a critical extension that nobody knows
#   stranger     for other.test, and by otherca-ca
#   stolen       by stolen-ca, which comes along; ca has revoked that one in stolen.crl
#   crossed      by crossed-ca, which has a certificate from ca and one from otherca-ca; both
#                come along, and neither is revoked in ca.crl and otherca.crl
#   long         behind twenty intermediate authorities
#   hostilecn    no names but a common name with an escape sequence
#   hostileca    by an unknown authority with one in its name
#   md5          with an RSA key, signed by rsa-ca with MD5
#   future old   server and authority (future-ca, old-ca) both not yet valid, or expired
set -eu

dir=$1
command -v certtool >/dev/null || {
	echo "t/certs.sh: certtool is needed (Debian: apt-get install gnutls-bin)" >&2
	exit 1
}
mkdir -p "$(dirname "$dir")"
exec 9>"$dir.lock"
flock 9
cmp -s "$0" "$dir/stamp" && exit 0
umask 077
new=$dir.new.$$
trap 'rm -rf "$new"' EXIT
mkdir "$new"

key()
{
	case $2 in
	rsa*) certtool --generate-privkey --key-type=rsa --bits="${2#rsa}" ;;
	secp*) certtool --generate-privkey --key-type=ecdsa --curve="$2" ;;
	*) certtool --generate-privkey --key-type=ecdsa --curve=secp256r1 ;;
	esac >"$new/$1.key" 2>>"$new/log"
}

# template NAME LINE...: valid now, unless a line says otherwise
template()
{
	name=$1
	shift
	serial=$((${serial:-0} + 1))
	{
		echo "cn = \"sendoff test $name\""
		echo "serial = $serial"
		printf '%s\n' "$@"
		case $* in
		*_date*) ;;
		*)
			echo 'activation_date = "2020-01-01 00:00:00"'
			echo 'expiration_date = "2049-12-31 00:00:00"'
			;;
		esac
	} | case $* in
	*"cn ="*) sed 1d ;;
	*) cat ;;
	esac >"$new/$name.cfg"
}

# signed NAME AUTHORITY [OPTION...]
signed()
{
	name=$1 by=$2
	shift 2
	certtool --generate-certificate --load-privkey "$new/$name.key" \
		--load-ca-certificate "$new/$by.crt" --load-ca-privkey "$new/$by.key" \
		--template "$new/$name.cfg" "$@" >"$new/$name.crt" 2>>"$new/log"
}

selfsigned()
{
	certtool --generate-self-signed --load-privkey "$new/$1.key" --template "$new/$1.cfg" \
		>"$new/$1.crt" 2>>"$new/log"
}

# leaf NAME LINE...: a server certificate of the good authority
leaf()
{
	key "$1" ecdsa
	template "$@" tls_www_server signing_key
	signed "$1" ca
}

# behind NAME AUTHORITY: signed by an authority that comes along
behind()
{
	key "$1" ecdsa
	template "$1" "$names" tls_www_server signing_key
	signed "$1" "$2"
	cat "$new/$2.crt" >>"$new/$1.crt"
}

authority='ca
cert_signing_key
crl_signing_key'
names='dns_name = "localhost"
dns_name = "smtp.example.test"
ip_address = "127.0.0.1"
ip_address = "::1"'

for name in ca otherca-ca; do
	key "$name" ecdsa
	template "$name" "$authority"
	selfsigned "$name"
done
key intermediate ecdsa
key constrained-ca ecdsa
template intermediate "$authority"
signed intermediate ca
template constrained-ca "$authority" 'nc_permit_dns = "other.test"'
signed constrained-ca ca

# middle NAME LINE...: a further intermediate authority
middle()
{
	[ -e "$new/$1.key" ] || key "$1" ecdsa
	template "$@" "$authority"
	signed "$1" ca
}

later='activation_date = "2048-01-01 00:00:00"
expiration_date = "2049-01-01 00:00:00"'
before='activation_date = "2020-01-01 00:00:00"
expiration_date = "2021-01-01 00:00:00"'
middle excluded-ca 'nc_exclude_dns = "example.test"'
middle oldmiddle-ca "$before"
key smallcurve-ca secp192r1
middle smallcurve-ca
key rsa-ca rsa2048
template rsa-ca "$authority"
selfsigned rsa-ca
key hostileca-ca ecdsa
template hostileca-ca "cn = \"$(printf 'CA \033]0;x\007')\"" "$authority"
selfsigned hostileca-ca
key future-ca ecdsa
template future-ca "$authority" "$later"
selfsigned future-ca
key old-ca ecdsa
template old-ca "$authority" "$before"
selfsigned old-ca

leaf server "$names"
leaf expired "$names" 'activation_date = "2020-01-01 00:00:00"' \
	'expiration_date = "2021-01-01 00:00:00"'
leaf notyet "$names" 'activation_date = "2048-01-01 00:00:00"' \
	'expiration_date = "2049-01-01 00:00:00"'
leaf wrongname 'dns_name = "other.test"'
leaf cnonly 'cn = "localhost"'
leaf ipindns 'dns_name = "127.0.0.1"'
leaf wildcard 'dns_name = "*.example.test"'
leaf partwild 'dns_name = "s*.example.test"'
leaf revoked "$names"

key selfsigned ecdsa
template selfsigned "$names" tls_www_server signing_key
selfsigned selfsigned

key otherca ecdsa
template otherca "$names" tls_www_server signing_key
signed otherca otherca-ca

key clientonly ecdsa
template clientonly "$names" tls_www_client signing_key
signed clientonly ca

key client ecdsa
template client 'cn = "me@example.com"' 'email = "me@example.com"' tls_www_client signing_key
signed client ca

for bits in 1024 2048; do
	name=rsa${bits%2048}
	key "$name" "rsa$bits"
	template "$name" "$names" tls_www_server signing_key encryption_key
	signed "$name" ca
done

key sha1 ecdsa
template sha1 "$names" tls_www_server signing_key
signed sha1 ca --hash=SHA1

key missing ecdsa
template missing "$names" tls_www_server signing_key \
	'ca_issuers_uri = "http://ca.example.test/intermediate.der"'
signed missing intermediate
cp "$new/missing.key" "$new/chain.key"
cat "$new/missing.crt" "$new/intermediate.crt" >"$new/chain.crt"

behind constrained constrained-ca
behind excluded excluded-ca
behind oldmiddle oldmiddle-ca
behind smallcurve smallcurve-ca
behind bastard server
leaf topwild 'dns_name = "*.test"'
leaf allwild 'dns_name = "*"'
leaf idn 'dns_name = "xn--bcher-kva.test"'
leaf critical "$names" 'add_critical_extension = "1.3.6.1.4.1.99999.1 0x0500"'
leaf hostilecn "cn = \"$(printf 'e\033[2Jvil\007')\""

key stranger ecdsa
template stranger 'dns_name = "other.test"' tls_www_server signing_key
signed stranger otherca-ca

key hostileca ecdsa
template hostileca "$names" tls_www_server signing_key
signed hostileca hostileca-ca

key md5 rsa2048
template md5 "$names" tls_www_server signing_key encryption_key
signed md5 rsa-ca --hash=MD5

key future ecdsa
template future "$names" tls_www_server signing_key "$later"
signed future future-ca
key old ecdsa
template old "$names" tls_www_server signing_key "$before"
signed old old-ca

middle stolen-ca
behind stolen stolen-ca
middle crossed-ca
cp "$new/crossed-ca.key" "$new/crossed-two.key"
template crossed-two 'cn = "sendoff test crossed-ca"' "$authority"
signed crossed-two otherca-ca
behind crossed crossed-ca
cat "$new/crossed-two.crt" >>"$new/crossed.crt"

above=ca
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	cp "$new/ca.key" "$new/long-$i.key"
	template "long-$i" "$authority"
	signed "long-$i" "$above"
	above=long-$i
done
behind long long-20
for i in 19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1; do
	cat "$new/long-$i.crt" >>"$new/long.crt"
	rm "$new/long-$i.key"
done

leaf muststaple "$names" 'tls_feature = 5'
key responder ecdsa
template responder signing_key ocsp_signing_key
signed responder ca

# list NAME AUTHORITY CERTIFICATE [FROM TO]: what the authority has revoked; "": nothing
list()
{
	certificate=${3:+--load-certificate=$new/$3.crt}
	template "$1" "crl_this_update_date = \"${4:-2020-01-01} 00:00:00\"" \
		"crl_next_update_date = \"${5:-2049-12-31} 00:00:00\"" 'crl_number = 1'
	certtool --generate-crl --load-ca-privkey "$new/$2.key" --load-ca-certificate "$new/$2.crt" \
		${certificate:+"$certificate"} --template "$new/$1.cfg" >"$new/$1.crl" 2>>"$new/log"
}

list ca ca revoked
list oldlist ca '' 2020-01-01 2021-01-01
list oldknows ca revoked 2020-01-01 2021-01-01
list earlylist ca '' 2048-01-01 2049-01-01
list middle ca intermediate
list behind intermediate missing
list stolen ca stolen-ca
list otherca otherca-ca ''
key forged-ca ecdsa
template forged-ca 'cn = "sendoff test ca"' "$authority"
selfsigned forged-ca
list forged forged-ca revoked

rm -f "$new"/*.cfg
cp "$0" "$new/stamp"
rm -rf "$dir"
mv "$new" "$dir"
