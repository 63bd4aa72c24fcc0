// nodemailer.js MARK
require('nodemailer').createTransport({ sendmail: true }).sendMail({
	from: 'web@example.test', to: 'a@example.net', bcc: 'b@example.net',
	subject: process.argv[2], text: 'Two lines\n.\n',
}).catch((error) => { console.error(error); process.exit(1); });
