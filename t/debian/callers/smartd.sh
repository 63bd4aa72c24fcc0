#!/bin/sh
# smartd.sh MARK - what smartd starts when a disk is about to fail; there is none.
export SMARTD_MAILER=mail SMARTD_ADDRESS=root SMARTD_DEVICE=/dev/sda SMARTD_DEVICETYPE=ata \
	SMARTD_DEVICESTRING=/dev/sda SMARTD_DEVICEINFO='A disk' SMARTD_FAILTYPE=Health \
	SMARTD_TFIRST=now SMARTD_TFIRSTEPOCH=1 SMARTD_MESSAGE='FAILED' SMARTD_FULLMESSAGE='Device: /dev/sda, FAILED' \
	SMARTD_SUBJECT="$1"
message=$(mktemp)
echo "The disk fails" >"$message"
exec /etc/smartmontools/run.d/10mail "$message"
