#!/bin/sh
# sudo.sh MARK - alice may not, and root is told.
printf 'Defaults mail_badpass, mail_no_user, mailto="root", mailsub="%s"\n' "$1" >/etc/sudoers.d/test
setpriv --reuid=alice --regid=alice --init-groups sudo -n true 2>/dev/null && exit 1
exit 0
