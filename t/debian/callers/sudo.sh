#!/bin/sh
# sudo.sh MARK - root is told of what alice may do, and does.
printf '%s\n' "Defaults mail_all_cmnds, mailto=root, mailsub=$1" 'alice ALL=(root) NOPASSWD: /usr/bin/true' \
	>/etc/sudoers.d/test
exec setpriv --reuid=alice --regid=alice --init-groups sudo -n /usr/bin/true
