#!/bin/sh
# smartd.sh MARK - what smartd starts when a disk is about to fail; there is none.
export SMARTD_MAILER=/usr/share/smartmontools/smartd-runner SMARTD_ADDRESS=root \
	SMARTD_FAILTYPE=Health SMARTD_DEVICE=/dev/sda SMARTD_DEVICETYPE=ata SMARTD_DEVICESTRING=/dev/sda \
	SMARTD_DEVICEINFO='A disk' SMARTD_PREVCNT=0 SMARTD_NEXTDAYS='' SMARTD_TFIRSTEPOCH=1 \
	SMARTD_TFIRST='Thu Jan  1 00:00:01 1970 UTC' SMARTD_MESSAGE="Device: /dev/sda, FAILED, $1"
exec /usr/share/smartmontools/smartd_warning.sh
