# recipe.py MARK - the recipe that Python programs use.
import email.message, subprocess, sys

message = email.message.EmailMessage()
message["To"] = "a@example.net"
message["Bcc"] = "b@example.net"
message["Subject"] = sys.argv[1]
message.set_content("Zwei Zeilen für\n.\n")
subprocess.run(["/usr/sbin/sendmail", "-t", "-oi"], input=message.as_bytes(), check=True)
