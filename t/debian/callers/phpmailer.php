<?php // phpmailer.php MARK - PHPMailer, told to use sendmail.
require '/usr/share/php/libphp-phpmailer/autoload.php';

$mail = new PHPMailer\PHPMailer\PHPMailer(true);
$mail->isSendmail();
$mail->setFrom('web@example.test', 'Web');
$mail->addAddress('a@example.net');
$mail->addBCC('b@example.net');
$mail->Subject = $argv[1];
$mail->Body = "Two lines\n.\n";
$mail->send();
