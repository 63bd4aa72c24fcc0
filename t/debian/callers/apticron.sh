#!/bin/sh
# apticron.sh MARK - one package of this machine is older than that in a source of its own.
set -e
exec >/dev/null
work=$(mktemp -d)
chmod 755 "$work"
cd "$work"
for version in 1 2; do
	mkdir -p "package$version/DEBIAN" source
	printf '%s\n' "Package: $1" "Version: $version" 'Architecture: all' 'Maintainer: nobody <n@example.test>' \
		'Description: something' >"package$version/DEBIAN/control"
	dpkg-deb --build "package$version" "source/$version.deb"
done
dpkg -i source/1.deb
{
	cat package2/DEBIAN/control
	echo "Filename: ./2.deb"
	echo "Size: $(stat -c %s source/2.deb)"
	echo "SHA256: $(sha256sum source/2.deb | cut -d ' ' -f 1)"
} >source/Packages
mv /etc/apt/sources.list /etc/apt/sources.list.away
trap 'mv /etc/apt/sources.list.away /etc/apt/sources.list; dpkg --purge "$1"' EXIT
echo "deb [trusted=yes] file:$work/source ./" >/etc/apt/sources.list
printf '%s\n' 'EMAIL=root' 'NOTIFY_NO_UPDATES=0' 'DIFF_ONLY=0' 'LISTCHANGES_PROFILE=apticron' >/etc/apticron/apticron.conf
apticron
