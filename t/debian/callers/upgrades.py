# upgrades.py MARK - the report of unattended-upgrades, by its own functions.
import importlib.machinery, importlib.util, sys

loader = importlib.machinery.SourceFileLoader("upgrades", "/usr/bin/unattended-upgrade")
upgrades = importlib.util.module_from_spec(importlib.util.spec_from_loader("upgrades", loader))
loader.exec_module(upgrades)
sys.exit(upgrades._send_mail_using_sendmail("root", "root", sys.argv[1], "All upgrades installed\n"))
