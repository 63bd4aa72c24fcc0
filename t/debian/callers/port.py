# port.py MARK - to the port on this machine.
import smtplib, sys

with smtplib.SMTP("127.0.0.1", 2525) as server:
    server.sendmail("web@example.test", ["a@example.net"],
        "To: a@example.net\r\nSubject: " + sys.argv[1] + "\r\n\r\nTwo lines\r\n.\r\n")
