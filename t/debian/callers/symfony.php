<?php // symfony.php MARK COMMAND - Symfony's Mailer through sendmail.
require '/usr/share/php/Symfony/Component/Mailer/autoload.php';
use Symfony\Component\Mailer\Mailer;
use Symfony\Component\Mailer\Transport\SendmailTransport;
use Symfony\Component\Mime\Email;

$email = (new Email())->from('web@example.test')->to('a@example.net')->bcc('b@example.net')
	->subject($argv[1])->text("Two lines\n.\n")->html('<p>and a page</p>');
(new Mailer(new SendmailTransport($argv[2])))->send($email);
